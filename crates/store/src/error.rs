//! The one error of this crate.

use std::path::PathBuf;

/// Which kind of rule of the schema a statement has broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// A unique index or a primary key.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A CHECK condition.
    Check,
    /// NOT NULL.
    NotNull,
}

/// What may go wrong between a transaction and its database.
///
/// It can be cloned because one failed commit is the answer to a whole group of callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A rule of the schema refused the statement.
    #[error("{kind:?} constraint broken: {what}")]
    Constraint {
        /// The kind of rule.
        kind: ConstraintKind,
        /// PostgreSQL: the constraint's name. SQLite: `table.column, ...` or the index.
        what: String,
    },
    /// One row was expected.
    #[error("expected exactly one row but found {found}: {sql}")]
    NotOne {
        /// The statement.
        sql: &'static str,
        /// How many rows there were.
        found: u64,
    },
    /// A column holds another type than the reader of the row wants.
    #[error("column {column} is not {wanted}")]
    Column {
        /// Its index, from 0.
        column: usize,
        /// The wanted type.
        wanted: &'static str,
    },
    /// A row was read but does not make sense (a word that is no state, a number out of range).
    #[error("inconsistent row: {0}")]
    Inconsistent(String),
    /// The database says no for another reason.
    #[error("database: {message} (in: {sql})")]
    Database {
        /// The statement, or the step of the transaction.
        sql: &'static str,
        /// The database's own words, with its code.
        message: String,
    },
    /// A conflict with another transaction outlived all retries.
    #[error("conflict with another transaction: {0}")]
    Conflict(String),
    /// The connection is lost or cannot be made; nothing was committed.
    #[error("database unreachable: {0}")]
    Unavailable(String),
    /// The connection was lost (or the disk failed) while committing: it may or may not be stored.
    #[error("outcome of the commit unknown: {0}")]
    CommitUnknown(String),
    /// The closure panicked; nothing of it was stored.
    #[error("transaction {name} panicked: {message}")]
    Panicked {
        /// The transaction's name.
        name: &'static str,
        /// The panic's message.
        message: String,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Another process serves from this SQLite file.
    #[error("{} is in use by another process (it holds the lock file beside it)", .0.display())]
    InUse(PathBuf),
    /// A file could not be opened.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// The schema in the database does not fit this program.
    #[error("migrations: {0}")]
    Migration(String),
}

impl StoreError {
    /// For a reader of rows that meets a value without a meaning.
    pub fn inconsistent(what: impl std::fmt::Display) -> Self {
        Self::Inconsistent(what.to_string())
    }

    /// Whether a unique index refused the statement.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, .. })
    }

    /// Whether the same transaction may succeed when it is simply run again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Unavailable(_))
    }
}
