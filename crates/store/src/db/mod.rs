//! The store itself: transactions on either database.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

pub(crate) mod alike;
pub(crate) mod group;
pub(crate) mod postgres;
mod queue;
mod readers;
pub(crate) mod session;
mod sql;
pub(crate) mod sqlite;
mod tx;
mod value;
mod wake;
mod wire;

use group::Pending;
use postgres::{PgOptions, PgSession};
use queue::Queue;
use readers::Readers;
use sqlite::SqliteOptions;
use wake::JobSignal;

pub use sql::Sql;
pub use tx::{Database, Tx};
pub use value::{Row, Value};
pub use wake::JobWaker;

use crate::StoreError;

/// A database with its connections and threads. Cheap to clone.
///
/// When the last clone goes, what waits is still done and the connections are closed.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    database: Database,
    writes: Arc<Queue>,
    reads: Reads,
    readers: usize,
    signal: Arc<JobSignal>,
    threads: Vec<JoinHandle<()>>,
    _lock: Option<std::fs::File>,
}

enum Reads {
    Here(Arc<Readers>),
    There(Arc<Queue>),
}

impl Store {
    /// Opens (or makes) a SQLite file that this process alone serves from. Blocks.
    pub fn open_sqlite(path: impl AsRef<Path>, readers: usize) -> Result<Self, StoreError> {
        Self::open_sqlite_with(path, SqliteOptions { readers, ..SqliteOptions::default() })
    }

    /// The same with options.
    pub fn open_sqlite_with(
        path: impl AsRef<Path>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = options.exclusive.then(|| sqlite::lock(path)).transpose()?;
        let mut session = sqlite::open_writer(path, &options)?;
        let readers = Arc::new(Readers::open(path, options.readers)?);
        session.tell(&readers);
        let signal = Arc::new(JobSignal::new(false));
        let mut opening = Opening::new(&signal);
        let (writes, raised) = (opening.writes.clone(), signal.clone());
        opening.spawn("store-write", move || {
            while let Some(calls) = writes.take(sqlite::GROUP) {
                let (begun, busy) = (Instant::now(), calls.len() >= sqlite::BUSY);
                group::run(&mut session, calls, &raised);
                if busy {
                    std::thread::sleep(sqlite::GATHERING.saturating_sub(begun.elapsed()));
                }
            }
        })?;
        Ok(opening.done(Database::Sqlite, Reads::Here(readers), options.readers, lock))
    }

    /// Uses a database of a PostgreSQL server (`postgres://user@host/name`, or `host=/run/...`)
    /// with this many connections, and two more for waking other nodes. Blocks.
    pub fn open_postgres(url: &str, connections: usize) -> Result<Self, StoreError> {
        Self::open_postgres_with(url, PgOptions::for_connections(connections))
    }

    /// Whether this can be the address of a PostgreSQL database; nothing is connected.
    pub fn check_postgres(url: &str) -> Result<(), StoreError> {
        postgres::parse(url).map(drop)
    }

    /// The same with options.
    pub fn open_postgres_with(url: &str, options: PgOptions) -> Result<Self, StoreError> {
        let config = postgres::parse(url)?;
        let signal = Arc::new(JobSignal::new(true));
        let mut opening = Opening::new(&signal);
        let reads = Arc::new(Queue::default());
        opening.queues.push(reads.clone());
        off_runtime(|| postgres::migrate(&config, &options))?;
        for _ in 0..options.writers.max(1) {
            let session = PgSession::new(&config, options.patience, false);
            let (queue, raised) = (opening.writes.clone(), signal.clone());
            let group = options.group.max(1);
            opening
                .spawn("store-write", move || postgres::work(session, &queue, group, &raised))?;
        }
        for _ in 0..options.readers.max(1) {
            let session = PgSession::new(&config, options.patience, true);
            let (queue, raised) = (reads.clone(), signal.clone());
            opening.spawn("store-read", move || postgres::work(session, &queue, 1, &raised))?;
        }
        for (name, work) in postgres::node_threads(&config, options.patience, &signal) {
            opening.spawn(name, work)?;
        }
        Ok(opening.done(Database::Postgres, Reads::There(reads), options.readers.max(1), None))
    }

    /// Runs a closure in a transaction that is stored when it returns `Ok`, and leaves nothing
    /// when it returns `Err`. The answer comes after the commit.
    ///
    /// The closure may run more than once. Once queued it runs even if the caller goes away.
    pub async fn write<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let answer = queued(&self.0.writes, name, work);
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::write`] for a program that has no async runtime.
    pub fn write_blocking<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let answer = queued(&self.0.writes, name, work);
        answer.blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs a closure that only reads, on one snapshot of the database.
    ///
    /// On SQLite it runs on the caller's thread: right for looking things up, while a report
    /// over the whole database belongs into [`Store::read_long`].
    pub async fn read<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        match &self.0.reads {
            Reads::Here(readers) => readers.read(name, work).await,
            Reads::There(queue) => {
                let answer = queued(queue, name, work);
                answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
            }
        }
    }

    /// [`Store::read`] for closures that may take long: never on a thread of the async runtime.
    pub async fn read_long<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.read_blocking(name, work));
        done.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::read`] for a program that has no async runtime.
    pub fn read_blocking<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        match &self.0.reads {
            Reads::Here(readers) => readers.read_blocking(name, work),
            Reads::There(queue) => {
                let answer = queued(queue, name, work);
                answer.blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
            }
        }
    }

    /// Subscribes to the signal that a job was enqueued, here or (PostgreSQL) on another node.
    pub fn job_waker(&self) -> JobWaker {
        self.0.signal.subscribe()
    }

    /// How many reads are served at the same time by connections of their own; on SQLite the callers' threads do it.
    pub fn readers(&self) -> usize {
        self.0.readers
    }

    /// Which database this is.
    pub fn database(&self) -> Database {
        self.0.database
    }
}

fn queued<T, E, F>(queue: &Queue, name: &'static str, work: F) -> oneshot::Receiver<Result<T, E>>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    let (call, answer) = Pending::new(name, work);
    queue.push(Box::new(call));
    answer
}

/// The PostgreSQL client has a runtime of its own, which must not start on a thread of an async runtime.
fn off_runtime<T: Send>(
    work: impl FnOnce() -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let panicked = |_| Err(StoreError::Migration("the runner panicked".to_owned()));
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(panicked))
}

/// A store whose threads are being started; stops them again if that fails half-way.
struct Opening {
    writes: Arc<Queue>,
    queues: Vec<Arc<Queue>>,
    signal: Arc<JobSignal>,
    threads: Vec<JoinHandle<()>>,
}

impl Opening {
    fn new(signal: &Arc<JobSignal>) -> Self {
        let writes = Arc::new(Queue::default());
        Self { queues: vec![writes.clone()], writes, signal: signal.clone(), threads: Vec::new() }
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.threads.push(thread);
        Ok(())
    }

    fn done(
        mut self,
        database: Database,
        reads: Reads,
        readers: usize,
        lock: Option<std::fs::File>,
    ) -> Store {
        let threads = std::mem::take(&mut self.threads);
        self.queues.clear();
        let (writes, signal) = (self.writes.clone(), self.signal.clone());
        Store(Arc::new(Inner { database, writes, reads, readers, signal, threads, _lock: lock }))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // Empty after `done`.
        for queue in &self.queues {
            queue.close();
        }
        if !self.queues.is_empty() {
            self.signal.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        if let Reads::There(queue) = &self.reads {
            queue.close();
        }
        self.signal.close();
        for thread in self.threads.drain(..) {
            // A closure may have held the last clone: a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
