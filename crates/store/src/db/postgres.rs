//! PostgreSQL: threads with one connection each, and a pair that wakes other nodes.
//!
//! A round trip costs more than most statements, so as few as possible are made. Statements whose
//! answer nobody needs at once are queued and go out in one write with the next whose answer is
//! needed; BEGIN goes with the first, and nobody waits for a ROLLBACK or a reader's end. A read of
//! one query is sent without a transaction around it. A queued
//! statement that fails dooms the transaction, however late that becomes known: COMMIT is sent
//! only after every number of rows has been checked.
//!
//! There is no TLS to the server: it is reached over loopback, a unix socket or a tunnel.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Statement};

mod batch;
pub(crate) mod connect;
mod errors;
mod nodes;

use batch::{Batch, Check, Done, Queued, always_one, statement, units};
pub use connect::PgOptions;
use connect::connect;
pub(crate) use connect::parse;
pub(crate) use errors::describe;
use errors::{gone, is_io, is_shutdown, is_stale};
pub(crate) use nodes::node_threads;

use super::alike;
use super::group;
use super::queue::Queue;
use super::session::Session;
use super::sql::{Key, Sql, key};
use super::value::{Owned, Row, RowOf, Value};
use super::wake::JobSignal;
use super::wire::{Posted, Step, Wire};
use crate::StoreError;
use crate::error::ConstraintKind;
use crate::migrations;

type Result<T> = std::result::Result<T, StoreError>;

/// How many statements may wait to be sent.
const QUEUED: usize = 256;

/// The same where those of one text leave as one.
const GATHERED: usize = 4_096;

/// The waits between attempts to reach the server, in milliseconds. Then callers are told.
const BACK_OFF: [u64; 7] = [0, 50, 100, 200, 400, 800, 1600];

pub(crate) struct PgSession {
    config: Arc<Config>,
    patience: Duration,
    read_only: bool,
    open: Option<Box<Open>>,
    stage: Stage,
    /// Whether several closures share the transaction.
    shared: bool,
    /// The closure that runs.
    name: &'static str,
    /// Readers' closures that make more than one query.
    several: HashSet<Key>,
    /// Statements that nobody has had to wait for yet.
    queued: Vec<Queued>,
    /// Whether queued statements of one text may leave as one: see [`PgSession::gather`].
    gathers: bool,
}

struct Open {
    wire: Wire,
    statements: HashMap<Key, Statement>,
    /// The same for lists of rows; None where a text has no such form.
    for_lists: HashMap<Key, Option<Statement>>,
    ending: Ending,
}

