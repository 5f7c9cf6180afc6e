//! Money in whole minor units.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Neg, Sub};
use std::str::FromStr;

/// An amount in hundredths of an account's currency. May be negative in a ledger, never in a price.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// The most that is read from a text, and that an account may hold: fifteen digits before the point.
    pub const MOST: Money = Money(99_999_999_999_999_999);

    /// From hundredths.
    #[must_use]
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// In hundredths.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(self.0.saturating_neg())
    }
}

impl Mul<i64> for Money {
    type Output = Money;
    fn mul(self, times: i64) -> Money {
        Money(self.0.saturating_mul(times))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// Two decimals, a point, no currency sign: `100.00`, `-0.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let n = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", n / 100, n % 100)
    }
}

/// The text is no amount with at most two decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an amount of money; write it like 12.50")]
pub struct NotMoney;

impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, cents) = match digits.split_once('.') {
            Some((_, "")) => return Err(NotMoney),
            Some(parts) => parts,
            None => (digits, ""),
        };
        let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 15
            || cents.len() > 2
            || !numeric(whole)
            || !numeric(cents)
        {
            return Err(NotMoney);
        }
        let whole: i64 = whole.parse().map_err(|_| NotMoney)?;
        let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| NotMoney)?;
        Ok(Money(sign * (whole * 100 + cents)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads() {
        for (minor, text) in [(0, "0.00"), (10_000, "100.00"), (5, "0.05"), (-50, "-0.50")] {
            assert_eq!(Money(minor).to_string(), text);
            assert_eq!(text.parse(), Ok(Money(minor)));
        }
        assert_eq!("12.5".parse(), Ok(Money(1_250)));
        assert_eq!("999999999999999.99".parse(), Ok(Money::MOST));
        for bad in ["", ".", "1.", "-", "1.234", "1,00", "€1", "99999999999999999"] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }
}
