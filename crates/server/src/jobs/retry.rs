//! When a job that failed is tried again, by its kind.

use domain::order;
use domain::time::{HOUR, MINUTE, SECOND};

use super::{CRL, MAIL, NOTICE, SEAL};

/// A mail server that is down or greylists comes back within two days, or somebody looks after it. After the last of these
/// a mail is given up.
const MAIL_PAUSES: [i64; 11] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    6 * HOUR,
    10 * HOUR,
    12 * HOUR,
    12 * HOUR,
];

/// A revocation has to be seen, and a list lasts for days only: never longer than a quarter of an hour.
const CRL_PAUSES: [i64; 5] = [10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE];

/// Nobody waits for a seal.
const SEAL_PAUSES: [i64; 3] = [30 * SECOND, MINUTE, 5 * MINUTE];

/// How long a job of this kind rests after it has failed so often in a row.
#[must_use]
pub fn pause(kind: &str, attempts: i64) -> i64 {
    match kind {
        MAIL | NOTICE => after(&MAIL_PAUSES, attempts),
        CRL => after(&CRL_PAUSES, attempts),
        SEAL => after(&SEAL_PAUSES, attempts),
        _ => order::pause(attempts),
    }
}

/// Whether a mail that failed so often is given up.
#[must_use]
pub fn is_last_mail(attempts: i64) -> bool {
    usize::try_from(attempts).is_ok_and(|n| n > MAIL_PAUSES.len())
}

fn after(pauses: &[i64], attempts: i64) -> i64 {
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    pauses[index.min(pauses.len() - 1)]
}

#[cfg(test)]
mod tests {
    use domain::time::DAY;

    use super::*;

    #[test]
    fn mails_are_tried_for_two_days() {
        let tries = (1..).take_while(|n| !is_last_mail(*n));
        let whole: i64 = tries.map(|n| pause(MAIL, n)).sum();
        assert!((47 * HOUR..=2 * DAY).contains(&whole), "{whole}");
    }

    #[test]
    fn a_crl_is_never_left_for_long() {
        assert_eq!(pause(CRL, 1), 10 * SECOND);
        assert_eq!(pause(CRL, 1_000), 15 * MINUTE);
    }
}
