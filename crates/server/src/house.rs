//! What everything in the house shares.

use std::num::NonZeroU32;
use std::sync::Arc;

use domain::certificate::AccountId;
use domain::dcv::{RandomValue, UniqueValue};
use domain::policy::Policy;
use domain::product::Catalogue;
use domain::time::{Clock, Entropy, Time};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use issuance::weak_keys::WeakKeys;
use store::Store;
use validation::Asker;

use crate::app::issue::Authority;
use crate::app::login::Logins;
use crate::app::orders::{Draft, Placed};
use crate::config::Rules;
use crate::faults::Faults;
use crate::http::calls::CallLog;
use crate::letters::Desk;
use crate::together::Together;

/// Everything that use cases, handlers and jobs need. Shared by reference count.
pub struct House {
    /// The database.
    pub store: Store,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Entropy>,
    /// What can be ordered.
    pub catalogue: Catalogue,
    /// Rules by date.
    pub policy: Policy,
    /// What the operator decided.
    pub rules: Rules,
    /// CAs and their keys.
    pub authority: Authority,
    /// Keys that are refused.
    pub weak_keys: WeakKeys,
    /// Who asks the outside world.
    pub asker: Asker,
    /// Who writes and sends mail.
    pub mail: Desk,
    /// Passwords that were right.
    pub logins: Logins,
    /// How often accounts may call.
    pub limits: Limits,
    /// Faults on request; none in `serve`.
    pub faults: Faults,
    /// Orders on their way into the database.
    pub placing: Together<Draft, Placed>,
    /// The calls seen; kept in the sandbox only.
    pub calls: CallLog,
}

impl House {
    /// Now, in business time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// A unique value of eight letters and digits.
    #[must_use]
    pub fn unique_value(&self) -> UniqueValue {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        UniqueValue::from_random(bytes)
    }

    /// A random value for a TXT record or a mail: 32 letters and digits, 190 bits.
    #[must_use]
    pub fn random_value(&self) -> RandomValue {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(32);
        while text.len() < 32 {
            let mut bytes = [0; 32];
            self.chance.fill(&mut bytes);
            // 248 is the greatest multiple of 62 in a byte: every letter is equally likely.
            let fair = bytes.iter().filter(|b| **b < 248).map(|b| usize::from(*b) % 62);
            text.extend(fair.map(|i| char::from(ALPHABET[i])).take(32 - text.len()));
        }
        RandomValue { text, made: self.now() }
    }
}

/// How often an account may call.
pub struct Limits(Option<DefaultKeyedRateLimiter<i64>>);

impl Limits {
    /// So many calls a minute and account; None for no limit.
    #[must_use]
    pub fn per_minute(calls: Option<NonZeroU32>) -> Self {
        Self(calls.map(|n| RateLimiter::keyed(Quota::per_minute(n))))
    }

    /// Whether one more call is allowed now.
    #[must_use]
    pub fn allows(&self, account: AccountId) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check_key(&account.0).is_ok())
    }
}
