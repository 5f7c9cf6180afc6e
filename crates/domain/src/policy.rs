//! Rules that change with the calendar: how long a certificate may live, how long a proof may be reused, which methods
//! are still allowed.

use serde::Deserialize;

use crate::certificate::Validity;
use crate::dcv::DcvMethod;
use crate::time::{DAY, NotATime, SECOND, Time};

/// The dated rules, read from `policy.toml`. The file's tables are sorted by date; the last one that has begun counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    tls_days: Vec<(Time, u32)>,
    domain_reuse_days: Vec<(Time, u32)>,
    smime_days: Vec<(Time, u32)>,
    mailbox_reuse_days: Vec<(Time, u32)>,
    mail_methods_end: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tls_validity: Vec<DatedDays>,
    domain_reuse: Vec<DatedDays>,
    #[serde(default = "smime_validity")]
    smime_validity: Vec<DatedDays>,
    #[serde(default = "mailbox_reuse")]
    mailbox_reuse: Vec<DatedDays>,
    mail_methods_end: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatedDays {
    from: String,
    days: u32,
    #[serde(rename = "source")]
    _source: String,
}

/// For files from before the tables were: S/MIME BR 6.3.2, generations multipurpose and strict.
fn smime_validity() -> Vec<DatedDays> {
    since_2023(825)
}

/// S/MIME BR 4.2.1.
fn mailbox_reuse() -> Vec<DatedDays> {
    since_2023(30)
}

fn since_2023(days: u32) -> Vec<DatedDays> {
    vec![DatedDays { from: "2023-09-01".to_owned(), days, _source: String::new() }]
}

