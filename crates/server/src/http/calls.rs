//! The calls that were seen, with a verdict per parameter: for integrators who look into the sandbox. Kept in memory, the
//! newest thousand; values are never kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::refusal::Refusal;
use domain::time::Time;
use serde_json::{Value, json};
use wire::table::Endpoint;

const KEPT: usize = 1_000;

/// Remembers calls, if it is switched on.
#[derive(Debug, Default)]
pub struct CallLog(Option<Mutex<VecDeque<Value>>>);

impl CallLog {
    /// One that remembers.
    #[must_use]
    pub fn on() -> Self {
        Self(Some(Mutex::new(VecDeque::new())))
    }

    /// One that does not.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether calls are remembered.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Remembers a call.
    pub fn add(
        &self,
        endpoint: &Endpoint,
        parameters: &[(&'static str, Option<Refusal>)],
        unknown: Option<&str>,
        answer: &[u8],
        at: Time,
    ) {
        let Some(calls) = &self.0 else { return };
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|(name, refusal)| match refusal {
                None => json!({ "name": name, "verdict": "ok" }),
                Some(refusal) => {
                    let told = wire::codes::tell(endpoint, refusal);
                    json!({
                        "name": name,
                        "verdict": "refused",
                        "errorCode": told.code,
                        "errorMessage": told.message,
                        "detail": told.detail,
                    })
                }
            })
            .collect();
        let answer: String = String::from_utf8_lossy(answer).chars().take(500).collect();
        let call = json!({
            "endpoint": endpoint.name,
            "at": at.to_string(),
            "parameters": parameters,
            "unknown": unknown,
            "answer": answer,
        });
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= KEPT {
            calls.pop_back();
        }
        calls.push_front(call);
    }

    /// The calls, newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Value> {
        let calls = self.0.as_ref();
        calls.map_or_else(Vec::new, |c| {
            c.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
        })
    }

    /// Forgets them.
    pub fn clear(&self) {
        if let Some(calls) = &self.0 {
            calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
