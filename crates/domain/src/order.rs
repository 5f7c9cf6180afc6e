//! The states of a certificate request (an order's item) and the steps between them.

mod calls;
mod looks;

use std::fmt;

use crate::certificate::{CertificateStatus, RevocationReason, Serial};
use crate::check::{Check, CheckKind, CheckState};
use crate::time::Time;
pub use calls::Replacing;
pub use looks::{LOOKS_FOR_A_SECOND_NAME, Next, pause};

/// Where a certificate request stands. Steps take `self` and are total: a step that does not fit gives [`WrongState`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestState {
    /// A reseller has to authorise the order.
    AwaitingAuthorization,
    /// The end customer has to pay. The checks are listed already.
    AwaitingPayment {
        /// What will have to be shown.
        checks: Vec<Check>,
    },
    /// There is no key yet.
    AwaitingCsr {
        /// What has to be shown meanwhile.
        checks: Vec<Check>,
    },
    /// Checks are open.
    AwaitingValidation {
        /// All checks, open and settled.
        checks: Vec<Check>,
    },
    /// Everything is shown; the certificate can be made.
    Ready,
    /// A certificate with this serial is written down and about to be signed.
    Issuing {
        /// Its serial.
        serial: Serial,
    },
    /// Signed.
    Issued {
        /// Its serial.
        serial: Serial,
    },
    /// Superseded by a later certificate of the chain; still valid until revoked.
    Replaced {
        /// Its serial.
        serial: Serial,
    },
    /// Revoked.
    Revoked {
        /// Its serial.
        serial: Serial,
        /// Why.
        reason: RevocationReason,
        /// Since when.
        at: Time,
    },
    /// Nobody proved anything for too long.
    Expired,
    /// Refused, by an officer, the applicant, or the reseller who took it back.
    Rejected {
        /// Why.
        why: String,
    },
    /// The certificate could not be made.
    Failed {
        /// Why.
        why: String,
    },
}

/// A step that the state does not allow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a request that is '{state}' cannot be {step}")]
pub struct WrongState {
    /// The state's word.
    pub state: &'static str,
    /// The step.
    pub step: &'static str,
}

/// A check that cannot be settled, with those that can.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSettled {
    /// Nothing is validated at this time.
    #[error("no check can be settled of a request that is '{0}'")]
    NotAwaited(&'static str),
    /// It was settled before.
    #[error("{kind} has {} already; open: {}", .state.as_str(), listed(.open))]
    Already {
        /// Which.
        kind: CheckKind,
        /// How it was settled.
        state: CheckState,
        /// Those that are open.
        open: Vec<CheckKind>,
    },
    /// Nothing of the kind has to be shown.
    #[error("this order has no check {kind}; open: {}", listed(.open))]
    Unknown {
        /// Which.
        kind: CheckKind,
        /// Those that are open.
        open: Vec<CheckKind>,
    },
}

