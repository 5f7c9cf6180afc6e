//! Statements that leave together: those that were queued, gathered by text where that is wanted, with what each must touch.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::{Client, Statement};

use super::{Open, Result};
use crate::StoreError;
use crate::db::alike::Lists;
use crate::db::sql::{Key, key};
use crate::db::value::Owned;
use crate::db::wire::Step;

pub(super) struct Queued {
    pub text: &'static str,
    pub params: Vec<Owned>,
    pub check: Check,
}

/// How many rows a queued statement must touch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    One,
    /// One, and it cannot be another number: see [`always_one`].
    Always,
    Any,
}

/// The answer to a step.
pub(super) enum Done {
    Rows(u64),
    Prepared(Statement),
}

/// Steps that go out together, with the words to report each by.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub names: Vec<&'static str>,
    pub steps: Vec<Step<'a, Done>>,
}

impl<'a> Batch<'a> {
    pub fn push(
        &mut self,
        name: &'static str,
        step: impl Future<Output = std::result::Result<Done, tokio_postgres::Error>> + 'a,
    ) {
        self.names.push(name);
        self.steps.push(Box::pin(step));
    }

    pub fn simple(&mut self, client: &Arc<Client>, name: &'static str, text: &'static str) {
        let client = client.clone();
        self.push(name, async move { client.batch_execute(text).await.map(|()| Done::Rows(0)) });
    }

    /// Answers what each step must touch: the text and, where it matters, the number of rows.
    pub fn queued(
        &mut self,
        open: &Open,
        units: Vec<Unit<'a>>,
    ) -> Result<Vec<(&'static str, Option<u64>)>> {
        let client = open.wire.client();
        let mut wanted = Vec::new();
        for Unit { text, check, rows } in units {
            let of_one = statement(&open.statements, text)?;
            let counted = check != Check::Any;
            let for_lists = open.for_lists.get(&key(text)).cloned().flatten();
            if let (Some(statement), 2..) = (for_lists, rows.len()) {
                let (client, lists) = (client.clone(), Lists::new(&rows));
                wanted.push((text, counted.then_some(rows.len() as u64)));
                self.push(text, async move {
                    client.execute_raw(&statement, lists.params()).await.map(Done::Rows)
                });
                continue;
            }
            for params in rows {
                let (client, statement) = (client.clone(), of_one.clone());
                wanted.push((text, counted.then_some(1)));
                self.push(text, async move {
                    let params = params.iter().map(Owned::value);
                    client.execute_raw(&statement, params).await.map(Done::Rows)
                });
            }
        }
        Ok(wanted)
    }
}

/// Queued statements of one text.
pub(super) struct Unit<'q> {
    pub text: &'static str,
    pub check: Check,
    pub rows: Vec<&'q [Owned]>,
}

/// The queue in the order in which it leaves: as it stands, or gathered by text.
pub(super) fn units(queued: &[Queued], gathers: bool) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    for Queued { text, params, check } in queued {
        let alike = |unit: &&mut Unit<'_>| key(unit.text) == key(text) && unit.check == *check;
        match units.iter_mut().find(alike).filter(|_| gathers) {
            Some(unit) => unit.rows.push(params),
            None => units.push(Unit { text, check: *check, rows: vec![params] }),
        }
    }
    units
}

pub(super) fn statement(
    statements: &HashMap<Key, Statement>,
    text: &'static str,
) -> Result<Statement> {
    let unprepared = || StoreError::Database { sql: text, message: "it is not prepared".into() };
    statements.get(&key(text)).cloned().ok_or_else(unprepared)
}

/// One row of VALUES is inserted or refused. (No table has a trigger or a rule.)
pub(super) fn always_one(text: &str) -> bool {
    text.starts_with("INSERT INTO ")
        && text.contains("VALUES (")
        && !["ON CONFLICT", "SELECT", "), (", "),("].iter().any(|word| text.contains(word))
}
