//! The real clock, the sandbox's clock that can be turned, and the real source of chance.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::{Clock, Entropy, Time};

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

    /// Turns the clock to a moment that is not before now, and gives the new offset; None for a moment in the past.
    pub fn turn_to(&self, moment: Time) -> Option<i64> {
        let offset = moment.since(real_now());
        let before = self.offset.fetch_max(offset, Ordering::SeqCst);
        (offset >= before).then_some(offset)
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
    fn fill(&self, out: &mut [u8]) {
        // A machine without a random source can run no CA: stopping is the only right answer.
        aws_lc_rs::rand::fill(out).expect("the system has a random source");
    }
}
