//! The audit trail: looked at, and its seals verified.

use serde::Serialize;
use store::{accounts, events};

use super::accounts::by_name;
use super::{Done, Office};

/// An event for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its number.
    pub event: i64,
    /// When.
    pub at: String,
    /// The account's number.
    pub account: i64,
    /// The order.
    pub order: Option<i64>,
    /// What happened.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// More.
    pub detail: serde_json::Value,
}

impl EventView {
    /// From a row.
    pub(super) fn new(e: events::Event) -> Self {
        Self {
            event: e.id,
            at: e.at.to_string(),
            account: e.account.0,
            order: e.order.map(|o| o.0),
            kind: e.kind,
            actor: e.actor,
            detail: serde_json::from_str(&e.detail).unwrap_or(serde_json::Value::Null),
        }
    }
}

/// How an account's chain of seals stands.
#[derive(Clone, Debug, Serialize)]
pub struct SealView {
    /// Login name.
    pub account: String,
    /// Events of the account.
    pub events: i64,
    /// How many of them are sealed; the rest is younger than a minute, or no worker runs.
    pub sealed: i64,
    /// The first event whose seal is wrong.
    pub first_broken: Option<i64>,
}

/// Events, newest first, before number `before`.
///
/// # Errors
/// When there is no such account.
pub fn list(
    office: &Office,
    account: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Done<Vec<EventView>> {
    let name = account.map(str::to_owned);
    office.read("audit_list", move |tx| {
        let id = name.as_deref().map(|n| by_name(tx, n)).transpose()?.map(|a| a.id);
        let found = events::newest(tx, id, before.unwrap_or(i64::MAX), limit)?;
        Ok(found.into_iter().map(EventView::new).collect())
    })
}

/// Walks the chains of one account or of all.
///
/// # Errors
/// When there is no such account.
pub fn verify(office: &Office, account: Option<&str>) -> Done<Vec<SealView>> {
    let name = account.map(str::to_owned);
    office.read("audit_verify", move |tx| {
        let accounts = match name.as_deref() {
            Some(name) => vec![by_name(tx, name)?],
            None => accounts::all(tx)?,
        };
        let mut views = Vec::new();
        for account in accounts {
            let (events, sealed) = events::count(tx, account.id)?;
            let first_broken = events::first_broken_seal(tx, account.id)?;
            views.push(SealView { account: account.login_name, events, sealed, first_broken });
        }
        Ok(views)
    })
}
