//! How a request goes on by what was found about it, and when it is looked at again.

use super::RequestState;
use crate::check::{Check, CheckKind, CheckState};
use crate::time::{DAY, HOUR, MINUTE, SECOND, Time};

/// What becomes of a request that no certificate is made for now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// It is looked at again then.
    Again(Time),
    /// It is over, in this state, and is refunded.
    Over(RequestState),
}

impl RequestState {
    /// Whether proofs are looked for: not before it is paid and has a key, not after it came to something.
    #[must_use]
    pub fn is_looked_at(&self) -> bool {
        matches!(
            self,
            RequestState::AwaitingValidation { .. }
                | RequestState::Ready
                | RequestState::Issuing { .. }
        )
    }

    /// Whether control of its names is still to be shown.
    #[must_use]
    pub fn awaits_control(&self) -> bool {
        self.awaited_control().is_some()
    }

    fn awaited_control(&self) -> Option<CheckKind> {
        let open = |c: &&Check| c.kind.is_control() && c.state == CheckState::Open;
        self.checks().iter().find(open).map(|c| c.kind)
    }

    /// Whether every check but the control of its names has passed.
    #[must_use]
    pub fn others_passed(&self) -> bool {
        let others = |c: &&Check| !c.kind.is_control();
        self.checks().iter().filter(others).all(|c| c.state == CheckState::Passed)
    }

    /// The state once control of all its names is shown; the same one if nobody waits for that.
    #[must_use]
    pub fn with_control(self) -> RequestState {
        match self.awaited_control() {
            Some(kind) => self.clone().settled(kind, true).unwrap_or(self),
            None => self,
        }
    }

    /// What becomes of it after `attempts` looks that did not lead to a certificate, and `why` they did not; None when it has
    /// come to something already.
    ///
    /// At the end of the order's time whoever has shown everything was failed by the CA; the others have let it expire. While
    /// only people can go on, nothing is asked of the outside world.
    #[must_use]
    pub fn next_look(&self, expires_at: Time, attempts: i64, why: &str, now: Time) -> Option<Next> {
        let soon = now.plus(pause(attempts));
        let (at, end) = match self {
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. } => (expires_at, RequestState::Expired),
            // A mailbox is proven by a person, who wakes the request up.
            RequestState::AwaitingValidation { .. } => match self.awaited_control() {
                Some(CheckKind::DomainControl) => (soon.min(expires_at), RequestState::Expired),
                _ => (expires_at, RequestState::Expired),
            },
            RequestState::Ready => {
                (soon.min(expires_at), RequestState::Failed { why: why.to_owned() })
            }
            // What is written down is signed or given up first.
            RequestState::Issuing { .. } => return Some(Next::Again(soon)),
            RequestState::Issued { .. }
            | RequestState::Replaced { .. }
            | RequestState::Revoked { .. }
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => return None,
        };
        Some(if now < expires_at { Next::Again(at) } else { Next::Over(end) })
    }
}

/// For how many looks a second name that nobody ordered is waited for while its CAA cannot be looked up: two minutes.
pub const LOOKS_FOR_A_SECOND_NAME: i64 = 4;

/// Between two looks, in milliseconds: quickly at first, for people who have just published their proof, then ever more slowly.
#[must_use]
pub fn pause(attempts: i64) -> i64 {
    const PAUSES: [i64; 12] = [
        10 * SECOND,
        20 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        20 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        DAY,
    ];
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    PAUSES[index.min(PAUSES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Serial;

    const EXPIRES: Time = Time::from_secs(1_000_000);

    fn state(open: &[CheckKind]) -> RequestState {
        let kinds = [CheckKind::DomainControl, CheckKind::Organization];
        let check = |kind: &CheckKind| match open.contains(kind) {
            true => Check { kind: *kind, state: CheckState::Open },
            false => Check { kind: *kind, state: CheckState::Passed },
        };
        RequestState::with_checks(kinds.iter().map(check).collect())
    }

    fn next(state: &RequestState, now: Time) -> Option<Next> {
        state.next_look(EXPIRES, 1, "CAA forbids it", now)
    }

    #[test]
    fn proofs_are_asked_for_until_the_order_expires() {
        let open = state(&[CheckKind::DomainControl]);
        let now = Time::from_secs(1);
        assert_eq!(next(&open, now), Some(Next::Again(now.plus(10 * SECOND))));
        let late = EXPIRES.plus(-SECOND);
        assert_eq!(next(&open, late), Some(Next::Again(EXPIRES)));
        assert_eq!(next(&open, EXPIRES), Some(Next::Over(RequestState::Expired)));
        assert_eq!(open.with_control(), RequestState::Ready);
    }

    #[test]
    fn nothing_is_asked_while_only_people_can_go_on() {
        let people = state(&[CheckKind::Organization]);
        assert!(people.is_looked_at() && !people.awaits_control() && !people.others_passed());
        assert_eq!(next(&people, Time::from_secs(1)), Some(Next::Again(EXPIRES)));
        assert_eq!(people.clone().with_control(), people);
    }

    #[test]
    fn who_has_shown_everything_is_told_why_it_failed() {
        let failed = RequestState::Failed { why: "CAA forbids it".into() };
        assert_eq!(next(&RequestState::Ready, EXPIRES), Some(Next::Over(failed)));
    }

    #[test]
    fn what_is_written_down_never_expires_unsigned() {
        let serial = Serial::from_random([7; 16]).unwrap();
        let issuing = RequestState::Issuing { serial };
        assert_eq!(next(&issuing, EXPIRES), Some(Next::Again(EXPIRES.plus(10 * SECOND))));
        assert_eq!(next(&RequestState::Issued { serial }, EXPIRES), None);
    }
}
