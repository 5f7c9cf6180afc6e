//! The real clock, the sandbox's clock that can be turned, and the real source of chance.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::{Clock, Entropy, Time};
use sha2::{Digest as _, Sha256};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// Now, by the machine: for leases, time-outs and logs. Business asks its [`Clock`].
#[must_use]
pub fn real_now() -> Time {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's clock is read"
    )]
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        real_now()
    }
}

/// The machine's clock plus an offset that only grows: the sandbox's business time.
#[derive(Debug, Default)]
pub struct TurnedClock {
    offset: AtomicI64,
}

impl TurnedClock {
    /// With an offset in milliseconds, as kept from before.
    #[must_use]
    pub fn new(offset: i64) -> Self {
        Self { offset: AtomicI64::new(offset.max(0)) }
    }

    /// Milliseconds ahead of the machine.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }

    /// Turns the clock forward to a moment, and gives the offset from then on. A moment that it has reached by itself
    /// meanwhile changes nothing.
    pub fn turn_to(&self, moment: Time) -> i64 {
        let offset = moment.since(real_now());
        self.offset.fetch_max(offset, Ordering::SeqCst).max(offset)
    }

    /// Back to the machine's time: the sandbox as new.
    pub fn reset(&self) {
        self.offset.store(0, Ordering::SeqCst);
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Time {
        real_now().plus(self.offset())
    }
}

/// The operating system's random source, through the crypto library.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is where chance comes from")]
    fn fill(&self, out: &mut [u8]) {
        // A machine without a random source can run no CA: stopping is the only right answer.
        aws_lc_rs::rand::fill(out).expect("the system has a random source");
    }
}

/// Chance that the sandbox's `--seed` repeats, for what callers are told anyway. Keys, serials, codes and random values are
/// never drawn from it: whoever knows the seed would know them.
#[derive(Debug)]
pub struct RepeatableChance {
    seed: Option<u64>,
    /// Orders that were there at the start, so that a folder that is opened again does not repeat itself.
    orders: AtomicI64,
    drawn: AtomicU64,
}

impl RepeatableChance {
    /// By this seed; the system's without one.
    #[must_use]
    pub fn new(seed: Option<u64>, orders: i64) -> Self {
        Self { seed, orders: AtomicI64::new(orders), drawn: AtomicU64::new(0) }
    }

    /// Begins anew: the sandbox as new.
    pub fn reset(&self) {
        self.orders.store(0, Ordering::SeqCst);
        self.drawn.store(0, Ordering::SeqCst);
    }
}

impl Entropy for RepeatableChance {
    fn fill(&self, out: &mut [u8]) {
        let Some(seed) = self.seed else { return SystemEntropy.fill(out) };
        let orders = self.orders.load(Ordering::SeqCst);
        for part in out.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
            let digest = Sha256::new()
                .chain_update(seed.to_be_bytes())
                .chain_update(orders.to_be_bytes())
                .chain_update(drawn.to_be_bytes());
            part.copy_from_slice(&digest.finalize()[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(chance: &RepeatableChance) -> [u8; 40] {
        let mut out = [0; 40];
        chance.fill(&mut out);
        out
    }

    #[test]
    fn a_seed_repeats_and_nothing_else_does() {
        let with = |seed, orders| RepeatableChance::new(seed, orders);
        let (one, again) = (with(Some(7), 0), with(Some(7), 0));
        let first = draw(&one);
        assert_eq!(first, draw(&again));
        assert_ne!(first, draw(&one));
        assert_ne!(first, draw(&with(Some(8), 0)));
        assert_ne!(first, draw(&with(Some(7), 1)));
        assert_ne!(draw(&with(None, 0)), draw(&with(None, 0)));
        one.reset();
        assert_eq!(first, draw(&one));
    }
}
