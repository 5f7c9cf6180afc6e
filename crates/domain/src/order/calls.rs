//! What callers may do with a request, and what they are told of it, by its state.

use super::RequestState;
use crate::check::{CheckKind, CheckState};
use crate::product::Level;
use crate::refusal::Refusal;
use crate::time::Time;

/// How AutoReplaceSSL and AutoReplaceSMIME replace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replacing {
    /// There is no certificate yet: the request is changed in place.
    InPlace,
    /// By another order of the chain.
    ByOrder,
}

impl RequestState {
    /// Whether it ended without a certificate.
    #[must_use]
    pub fn came_to_nothing(&self) -> bool {
        matches!(
            self,
            RequestState::Rejected { .. } | RequestState::Expired | RequestState::Failed { .. }
        )
    }

    /// Whether CollectSSL answers anything but an error: a certificate, or that there will be one.
    ///
    /// # Errors
    /// -20 when it came to nothing, -21, -22, -26 (endpoints.md sections 0.8 and 6).
    pub fn collectable(&self) -> Result<(), Refusal> {
        match self {
            RequestState::Rejected { .. } | RequestState::Expired | RequestState::Failed { .. } => {
                Err(Refusal::Rejected)
            }
            RequestState::Revoked { .. } => Err(Refusal::Revoked),
            RequestState::AwaitingPayment { .. } | RequestState::AwaitingAuthorization => {
                Err(Refusal::AwaitingPayment)
            }
            RequestState::Issuing { .. } => Err(Refusal::BeingIssued),
            RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Ready
            | RequestState::Issued { .. }
            | RequestState::Replaced { .. } => Ok(()),
        }
    }

    /// Whether and how it can be replaced. `term_end`: the last second of what was bought, once there was a certificate.
    ///
    /// # Errors
    /// -20, -21, -22, -26, -36 (endpoints.md sections 0.8 and 12).
    pub fn replaceable(&self, term_end: Option<Time>, now: Time) -> Result<Replacing, Refusal> {
        match self {
            // Ready is a request that CAA, or something missing from its subject, holds back: nothing is written yet.
            RequestState::AwaitingValidation { .. } | RequestState::Ready => Ok(Replacing::InPlace),
            RequestState::Issued { .. } | RequestState::Replaced { .. } => {
                match term_end.is_some_and(|end| end <= now) {
                    true => Err(Refusal::Expired),
                    false => Ok(Replacing::ByOrder),
                }
            }
            RequestState::Issuing { .. } => Err(Refusal::BeingIssued),
            RequestState::Revoked { .. } => Err(Refusal::Revoked),
            RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingAuthorization
            | RequestState::AwaitingCsr { .. } => Err(Refusal::AwaitingPayment),
            // There is no certificate that could have expired (-36): the order came to nothing, as CollectSSL says too.
            RequestState::Expired | RequestState::Rejected { .. } | RequestState::Failed { .. } => {
                Err(Refusal::Rejected)
            }
        }
    }

    /// Whether RequestAndCollectSMIME answers anything but an error.
    ///
    /// # Errors
    /// -20 when it came to nothing, -21, -22.
    pub fn smime_collectable(&self) -> Result<(), Refusal> {
        match self.collectable() {
            // Accepted, and being processed.
            Err(Refusal::BeingIssued) => Ok(()),
            other => other,
        }
    }

    /// Whether and how an S/MIME order can be replaced. `not_after`: the certificate's end, once there is one.
    ///
    /// # Errors
    /// -20, -22, -136 (D96, D99, amended).
    pub fn smime_replaceable(
        &self,
        not_after: Option<Time>,
        now: Time,
    ) -> Result<Replacing, Refusal> {
        match self {
            // Ready is a request that CAA, or something missing from its subject, holds back: nothing is written yet.
            RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Ready => Ok(Replacing::InPlace),
            RequestState::Issued { .. } if not_after.is_none_or(|end| end > now) => {
                Ok(Replacing::ByOrder)
            }
            RequestState::Issuing { .. } => Err(Refusal::BeingIssued),
            RequestState::Revoked { .. } => Err(Refusal::Revoked),
            RequestState::Issued { .. }
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingAuthorization
            | RequestState::Replaced { .. }
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => Err(Refusal::WrongState),
        }
    }

    /// The word of `showExtStatus` for the validation.
    #[must_use]
    pub fn validation_status(&self) -> &'static str {
        match self {
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. } => "Awaiting Validation",
            RequestState::Ready
            | RequestState::Issuing { .. }
            | RequestState::Issued { .. }
            | RequestState::Replaced { .. }
            | RequestState::Revoked { .. }
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => "Validated",
        }
    }

    /// Whether a step is completed (endpoints.md section 20.3); None where the level does not ask for it. What came to nothing
    /// has completed none.
    #[must_use]
    pub fn has_completed(&self, level: Level, kind: CheckKind) -> Option<bool> {
        if !level.checks().contains(&kind) {
            return None;
        }
        let check = self.checks().iter().find(|check| check.kind == kind);
        Some(match check.map(|check| check.state) {
            Some(CheckState::Open | CheckState::Failed) => false,
            Some(CheckState::Passed) => true,
            None => self.has_passed_all(),
        })
    }

    /// Of a state that carries no checks: whether that is because all were passed.
    fn has_passed_all(&self) -> bool {
        match self {
            RequestState::Ready
            | RequestState::Issuing { .. }
            | RequestState::Issued { .. }
            | RequestState::Replaced { .. }
            | RequestState::Revoked { .. } => true,
            RequestState::AwaitingAuthorization
            | RequestState::AwaitingPayment { .. }
            | RequestState::AwaitingCsr { .. }
            | RequestState::AwaitingValidation { .. }
            | RequestState::Expired
            | RequestState::Rejected { .. }
            | RequestState::Failed { .. } => false,
        }
    }
}
