//! Checks: what has to be shown before a certificate may be signed, as data.

use std::fmt;
use std::str::FromStr;

use crate::product::Level;

/// The kinds of checks, by the names that `/settle` and the pages use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CheckKind {
    /// Control of every name, settled by evidence.
    DomainControl,
    /// Control of a mailbox (S/MIME).
    MailboxControl,
    /// The organisation exists and is where it says.
    Organization,
    /// The applicant representative was called back.
    CallBack,
    /// The applicant representative may speak for the organisation.
    ApplicantRepresentative,
    /// The subscriber agreement is signed.
    Agreement,
    /// Jurisdiction, incorporation and business category (EV).
    Jurisdiction,
    /// A second person agreed (EV).
    SecondPerson,
    /// The key was made in hardware.
    KeyAttestation,
    /// Shipping details are known.
    Shipping,
    /// The money has come.
    Payment,
    /// An officer approves what a reseller without RA rights has validated.
    Approval,
}

impl CheckKind {
    /// All of them.
    pub const ALL: [CheckKind; 12] = [
        CheckKind::DomainControl,
        CheckKind::MailboxControl,
        CheckKind::Organization,
        CheckKind::CallBack,
        CheckKind::ApplicantRepresentative,
        CheckKind::Agreement,
        CheckKind::Jurisdiction,
        CheckKind::SecondPerson,
        CheckKind::KeyAttestation,
        CheckKind::Shipping,
        CheckKind::Payment,
        CheckKind::Approval,
    ];

    /// True for control of names: settled by evidence alone, and judged anew for each certificate.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, CheckKind::DomainControl | CheckKind::MailboxControl)
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CheckKind::DomainControl => "domain_control",
            CheckKind::MailboxControl => "mailbox_control",
            CheckKind::Organization => "organization",
            CheckKind::CallBack => "call_back",
            CheckKind::ApplicantRepresentative => "applicant_representative",
            CheckKind::Agreement => "agreement",
            CheckKind::Jurisdiction => "jurisdiction",
            CheckKind::SecondPerson => "second_person",
            CheckKind::KeyAttestation => "key_attestation",
            CheckKind::Shipping => "shipping",
            CheckKind::Payment => "payment",
            CheckKind::Approval => "approval",
        }
    }
}

impl FromStr for CheckKind {
    type Err = NotACheck;

    fn from_str(text: &str) -> Result<Self, NotACheck> {
        Self::ALL.into_iter().find(|k| k.as_str() == text).ok_or(NotACheck)
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the name of a check")]
pub struct NotACheck;

/// How a check stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CheckState {
    /// Nothing was shown yet.
    Open,
    /// Shown.
    Passed,
    /// Refused.
    Failed,
}

impl CheckState {
    /// The word under which a row keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CheckState::Open => "open",
            CheckState::Passed => "passed",
            CheckState::Failed => "failed",
        }
    }
}

impl FromStr for CheckState {
    type Err = NotACheck;

    fn from_str(text: &str) -> Result<Self, NotACheck> {
        match text {
            "open" => Ok(CheckState::Open),
            "passed" => Ok(CheckState::Passed),
            "failed" => Ok(CheckState::Failed),
            _ => Err(NotACheck),
        }
    }
}

/// A check of a certificate request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Check {
    /// What.
    pub kind: CheckKind,
    /// How it stands.
    pub state: CheckState,
}

/// What a caller says was looked at already: isCustomerValidated, isAppRepValidated, isCallbackCompleted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Vouched {
    /// The customer.
    pub customer: bool,
    /// The applicant representative.
    pub representative: bool,
    /// The call-back.
    pub call_back: bool,
    /// The caller has RA rights: what he says of a customer needs nobody's approval.
    pub trusted: bool,
}

impl Vouched {
    fn settles(self, level: Level, kind: CheckKind) -> bool {
        match kind {
            CheckKind::Organization => {
                self.customer && self.trusted && level.names_a_subject() && !level.is_extended()
            }
            CheckKind::ApplicantRepresentative => self.representative,
            CheckKind::CallBack => self.call_back,
            _ => false,
        }
    }

    fn needs_approval(self, level: Level) -> bool {
        self.customer && level.names_a_subject() && !self.trusted
    }
}

/// What a new order has to show: all that its level asks for, less what the caller vouches for.
#[must_use]
pub fn of_order(level: Level, vouched: Vouched) -> Vec<Check> {
    let open = |kind: &CheckKind| Check { kind: *kind, state: CheckState::Open };
    let asked: Vec<Check> = level.checks().iter().map(open).collect();
    of_changed_request(level, &asked, vouched)
}

/// The same for a request that is changed before it has a certificate: what people have checked stays checked, domain control
/// is looked at again (fresh proofs of the chain count).
#[must_use]
pub fn of_changed_request(level: Level, before: &[Check], vouched: Vouched) -> Vec<Check> {
    let state = |check: &Check| match check.kind {
        kind if kind.is_control() => CheckState::Open,
        kind if vouched.settles(level, kind) => CheckState::Passed,
        _ => check.state,
    };
    let mut checks: Vec<Check> =
        before.iter().map(|check| Check { state: state(check), ..*check }).collect();
    let asked = |check: &Check| check.kind == CheckKind::Approval;
    if vouched.needs_approval(level) && !checks.iter().any(asked) {
        checks.push(Check { kind: CheckKind::Approval, state: CheckState::Open });
    }
    checks
}

/// The same for the replacement of a certificate: what people checked for that one stands, domain control is looked at again.
#[must_use]
pub fn of_replacement(level: Level) -> Vec<Check> {
    let state = |kind| match kind {
        kind if CheckKind::is_control(kind) => CheckState::Open,
        _ => CheckState::Passed,
    };
    level.checks().iter().map(|kind| Check { kind: *kind, state: state(*kind) }).collect()
}

/// After how many hours a certificate may be expected: what machines look at takes one, people take days, and less where
/// a reseller has looked already (`expectedDeliveryTime`, D39).
#[must_use]
pub fn expected_hours(level: Level, checks: &[Check]) -> u32 {
    let is_open = |c: &&Check| c.state != CheckState::Passed && !c.kind.is_control();
    let open: Vec<CheckKind> = checks.iter().filter(is_open).map(|c| c.kind).collect();
    let subject = match level {
        Level::Dv => return 1,
        // Deprecated for S/MIME, where clients must not mind it (D26).
        Level::MailboxMultipurpose | Level::MailboxStrict => return 0,
        Level::Ev | Level::QwacLegal | Level::QwacPsd2 => return 240,
        Level::Ov | Level::OrganizationMultipurpose => CheckKind::Organization,
        Level::QwacNatural => CheckKind::ApplicantRepresentative,
    };
    let marked = open.contains(&CheckKind::Approval) || !open.contains(&subject);
    match (open.is_empty(), marked) {
        (true, _) => 1,
        (false, true) => 24,
        (false, false) => 48,
    }
}
