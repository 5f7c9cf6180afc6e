//! Accounts: who may enter, what they may do, how they pay.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::certificate::AccountId;
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

/// An address or a range of addresses (`192.0.2.0/24`, `2001:db8::/32`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IpRange {
    address: IpAddr,
    bits: u8,
}

/// The text is neither an address nor a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an IP address or range; write it like 192.0.2.0/24")]
pub struct NotARange;

impl IpRange {
    /// Whether the address lies in the range; an IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (ours, theirs) = (as_bits(self.address), as_bits(ip.to_canonical()));
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        let shift = width - u32::from(self.bits);
        self.address.is_ipv4() == ip.to_canonical().is_ipv4()
            && (shift >= 128 || ours >> shift == theirs >> shift)
    }
}

fn as_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for IpRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NotARange)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| NotARange)?,
            None => width,
        };
        if bits > width { Err(NotARange) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let inside =
            |range: &str, ip: &str| range.parse::<IpRange>().unwrap().contains(ip.parse().unwrap());
        assert!(inside("192.0.2.0/24", "192.0.2.77"));
        assert!(inside("192.0.2.0/24", "::ffff:192.0.2.77"));
        assert!(!inside("192.0.2.0/24", "192.0.3.1"));
        assert!(inside("0.0.0.0/0", "8.8.8.8"));
        assert!(!inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("::/0", "2001:db8::1"));
        assert!(inside("127.0.0.1", "127.0.0.1"));
        for bad in ["", "1.2.3.4/33", "1.2.3/8", "x", "::/129", "1.2.3.4/-1"] {
            assert!(bad.parse::<IpRange>().is_err(), "{bad}");
        }
    }
}
