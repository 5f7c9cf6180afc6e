//! Signals of the operating system.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for Ctrl-C or SIGTERM.
pub async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = interrupt.await;
        }
    }
    tracing::info!("stopping");
}

/// SIGHUP: read again what may have changed.
pub fn hang_up() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}
