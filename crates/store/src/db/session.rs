//! One connection to either database, with the steps that a group of transactions needs.

use std::sync::Arc;

use super::postgres::PgSession;
use super::readers::Readers;
use super::sql::Sql;
use super::sqlite::SqliteSession;
use super::tx::Database;
use super::value::{Row, Value};
use crate::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) enum Session {
    Sqlite(SqliteSession),
    Postgres(PgSession),
}

/// Hands a call to whichever connection it is.
macro_rules! on {
    ($session:expr, $name:ident $(, $argument:expr)*) => {
        match $session {
            Session::Sqlite(session) => session.$name($($argument),*),
            Session::Postgres(session) => session.$name($($argument),*),
        }
    };
}

impl Session {
    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        on!(self, execute, sql, params)
    }

    /// Runs a statement that must touch exactly one row, now or later.
    pub fn execute_one(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        on!(self, execute_one, sql, params)
    }

    /// Runs a statement, now or later.
    pub fn execute_later(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        on!(self, execute_later, sql, params)
    }

    pub fn query(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>),
    ) -> Result<()> {
        on!(self, query, sql, params, each)
    }

    pub fn prepare(&mut self, sql: &Sql) -> Result<()> {
        on!(self, prepare, sql)
    }

    /// Runs several statements without parameters: migrations.
    pub fn batch(&mut self, text: &str) -> Result<()> {
        on!(self, batch, text)
    }

    /// See [`super::Tx::gather`].
    pub fn gather(&mut self) {
        if let Self::Postgres(session) = self {
            session.gather();
        }
    }

    pub fn read_only(&self) -> bool {
        on!(self, read_only)
    }

    /// Has a writer tell these readers of its commits.
    pub fn tell(&mut self, readers: &Arc<Readers>) {
        if let Self::Sqlite(session) = self {
            session.tell(readers.clone());
        }
    }

    /// Opens a transaction, ready for several closures if they will share it. `name` is
    /// the first one's.
    pub fn begin(&mut self, shared: bool, name: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(session) => session.begin(),
            Self::Postgres(session) => session.begin(shared, name),
        }
    }

    /// After a closure that succeeded: whether all that was left for later succeeds too.
    pub fn settle(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.settle(),
        }
    }

    /// After a closure that failed: drops what was left for later.
    pub fn forget(&mut self) {
        if let Self::Postgres(session) = self {
            session.forget();
        }
    }

    /// Before the thread waits for something else than the database.
    pub fn idle(&mut self) {
        if let Self::Postgres(session) = self {
            session.idle();
        }
    }

    /// Between two closures: keeps what the last one did.
    pub fn keep(&mut self) -> Result<()> {
        on!(self, keep)
    }

    /// Between two closures: forgets what the last one did.
    pub fn undo(&mut self) -> Result<()> {
        on!(self, undo)
    }

    pub fn commit(&mut self) -> Result<()> {
        on!(self, commit)
    }

    /// Never fails: a connection that cannot roll back is thrown away.
    pub fn rollback(&mut self) {
        on!(self, rollback);
    }

    pub fn database(&self) -> Database {
        match self {
            Self::Sqlite(_) => Database::Sqlite,
            Self::Postgres(_) => Database::Postgres,
        }
    }

    pub fn text(&self, sql: &Sql) -> &'static str {
        match self {
            Self::Sqlite(_) => sql.for_sqlite(),
            Self::Postgres(_) => sql.for_postgres(),
        }
    }
}
