//! The pulse of a connection: when something last came or went, whether a request is at work, and when that has been too
//! long. Times here are real ones: they are about sockets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;

/// Shared by a connection's stream, its requests, and whoever watches over it.
#[derive(Clone)]
pub struct Pulse(Arc<Mutex<Beat>>);

struct Beat {
    limits: Limits,
    /// Requests that are read or answered.
    at_work: usize,
    /// HTTP/2: what comes between requests may be of the protocol, and announces none.
    multiplexed: bool,
    /// Since when a request's head is waited for.
    head_since: Option<Instant>,
    /// When an octet last came or went.
    last: Instant,
}

/// A request at work; over when dropped.
pub struct AtWork(Pulse);

impl Pulse {
    /// Of a connection that has just been opened, and is to bring a request soon.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let beat =
            Beat { limits, at_work: 0, multiplexed: false, head_since: Some(now), last: now };
        Self(Arc::new(Mutex::new(beat)))
    }

    /// Octets came.
    pub fn heard(&self) {
        let mut beat = self.beat();
        beat.last = Instant::now();
        if beat.at_work == 0 && !beat.multiplexed && beat.head_since.is_none() {
            beat.head_since = Some(beat.last);
        }
    }

    /// Octets went.
    pub fn said(&self) {
        self.beat().last = Instant::now();
    }

    /// A request's head is there.
    #[must_use]
    pub fn begin(&self, multiplexed: bool) -> AtWork {
        let mut beat = self.beat();
        beat.at_work += 1;
        beat.multiplexed = multiplexed;
        beat.head_since = None;
        AtWork(self.clone())
    }

    /// Comes back when a head has been waited for too long, or nothing at all has happened for too long.
    pub async fn overdue(&self) {
        loop {
            let (deadline, step) = {
                let beat = self.beat();
                (beat.deadline(), beat.limits.first_request / 4)
            };
            let now = Instant::now();
            if deadline.is_some_and(|at| at <= now) {
                return;
            }
            // A deadline may come nearer while we sleep.
            let step = now + step.max(Duration::from_millis(20));
            tokio::time::sleep_until(deadline.map_or(step, |at| at.min(step))).await;
        }
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beat {
    fn deadline(&self) -> Option<Instant> {
        match self.head_since {
            Some(since) => Some(since + self.limits.first_request),
            None if self.at_work > 0 => None,
            None => Some(self.last + self.limits.idle),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut beat = self.0.beat();
        beat.at_work -= 1;
        beat.last = Instant::now();
    }
}
