//! SQLite: one writer thread, and read-only connections beside it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::readers::Readers;
use super::session::Session;
use super::sql::{Key, Sql, key, numbered};
use super::value::{Row, RowOf, Value};
use crate::error::ConstraintKind;
use crate::migrations::{self, Migration};
use crate::{StoreError, migrations::ALL};

type Result<T> = std::result::Result<T, StoreError>;

/// How many closures may share one commit.
pub(crate) const GROUP: usize = 256;

/// After so many closures in one commit the next one begins no sooner than [`GATHERING`] after it began: each commit writes
/// the last page of every table and index anew, however few rows it has.
pub(crate) const BUSY: usize = 2;
pub(crate) const GATHERING: Duration = Duration::from_millis(3);

/// More statements than the program has.
const STATEMENTS: usize = 1024;

/// The writer syncs the log at every commit (FULL): a CA must not forget a serial it signed.
/// Memory mapping is left off, since a failing disk would then kill the process. The cache holds more than a group of
/// orders writes, and no more: after a commit in which a B-tree was balanced SQLite walks through all of it.
const SETTINGS: &str = "
    PRAGMA busy_timeout = 10000;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8192;
    PRAGMA mmap_size = 0;
";
const WRITER_SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
";

/// How to open a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// How many read-only connections.
    pub readers: usize,
    /// Refuse a file that another process serves from, and keep others from serving (default).
    /// A command beside a running server sets this to false; its writes then take turns with
    /// the server's.
    pub exclusive: bool,
    /// Make the tables where there are none yet (default); else such a file is refused and stays as it is. One with tables of
    /// another program is refused in any case.
    pub make: bool,
    /// The schema, [`migrations::ALL`] except in tests.
    pub migrations: &'static [Migration],
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, exclusive: true, make: true, migrations: ALL }
    }
}

pub(crate) struct SqliteSession {
    connection: Connection,
    read_only: bool,
    texts: HashMap<Key, Box<str>>,
    /// Rows changed on this connection when the last closure was kept.
    kept: u64,
    /// Who reads beside the writer, and is to know of its commits.
    readers: Option<Arc<Readers>>,
}

/// Opens the writer's connection and brings the schema up to date. Statistics for the planner are not gathered: every query goes
/// by keys, and gathering them reads every index whole, seconds for a million orders.
pub(crate) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Session> {
    check_ours(path, options.make)?;
    keep_private(path)?;
    let connection =
        connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch(WRITER_SETTINGS).map_err(|error| failed("settings", &error))?;
    let mut session = Session::Sqlite(SqliteSession::new(connection, false));
    migrations::run(&mut session, options.migrations, options.make)?;
    Ok(session)
}

/// Looks into the file before anything is written to it.
fn check_ours(path: &Path, make: bool) -> Result<()> {
    let refused = |message: &str| StoreError::File { path: path.into(), message: message.into() };
    if !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        let none = "there are no tables of Chancery in it; start `chancery serve` or `chancery sandbox` once to make them";
        return if make { Ok(()) } else { Err(refused(none)) };
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let count = |sql| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    let others = count("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'");
    let ours = count("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_version'");
    match (ours, others) {
        (Ok(0), Ok(0)) if make => Ok(()),
        (Ok(0), Ok(_)) => Err(refused("it is no database of Chancery")),
        (Ok(_), Ok(_)) => Ok(()),
        (Err(error), _) | (_, Err(error)) => Err(refused(&error.to_string())),
    }
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Session> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(Session::Sqlite(SqliteSession::new(connection, true)))
}

/// Only the owner reads the file: codes of domain control, mails and the hashes of passwords are in it. SQLite gives its
/// log and its index the same rights; those of an earlier version are mended here.
fn keep_private(path: &Path) -> Result<()> {
    let wrong = |error: std::io::Error| StoreError::File {
        path: path.into(),
        message: format!("cannot be kept from others: {error}"),
    };
    owner_only().create(true).truncate(false).write(true).open(path).map_err(wrong)?;
    for beside in ["", "-wal", "-shm"] {
        let file = beside_it(path, beside);
        match std::fs::metadata(&file) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                std::fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(wrong)?;
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// `PATH-wal` and the like.
fn beside_it(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| StoreError::File { path: path.into(), message: error.to_string() })?;
    connection.execute_batch(SETTINGS).map_err(|error| failed("settings", &error))?;
    // Plans must not hang on bound values, or SQLite (built with STAT4) parses a statement anew for each new value.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| failed("settings", &error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Takes the lock file beside the database; the system frees it when the process ends.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let name = beside_it(path, ".lock");
    let wrong =
        |error: std::io::Error| StoreError::File { path: name.clone(), message: error.to_string() };
    let file = owner_only().create(true).truncate(false).write(true).open(&name).map_err(wrong)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(wrong(error)),
    }
}

