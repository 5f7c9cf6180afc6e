//! Faults on request, for tests and the sandbox: never armed in `serve`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use store::StoreError;

/// A rule: which calls, and what happens to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The endpoint's name without `!`, any case; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The account's login name; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only the n-th matching call from now on, counted from 1; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// What happens.
    pub action: Action,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The transaction of the call fails as if the disk were full; nothing is stored.
    StoreError,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    armed: AtomicBool,
    rules: Mutex<Vec<(Rule, u64)>>,
}

impl Faults {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.lock().iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// Adds a rule.
    pub fn add(&self, rule: Rule) {
        self.lock().push((rule, 0));
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.lock().clear();
        self.armed.store(false, Ordering::SeqCst);
    }

    /// The error with which this call's transaction is to fail, if a rule says so.
    #[must_use]
    pub fn store_error(&self, endpoint: &str, account: &str) -> Option<StoreError> {
        if !self.armed.load(Ordering::Relaxed) {
            return None;
        }
        let mut rules = self.lock();
        let hit = rules.iter_mut().any(|(rule, seen)| {
            let meant = rule.endpoint.as_ref().is_none_or(|e| e.eq_ignore_ascii_case(endpoint))
                && rule.account.as_ref().is_none_or(|a| a == account);
            *seen += u64::from(meant);
            meant && rule.nth.is_none_or(|n| n == *seen) && rule.action == Action::StoreError
        });
        hit.then(|| StoreError::Database {
            sql: "(fault on request)",
            message: "a fault rule of the sandbox".to_owned(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Rule, u64)>> {
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