/// A policy file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not the TOML that is expected.
    #[error("policy file: {0}")]
    Form(#[from] toml::de::Error),
    /// A date that is none.
    #[error("policy file: {0}")]
    Date(#[from] NotATime),
    /// An empty or unsorted table, or days outside of 1 to 3660.
    #[error("policy file: table {0} must have rows sorted by date, with 1 to 3660 days each")]
    Table(&'static str),
}

impl Policy {
    /// Reads a policy file. Every row names its source.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)?;
        Ok(Self {
            tls_days: dated(file.tls_validity, "tls_validity")?,
            domain_reuse_days: dated(file.domain_reuse, "domain_reuse")?,
            smime_days: dated(file.smime_validity, "smime_validity")?,
            mailbox_reuse_days: dated(file.mailbox_reuse, "mailbox_reuse")?,
            mail_methods_end: file.mail_methods_end.as_deref().map(Time::parse).transpose()?,
        })
    }

    /// The longest validity of a TLS certificate signed at `now`, in days.
    #[must_use]
    pub fn tls_days(&self, now: Time) -> u32 {
        at(&self.tls_days, now)
    }

    /// How many days a shown control of a domain may be used.
    #[must_use]
    pub fn domain_reuse_days(&self, now: Time) -> u32 {
        at(&self.domain_reuse_days, now)
    }

    /// The longest validity of an S/MIME certificate signed at `now`, in days.
    #[must_use]
    pub fn smime_days(&self, now: Time) -> u32 {
        at(&self.smime_days, now)
    }

    /// How many days a shown control of a mailbox may be used.
    #[must_use]
    pub fn mailbox_reuse_days(&self, now: Time) -> u32 {
        at(&self.mailbox_reuse_days, now)
    }

    /// Whether a method may still be relied on. The end of mail concerns domains; a mailbox is proven by mail for good.
    #[must_use]
    pub fn method_allowed(&self, method: DcvMethod, now: Time) -> bool {
        method != DcvMethod::Email || self.mail_methods_end.is_none_or(|end| now < end)
    }

    /// The validity of a TLS certificate signed at `now` for an order whose term ends with `term_end` (its last second):
    /// from 00:00:00 of the day to 23:59:59 of the last day, both in GMT, the last day included. None when the term is over.
    #[must_use]
    pub fn tls_validity(&self, now: Time, term_end: Time) -> Option<Validity> {
        cut(self.tls_days(now), now, term_end)
    }

    /// The same for an S/MIME certificate.
    #[must_use]
    pub fn smime_validity(&self, now: Time, term_end: Time) -> Option<Validity> {
        cut(self.smime_days(now), now, term_end)
    }
}

fn cut(days: u32, now: Time, term_end: Time) -> Option<Validity> {
    let not_before = now.start_of_day();
    let cap = not_before.plus(i64::from(days) * DAY - SECOND);
    let not_after = cap.min(term_end);
    (not_after > now).then_some(Validity { not_before, not_after })
}

/// The last second of a term of so many days that begins on the day of `start` (D144: the last day counts whole).
#[must_use]
pub fn term_end(start: Time, days: u32) -> Time {
    start.start_of_day().plus(i64::from(days) * DAY - SECOND)
}

fn at(table: &[(Time, u32)], now: Time) -> u32 {
    table.iter().rev().find(|(from, _)| *from <= now).or(table.first()).map_or(1, |(_, days)| *days)
}

fn dated(rows: Vec<DatedDays>, table: &'static str) -> Result<Vec<(Time, u32)>, PolicyError> {
    let rows: Vec<(Time, u32)> = rows
        .into_iter()
        .map(|row| Time::parse(&row.from).map(|from| (from, row.days)))
        .collect::<Result<_, _>>()?;
    let sorted = rows.windows(2).all(|w| w[0].0 < w[1].0);
    let sane = rows.iter().all(|(_, days)| (1..=3_660).contains(days));
    if rows.is_empty() || !sorted || !sane {
        return Err(PolicyError::Table(table));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        mail_methods_end = "2028-03-15"
        tls_validity = [
            { from = "2026-03-15", days = 200, source = "SC-081" },
            { from = "2027-03-15", days = 100, source = "SC-081" },
            { from = "2029-03-15", days = 47, source = "SC-081" },
        ]
        domain_reuse = [
            { from = "2026-03-15", days = 200, source = "SC-081" },
            { from = "2027-03-15", days = 100, source = "SC-081" },
            { from = "2029-03-15", days = 10, source = "SC-081" },
        ]
    "#;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn rules_begin_with_their_day() {
        let policy = Policy::from_toml(RULES).unwrap();
        for (now, tls, reuse, mail) in [
            // Before the first row there is no other to go by.
            ("2020-01-01", 200, 200, true),
            ("2026-03-15", 200, 200, true),
            ("2027-03-14T23:59:59Z", 200, 200, true),
            ("2027-03-15", 100, 100, true),
            ("2028-03-14T23:59:59Z", 100, 100, true),
            ("2028-03-15", 100, 100, false),
            ("2029-03-14T23:59:59Z", 100, 100, false),
            ("2029-03-15", 47, 10, false),
            ("2040-01-01", 47, 10, false),
        ] {
            let now = time(now);
            assert_eq!(
                (policy.tls_days(now), policy.domain_reuse_days(now)),
                (tls, reuse),
                "{now:?}"
            );
            for method in DcvMethod::ALL {
                let allowed = mail || method != DcvMethod::Email;
                assert_eq!(policy.method_allowed(method, now), allowed, "{method} {now:?}");
            }
        }
    }

    #[test]
    fn validity_is_whole_days_within_cap_and_term() {
        let policy = Policy::from_toml(RULES).unwrap();
        for (now, days, from, to) in [
            ("2026-11-20T15:00:00Z", 365, "2026-11-20", "2027-06-07T23:59:59Z"),
            ("2027-03-15T00:00:01Z", 365, "2027-03-15", "2027-06-22T23:59:59Z"),
            ("2029-03-15T12:00:00Z", 365, "2029-03-15", "2029-04-30T23:59:59Z"),
            ("2026-11-20T15:00:00Z", 30, "2026-11-20", "2026-12-19T23:59:59Z"),
        ] {
            let now = time(now);
            let validity = policy.tls_validity(now, term_end(now, days)).unwrap();
            assert_eq!(
                (validity.not_before, validity.not_after),
                (time(from), time(to)),
                "{now:?}"
            );
        }
        assert_eq!(policy.tls_validity(time("2026-11-20"), time("2026-11-20")), None, "it is over");
    }

    #[test]
    fn files_that_make_no_sense_are_refused() {
        let table = |rows: &str| {
            let reuse = r#"domain_reuse = [{ from = "2026-03-15", days = 200, source = "x" }]"#;
            Policy::from_toml(&format!("tls_validity = [{rows}]\n{reuse}"))
        };
        let row = |from: &str, days: u32| {
            format!("{{ from = \"{from}\", days = {days}, source = \"x\" }},")
        };
        assert!(table(&row("2026-03-15", 200)).is_ok());
        for (rows, what) in [
            (String::new(), "empty"),
            (row("2026-03-15", 0), "no day"),
            (row("2026-03-15", 3_661), "more than ten years"),
            (row("2027-03-15", 1) + &row("2026-03-15", 1), "unsorted"),
            (row("2026-03-15", 1) + &row("2026-03-15", 2), "twice"),
            (row("soon", 1), "no date"),
            (r#"{ from = "2026-03-15", days = 1 }"#.to_owned(), "no source"),
        ] {
            assert!(table(&rows).is_err(), "{what}");
        }
    }
}
