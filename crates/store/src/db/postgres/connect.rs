//! Reaching a server: its address, the options, and what every connection is told first.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;

use super::Result;
use super::errors::describe;
use crate::StoreError;
use crate::db::wire::{Step, Wire};
use crate::migrations::{ALL, Migration};

/// How to use a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// Connections that write.
    pub writers: usize,
    /// Connections that read, so that readers do not wait behind writers.
    pub readers: usize,
    /// How many waiting closures a writer may put into one transaction. Leave it at 1: the server
    /// gathers the syncs of several connections by itself, a round trip per savepoint eats what
    /// a group saves, and two groups that touch the same rows in another order deadlock.
    pub group: usize,
    /// Make the tables where there are none yet (default).
    pub make: bool,
    /// How long the server may say nothing while an answer is awaited; then the connection counts as lost. It ends a
    /// statement that takes a minute by itself, so the default of 75 seconds is only for a server that hangs, or a network
    /// that swallows everything.
    pub patience: Duration,
    /// The schema, [`ALL`] except in tests.
    pub migrations: &'static [Migration],
}

impl PgOptions {
    /// The measured best for this many connections in all (see `examples/store_rates.rs`).
    pub fn for_connections(connections: usize) -> Self {
        let readers = (connections / 4).max(1);
        let writers = connections.saturating_sub(readers).max(1);
        let patience = Duration::from_secs(75);
        Self { writers, readers, group: 1, make: true, patience, migrations: ALL }
    }
}

/// Every query goes by keys. What the planner guesses from the size that a young table has just then is a scan of all of it,
/// remembered until the next ANALYZE; so it plans once, by the indexes. What is looked for is nearly always in memory, and a
/// page found by a key no dearer than the next one.
pub(crate) const ONE_CONNECTION: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET random_page_cost = 1;
    SET jit = off;
    SET lock_timeout = '10s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '60s';
";

/// In a session's own settings, so that BEGIN has nothing to say.
const ONE_READER: &str = "
    SET default_transaction_isolation = 'repeatable read';
    SET default_transaction_read_only = on;
";

/// The configuration that an address stands for.
pub(crate) fn parse(url: &str) -> Result<Arc<Config>> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        StoreError::Unavailable(format!("database address: {}", describe(&error)))
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let what = "it names no host; write postgres://user:password@host/name";
        return Err(StoreError::Unavailable(format!("database address: {what}")));
    }
    if config.get_application_name().is_none() {
        config.application_name("chancery");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    Ok(Arc::new(config))
}

/// Connects, and sets what this program needs.
pub(super) fn connect(
    config: &Config,
    patience: Duration,
    read_only: bool,
) -> std::result::Result<Wire, String> {
    let mut wire = Wire::connect(config, patience)?;
    let client = wire.client();
    let text = format!("{ONE_CONNECTION}{}", if read_only { ONE_READER } else { "" });
    let step: Step<'_, ()> = Box::pin(async move { client.batch_execute(&text).await });
    let answers = wire.all(vec![step]);
    match (answers.done.into_iter().next(), answers.lost) {
        (Some(Ok(())), None) => Ok(wire),
        (Some(Err(error)), _) => Err(describe(&error)),
        (_, Some(lost)) => Err(lost.to_string()),
        (None, None) => Err("the settings were not answered".to_owned()),
    }
}
