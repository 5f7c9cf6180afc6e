//! PostgreSQL: threads with one blocking connection each, and a pair that wakes other nodes.
//!
//! There is no TLS to the server: it is reached over loopback, a unix socket or a tunnel.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Statement};

use super::group;
use super::queue::Queue;
use super::session::Session;
use super::sql::{Key, Sql, key};
use super::value::{Row, RowOf, Value};
use super::wake::JobSignal;
use crate::error::ConstraintKind;
use crate::migrations::{self, Migration};
use crate::{StoreError, migrations::ALL};

type Result<T> = std::result::Result<T, StoreError>;

/// How to use a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// Connections that write.
    pub writers: usize,
    /// Connections that read, so that readers do not wait behind writers.
    pub readers: usize,
    /// How many waiting closures a writer may put into one transaction. Leave it at 1: the server
    /// gathers the syncs of several connections by itself, a round trip per savepoint eats what
    /// a group saves, and two groups that touch the same rows in another order deadlock.
    pub group: usize,
    /// The schema, [`migrations::ALL`] except in tests.
    pub migrations: &'static [Migration],
}

impl PgOptions {
    /// The measured best for this many connections in all (see `examples/rates.rs`).
    pub fn for_connections(connections: usize) -> Self {
        let readers = (connections / 4).max(1);
        let writers = connections.saturating_sub(readers).max(1);
        Self { writers, readers, group: 1, migrations: ALL }
    }
}

const ONE_CONNECTION: &str = "
    SET lock_timeout = '10s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '60s';
";

/// The waits between attempts to reach the server, in milliseconds. Then callers are told.
const BACK_OFF: [u64; 7] = [0, 50, 100, 200, 400, 800, 1600];

const CHANNEL: &str = "LISTEN chancery_jobs";
const NOTIFY: &str = "NOTIFY chancery_jobs";

pub(crate) struct PgSession {
    config: Arc<Config>,
    read_only: bool,
    open: Option<Box<Open>>,
}

struct Open {
    client: Client,
    statements: HashMap<Key, Statement>,
}