impl SqliteSession {
    fn new(connection: Connection, read_only: bool) -> Self {
        Self { connection, read_only, texts: HashMap::new(), kept: 0, readers: None }
    }

    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        let text = sql.for_sqlite();
        let run = |statement: &mut rusqlite::CachedStatement<'_>| {
            statement.execute(params_from_iter(params))
        };
        self.with(text, run).map(|rows| rows as u64)
    }

    pub fn execute_one(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        match self.execute(sql, params)? {
            1 => Ok(()),
            found => Err(StoreError::NotOne { sql: sql.for_sqlite(), found }),
        }
    }

    pub fn execute_later(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        self.execute(sql, params).map(drop)
    }

    pub fn query(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>),
    ) -> Result<()> {
        self.with(sql.for_sqlite(), |statement| {
            let mut rows = statement.query(params_from_iter(params))?;
            while let Some(row) = rows.next()? {
                each(&Row(RowOf::Sqlite(row)));
            }
            Ok(())
        })
    }

    pub fn prepare(&mut self, sql: &Sql) -> Result<()> {
        self.with(sql.for_sqlite(), |_| Ok(()))
    }

    pub fn batch(&mut self, text: &str) -> Result<()> {
        self.connection.execute_batch(text).map_err(|error| failed("batch", &error))
    }

    pub fn read_only(&self) -> bool {
        self.read_only
    }

    pub fn begin(&mut self) -> Result<()> {
        self.kept = self.connection.total_changes();
        self.step(if self.read_only { "BEGIN" } else { "BEGIN IMMEDIATE" })
    }

    pub fn keep(&mut self) -> Result<()> {
        self.still_open()?;
        self.kept = self.connection.total_changes();
        Ok(())
    }

    /// There are no savepoints, since one per closure costs every closure a copy of each page that it writes. A closure
    /// that has failed before it changed anything leaves nothing to undo; otherwise all of them run again, each alone.
    pub fn undo(&mut self) -> Result<()> {
        self.still_open()?;
        match self.connection.total_changes() == self.kept {
            true => Ok(()),
            false => Err(StoreError::Conflict("one of a group failed after it had written".into())),
        }
    }

    /// From now on these readers learn of every commit.
    pub fn tell(&mut self, readers: Arc<Readers>) {
        self.readers = Some(readers);
    }

    /// A full disk, a failing one and too little memory make SQLite roll back the whole transaction by itself, with all that
    /// neighbours in it had done; what came after would be stored statement by statement.
    fn still_open(&self) -> Result<()> {
        match self.connection.is_autocommit() {
            false => Ok(()),
            true => Err(StoreError::Conflict("the database has rolled back by itself".into())),
        }
    }

    /// A failed write or sync leaves open what a later recovery will find in the log.
    pub fn commit(&mut self) -> Result<()> {
        let readers = self.readers.clone();
        if let Some(readers) = &readers {
            readers.rest();
        }
        let done = self.with("COMMIT", |statement| statement.raw_execute());
        if let Some(readers) = &readers {
            readers.outdate();
        }
        match done {
            Ok(_) => Ok(()),
            Err(StoreError::Unavailable(message)) => Err(StoreError::CommitUnknown(message)),
            Err(error) => Err(error),
        }
    }

    pub fn rollback(&mut self) {
        // Some errors have already ended the transaction.
        if !self.connection.is_autocommit()
            && let Err(error) = self.step("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
    }

    fn step(&mut self, text: &'static str) -> Result<()> {
        self.with(text, |statement| statement.raw_execute()).map(drop)
    }

    fn with<T>(
        &mut self,
        text: &'static str,
        run: impl FnOnce(&mut rusqlite::CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let numbered = self.texts.entry(key(text)).or_insert_with(|| numbered(text).into());
        let mut statement =
            self.connection.prepare_cached(numbered).map_err(|error| failed(text, &error))?;
        run(&mut statement).map_err(|error| failed(text, &error))
    }
}

fn failed(sql: &'static str, error: &rusqlite::Error) -> StoreError {
    let message = error.to_string();
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        return StoreError::Database { sql, message };
    };
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Conflict(message),
        ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::OutOfMemory => {
            StoreError::Unavailable(message)
        }
        ErrorCode::ConstraintViolation => constraint(code.extended_code, sql, message),
        _ => StoreError::Database { sql, message },
    }
}

fn constraint(extended: i32, sql: &'static str, message: String) -> StoreError {
    use rusqlite::ffi;
    let kind = match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        _ => return StoreError::Database { sql, message },
    };
    let what = message.split_once("failed: ").map_or(message.as_str(), |(_, what)| what);
    StoreError::Constraint { kind, what: what.to_owned() }
}
