//! What the operator does from a shell, beside a running server: one file per noun. Words come in and are parsed here,
//! plain structs go out. Every refusal says what to do next.
//!
//! Nothing here needs the CA keys, save [`ceremony`]; what has to be signed is promised as a job, and a worker does it.

pub mod accounts;
pub mod audit;
pub mod ceremony;
pub mod certificates;
pub mod jobs;
pub mod orders;
pub mod products;
pub mod templates;

use std::path::Path;

pub use domain::subject::is_harmless;
use domain::time::{Clock, Time};
use store::{Store, StoreError, Tx, settings};

use crate::app::Failure;
use crate::clock::TurnedClock;
use crate::open::{self, CLOCK_OFFSET};

/// Why something was not done, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Complaint(String);

impl Complaint {
    /// From words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl From<StoreError> for Complaint {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<Failure> for Complaint {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Declined(words) | Failure::Internal(words) => Self(words),
            Failure::Refused(refusal) => Self(format!("refused: {refusal:?}")),
        }
    }
}

/// What an operator's command gives.
pub type Done<T> = Result<T, Complaint>;

/// A database, opened beside whoever serves from it.
pub struct Office {
    store: Store,
    clock: TurnedClock,
    actor: String,
}

impl Office {
    /// Opens a database that is there: a path, `sqlite:PATH`, `postgres://…`. `actor` is written into the audit trail.
    ///
    /// # Errors
    /// When there is no such database.
    pub fn open(database: &str, actor: &str) -> Done<Self> {
        if let Some(path) = open::sqlite_path(database)
            && !Path::new(path).is_file()
        {
            return Err(Complaint(format!(
                "there is no database {path}; start `chancery serve` or `chancery sandbox` once to make it"
            )));
        }
        let store = open::store(database, 2, false).map_err(|e| Complaint(e.to_string()))?;
        let kept = store.read_blocking("clock_offset", |tx: &mut Tx<'_>| kept_offset(tx))?;
        Ok(Self { store, clock: TurnedClock::new(kept), actor: actor.to_owned() })
    }

    /// Now, as the house of this database has it: a sandbox's clock may be turned.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        self.store.read_blocking(name, work)
    }

    fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        self.store.write_blocking(name, work)
    }
}

/// How far the kept clock of this database is ahead of the machine's, in milliseconds.
///
/// # Errors
/// When the store fails.
pub fn kept_offset(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(settings::get(tx, CLOCK_OFFSET)?.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// One of a list of words.
fn one_of<T: Copy>(text: &str, what: &str, known: &[(T, &str)]) -> Done<T> {
    known.iter().find(|(_, word)| *word == text).map(|(value, _)| *value).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(_, word)| *word).collect();
        Complaint(format!("'{text}' is no {what}; there are {}", words.join(", ")))
    })
}

/// A moment or `never`.
fn moment(text: &str, what: &str) -> Done<Option<Time>> {
    if text == "never" {
        return Ok(None);
    }
    Time::parse(text).map(Some).map_err(|_| {
        Complaint(format!(
            "{what} '{text}': write a day (2027-01-31), a moment (2027-01-31T12:00:00Z) or never"
        ))
    })
}
