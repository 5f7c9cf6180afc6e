//! Waking job workers after a commit, in this process and on other nodes.

use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::watch;

/// The sending end, one per store.
pub(crate) struct JobSignal {
    count: watch::Sender<u64>,
    outside: Option<Outside>,
}

/// What the thread that tells other nodes waits for.
#[derive(Default)]
struct Outside {
    state: Mutex<OutsideState>,
    changed: Condvar,
}

#[derive(Default)]
struct OutsideState {
    raised: bool,
    closed: bool,
}

/// Wakes up when a committed transaction has enqueued a job. Each subscriber sees each signal;
/// several at once count as one. It is a hint: workers also look when the next job falls due.
#[derive(Debug, Clone)]
pub struct JobWaker(watch::Receiver<u64>);

impl JobWaker {
    /// Waits for a signal that came after the last call (or after subscribing). Cancel safe.
    /// Never returns once the store is closed.
    pub async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl JobSignal {
    /// `nodes`: whether there are other nodes to tell.
    pub fn new(nodes: bool) -> Self {
        Self { count: watch::Sender::new(0), outside: nodes.then(Outside::default) }
    }

    pub fn subscribe(&self) -> JobWaker {
        JobWaker(self.count.subscribe())
    }

    /// Something was enqueued here.
    pub fn raise(&self) {
        self.raise_here();
        self.tell(|state| state.raised = true);
    }

    /// Something was enqueued elsewhere.
    pub fn raise_here(&self) {
        self.count.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Ends the waiting of [`JobSignal::raised`].
    pub fn close(&self) {
        self.tell(|state| state.closed = true);
    }

    pub fn closed(&self) -> bool {
        self.outside.as_ref().is_none_or(|outside| {
            outside.state.lock().unwrap_or_else(PoisonError::into_inner).closed
        })
    }

    /// Waits until something was enqueued here; false once closed.
    pub fn raised(&self) -> bool {
        let Some(outside) = &self.outside else { return false };
        let mut state = outside.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.raised && !state.closed {
            state = outside.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.raised = false;
        !state.closed
    }

    fn tell(&self, change: impl FnOnce(&mut OutsideState)) {
        if let Some(outside) = &self.outside {
            change(&mut outside.state.lock().unwrap_or_else(PoisonError::into_inner));
            outside.changed.notify_all();
        }
    }
}
