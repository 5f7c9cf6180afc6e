//! Faults on request, for tests and the sandbox: never armed in `serve`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::http::routes::ROUTES;

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

impl Rule {
    /// A rule as it was written, if it can work.
    ///
    /// # Errors
    /// Words for the caller.
    pub fn read(value: serde_json::Value) -> Result<Self, String> {
        let rule: Self =
            serde_json::from_value(value).map_err(|e| format!("no fault rule: {e}"))?;
        rule.check().map(|()| rule)
    }

    fn check(&self) -> Result<(), String> {
        let is = |name: &str| self.endpoint.as_ref().is_none_or(|e| e.eq_ignore_ascii_case(name));
        if !ROUTES.iter().any(|(endpoint, _)| is(endpoint.name)) {
            let names: Vec<&str> = ROUTES.iter().map(|(endpoint, _)| endpoint.name).collect();
            return Err(format!("\"endpoint\" is none of {}", names.join(", ")));
        }
        if self.nth == Some(0) {
            return Err("\"nth\" counts from 1".to_owned());
        }
        match self.action {
            Action::HttpStatus(status) if !(200..=599).contains(&status) => {
                Err(format!("\"http_status\" {status} is no final answer: write 200 to 599"))
            }
            Action::Code(code) if code >= 0 => {
                Err(format!("\"code\" {code} is no error: write a negative one, like -14"))
            }
            Action::Delay(ms) if ms > LONGEST_DELAY => {
                Err(format!("\"delay\" {ms} is longer than {LONGEST_DELAY} milliseconds"))
            }
            Action::StoreError
                if !is(wire::auto_apply_ssl::ENDPOINT.name)
                    && !is(wire::auto_apply_order::ENDPOINT.name) =>
            {
                Err("\"store_error\" is for AutoApplySSL and AutoApplyOrder".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// In milliseconds.
pub const LONGEST_DELAY: u32 = 600_000;

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The transaction of the call fails as if the disk were full; nothing is stored. For calls that place orders.
    StoreError,
    /// The call is answered with this code and does nothing: `{"code": -42}`.
    Code(i32),
    /// The call is answered with this HTTP status and does nothing: `{"http_status": 503}`.
    HttpStatus(u16),
    /// The call is made after so many milliseconds, ten minutes at most: `{"delay": 1500}`.
    Delay(u32),
    /// The connection is closed, and the call does nothing.
    Drop,
    /// The call is made, and the connection is closed in place of an answer. `commit-then-drop` is taken too.
    #[serde(alias = "commit-then-drop")]
    CommitThenDrop,
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

    /// Forgets a rule; false when there is none like it.
    pub fn remove(&self, rule: &Rule) -> bool {
        let mut rules = self.lock();
        let found = rules.iter().position(|(one, _)| one == rule);
        found.map(|index| rules.remove(index)).is_some()
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.lock().clear();
        self.armed.store(false, Ordering::SeqCst);
    }

    /// The error with which this call's transaction is to fail, if a rule says so.
    #[must_use]
    pub fn store_error(&self, endpoint: &str, account: &str) -> Option<StoreError> {
        let hit = self.hit(endpoint, account, |action| action == Action::StoreError);
        hit.map(|_| StoreError::Database {
            sql: "(fault on request)",
            message: "a fault rule of the sandbox".to_owned(),
        })
    }

    /// What is to happen to this call on its way in or out, if a rule says so. The first rule that hits counts.
    #[must_use]
    pub fn on_call(&self, endpoint: &str, account: Option<&str>) -> Option<Action> {
        self.hit(endpoint, account.unwrap_or_default(), |action| action != Action::StoreError)
    }

    /// Counts the call for every rule that means it, and gives the action of the first that hits.
    fn hit(&self, endpoint: &str, account: &str, here: fn(Action) -> bool) -> Option<Action> {
        if !self.armed.load(Ordering::Relaxed) {
            return None;
        }
        let mut hit = None;
        for (rule, seen) in self.lock().iter_mut().filter(|(rule, _)| here(rule.action)) {
            let meant = rule.endpoint.as_ref().is_none_or(|e| e.eq_ignore_ascii_case(endpoint))
                && rule.account.as_ref().is_none_or(|a| a == account);
            *seen += u64::from(meant);
            if meant && rule.nth.is_none_or(|n| n == *seen) {
                hit = hit.or(Some(rule.action));
            }
        }
        hit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Rule, u64)>> {
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn rules_count_the_calls_that_they_mean() {
        let faults = Faults::default();
        assert_eq!(faults.on_call("AutoApplySSL", None), None);
        faults.add(rule(
            r#"{"endpoint":"autoapplyssl","account":"a","nth":2,"action":{"code":-42}}"#,
        ));
        faults.add(rule(r#"{"endpoint":"CollectSSL","action":{"http_status":503}}"#));
        faults.add(rule(r#"{"nth":4,"action":"store_error"}"#));
        let call = |endpoint: &str, account: &str| faults.on_call(endpoint, Some(account));
        assert_eq!(call("AutoApplySSL", "a"), None);
        assert_eq!(call("AutoApplySSL", "b"), None);
        assert_eq!(call("AutoApplySSL", "a"), Some(Action::Code(-42)));
        assert_eq!(call("AutoApplySSL", "a"), None);
        assert_eq!(call("CollectSSL", "b"), Some(Action::HttpStatus(503)));
        assert!((0..3).all(|_| faults.store_error("AutoApplySSL", "a").is_none()));
        assert!(faults.store_error("AutoApplySSL", "a").is_some());
        faults.clear();
        assert_eq!(call("CollectSSL", "b"), None);
    }

    #[test]
    fn rules_that_cannot_work_are_refused() {
        for (text, word) in [
            (r#"{"action":{"http_status":99}}"#, "200 to 599"),
            (r#"{"action":{"http_status":600}}"#, "200 to 599"),
            (r#"{"action":{"code":0}}"#, "negative"),
            (r#"{"action":{"code":14}}"#, "negative"),
            (r#"{"action":{"delay":600001}}"#, "600000"),
            (r#"{"nth":0,"action":"drop"}"#, "from 1"),
            (r#"{"endpoint":"AutoApply","action":"drop"}"#, "AutoApplySSL, AutoApplyOrder"),
            (r#"{"endpoint":"CollectSSL","action":"store_error"}"#, "for AutoApplySSL"),
            (r#"{"endpoint":"CollectSSL"}"#, "action"),
        ] {
            let why = Rule::read(serde_json::from_str(text).unwrap()).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn a_rule_is_dropped_alone() {
        let faults = Faults::default();
        let (one, other) = (rule(r#"{"action":"drop"}"#), rule(r#"{"nth":3,"action":"drop"}"#));
        faults.add(one.clone());
        faults.add(other.clone());
        assert!(faults.remove(&one));
        assert!(!faults.remove(&one));
        assert_eq!(faults.rules(), [other]);
    }

    #[test]
    fn every_action_has_its_word() {
        for (text, action) in [
            (r#""store_error""#, Action::StoreError),
            (r#"{"code":-14}"#, Action::Code(-14)),
            (r#"{"http_status":500}"#, Action::HttpStatus(500)),
            (r#"{"delay":250}"#, Action::Delay(250)),
            (r#""drop""#, Action::Drop),
            (r#""commit_then_drop""#, Action::CommitThenDrop),
        ] {
            assert_eq!(rule(&format!(r#"{{"action":{text}}}"#)).action, action);
        }
    }
}
