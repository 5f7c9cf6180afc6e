//! Accounts: who may enter, what they may do, how they pay.

use std::net::IpAddr;
use std::str::FromStr;

use crate::certificate::AccountId;
use crate::ip_range::IpRange;
use crate::mail_address::MailAddress;
use crate::money::Money;
use crate::time::{MINUTE, Time};

/// An account as it is stored, without its password's hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Number.
    pub id: AccountId,
    /// Login name, case-sensitive.
    pub login_name: String,
    /// What kind of caller it is.
    pub role: Role,
    /// The brand under which it sells.
    pub brand: String,
    /// Three letters of ISO 4217.
    pub currency: String,
    /// Money in the account; may go down to minus [`Account::credit_limit`].
    pub balance: Money,
    /// How far the balance may fall below zero.
    pub credit_limit: Money,
    /// Who pays for orders.
    pub payment: PaymentMode,
    /// What it may do beyond ordering.
    pub privileges: Privileges,
    /// Addresses from which it may come; empty: any.
    pub allowed_ips: Vec<IpRange>,
    /// Where mails go that have no other place.
    pub contact: Option<MailAddress>,
    /// Closed by the operator.
    pub closed: bool,
    /// Wrong passwords in a row.
    pub failed_tries: u32,
    /// No entry until then, after too many wrong passwords.
    pub locked_until: Option<Time>,
    /// When the password runs out.
    pub password_expires: Option<Time>,
}

/// What kind of caller an account is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Orders over the partner interface.
    Reseller,
    /// Settles checks.
    Officer,
    /// Runs the house.
    Operator,
    /// Looks at the audit trail.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Reseller, Role::Officer, Role::Operator, Role::Auditor];

    /// The word under which a row keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Reseller => "reseller",
            Role::Officer => "officer",
            Role::Operator => "operator",
            Role::Auditor => "auditor",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or(UnknownWord)
    }
}

/// A word that no list has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

/// Who pays for an order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PaymentMode {
    /// The account is debited: status 0.
    Account,
    /// The end customer pays the house: status 1.
    Customer,
}

/// What an account may do beyond ordering for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Privileges {
    /// Registration authority rights: isAppRepValidated, isCallbackCompleted, a customer's validation that counts.
    pub registration_authority: bool,
    /// `test=Y`.
    pub test_orders: bool,
    /// `caCertificateID`.
    pub ca_choice: bool,
    /// `stubOrderNumber`.
    pub voucher: bool,
    /// Up to 90 days beyond a term.
    pub bonus_days: bool,
    /// !AutoApplyOrder is not enabled for it: a right that is taken away, as every account has it otherwise.
    pub ssl_only: bool,
}

/// How often a wrong password may be given before the account is locked.
pub const MAX_FAILED_TRIES: u32 = 10;

/// How long it is locked then.
pub const LOCK_TIME: i64 = 30 * MINUTE;

impl Account {
    /// Whether the account may be used at all now, from that address. Says nothing of the password.
    #[must_use]
    pub fn may_enter(&self, now: Time, from: IpAddr) -> bool {
        let locked = self.locked_until.is_some_and(|until| now < until);
        let expired = self.password_expires.is_some_and(|end| now >= end);
        let known =
            self.allowed_ips.is_empty() || self.allowed_ips.iter().any(|r| r.contains(from));
        !self.closed && !locked && !expired && known
    }

    /// The account after a wrong password: tries counted, locked when there were too many.
    #[must_use]
    pub fn after_wrong_password(&self, now: Time) -> (u32, Option<Time>) {
        let tries = self.failed_tries.saturating_add(1);
        if tries >= MAX_FAILED_TRIES {
            (0, Some(now.plus(LOCK_TIME)))
        } else {
            (tries, self.locked_until)
        }
    }

    /// Whether so much may be debited.
    #[must_use]
    pub fn can_pay(&self, amount: Money) -> bool {
        self.balance + self.credit_limit >= amount
    }
}
