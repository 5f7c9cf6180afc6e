//! Many tasks' reads or writes in one transaction.
//!
//! What a database does for a transaction and for a statement costs more than what it does for most rows. So tasks hand
//! over what they want, and whatever has come while the transaction before was under way goes into the next one. Nobody
//! waits for company, unless it is known to be on its way: a single task's wish goes at once.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::{Database, Store, StoreError, Tx};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::app::Failure;

/// How many wishes one transaction takes.
pub(crate) const MOST: usize = 64;

/// The answers to some wishes, in their order.
pub type Answers<R> = Vec<Result<R, Failure>>;

pub(crate) type Wish<T, R> = (T, oneshot::Sender<Result<R, Failure>>);

/// Wishes that are on their way.
pub struct Company {
    /// How many tasks are at something that ends in a wish.
    pub tasks: Arc<AtomicUsize>,
    /// How long the first of a batch waits for the others.
    pub within: Duration,
}

impl Company {
    fn is_coming<W>(&self, batch: &[W]) -> bool {
        self.tasks.load(Ordering::SeqCst) > batch.len()
    }
}

/// Takes wishes of one kind.
pub struct Together<T, R> {
    wishes: mpsc::UnboundedSender<Wish<T, R>>,
    /// What serves them; started with the first wish, which is sure to come from within a runtime.
    server: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl<T: Send + Sync + 'static, R: Send + 'static> Together<T, R> {
    /// Writes wishes with `write`. When it fails for several, nothing of them is stored and each is written alone.
    pub fn writing<F>(store: Store, name: &'static str, write: F) -> Self
    where
        F: Fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure> + Send + Sync + 'static,
    {
        Self::writing_with(store, name, None, write)
    }

    /// The same, where more wishes may be known to be on their way.
    pub fn writing_with<F>(
        store: Store,
        name: &'static str,
        company: Option<Company>,
        write: F,
    ) -> Self
    where
        F: Fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure> + Send + Sync + 'static,
    {
        let write = Arc::new(write);
        Self::start(company, 1, move |wishes: Arc<[T]>, range: Range<usize>| {
            let (store, write) = (store.clone(), write.clone());
            let work = move |tx: &mut Tx<'_>| write(tx, &wishes[range.clone()]);
            async move { store.write(name, work).await }
        })
    }

    /// The same for reads.
    pub fn reading<F>(store: Store, name: &'static str, read: F) -> Self
    where
        F: Fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure> + Send + Sync + 'static,
    {
        Self::reading_in(store, name, 1, read)
    }

    /// The same with so many transactions under way at the same time.
    fn reading_in<F>(store: Store, name: &'static str, lanes: usize, read: F) -> Self
    where
        F: Fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure> + Send + Sync + 'static,
    {
        let read = Arc::new(read);
        Self::start(None, lanes, move |wishes: Arc<[T]>, range: Range<usize>| {
            let (store, read) = (store.clone(), read.clone());
            let work = move |tx: &mut Tx<'_>| read(tx, &wishes[range.clone()]);
            async move { store.read(name, work).await }
        })
    }

    fn start<F, Fut>(company: Option<Company>, lanes: usize, run: F) -> Self
    where
        F: Fn(Arc<[T]>, Range<usize>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answers<R>, Failure>> + Send + 'static,
    {
        let (sender, mut wishes) = mpsc::unbounded_channel();
        let run = Arc::new(run);
        let server = async move {
            // The next batch gathers while one is under way.
            let lane = Arc::new(Semaphore::new(lanes));
            while let Some(first) = wishes.recv().await {
                let Ok(turn) = lane.clone().acquire_owned().await else { return };
                let mut batch = vec![first];
                while batch.len() < MOST
                    && let Ok(wish) = wishes.try_recv()
                {
                    batch.push(wish);
                }
                if let Some(company) = company.as_ref().filter(|company| company.is_coming(&batch))
                {
                    let until = Instant::now() + company.within;
                    while batch.len() < MOST
                        && let Ok(Some(wish)) = timeout_at(until, wishes.recv()).await
                    {
                        batch.push(wish);
                    }
                }
                let run = run.clone();
                tokio::spawn(async move {
                    answer(&*run, batch).await;
                    drop(turn);
                });
            }
        };
        Self { wishes: sender, server: Mutex::new(Some(server.boxed())) }
    }

    /// Hands a wish over and waits for its answer.
    ///
    /// # Errors
    /// As the function answers, or the store for the whole transaction.
    pub async fn ask(&self, wish: T) -> Result<R, Failure> {
        let (reply, answer) = oneshot::channel();
        let closed = || Failure::Store(StoreError::Closed);
        self.wishes.send((wish, reply)).map_err(|_| closed())?;
        if let Some(server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tokio::spawn(server);
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Look-ups that many callers make at the same time: together where each would be a journey to a server, and alone where the
/// database is in this process and a transaction costs next to nothing.
pub struct LookUps<T, R> {
    store: Store,
    name: &'static str,
    read: Read<T, R>,
    together: Together<T, R>,
}

type Read<T, R> = fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure>;

impl<T: Send + Sync + 'static, R: Send + 'static> LookUps<T, R> {
    /// Reads with `read`, whose answers are in the order of the wishes. As many batches are under way as there are connections
    /// that read: one whose answer never comes does not hold up everybody.
    pub fn new(store: Store, name: &'static str, read: Read<T, R>) -> Self {
        let together = Together::reading_in(store.clone(), name, store.readers(), read);
        Self { store, name, read, together }
    }

    /// As [`Together::ask`].
    ///
    /// # Errors
    /// As the function answers, or the store for the whole transaction.
    pub async fn ask(&self, wish: T) -> Result<R, Failure> {
        match self.store.database() {
            Database::Postgres => self.together.ask(wish).await,
            Database::Sqlite => {
                let (read, wish) = (self.read, [wish]);
                let mut answers =
                    self.store.read(self.name, move |tx: &mut Tx<'_>| read(tx, &wish)).await?;
                answers.pop().unwrap_or(Err(Failure::Store(StoreError::Closed)))
            }
        }
    }
}

/// Reads for all of these in as few transactions as may be. When one fails for several, each of them reads alone. The answers
/// are in the order of the wishes.
pub async fn read_all<T, R>(
    store: &Store,
    name: &'static str,
    read: Read<T, R>,
    wishes: Vec<T>,
) -> Answers<R>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
{
    let run = |wishes: Arc<[T]>, range: Range<usize>| async move {
        store.read(name, move |tx: &mut Tx<'_>| read(tx, &wishes[range.clone()])).await
    };
    by_most(&run, wishes).await
}

async fn by_most<T, R, F, Fut>(run: &F, mut wishes: Vec<T>) -> Answers<R>
where
    F: Fn(Arc<[T]>, Range<usize>) -> Fut,
    Fut: Future<Output = Result<Answers<R>, Failure>>,
{
    let mut all = Vec::with_capacity(wishes.len());
    while !wishes.is_empty() {
        let some = wishes.drain(..wishes.len().min(MOST)).collect();
        all.append(&mut answers(run, some).await);
    }
    all
}

async fn answer<T, R, F, Fut>(run: &F, batch: Vec<Wish<T, R>>)
where
    F: Fn(Arc<[T]>, Range<usize>) -> Fut,
    Fut: Future<Output = Result<Answers<R>, Failure>>,
{
    let (wishes, replies): (Vec<T>, Vec<_>) = batch.into_iter().unzip();
    for (reply, answer) in replies.into_iter().zip(answers(run, wishes).await) {
        // Who has gone away does not need the answer.
        let _ = reply.send(answer);
    }
}

/// Runs it for all at once; when that fails for several, for each alone.
async fn answers<T, R, F, Fut>(run: &F, wishes: Vec<T>) -> Answers<R>
where
    F: Fn(Arc<[T]>, Range<usize>) -> Fut,
    Fut: Future<Output = Result<Answers<R>, Failure>>,
{
    let count = wishes.len();
    let wishes: Arc<[T]> = wishes.into();
    let at_once = run(wishes.clone(), 0..count).await;
    each_answered(at_once, count, |index| run(wishes.clone(), index..index + 1)).await
}

/// The answers to so many wishes that were tried at once; when that failed for several, each is tried alone.
pub(crate) async fn each_answered<R, Fut>(
    at_once: Result<Answers<R>, Failure>,
    count: usize,
    alone: impl Fn(usize) -> Fut,
) -> Answers<R>
where
    Fut: Future<Output = Result<Answers<R>, Failure>>,
{
    let error = match at_once {
        Ok(answers) => return answers,
        Err(error) => error,
    };
    match error {
        // Nobody knows what was stored, or nobody will: alone it would be no different.
        Failure::Store(
            error
            @ (StoreError::CommitUnknown(_) | StoreError::Unavailable(_) | StoreError::Closed),
        ) => (0..count).map(|_| Err(Failure::Store(error.clone()))).collect(),
        error if count == 1 => vec![Err(error)],
        _ => {
            let mut answers = Vec::with_capacity(count);
            for index in 0..count {
                answers.push(alone(index).await.and_then(|mut answers| {
                    answers.pop().unwrap_or(Err(Failure::Store(StoreError::Closed)))
                }));
            }
            answers
        }
    }
}