/// How far the transaction has come.
#[derive(Clone, Copy)]
enum Stage {
    /// There is none.
    Idle,
    /// It reads, and may well be over after one query, which is a snapshot by itself.
    Single,
    /// So far it has made one query.
    Asked,
    /// This opens it, and goes out with its first statement.
    Unsent(&'static str),
    /// It is open.
    Open,
}

/// What is left of the last transaction of this connection.
enum Ending {
    Nothing,
    /// It is over but the server was not told: that goes out with the next one's beginning, or
    /// when there is nothing else to do.
    Unsent,
    /// The server was told and has not been heard.
    Posted(Posted<Done>),
}

/// What came back, up to the first error.
struct Outcome {
    done: Vec<Done>,
    error: Option<StoreError>,
    /// The connection was lost, so that nobody knows how far the server has come.
    lost: bool,
}

/// Brings the schema up to date. Blocks, and must not run on a thread of an async runtime.
pub(crate) fn migrate(config: &Arc<Config>, options: &PgOptions) -> Result<()> {
    let mut session = Session::Postgres(PgSession::new(config, options.patience, false));
    migrations::run(&mut session, options.migrations, options.make)
}

/// The life of one connection's thread.
pub(crate) fn work(session: PgSession, queue: &Queue, group: usize, signal: &JobSignal) {
    let mut session = Session::Postgres(session);
    loop {
        let calls = match queue.try_take(group) {
            Some(calls) => calls,
            None => {
                session.idle();
                let Some(calls) = queue.take(group) else { return };
                calls
            }
        };
        group::run(&mut session, calls, signal);
    }
}

impl PgSession {
    pub fn new(config: &Arc<Config>, patience: Duration, read_only: bool) -> Self {
        Self {
            config: config.clone(),
            patience,
            read_only,
            open: None,
            stage: Stage::Idle,
            shared: false,
            name: "",
            several: HashSet::new(),
            queued: Vec::new(),
            gathers: false,
        }
    }

    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        let text = sql.for_postgres();
        let (client, statement) = self.statement(text)?;
        let step: Step<'_, Done> = Box::pin(async move {
            client.execute_raw(&statement, params.iter().copied()).await.map(Done::Rows)
        });
        self.send(Some((text, step)))
    }

    /// Sends it with the next statement whose answer somebody waits for; so does
    /// [`PgSession::execute_later`]. A wrong number of rows is then reported by that one.
    pub fn execute_one(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        let text = sql.for_postgres();
        let check = if always_one(text) { Check::Always } else { Check::One };
        self.queue(text, params, check)
    }

    pub fn execute_later(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        self.queue(sql.for_postgres(), params, Check::Any)
    }

    fn queue(&mut self, text: &'static str, params: &[Value<'_>], check: Check) -> Result<()> {
        let params = params.iter().map(Owned::from).collect();
        self.queued.push(Queued { text, params, check });
        if self.queued.len() < if self.gathers { GATHERED } else { QUEUED } {
            return Ok(());
        }
        self.prepared(None)?;
        self.send(None).map(drop)
    }

    pub fn query(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>),
    ) -> Result<()> {
        let text = sql.for_postgres();
        let (client, statement) = self.statement(text)?;
        let step: Step<'_, Done> = Box::pin(async move {
            let rows = client.query_raw(&statement, params.iter().copied()).await?;
            let mut rows = pin!(rows);
            while let Some(row) = rows.try_next().await? {
                each(&Row(RowOf::Postgres(&row)));
            }
            Ok(Done::Rows(0))
        });
        self.send(Some((text, step))).map(drop)
    }

    pub fn prepare(&mut self, sql: &Sql) -> Result<()> {
        self.prepared(Some(sql.for_postgres()))
    }

    pub fn batch(&mut self, text: &str) -> Result<()> {
        self.connected()?;
        self.simple("batch", text)
    }

    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Until the transaction ends, queued statements of one text leave as one, at the place of the first of them.
    pub fn gather(&mut self) {
        self.gathers = true;
    }

    /// Reads see one snapshot. Writes are READ COMMITTED: they lock the rows they decide by
    /// (`UPDATE .. RETURNING`, `FOR UPDATE`), which never needs the retries of SERIALIZABLE.
    ///
    /// The server hears of it with the first statement. A reader that makes only one query needs
    /// no transaction; one that is found to make several is run again and remembered.
    pub fn begin(&mut self, shared: bool, name: &'static str) -> Result<()> {
        self.connected()?;
        (self.shared, self.name) = (shared, name);
        self.gathers = false;
        self.queued.clear();
        self.stage = match shared {
            true => Stage::Unsent("BEGIN; SAVEPOINT one"),
            false if self.read_only && !self.several.contains(&key(name)) => Stage::Single,
            false => Stage::Unsent("BEGIN"),
        };
        Ok(())
    }

    /// After a closure has succeeded: asks for what is not known yet. What cannot touch a wrong
    /// number of rows may wait for the COMMIT: if the server refuses it, that is a ROLLBACK.
    /// Not if it is the first of its transaction: should the connection turn out to be gone, it
    /// is better to know that nothing was committed.
    pub fn settle(&mut self) -> Result<()> {
        let sure = self.queued.iter().all(|queued| queued.check != Check::One);
        let with_commit = sure && !self.read_only && !self.shared;
        if self.queued.is_empty() || (with_commit && matches!(self.stage, Stage::Open)) {
            return Ok(());
        }
        self.prepared(None)?;
        self.send(None).map(drop)
    }

    /// After a closure has failed: what was not sent never will be.
    pub fn forget(&mut self) {
        self.queued.clear();
    }

    pub fn keep(&mut self) -> Result<()> {
        self.if_open("SAVEPOINT", "RELEASE SAVEPOINT one; SAVEPOINT one")
    }

    pub fn undo(&mut self) -> Result<()> {
        self.if_open("ROLLBACK TO", "ROLLBACK TO SAVEPOINT one")
    }

    fn if_open(&mut self, step: &'static str, text: &str) -> Result<()> {
        if matches!(self.stage, Stage::Open) { self.simple(step, text) } else { Ok(()) }
    }

    /// If the server refuses anything here, the transaction is over as well.
    pub fn commit(&mut self) -> Result<()> {
        if !matches!(self.stage, Stage::Open) {
            self.stage = Stage::Idle;
            return Ok(());
        }
        self.prepared(None)?;
        let queued = std::mem::take(&mut self.queued);
        let mut batch = Batch::default();
        let Some(open) = &mut self.open else { return Err(gone()) };
        let client = open.wire.client();
        batch.queued(open, units(&queued, self.gathers))?;
        batch.simple(&client, "COMMIT", "COMMIT");
        let last = batch.steps.len() - 1;
        self.stage = Stage::Idle;
        let outcome = self.run(batch);
        match outcome.error {
            Some(StoreError::Unavailable(message))
                if outcome.lost || outcome.done.len() == last =>
            {
                Err(StoreError::CommitUnknown(message))
            }
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Does not wait for the server. A reader's locks nobody, so it may go with the next BEGIN.
    pub fn rollback(&mut self) {
        self.queued.clear();
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        let (Some(open), Stage::Open) = (&mut self.open, stage) else { return };
        open.ending = Ending::Unsent;
        if !self.read_only {
            self.idle();
        }
    }

    /// Before this thread waits for something else: tells the server that a transaction is over.
    pub fn idle(&mut self) {
        let Some(open) = &mut self.open else { return };
        if !matches!(open.ending, Ending::Unsent) {
            return;
        }
        let client = open.wire.client();
        let mut step: Posted<Done> =
            Box::pin(async move { client.batch_execute("ROLLBACK").await.map(|()| Done::Rows(0)) });
        match open.wire.post(&mut step) {
            Ok(()) => open.ending = Ending::Posted(step),
            Err(_) => self.open = None,
        }
    }

    /// Prepares what is queued, and this, as far as it is not: once in a connection's life.
    fn prepared(&mut self, text: Option<&'static str>) -> Result<()> {
        let Some(open) = &mut self.open else { return Err(gone()) };
        let mut missing: Vec<&'static str> = Vec::new();
        for text in self.queued.iter().map(|queued| queued.text).chain(text) {
            if !open.statements.contains_key(&key(text)) && !missing.contains(&text) {
                missing.push(text);
            }
        }
        if missing.is_empty() {
            return self.prepared_for_lists();
        }
        let client = open.wire.client();
        let mut batch = self.beginning()?;
        let head = batch.steps.len();
        for &text in &missing {
            let client = client.clone();
            batch.push(text, async move { client.prepare(text).await.map(Done::Prepared) });
        }
        let outcome = self.run(batch);
        if let Some(open) = &mut self.open {
            for (text, done) in missing.into_iter().zip(outcome.done.into_iter().skip(head)) {
                if let Done::Prepared(statement) = done {
                    open.statements.insert(key(text), statement);
                }
            }
        }
        outcome.error.map_or(Ok(()), Err)?;
        self.prepared_for_lists()
    }

    /// Prepares what stands several times in the queue, as far as it is not.
    fn prepared_for_lists(&mut self) -> Result<()> {
        if !self.gathers {
            return Ok(());
        }
        let Some(open) = &mut self.open else { return Err(gone()) };
        let mut missing = Vec::new();
        for unit in units(&self.queued, true) {
            let known = open.for_lists.contains_key(&key(unit.text));
            if unit.rows.len() < 2 || known {
                continue;
            }
            let types = statement(&open.statements, unit.text)?.params().to_vec();
            match alike::for_lists(unit.text, &types) {
                Some(text) => missing.push((unit.text, text)),
                None => drop(open.for_lists.insert(key(unit.text), None)),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let client = open.wire.client();
        let mut batch = self.beginning()?;
        let head = batch.steps.len();
        for (name, text) in &missing {
            let client = client.clone();
            batch.push(name, async move { client.prepare(text).await.map(Done::Prepared) });
        }
        let outcome = self.run(batch);
        if let Some(open) = &mut self.open {
            for ((text, _), done) in missing.iter().zip(outcome.done.into_iter().skip(head)) {
                if let Done::Prepared(statement) = done {
                    open.for_lists.insert(key(text), Some(statement));
                }
            }
        }
        outcome.error.map_or(Ok(()), Err)
    }

    fn statement(&mut self, text: &'static str) -> Result<(Arc<Client>, Statement)> {
        self.prepared(Some(text))?;
        let Some(open) = &self.open else { return Err(gone()) };
        Ok((open.wire.client(), statement(&open.statements, text)?))
    }

    /// What has to be sent before a statement: the last transaction's end, this one's beginning.
    fn beginning<'a>(&mut self) -> Result<Batch<'a>> {
        let Some(open) = &mut self.open else { return Err(gone()) };
        let client = open.wire.client();
        let mut batch = Batch::default();
        let begin = match self.stage {
            Stage::Unsent(text) => Some(text),
            Stage::Idle | Stage::Single | Stage::Asked | Stage::Open => None,
        };
        match std::mem::replace(&mut open.ending, Ending::Nothing) {
            Ending::Nothing => {}
            Ending::Unsent => batch.simple(&client, "ROLLBACK", "ROLLBACK"),
            Ending::Posted(step) => {
                batch.names.push("ROLLBACK");
                batch.steps.push(step);
            }
        }
        if let Some(text) = begin {
            batch.simple(&client, "BEGIN", text);
            self.stage = Stage::Open;
        }
        Ok(batch)
    }

    /// Sends what is queued and this, and answers the last one's number of rows.
    fn send(&mut self, last: Option<(&'static str, Step<'_, Done>)>) -> Result<u64> {
        match self.stage {
            Stage::Single if self.queued.is_empty() => self.stage = Stage::Asked,
            Stage::Single => self.stage = Stage::Unsent("BEGIN"),
            Stage::Asked => {
                self.several.insert(key(self.name));
                return Err(StoreError::Conflict("several queries need one snapshot".to_owned()));
            }
            Stage::Idle | Stage::Unsent(_) | Stage::Open => {}
        }
        let queued = std::mem::take(&mut self.queued);
        let mut batch = self.beginning()?;
        let head = batch.steps.len();
        let Some(open) = &mut self.open else { return Err(gone()) };
        let wanted = batch.queued(open, units(&queued, self.gathers))?;
        if let Some((name, step)) = last {
            batch.names.push(name);
            batch.steps.push(step);
        }
        let outcome = self.run(batch);
        for (wanted, done) in wanted.iter().zip(outcome.done.iter().skip(head)) {
            match (wanted, done) {
                ((sql, Some(rows)), Done::Rows(found)) if found != rows => {
                    return Err(StoreError::NotOne { sql, found: *found });
                }
                _ => {}
            }
        }
        match (outcome.error, outcome.done.last()) {
            (Some(error), _) => Err(error),
            (None, Some(Done::Rows(count))) => Ok(*count),
            (None, _) => Ok(0),
        }
    }

    fn run(&mut self, batch: Batch<'_>) -> Outcome {
        let mut outcome = Outcome { done: Vec::new(), error: None, lost: false };
        let Some(open) = &mut self.open else {
            return Outcome { error: Some(gone()), ..outcome };
        };
        let answers = open.wire.all(batch.steps);
        for (answer, name) in answers.done.into_iter().zip(batch.names) {
            match answer {
                Ok(done) => outcome.done.push(done),
                Err(error) => {
                    outcome.error = Some(self.failed(name, &error));
                    break;
                }
            }
        }
        if let Some(error) = answers.lost {
            self.open = None;
            if outcome.error.is_none() {
                outcome.error = Some(StoreError::Unavailable(error.to_string()));
                outcome.lost = true;
            }
        }
        outcome
    }

    /// Connects if there is no connection, with growing pauses.
    fn connected(&mut self) -> Result<()> {
        if self.open.as_ref().is_some_and(|open| !open.wire.is_closed()) {
            return Ok(());
        }
        self.open = None;
        let mut last = String::new();
        for pause in BACK_OFF {
            std::thread::sleep(Duration::from_millis(pause));
            match connect(&self.config, self.patience, self.read_only) {
                Ok(wire) => {
                    self.open = Some(Box::new(Open {
                        wire,
                        statements: HashMap::new(),
                        for_lists: HashMap::new(),
                        ending: Ending::Nothing,
                    }));
                    return Ok(());
                }
                Err(error) => last = error,
            }
            tracing::warn!(error = last, "cannot reach PostgreSQL");
        }
        Err(StoreError::Unavailable(last))
    }

    /// One or several statements without parameters.
    fn simple(&mut self, step: &'static str, text: &str) -> Result<()> {
        self.prepared(None)?;
        let Some(open) = &self.open else { return Err(gone()) };
        let client = open.wire.client();
        let run: Step<'_, Done> =
            Box::pin(async move { client.batch_execute(text).await.map(|()| Done::Rows(0)) });
        self.send(Some((step, run))).map(drop)
    }

    /// Says what an error means for the transaction; a lost connection is dropped.
    fn failed(&mut self, sql: &'static str, error: &tokio_postgres::Error) -> StoreError {
        let message = describe(error);
        let Some(db) = error.as_db_error() else {
            let open = self.open.as_ref().is_some_and(|open| !open.wire.is_closed());
            if open && !error.is_closed() && !is_io(error) {
                return StoreError::Database { sql, message };
            }
            self.open = None;
            return StoreError::Unavailable(message);
        };
        let what = || db.constraint().unwrap_or_else(|| db.message()).to_owned();
        let constraint = |kind| StoreError::Constraint { kind, what: what() };
        match *db.code() {
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => StoreError::Conflict(message),
            SqlState::UNIQUE_VIOLATION => constraint(ConstraintKind::Unique),
            SqlState::FOREIGN_KEY_VIOLATION => constraint(ConstraintKind::ForeignKey),
            SqlState::CHECK_VIOLATION => constraint(ConstraintKind::Check),
            SqlState::NOT_NULL_VIOLATION => {
                let what = db.column().unwrap_or_else(|| db.message()).to_owned();
                StoreError::Constraint { kind: ConstraintKind::NotNull, what }
            }
            ref code if is_stale(code) => {
                // Another node has changed a table: prepare everything again.
                self.open = None;
                StoreError::Unavailable(message)
            }
            ref code if is_shutdown(code) => {
                self.open = None;
                StoreError::Unavailable(message)
            }
            _ => StoreError::Database { sql, message },
        }
    }
}
