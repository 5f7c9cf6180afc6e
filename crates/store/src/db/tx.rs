//! A transaction as its closure sees it.

use super::session::Session;
use super::sql::Sql;
use super::value::{Row, Value};
use crate::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Which database is behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file of this process.
    Sqlite,
    /// A server.
    Postgres,
}

/// An open transaction.
///
/// A statement that the database refuses dooms it on both databases alike, and so does an
/// [`Tx::execute_one`] that touches another number of rows: every later statement answers the
/// same error and nothing is kept, even if the closure returns `Ok`. To provoke and survive a
/// conflict, use `ON CONFLICT`. A refused row (a reader of rows) dooms nothing; return the error
/// and all is rolled back.
///
/// On PostgreSQL [`Tx::execute_one`] and [`Tx::execute_later`] only queue: the statements go out
/// together with the next one whose answer is needed, or before the commit, in their order. What
/// is wrong with one is then answered by that call, or to the caller of the transaction. So put
/// what must be known first, and then everything that only has to be done.
///
/// Nothing slow belongs inside: no network, no signing. A closure may run more than once.
pub struct Tx<'s> {
    session: &'s mut Session,
    doomed: Option<StoreError>,
    wakes: bool,
}

impl<'s> Tx<'s> {
    pub(crate) fn new(session: &'s mut Session) -> Self {
        Self { session, doomed: None, wakes: false }
    }

    /// Runs a statement and says how many rows it touched, which takes a round trip.
    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        self.alive()?;
        let done = self.session.execute(sql, params);
        self.mark(done)
    }

    /// Runs a statement that must touch exactly one row, otherwise all is undone. Its errors may
    /// be answered by a later statement or by the commit.
    pub fn execute_one(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        self.alive()?;
        let done = self.session.execute_one(sql, params);
        self.mark(done)
    }

    /// Runs a statement that may touch any number of rows. Its errors may be answered by a later
    /// statement or by the commit.
    pub fn execute_later(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        self.alive()?;
        let done = self.session.execute_later(sql, params);
        self.mark(done)
    }

    /// Says that from here on statements left for later may be reordered by their texts, each text at the place of its
    /// first: for writing many things of one kind that do not depend on each other, no row twice. On PostgreSQL the
    /// statements of one text then leave as one.
    pub fn gather(&mut self) {
        self.session.gather();
    }

    /// Says that what was read is no longer true: the transaction is undone and its closure runs again.
    pub fn outrun(&mut self) -> StoreError {
        let error = StoreError::Conflict("somebody else was faster".to_owned());
        self.doom(error.clone());
        error
    }

    /// Runs a query and reads every row.
    pub fn query<T>(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.alive()?;
        let mut rows = Vec::new();
        let mut unread = None;
        let done = self.session.query(sql, params, &mut |row| {
            if unread.is_none() {
                match read(row) {
                    Ok(value) => rows.push(value),
                    Err(error) => unread = Some(error),
                }
            }
        });
        self.mark(done)?;
        unread.map_or(Ok(rows), Err)
    }

    /// Runs a query that answers one row or none.
    pub fn query_opt<T>(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut rows = self.query(sql, params, read)?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            found => Err(self.not_one(sql, found)),
        }
    }

    /// Runs a query that must answer exactly one row.
    pub fn query_one<T>(
        &mut self,
        sql: &Sql,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.query_opt(sql, params, read)?.ok_or_else(|| self.not_one(sql, 0))
    }

    /// Prepares a query without running it: how a test checks every named text.
    pub fn prepare(&mut self, sql: &Sql) -> Result<()> {
        self.alive()?;
        let done = self.session.prepare(sql);
        self.mark(done)
    }

    /// Which database this is; for tests and for the rare query that has no common form.
    pub fn database(&self) -> Database {
        self.session.database()
    }

    /// After the commit, job workers look for work at once (see [`crate::Store::job_waker`]).
    pub fn wake_workers(&mut self) {
        self.wakes = true;
    }

    /// After the closure: learns how what was left for later has ended, or drops it.
    pub(crate) fn settle(&mut self, kept: bool) {
        if kept && self.doomed.is_none() {
            let done = self.session.settle();
            let _ = self.mark(done);
        } else {
            self.session.forget();
        }
    }

    pub(crate) fn doom(&mut self, error: StoreError) {
        self.doomed.get_or_insert(error);
    }

    /// Why it must not be kept, and whether it wakes workers.
    pub(crate) fn end(self) -> (Option<StoreError>, bool) {
        (self.doomed, self.wakes)
    }

    fn alive(&self) -> Result<()> {
        self.doomed.clone().map_or(Ok(()), Err)
    }

    fn mark<T>(&mut self, done: Result<T>) -> Result<T> {
        done.inspect_err(|error| self.doom(error.clone()))
    }

    fn not_one(&self, sql: &Sql, found: usize) -> StoreError {
        StoreError::NotOne { sql: self.session.text(sql), found: found as u64 }
    }
}