pub(crate) fn parse(url: &str) -> Result<Arc<Config>> {
    let mut config: Config = url.parse().map_err(|error: postgres::Error| {
        StoreError::Unavailable(format!("database address: {}", describe(&error)))
    })?;
    if config.get_application_name().is_none() {
        config.application_name("chancery");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    Ok(Arc::new(config))
}

/// Brings the schema up to date. Blocks, and must not run on a thread of an async runtime.
pub(crate) fn migrate(config: &Arc<Config>, migrations: &[Migration]) -> Result<()> {
    let mut session = Session::Postgres(PgSession::new(config, false));
    migrations::run(&mut session, migrations)
}

/// The life of one connection's thread.
pub(crate) fn work(session: PgSession, queue: &Queue, group: usize, signal: &JobSignal) {
    let mut session = Session::Postgres(session);
    while let Some(calls) = queue.take(group) {
        group::run(&mut session, calls, signal);
    }
}

impl PgSession {
    pub fn new(config: &Arc<Config>, read_only: bool) -> Self {
        Self { config: config.clone(), read_only, open: None }
    }

    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        self.with(sql.for_postgres(), |client, statement| {
            let params: Vec<_> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            client.execute(statement, &params)
        })
    }

    pub fn query(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>),
    ) -> Result<()> {
        self.with(sql.for_postgres(), |client, statement| {
            let mut rows = client.query_raw(statement, params)?;
            while let Some(row) = rows.next()? {
                each(&Row(RowOf::Postgres(&row)));
            }
            Ok(())
        })
    }

    pub fn prepare(&mut self, sql: &Sql) -> Result<()> {
        self.with(sql.for_postgres(), |_, _| Ok(()))
    }

    pub fn batch(&mut self, text: &str) -> Result<()> {
        self.connected()?;
        self.simple("batch", text)
    }

    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Reads see one snapshot. Writes are READ COMMITTED: they lock the rows they decide by
    /// (`UPDATE .. RETURNING`, `FOR UPDATE`), which never needs the retries of SERIALIZABLE.
    pub fn begin(&mut self, shared: bool) -> Result<()> {
        self.connected()?;
        let text = match (self.read_only, shared) {
            (true, _) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (false, false) => "BEGIN",
            (false, true) => "BEGIN; SAVEPOINT one",
        };
        match self.simple("BEGIN", text) {
            // The server may have gone since the last transaction: once more, connecting anew.
            Err(StoreError::Unavailable(_)) => {
                self.connected()?;
                self.simple("BEGIN", text)
            }
            done => done,
        }
    }

    pub fn keep(&mut self) -> Result<()> {
        self.simple("SAVEPOINT", "RELEASE SAVEPOINT one; SAVEPOINT one")
    }

    pub fn undo(&mut self) -> Result<()> {
        self.simple("ROLLBACK TO", "ROLLBACK TO SAVEPOINT one")
    }

    pub fn commit(&mut self) -> Result<()> {
        match self.simple("COMMIT", "COMMIT") {
            Err(StoreError::Unavailable(message)) => Err(StoreError::CommitUnknown(message)),
            done => done,
        }
    }

    pub fn rollback(&mut self) {
        if self.open.is_some() && self.simple("ROLLBACK", "ROLLBACK").is_err() {
            self.open = None;
        }
    }

    /// Connects if there is no connection, with growing pauses.
    fn connected(&mut self) -> Result<()> {
        if self.open.as_ref().is_some_and(|open| !open.client.is_closed()) {
            return Ok(());
        }
        self.open = None;
        let mut last = String::new();
        for pause in BACK_OFF {
            std::thread::sleep(Duration::from_millis(pause));
            match connect(&self.config) {
                Ok(client) => {
                    self.open = Some(Box::new(Open { client, statements: HashMap::new() }));
                    return Ok(());
                }
                Err(error) => last = describe(&error),
            }
            tracing::warn!(error = last, "cannot reach PostgreSQL");
        }
        Err(StoreError::Unavailable(last))
    }

    fn simple(&mut self, step: &'static str, text: &str) -> Result<()> {
        let Some(open) = &mut self.open else { return Err(gone()) };
        let done = open.client.batch_execute(text);
        done.map_err(|error| self.failed(step, &error))
    }

    fn with<T>(
        &mut self,
        text: &'static str,
        run: impl FnOnce(&mut Client, &Statement) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        let Some(open) = &mut self.open else { return Err(gone()) };
        let Open { client, statements } = &mut **open;
        let done = match statements.get(&key(text)) {
            Some(statement) => run(client, statement),
            None => client.prepare(text).and_then(|statement| {
                run(client, statements.entry(key(text)).or_insert(statement))
            }),
        };
        done.map_err(|error| self.failed(text, &error))
    }

    /// Says what an error means for the transaction; a lost connection is dropped.
    fn failed(&mut self, sql: &'static str, error: &postgres::Error) -> StoreError {
        let message = describe(error);
        let Some(db) = error.as_db_error() else {
            let open = self.open.as_ref().is_some_and(|open| !open.client.is_closed());
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

/// Waits for signals raised here and tells the other nodes, on a connection of its own.
///
/// Not part of the transaction itself, where NOTIFY would make commits wait for each other;
/// a signal lost in a crash costs no more than the wait for the next look. Bursts become one.
pub(crate) fn tell_nodes(config: &Arc<Config>, own: &AtomicI32, signal: &JobSignal) {
    let mut session = PgSession::new(config, false);
    while signal.raised() {
        let told = session.connected().and_then(|()| {
            own.store(session.backend_pid(), Ordering::Relaxed);
            session.simple("NOTIFY", NOTIFY)
        });
        if let Err(error) = told {
            tracing::warn!(%error, "other nodes were not told of a job");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Hears what other nodes tell. `own` is the connection of [`tell_nodes`].
pub(crate) fn hear_nodes(config: &Arc<Config>, own: &AtomicI32, signal: &JobSignal) {
    let mut session = PgSession::new(config, false);
    while !signal.closed() {
        if let Err(error) = session.listen(own, signal) {
            tracing::warn!(%error, "cannot listen for jobs of other nodes");
            session.open = None;
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl PgSession {
    /// 0 if it cannot be known.
    fn backend_pid(&mut self) -> i32 {
        const PID: Sql = Sql::both("SELECT pg_backend_pid()");
        let mut pid = 0;
        let read = self.query(&PID, &[], &mut |row| pid = row.int(0).unwrap_or(0));
        if read.is_ok() { i32::try_from(pid).unwrap_or(0) } else { 0 }
    }

    fn listen(&mut self, own: &AtomicI32, signal: &JobSignal) -> Result<()> {
        self.connected()?;
        self.simple("LISTEN", CHANNEL)?;
        signal.raise_here();
        while !signal.closed() {
            let Some(open) = &mut self.open else { return Err(gone()) };
            let pause = Duration::from_millis(100);
            let heard = open.client.notifications().timeout_iter(pause).next();
            let closed = open.client.is_closed();
            match heard {
                Ok(Some(note)) if note.process_id() == own.load(Ordering::Relaxed) => {}
                Ok(Some(_)) => signal.raise_here(),
                Ok(None) if closed => return Err(gone()),
                Ok(None) => {}
                Err(error) => return Err(self.failed("LISTEN", &error)),
            }
        }
        Ok(())
    }
}

type ThreadBody = Box<dyn FnOnce() + Send>;

/// The two threads above, to be started.
pub(crate) fn node_threads(
    config: &Arc<Config>,
    signal: &Arc<JobSignal>,
) -> [(&'static str, ThreadBody); 2] {
    let own = Arc::new(AtomicI32::new(0));
    let (config_1, own_1, signal_1) = (config.clone(), own.clone(), signal.clone());
    let (config_2, signal_2) = (config.clone(), signal.clone());
    [
        ("store-tell", Box::new(move || tell_nodes(&config_1, &own_1, &signal_1))),
        ("store-hear", Box::new(move || hear_nodes(&config_2, &own, &signal_2))),
    ]
}

fn connect(config: &Config) -> std::result::Result<Client, postgres::Error> {
    let mut client = config.connect(NoTls)?;
    client.batch_execute(ONE_CONNECTION)?;
    Ok(client)
}

fn gone() -> StoreError {
    StoreError::Unavailable("the connection is lost".to_owned())
}

fn is_io(error: &postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

fn is_shutdown(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]
            .contains(code)
}

/// A prepared statement that no longer fits its table, or is gone.
fn is_stale(code: &SqlState) -> bool {
    [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME].contains(code)
}

/// The error with its causes: the crate's own words are only "db error".
fn describe(error: &postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
