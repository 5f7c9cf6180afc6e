//! Moments and days, and the two things that pure code may not reach for itself: the clock and chance.

use std::fmt;

/// A moment: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(i64);

/// Milliseconds of one second.
pub const SECOND: i64 = 1_000;
/// Milliseconds of one minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds of one hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of one day of 86 400 seconds.
pub const DAY: i64 = 24 * HOUR;

impl Time {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * SECOND)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// This moment plus so many milliseconds (see [`SECOND`], [`DAY`] and the like); saturates.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment.
    #[must_use]
    pub const fn since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// 00:00:00 GMT of this moment's day.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        Self(self.0.div_euclid(DAY) * DAY)
    }

    /// `YYYY-MM-DD` in GMT; the empty string for moments that no calendar of ours holds.
    #[must_use]
    pub fn date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// Formatted in GMT by `strftime` rules.
    #[must_use]
    pub fn format(self, pattern: &str) -> String {
        let Ok(stamp) = jiff::Timestamp::from_millisecond(self.0) else {
            return String::new();
        };
        jiff::fmt::strtime::format(pattern, &stamp.to_zoned(jiff::tz::TimeZone::UTC))
            .unwrap_or_default()
    }

    /// Reads an RFC 3339 moment or a bare `YYYY-MM-DD` (its 00:00:00 GMT).
    ///
    /// # Errors
    /// [`NotATime`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(stamp.as_millisecond()));
        }
        let strict = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        match text.parse::<jiff::civil::Date>() {
            Ok(date) if strict => date
                .to_zoned(jiff::tz::TimeZone::UTC)
                .map(|z| Self(z.timestamp().as_millisecond()))
                .map_err(|_| NotATime),
            _ => Err(NotATime),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// The text is no moment that [`Time::parse`] knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a date or time")]
pub struct NotATime;

/// Where business time comes from. The sandbox's clock can be turned forward; the real one cannot.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// Where chance comes from: a cryptographically secure source, save in tests of pure code.
pub trait Entropy: Send + Sync {
    /// Fills the slice with random bytes.
    fn fill(&self, out: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_texts() {
        let t = Time::parse("2026-11-21T10:20:30Z").unwrap();
        assert_eq!(t.start_of_day(), Time::parse("2026-11-21").unwrap());
        assert_eq!(t.to_string(), "2026-11-21T10:20:30Z");
        assert_eq!(t.date(), "2026-11-21");
        for bad in ["", "2026-02-30", "2026-2-3", "tomorrow", "20261121", "2026-11-21T"] {
            assert_eq!(Time::parse(bad), Err(NotATime), "{bad}");
        }
    }
}
