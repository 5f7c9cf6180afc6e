//! What makes one node's jobs known to the others: a thread that tells, and one that hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio_postgres::Config;

use super::{PgSession, Result, gone};
use crate::db::sql::Sql;
use crate::db::wake::JobSignal;

const CHANNEL: &str = "LISTEN chancery_jobs";
const NOTIFY: &str = "NOTIFY chancery_jobs";

/// Waits for signals raised here and tells the other nodes, on a connection of its own.
///
/// Not part of the transaction itself, where NOTIFY would make commits wait for each other;
/// a signal lost in a crash costs no more than the wait for the next look. Bursts become one.
pub(crate) fn tell_nodes(mut session: PgSession, own: &AtomicI32, signal: &JobSignal) {
    while signal.raised() {
        let told = session.connected().and_then(|()| {
            own.store(session.backend_pid(), Ordering::Relaxed);
            session.simple("NOTIFY", NOTIFY)
        });
        if let Err(error) = told {
            tracing::warn!(%error, "other nodes were not told of a job");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Hears what other nodes tell. `own` is the connection of [`tell_nodes`].
pub(crate) fn hear_nodes(mut session: PgSession, own: &AtomicI32, signal: &JobSignal) {
    while !signal.closed() {
        if let Err(error) = session.listen(own, signal) {
            tracing::warn!(%error, "cannot listen for jobs of other nodes");
            session.open = None;
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl PgSession {
    /// 0 if it cannot be known.
    fn backend_pid(&mut self) -> i32 {
        const PID: Sql = Sql::both("SELECT pg_backend_pid()");
        let mut pid = 0;
        let read = self.query(&PID, &[], &mut |row| pid = row.int(0).unwrap_or(0));
        if read.is_ok() { i32::try_from(pid).unwrap_or(0) } else { 0 }
    }

    fn listen(&mut self, own: &AtomicI32, signal: &JobSignal) -> Result<()> {
        self.connected()?;
        self.simple("LISTEN", CHANNEL)?;
        signal.raise_here();
        while !signal.closed() {
            let Some(open) = &mut self.open else { return Err(gone()) };
            let pause = Duration::from_millis(100);
            match open.wire.hear(pause) {
                Ok(Some(note)) if note.process_id() == own.load(Ordering::Relaxed) => {}
                Ok(Some(_)) => signal.raise_here(),
                Ok(None) => {}
                Err(error) => return Err(self.failed("LISTEN", &error)),
            }
        }
        Ok(())
    }
}

type ThreadBody = Box<dyn FnOnce() + Send>;

/// The two threads above, to be started.
pub(crate) fn node_threads(
    config: &Arc<Config>,
    patience: Duration,
    signal: &Arc<JobSignal>,
) -> [(&'static str, ThreadBody); 2] {
    let tell = PgSession::new(config, patience, false);
    let hear = PgSession::new(config, patience, false);
    let own = Arc::new(AtomicI32::new(0));
    let (own_1, signal_1, signal_2) = (own.clone(), signal.clone(), signal.clone());
    [
        ("store-tell", Box::new(move || tell_nodes(tell, &own_1, &signal_1))),
        ("store-hear", Box::new(move || hear_nodes(hear, &own, &signal_2))),
    ]
}
