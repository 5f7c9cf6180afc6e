//! Starting the house: what is promised once at the start, the worker, the listeners.

use std::sync::Arc;
use std::time::Duration;

use store::{Database, StoreError, Tx};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::crls;
use crate::house::House;
use crate::http::listen::{self, Tls};
use crate::jobs::{Worker, seal};

/// Where the house listens.
#[derive(Default)]
pub struct Listeners {
    /// Over TLS: the interface and the pages.
    pub tls: Vec<(TcpListener, Option<Tls>)>,
}

/// A house at work.
pub struct Running {
    house: Arc<House>,
    worker: Arc<Worker>,
    /// Where jobs are done.
    workshop: Option<Runtime>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Makes the promises that a house always has: a CRL for every CA and shard, sealing. Frees leases that the only node
/// of a database left behind.
///
/// # Errors
/// When the store fails.
pub async fn prepare(house: &Arc<House>) -> Result<(), StoreError> {
    let desk = house.clone();
    let promise = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        if tx.database() == Database::Sqlite || desk.rules.only_node {
            store::jobs::release_all_leases(tx)?;
        }
        let now = desk.now();
        crls::start(&desk, tx, now)?;
        seal::start(tx, now)
    };
    house.store.write("start", promise).await
}

impl Running {
    /// Starts worker and listeners.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(house: Arc<House>, listeners: Listeners) -> Result<Self, StoreError> {
        prepare(&house).await?;
        let stop = watch::Sender::new(false);
        let worker = Arc::new(Worker::new(house.clone()));
        let mut tasks = JoinSet::new();
        let at_work = worker.clone();
        let workshop = workshop().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        tasks.spawn_on(async move { at_work.run().await }, workshop.handle());
        for (listener, tls) in listeners.tls {
            tasks.spawn(listen::serve(house.clone(), listener, tls, stop.subscribe()));
        }
        Ok(Self { house, worker, workshop: Some(workshop), stop, tasks })
    }

    /// The house.
    #[must_use]
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// The worker.
    #[must_use]
    pub fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// Stops listening and working; what is under way may end, for a while.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.worker.stop();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(15), ended).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(workshop) = self.workshop.take() {
            workshop.shutdown_background();
        }
    }
}

/// Threads for jobs: callers who wait for an answer go first, and what was promised to them is done with what is left.
fn workshop() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("jobs")
        .on_thread_start(|| {
            // Linux knows it per thread. Where it may not be, jobs are as important as answers.
            let _ = rustix::process::nice(NICENESS);
        })
        .enable_all()
        .build()
}

/// About a tenth of the share of a thread that answers, while there are calls: jobs work in batches, and what the answers leave
/// them suffices. With a thirtieth SQLite places a little faster still, but beside a PostgreSQL on the same machine certificates
/// come so irregularly that callers ask for them in vain more often.
const NICENESS: i32 = 10;
