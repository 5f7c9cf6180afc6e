//! Read-only connections to SQLite, used on the caller's own thread.
//!
//! A point read takes a few microseconds, less than handing it to another thread and back; see `examples/store_rates.rs`. What
//! costs more is a snapshot: it begins with an empty cache, for every commit empties it. So a snapshot is used by whoever
//! reads until this process commits again, or another one may have.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::group::guarded;
use super::session::Session;
use super::sqlite;
use super::tx::Tx;
use crate::StoreError;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// How long a snapshot may be used when nobody here commits: what another process has committed is seen after so long.
const FRESH: Duration = Duration::from_millis(1);

/// The connections, and the commits of which they know.
pub(crate) struct Readers {
    /// The last one was used last. No other than the last one holds a snapshot.
    free: Mutex<Vec<Reader>>,
    permits: Semaphore,
    commits: AtomicU64,
}

struct Reader {
    session: Session,
    snapshot: Option<Snapshot>,
}

/// An open read transaction.
#[derive(Clone, Copy)]
struct Snapshot {
    /// Commits before it began; it may have seen more.
    commits: u64,
    since: Instant,
}

impl Readers {
    pub fn open(path: &Path, count: usize) -> Result<Self> {
        let count = count.max(1);
        let open = |_| Ok(Reader { session: sqlite::open_reader(path)?, snapshot: None });
        let free = (0..count).map(open).collect::<Result<_>>()?;
        Ok(Self {
            free: Mutex::new(free),
            permits: Semaphore::new(count),
            commits: AtomicU64::new(0),
        })
    }

    pub async fn read<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        self.read_now(name, work)
    }

    pub fn read_blocking<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            if let Ok(_permit) = self.permits.try_acquire() {
                return self.read_now(name, &mut work);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Lets go of a snapshot that nobody uses at the moment: the log begins anew only while nobody reads from it.
    pub fn rest(&self) {
        if let Some(last) = self.lock().last_mut() {
            last.rest();
        }
    }

    /// Something was committed: snapshots from before are old.
    pub fn outdate(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// The caller holds a permit, so a connection is free.
    fn read_now<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut reader = self.lock().pop().ok_or(StoreError::Closed)?;
        let answer = reader.read(self.commits.load(Ordering::SeqCst), name, work);
        let mut free = self.lock();
        if let Some(other) = free.last_mut() {
            other.rest();
        }
        free.push(reader);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// `commits`: how many there were when the read was asked for.
    fn read<T, E: From<StoreError>>(
        &mut self,
        commits: u64,
        name: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let fresh = |s: &Snapshot| s.commits == commits && s.since.elapsed() < FRESH;
        if !self.snapshot.as_ref().is_some_and(fresh) {
            self.rest();
            self.session.begin(false, name)?;
            self.snapshot = Some(Snapshot { commits, since: Instant::now() });
        }
        let mut tx = Tx::new(&mut self.session);
        let answer = guarded(name, &mut tx, work);
        let (doomed, _) = tx.end();
        if doomed.is_some() || answer.is_none() {
            self.rest();
        }
        match (answer, doomed) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(error)) => Err(error.into()),
            (Some(answer), None) => answer,
            (None, None) => Err(StoreError::Closed.into()),
        }
    }

    fn rest(&mut self) {
        if self.snapshot.take().is_some() {
            self.session.rollback();
        }
    }
}
