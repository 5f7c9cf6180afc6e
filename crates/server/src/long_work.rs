//! Turns for work that keeps a processor busy for long: there are fewer than processors, and each account has its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::certificate::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns.
#[derive(Debug)]
pub struct LongWork {
    all: Arc<Semaphore>,
    /// How many an account may have or wait for in the common line; its others wait in its own.
    share: usize,
    by_account: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

/// A turn, until dropped.
#[derive(Debug)]
pub struct Turn {
    _of_account: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl LongWork {
    /// For a machine of so many processors: one of them is left for everything else, if there are two.
    #[must_use]
    pub fn new(processors: usize) -> Self {
        let turns = processors.saturating_sub(1).max(1);
        Self {
            all: Arc::new(Semaphore::new(turns)),
            share: turns.div_ceil(2),
            by_account: Mutex::default(),
        }
    }

    /// Waits for a turn.
    pub async fn turn(&self, account: AccountId) -> Turn {
        // Neither is ever closed.
        let of_account = self.line(account).acquire_owned().await.ok();
        let of_all = self.all.clone().acquire_owned().await.ok();
        Turn { _of_account: of_account, _of_all: of_all }
    }

    fn line(&self, account: AccountId) -> Arc<Semaphore> {
        let mut lines = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry(account).or_insert_with(|| Arc::new(Semaphore::new(self.share))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_waits_behind_itself() {
        let work = Arc::new(LongWork::new(2));
        let [greedy, modest] = [1, 2].map(AccountId);
        let first = work.turn(greedy).await;
        let wait = |account| {
            let work = work.clone();
            tokio::spawn(async move { work.turn(account).await })
        };
        let (second, third, other) = (wait(greedy), wait(greedy), wait(modest));
        tokio::task::yield_now().await;
        drop(first);
        let other = other.await.expect("a turn");
        assert!(!second.is_finished() && !third.is_finished(), "behind whoever came later");
        drop(other);
        drop(second.await.expect("a turn"));
        drop(third.await.expect("a turn"));
    }
}
