//! Calls that wait for a connection's thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::group::Call;
use crate::StoreError;

/// First in, first out; a taker gets everything that waits, up to its limit.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Call>>,
    closed: bool,
}

impl Queue {
    /// After [`Queue::close`] the call is answered with [`StoreError::Closed`].
    pub fn push(&self, call: Box<dyn Call>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            call.settle(Err(StoreError::Closed));
            return;
        }
        state.waiting.push_back(call);
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for work. `None`: closed and drained.
    pub fn take(&self, limit: usize) -> Option<Vec<Box<dyn Call>>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.waiting.len().min(limit);
        Some(state.waiting.drain(..count).collect())
    }

    /// The same without waiting. `None`: nothing is there.
    pub fn try_take(&self, limit: usize) -> Option<Vec<Box<dyn Call>>> {
        let mut state = self.lock();
        let count = state.waiting.len().min(limit);
        (count > 0).then(|| state.waiting.drain(..count).collect())
    }

    /// What waits is still done; nothing new is taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