fn listed(kinds: &[CheckKind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// What a step makes of a state.
pub type Stepped = Result<RequestState, WrongState>;

impl RequestState {
    /// The word under which a row keeps the state.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            RequestState::AwaitingAuthorization => "awaiting_authorization",
            RequestState::AwaitingPayment { .. } => "awaiting_payment",
            RequestState::AwaitingCsr { .. } => "awaiting_csr",
            RequestState::AwaitingValidation { .. } => "awaiting_validation",
            RequestState::Ready => "ready",
            RequestState::Issuing { .. } => "issuing",
            RequestState::Issued { .. } => "issued",
            RequestState::Replaced { .. } => "replaced",
            RequestState::Revoked { .. } => "revoked",
            RequestState::Expired => "expired",
            RequestState::Rejected { .. } => "rejected",
            RequestState::Failed { .. } => "failed",
        }
    }

    /// The word of the interface. `now` and the certificate's end tell whether an issued one has expired.
    #[must_use]
    pub fn status(&self, not_after: Option<Time>, now: Time) -> CertificateStatus {
        match self {
            RequestState::AwaitingAuthorization | RequestState::AwaitingPayment { .. } => {
                CertificateStatus::AwaitingPayment
            }
            RequestState::AwaitingCsr { .. } => CertificateStatus::AwaitingCsr,
            RequestState::AwaitingValidation { .. } => CertificateStatus::AwaitingValidation,
            RequestState::Ready | RequestState::Issuing { .. } => CertificateStatus::BeingIssued,
            RequestState::Issued { .. } if not_after.is_some_and(|end| end < now) => {
                CertificateStatus::Expired
            }
            RequestState::Issued { .. } => CertificateStatus::Issued,
            RequestState::Replaced { .. } => CertificateStatus::Replaced,
            RequestState::Revoked { .. } => CertificateStatus::Revoked,
            RequestState::Expired => CertificateStatus::Expired,
            RequestState::Rejected { .. } => CertificateStatus::Rejected,
            RequestState::Failed { .. } => CertificateStatus::Failed,
        }
    }

    /// The serial, once one was given.
    #[must_use]
    pub fn serial(&self) -> Option<Serial> {
        match self {
            RequestState::Issuing { serial }
            | RequestState::Issued { serial }
            | RequestState::Replaced { serial }
            | RequestState::Revoked { serial, .. } => Some(*serial),
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Ready
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => None,
        }
    }

    /// True while work goes on: before a certificate, a refusal or an end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Ready
            | RequestState::Issuing { .. } => true,
            RequestState::Issued { .. }
            | RequestState::Replaced { .. }
            | RequestState::Revoked { .. }
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => false,
        }
    }

    /// The checks, where the state carries them.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        match self {
            RequestState::AwaitingPayment { checks }
            | RequestState::AwaitingCsr { checks }
            | RequestState::AwaitingValidation { checks } => checks,
            _ => &[],
        }
    }

    /// A new request with these checks: ready at once when none is open.
    #[must_use]
    pub fn with_checks(checks: Vec<Check>) -> RequestState {
        if checks.iter().all(|c| c.state == CheckState::Passed) {
            RequestState::Ready
        } else {
            RequestState::AwaitingValidation { checks }
        }
    }

    /// The money has come. `has_key`: whether there is a CSR.
    ///
    /// # Errors
    /// [`WrongState`] unless money is awaited.
    pub fn paid(self, has_key: bool) -> Stepped {
        match self {
            RequestState::AwaitingPayment { checks } if has_key => Ok(Self::with_checks(checks)),
            RequestState::AwaitingPayment { checks } => Ok(RequestState::AwaitingCsr { checks }),
            other => other.refuse("paid for"),
        }
    }

    /// The key has come.
    ///
    /// # Errors
    /// [`WrongState`] unless a key is awaited.
    pub fn with_key(self) -> Stepped {
        match self {
            RequestState::AwaitingCsr { checks } => Ok(Self::with_checks(checks)),
            other => other.refuse("given a key"),
        }
    }

    /// A check was settled. A check that did not pass rejects the request; control of names is never failed for good here.
    ///
    /// # Errors
    /// [`NotSettled`] unless the request waits for validation, or for its key meanwhile, and has this check open.
    pub fn settled(self, kind: CheckKind, passed: bool) -> Result<RequestState, NotSettled> {
        let has_key = matches!(self, RequestState::AwaitingValidation { .. });
        let (RequestState::AwaitingValidation { mut checks }
        | RequestState::AwaitingCsr { mut checks }) = self
        else {
            return Err(NotSettled::NotAwaited(self.word()));
        };
        let open = checks.iter().filter(|c| c.state == CheckState::Open).map(|c| c.kind).collect();
        match checks.iter_mut().find(|c| c.kind == kind) {
            None => Err(NotSettled::Unknown { kind, open }),
            Some(check) if check.state != CheckState::Open => {
                Err(NotSettled::Already { kind, state: check.state, open })
            }
            Some(_) if !passed => Ok(RequestState::Rejected { why: format!("{kind} was refused") }),
            Some(check) => {
                check.state = CheckState::Passed;
                Ok(if has_key {
                    Self::with_checks(checks)
                } else {
                    RequestState::AwaitingCsr { checks }
                })
            }
        }
    }

    /// A certificate is written down and about to be signed.
    ///
    /// # Errors
    /// [`WrongState`] unless ready.
    pub fn issuing(self, serial: Serial) -> Stepped {
        match self {
            RequestState::Ready => Ok(RequestState::Issuing { serial }),
            other => other.refuse("issued"),
        }
    }

    /// What was written down will not be signed; the request is looked at anew.
    ///
    /// # Errors
    /// [`WrongState`] unless it was being issued.
    pub fn unsigned(self) -> Stepped {
        match self {
            RequestState::Issuing { .. } => Ok(RequestState::Ready),
            other => other.refuse("given up unsigned"),
        }
    }

    /// The certificate is signed and kept.
    ///
    /// # Errors
    /// [`WrongState`] unless it was being issued.
    pub fn issued(self) -> Stepped {
        match self {
            RequestState::Issuing { serial } => Ok(RequestState::Issued { serial }),
            other => other.refuse("kept as issued"),
        }
    }

    /// The certificate cannot be made, whatever is shown yet.
    ///
    /// # Errors
    /// [`WrongState`] unless it was waiting for validation, ready or being issued.
    pub fn failed(self, why: String) -> Stepped {
        match self {
            RequestState::AwaitingValidation { .. }
            | RequestState::Ready
            | RequestState::Issuing { .. } => Ok(RequestState::Failed { why }),
            other => other.refuse("given up"),
        }
    }

    /// The request is refused or taken back.
    ///
    /// # Errors
    /// [`WrongState`] once a certificate is written down.
    pub fn rejected(self, why: String) -> Stepped {
        match self {
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Ready => Ok(RequestState::Rejected { why }),
            other => other.refuse("rejected"),
        }
    }

    /// Nobody proved anything in time.
    ///
    /// # Errors
    /// [`WrongState`] unless something is still awaited.
    pub fn expired(self) -> Stepped {
        match self {
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. } => Ok(RequestState::Expired),
            other => other.refuse("expired"),
        }
    }

    /// A later certificate of the chain takes its place.
    ///
    /// # Errors
    /// [`WrongState`] unless issued.
    pub fn replaced(self) -> Stepped {
        match self {
            RequestState::Issued { serial } => Ok(RequestState::Replaced { serial }),
            other => other.refuse("replaced"),
        }
    }

    /// The certificate is revoked. A later revocation for key compromise takes the place of an earlier one with
    /// another reason (BR 4.9.1.1).
    ///
    /// # Errors
    /// [`WrongState`] unless there is a certificate that is not revoked for good.
    pub fn revoked(self, reason: RevocationReason, at: Time) -> Stepped {
        match self {
            RequestState::Issued { serial } | RequestState::Replaced { serial } => {
                Ok(RequestState::Revoked { serial, reason, at })
            }
            RequestState::Revoked { serial, reason: before, at: since }
                if reason == RevocationReason::KeyCompromise && before != reason =>
            {
                Ok(RequestState::Revoked { serial, reason, at: since })
            }
            other => other.refuse("revoked"),
        }
    }

    fn refuse(self, step: &'static str) -> Stepped {
        Err(WrongState { state: self.word(), step })
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(kinds: &[CheckKind]) -> RequestState {
        let check = |kind: &CheckKind| Check { kind: *kind, state: CheckState::Open };
        RequestState::with_checks(kinds.iter().map(check).collect())
    }

    #[test]
    fn a_request_walks_from_checks_to_a_certificate() {
        let serial = Serial::from_random([7; 16]).unwrap();
        let state = open(&[CheckKind::DomainControl, CheckKind::Organization]);
        let state = state.settled(CheckKind::Organization, true).unwrap();
        assert_eq!(state.word(), "awaiting_validation");
        let state = state.settled(CheckKind::DomainControl, true).unwrap();
        let state = state.issuing(serial).unwrap().issued().unwrap();
        assert_eq!(state.serial(), Some(serial));
        assert_eq!(state.clone().issued().unwrap_err().state, "issued");
        let at = Time::from_secs(5);
        let revoked = state.revoked(RevocationReason::Superseded, at).unwrap();
        assert!(revoked.clone().revoked(RevocationReason::Superseded, at).is_err());
        assert!(revoked.revoked(RevocationReason::KeyCompromise, at).is_ok());
    }

    #[test]
    fn a_check_is_settled_once() {
        let state = open(&[CheckKind::DomainControl, CheckKind::Agreement]);
        let state = state.settled(CheckKind::Agreement, true).unwrap();
        let told = |kind| state.clone().settled(kind, true).unwrap_err().to_string();
        assert_eq!(
            told(CheckKind::Agreement),
            "agreement has passed already; open: domain_control"
        );
        assert_eq!(
            told(CheckKind::CallBack),
            "this order has no check call_back; open: domain_control"
        );
        assert_eq!(state.settled(CheckKind::DomainControl, false).unwrap().word(), "rejected");
    }
}
