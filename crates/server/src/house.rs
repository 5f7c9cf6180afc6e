//! What everything in the house shares.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use domain::certificate::{AccountId, OrderNumber};
use domain::dcv::{RandomValue, UniqueValue};
use domain::policy::Policy;
use domain::product::Catalogue;
use domain::time::{Clock, Entropy, Time};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use issuance::weak_keys::WeakKeys;
use store::Store;
use store::accounts::Login;
use tokio::sync::RwLock;
use validation::Asker;

use crate::app::collect::{Loaded, Wanted};
use crate::app::issue::Authority;
use crate::app::login::Logins;
use crate::app::placing::{Draft, Placed};
use crate::app::waiting_room::network;
use crate::arrivals::Arrivals;
use crate::clock::RepeatableChance;
use crate::config::Rules;
use crate::faults::Faults;
use crate::http::bodies::Bodies;
use crate::http::calls::CallLog;
use crate::letters::Desk;
use crate::long_work::LongWork;
use crate::together::LookUps;

/// Everything that use cases, handlers and jobs need. Shared by reference count.
pub struct House {
    /// The database.
    pub store: Store,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Entropy>,
    /// Chance for what callers are told anyway, which the sandbox's seed repeats.
    pub repeatable: RepeatableChance,
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
    /// How often codes may be tried on the pages.
    pub code_tries: CodeTries,
    /// Turns for what keeps a processor busy for long.
    pub long_work: LongWork,
    /// What bodies of requests take that are under way.
    pub bodies: Bodies,
    /// Faults on request; none in `serve`.
    pub faults: Faults,
    /// Orders on their way into the database.
    pub placing: Arrivals<Draft, Placed>,
    /// Accounts that are looked up by their login names.
    pub callers: LookUps<String, Option<Login>>,
    /// Orders that are looked up for who asks how they stand.
    pub collected: LookUps<Wanted, Loaded>,
    /// Calls go through it side by side; a sandbox shuts it while it becomes as new, and while time that was turned is caught
    /// up with under load.
    pub door: RwLock<()>,
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
        self.repeatable.fill(&mut bytes);
        UniqueValue::from_random(bytes)
    }

    /// A random value for a TXT record or a mail: 32 letters and digits, 190 bits.
    #[must_use]
    pub fn random_value(&self) -> RandomValue {
        RandomValue { text: self.letters_and_digits(32), made: self.now() }
    }

    /// A collection code: 16 letters and digits, 95 bits (D133).
    #[must_use]
    pub fn collection_code(&self) -> String {
        self.letters_and_digits(16)
    }

    fn letters_and_digits(&self, count: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(count);
        while text.len() < count {
            let mut bytes = [0; 32];
            self.chance.fill(&mut bytes);
            // 248 is the greatest multiple of 62 in a byte: every letter is equally likely.
            let fair = bytes.iter().filter(|b| **b < 248).map(|b| usize::from(*b) % 62);
            text.extend(fair.map(|i| char::from(ALPHABET[i])).take(count - text.len()));
        }
        text
    }
}

/// How often codes may be tried where no login is asked for: on the pages, where each try is a transaction, and when certificates
/// are collected.
pub struct CodeTries {
    of_address: Option<DefaultKeyedRateLimiter<IpAddr>>,
    of_order: DefaultKeyedRateLimiter<i64>,
    of_code: DefaultKeyedRateLimiter<[u8; 32]>,
    collecting: Option<DefaultKeyedRateLimiter<IpAddr>>,
    wrong: DefaultKeyedRateLimiter<IpAddr>,
}

impl CodeTries {
    /// Tries a minute from one address.
    const OF_ADDRESS: NonZeroU32 = NonZeroU32::new(60).expect("more than nothing");
    /// Tries a minute for one order, wherever they come from.
    const OF_ORDER: NonZeroU32 = NonZeroU32::new(30).expect("more than nothing");
    /// Calls a minute with one collection code.
    const OF_CODE: NonZeroU32 = NonZeroU32::new(120).expect("more than nothing");
    /// Calls a minute with collection codes from one address.
    const COLLECTING: NonZeroU32 = NonZeroU32::new(600).expect("more than nothing");
    /// Wrong collection codes a minute from one address.
    const WRONG: NonZeroU32 = NonZeroU32::new(60).expect("more than nothing");
    /// Keys that are kept before those that no longer matter are thrown away.
    const KEYS: usize = 10_000;

    /// As they are in `serve`.
    #[must_use]
    pub fn new() -> Self {
        let of_address = RateLimiter::keyed(Quota::per_minute(Self::OF_ADDRESS));
        let collecting = RateLimiter::keyed(Quota::per_minute(Self::COLLECTING));
        Self {
            of_address: Some(of_address),
            collecting: Some(collecting),
            ..Self::of_one_machine()
        }
    }

    /// For the sandbox, to which everybody comes from the same address.
    #[must_use]
    pub fn of_one_machine() -> Self {
        Self {
            of_address: None,
            of_order: RateLimiter::keyed(Quota::per_minute(Self::OF_ORDER)),
            of_code: RateLimiter::keyed(Quota::per_minute(Self::OF_CODE)),
            collecting: None,
            wrong: RateLimiter::keyed(Quota::per_minute(Self::WRONG)),
        }
    }

    /// Whether one more try is allowed now.
    #[must_use]
    pub fn allows(&self, from: IpAddr, order: OrderNumber) -> bool {
        let address = self.of_address.as_ref();
        address.is_none_or(|limiter| check(limiter, &network(from)))
            && check(&self.of_order, &order.0)
    }
}

impl CodeTries {
    /// Whether one more call with a collection code is allowed now. `digest`: the code's, so that none is kept.
    #[must_use]
    pub fn allows_code(&self, from: IpAddr, digest: &[u8; 32]) -> bool {
        let address = self.collecting.as_ref();
        address.is_none_or(|limiter| check(limiter, &network(from))) && check(&self.of_code, digest)
    }

    /// Whether somebody may be told once more that a collection code is wrong.
    #[must_use]
    pub fn allows_wrong(&self, from: IpAddr) -> bool {
        check(&self.wrong, &network(from))
    }
}

impl Default for CodeTries {
    fn default() -> Self {
        Self::new()
    }
}

/// Strangers choose the keys, so old ones are thrown away.
fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> bool {
    if limiter.len() > CodeTries::KEYS {
        limiter.retain_recent();
    }
    limiter.check_key(key).is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_tried_so_often_from_an_address_and_for_an_order() {
        let (from, order) = (|n: u8| IpAddr::from([192, 0, 2, n]), OrderNumber);
        let tries = CodeTries::new();
        let of_order = (0..100_u8).filter(|n| tries.allows(from(*n), order(1))).count();
        assert_eq!(of_order, 30);
        assert!(tries.allows(from(200), order(2)));
        let of_address = (100..300).filter(|n| tries.allows(from(201), order(*n))).count();
        assert_eq!(of_address, 60);
        let here = CodeTries::of_one_machine();
        assert_eq!((0..200).filter(|n| here.allows(from(1), order(*n))).count(), 200);
    }

    #[test]
    fn keys_of_strangers_do_not_pile_up() {
        let limiter = RateLimiter::keyed(Quota::per_second(NonZeroU32::MAX));
        let most = i64::try_from(CodeTries::KEYS).unwrap() + 2;
        for key in 0..2 * most {
            check(&limiter, &key);
        }
        assert!(limiter.len() <= CodeTries::KEYS + 1, "{}", limiter.len());
    }
}
