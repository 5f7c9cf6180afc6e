//! The newest questions to the DNS and web servers, for tests that ask what was asked.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

/// Which log is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Questions to the DNS server.
    Dns,
    /// Requests to the web server.
    Http,
}

/// Two bounded logs; the oldest entries fall out.
#[derive(Debug, Default)]
pub struct History {
    dns: Mutex<VecDeque<Asked>>,
    http: Mutex<VecDeque<Fetched>>,
}

#[derive(Debug)]
struct Asked {
    host: Box<str>,
    qtype: u16,
    qclass: u16,
}

/// One request to the fake web.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) host: String,
    pub(crate) url: String,
    pub(crate) https: bool,
}

impl History {
    pub(crate) fn asked(&self, host: &str, qtype: u16, qclass: u16) {
        let asked = Asked { host: host.into(), qtype, qclass };
        push(&mut lock(&self.dns), asked);
    }

    pub(crate) fn fetched(&self, fetched: Fetched) {
        push(&mut lock(&self.http), fetched);
    }

    /// The entries about `host` (lower case, no trailing dot), oldest first, in challtestsrv's
    /// form.
    #[must_use]
    pub fn of(&self, kind: Kind, host: &str) -> Vec<Value> {
        match kind {
            Kind::Dns => {
                lock(&self.dns).iter().filter(|a| &*a.host == host).map(asked_json).collect()
            }
            Kind::Http => {
                lock(&self.http).iter().filter(|f| f.host == host).map(fetched_json).collect()
            }
        }
    }

    /// Forgets the entries about `host`.
    pub fn clear(&self, kind: Kind, host: &str) {
        match kind {
            Kind::Dns => lock(&self.dns).retain(|asked| &*asked.host != host),
            Kind::Http => lock(&self.http).retain(|fetched| fetched.host != host),
        }
    }

    pub(crate) fn reset(&self) {
        lock(&self.dns).clear();
        lock(&self.http).clear();
    }
}

fn asked_json(asked: &Asked) -> Value {
    json!({"Question": {
        "Name": format!("{}.", asked.host), "Qtype": asked.qtype, "Qclass": asked.qclass,
    }})
}

fn fetched_json(fetched: &Fetched) -> Value {
    json!({"URL": fetched.url, "Host": fetched.host, "HTTPS": fetched.https})
}

fn push<T>(log: &mut VecDeque<T>, entry: T) {
    if log.len() >= KEPT {
        log.pop_front();
    }
    log.push_back(entry);
}

fn lock<T>(log: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

const KEPT: usize = 10_000;
