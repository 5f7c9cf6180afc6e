//! Use cases, one file per noun. A use case loads what a decision needs, asks `domain` to decide, and writes the decision
//! in one named transaction.

pub mod accounts;
pub mod bought;
pub mod certificates;
pub mod codes;
pub mod collect;
pub mod crls;
pub mod csrs;
pub mod dcv;
pub mod desk;
pub mod evidence_lines;
pub mod issue;
pub mod login;
pub mod look;
pub mod orders;
pub mod orders_smime;
pub mod placing;
pub mod replace;
pub mod replace_smime;
pub mod select;
pub mod smime;
pub mod smime_mails;
pub mod smime_page;
pub mod standing;
pub mod validate;
pub mod waiting_room;

use domain::order::{NotSettled, WrongState};
use domain::refusal::Refusal;
use store::StoreError;

/// Why a use case did not happen: the caller's fault, or ours.
#[derive(Debug)]
pub enum Failure {
    /// The answer says why.
    Refused(Refusal),
    /// The answer says -14; the log says why.
    Store(StoreError),
    /// It cannot be done as things are; words for the person who asked. A caller of the interface is told of such things by
    /// [`Failure::Refused`], so for him it is a fault of ours.
    Declined(String),
    /// Something else of ours went wrong.
    Internal(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<WrongState> for Failure {
    fn from(error: WrongState) -> Self {
        Failure::Declined(error.to_string())
    }
}

impl From<NotSettled> for Failure {
    fn from(error: NotSettled) -> Self {
        Failure::Declined(error.to_string())
    }
}

impl Failure {
    /// What the caller is told. Errors of ours go into the log with the name of the use case.
    #[must_use]
    pub fn told(self, use_case: &str) -> Refusal {
        match self {
            Failure::Refused(refusal) => refusal,
            Failure::Store(error) => {
                tracing::error!(use_case, %error, "store failed");
                Refusal::Internal(None)
            }
            Failure::Declined(error) | Failure::Internal(error) => {
                tracing::error!(use_case, %error, "use case failed");
                Refusal::Internal(None)
            }
        }
    }
}
