//! Times and spans as the control API writes them.

use jiff::Timestamp;

/// RFC 3339, with milliseconds only if there are any.
pub(crate) fn text(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}

/// A time in RFC 3339 as milliseconds since 1970.
pub(crate) fn time(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map(Timestamp::as_millisecond)
        .map_err(|_| format!("\"{}\" is no time; write it like 2029-03-16T00:00:00Z", shown(text)))
}

/// `1d12h`, `30d`, `90m`, `45s` in milliseconds.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    let wrong = || {
        let text = shown(text);
        format!("\"{text}\" is no span; write it in whole d, h, m and s, like 30d or 1d12h")
    };
    let mut rest = text.trim();
    let mut total: i64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let mut tail = tail.chars();
        let unit = match tail.next() {
            Some('d') => 86_400_000,
            Some('h') => 3_600_000,
            Some('m') => 60_000,
            Some('s') => 1000,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(unit).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail.as_str();
    }
    Ok(total)
}

/// The time `span` after `now`, if the calendar goes that far.
pub(crate) fn after(now: i64, span: i64) -> Result<i64, String> {
    now.checked_add(span)
        .filter(|at| Timestamp::from_millisecond(*at).is_ok())
        .ok_or_else(|| "that is beyond the year 9999; advance by less".to_owned())
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up() {
        assert_eq!(span("1d12h"), Ok(129_600_000));
        assert_eq!(span("90m"), Ok(5_400_000));
        for wrong in ["", "d", "5", "1w", "-1d", "1d-2h", "99999999999999999999d", "1.5h", "１d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_go_both_ways() {
        assert_eq!(time("2029-03-16T00:00:00Z").map(text), Ok("2029-03-16T00:00:00Z".to_owned()));
        assert!(time("tomorrow").is_err());
        assert!(after(0, i64::MAX).is_err());
    }
}
