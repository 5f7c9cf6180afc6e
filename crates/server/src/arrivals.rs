//! What callers bring to be written, in one transaction with whatever else has come by the time the writer turns to it.
//!
//! [`Together`](crate::together::Together) makes up a batch and sends it to the writer, which has nothing to do until the next
//! one has come. Here the writer finds the batch made up: what waits is taken in the transaction itself.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use store::{Database, Store, StoreError, Tx};
use tokio::sync::oneshot;

use crate::app::Failure;
use crate::together::{Answers, MOST, Wish, each_answered};

type Write<T, R> = fn(&mut Tx<'_>, &[T]) -> Result<Answers<R>, Failure>;

/// Takes wishes of one kind.
pub struct Arrivals<T, R>(Arc<Inner<T, R>>);

struct Inner<T, R> {
    store: Store,
    name: &'static str,
    write: Write<T, R>,
    waiting: Mutex<Waiting<T, R>>,
}

struct Waiting<T, R> {
    wishes: VecDeque<Wish<T, R>>,
    /// Whether somebody is on the way to the writer, or sees to what waits after that.
    called: bool,
    /// Wishes that were brought and not answered.
    under_way: usize,
}

/// What one transaction took.
struct Batch<T, R> {
    wishes: Arc<[T]>,
    replies: Vec<oneshot::Sender<Result<R, Failure>>>,
}

impl<T: Send + Sync + 'static, R: Send + 'static> Arrivals<T, R> {
    /// Writes wishes with `write`, whose answers are in their order. When it fails for several, nothing of them is stored and
    /// each is written alone.
    pub fn new(store: Store, name: &'static str, write: Write<T, R>) -> Self {
        let waiting = Waiting { wishes: VecDeque::new(), called: false, under_way: 0 };
        Self(Arc::new(Inner { store, name, write, waiting: Mutex::new(waiting) }))
    }

    /// Hands a wish over and waits for its answer.
    ///
    /// # Errors
    /// As the function answers, or the store for the whole transaction.
    pub async fn ask(&self, wish: T) -> Result<R, Failure> {
        let (reply, answer) = oneshot::channel();
        let calls = {
            let mut waiting = self.0.lock();
            waiting.wishes.push_back((wish, reply));
            waiting.under_way += 1;
            !std::mem::replace(&mut waiting.called, true)
        };
        if calls {
            let mut rounds: Pin<Box<_>> = Box::pin(self.0.clone().rounds());
            // Polled here, it stands before the writer at once.
            if rounds.as_mut().now_or_never().is_none() {
                tokio::spawn(rounds);
            }
        }
        answer.await.unwrap_or_else(|_| Err(Failure::Store(StoreError::Closed)))
    }

    /// How many wishes wait for their answers.
    pub fn under_way(&self) -> usize {
        self.0.lock().under_way
    }
}

/// Whoever panics on the way to the writer leaves it to the next one to call.
struct OnTheWay<'a, T, R>(&'a Inner<T, R>);

impl<T, R> Drop for OnTheWay<'_, T, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().called = false;
        }
    }
}

/// So many wishes are under way until this is dropped.
struct UnderWay<'a, T, R>(&'a Inner<T, R>, usize);

impl<T, R> Drop for UnderWay<'_, T, R> {
    fn drop(&mut self) {
        self.0.lock().under_way -= self.1;
    }
}

impl<T, R> Inner<T, R> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T, R>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync + 'static, R: Send + 'static> Inner<T, R> {
    /// Brings what waits to the writer until nothing is left, or until who comes next calls for himself.
    async fn rounds(self: Arc<Self>) {
        let _on_the_way = OnTheWay(&self);
        while self.clone().round().await {}
    }

    /// One transaction; whether there may be more to do.
    async fn round(self: Arc<Self>) -> bool {
        let taken = Arc::new(Mutex::new(None));
        let (inner, at_the_writer) = (self.clone(), taken.clone());
        let work = move |tx: &mut Tx<'_>| {
            // It may run more than once, and is about the same wishes then.
            let wishes = {
                let mut taken = at_the_writer.lock().unwrap_or_else(PoisonError::into_inner);
                taken.get_or_insert_with(|| inner.take()).0.wishes.clone()
            };
            (inner.write)(tx, &wishes)
        };
        let written = self.store.write(self.name, work).await;
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Batch { wishes, replies }, mine) = taken.unwrap_or_else(|| self.take());
        let count = replies.len();
        let under_way = UnderWay(&self, count);
        let alone = |index| self.alone(wishes.clone(), index);
        let answers = each_answered(written, count, alone).await;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Who has gone away does not need the answer.
            let _ = reply.send(answer);
        }
        drop(under_way);
        let mut waiting = self.lock();
        if mine && waiting.wishes.is_empty() {
            waiting.called = false;
        }
        mine && waiting.called
    }

    /// What waits, up to a limit, and whether this round still has to see to what comes next.
    ///
    /// SQLite has one writer: while it is at this batch, the next may come to stand behind it. What is over the limit waits for
    /// this round's end. The writers of PostgreSQL would take the next at the same time, in ever smaller batches.
    fn take(&self) -> (Batch<T, R>, bool) {
        let mut waiting = self.lock();
        let count = waiting.wishes.len().min(MOST);
        let (wishes, replies): (Vec<T>, Vec<_>) = waiting.wishes.drain(..count).unzip();
        let mine = self.store.database() == Database::Postgres || !waiting.wishes.is_empty();
        waiting.called = mine;
        (Batch { wishes: wishes.into(), replies }, mine)
    }

    async fn alone(&self, wishes: Arc<[T]>, index: usize) -> Result<Answers<R>, Failure> {
        let write = self.write;
        let one = move |tx: &mut Tx<'_>| write(tx, &wishes[index..=index]);
        self.store.write(self.name, one).await
    }
}
