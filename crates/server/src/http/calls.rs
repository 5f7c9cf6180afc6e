//! The calls that were seen, with a verdict per parameter: for integrators who look into the sandbox. Kept in memory, the
//! newest thousand; values are never kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::refusal::Refusal;
use domain::time::Time;
use serde_json::{Value, json};
use wire::table::Endpoint;

const KEPT: usize = 1_000;

/// How much of an answer is shown, in octets.
const SHOWN: usize = 500;

/// Remembers calls, if it is switched on.
#[derive(Debug, Default)]
pub struct CallLog(Option<Mutex<VecDeque<Call>>>);

/// A call as it is remembered. What it looks like is worked out when somebody asks.
#[derive(Debug)]
struct Call {
    endpoint: &'static Endpoint,
    at: Time,
    parameters: Vec<(&'static str, Option<Refusal>)>,
    unknown: Option<String>,
    answer: Box<[u8]>,
}

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

    /// Remembers a call: what was found of each parameter by itself, and why the call was refused, if it was.
    pub fn add(
        &self,
        endpoint: &'static Endpoint,
        mut parameters: Vec<(&'static str, Option<Refusal>)>,
        unknown: Option<String>,
        (answer, refusal): (&[u8], Option<&Refusal>),
        at: Time,
    ) {
        let Some(calls) = &self.0 else { return };
        if let Some(refusal) = refusal
            && let Some(place) = refusal.parameter().and_then(|name| endpoint.position(name))
            && let Some(row) = endpoint.parameters().nth(place)
        {
            match parameters.iter_mut().find(|(name, _)| *name == row.name) {
                Some((_, verdict)) => *verdict = Some(refusal.clone()),
                None => parameters.push((row.name, Some(refusal.clone()))),
            }
        }
        let answer = answer.get(..SHOWN).unwrap_or(answer).into();
        let call = Call { endpoint, at, parameters, unknown, answer };
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.truncate(KEPT - 1);
        calls.push_front(call);
    }

    /// The calls, newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Value> {
        let calls = self.0.as_ref();
        calls.map_or_else(Vec::new, |c| {
            c.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Call::to_json).collect()
        })
    }

    /// Forgets them.
    pub fn clear(&self) {
        if let Some(calls) = &self.0 {
            calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl Call {
    fn to_json(&self) -> Value {
        let parameters: Vec<Value> = self.parameters.iter().map(|p| self.verdict(p)).collect();
        json!({
            "endpoint": self.endpoint.name,
            "at": self.at.to_string(),
            "parameters": parameters,
            "unknown": self.unknown,
            "answer": String::from_utf8_lossy(&self.answer),
        })
    }

    fn verdict(&self, (name, refusal): &(&'static str, Option<Refusal>)) -> Value {
        let Some(refusal) = refusal else {
            return json!({ "name": name, "verdict": "ok" });
        };
        let told = wire::codes::tell(self.endpoint, refusal);
        json!({
            "name": name,
            "verdict": "refused",
            "errorCode": told.code,
            "errorMessage": told.message,
            "detail": told.detail,
        })
    }
}
