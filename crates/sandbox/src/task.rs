//! Tasks that end with the sandbox.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

/// Told to every server: the world ends when the sender is dropped or says so.
pub(crate) type Stop = watch::Receiver<bool>;

/// Aborts its task when it is dropped.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `handle` for each connection, at most `limit` at a time; the others wait in the queue.
pub(crate) async fn each_connection<F>(
    listener: TcpListener,
    limit: usize,
    stop: Stop,
    handle: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limit));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (handling, mut stop) = (handle(stream, peer), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = handling => {}
                        () = stopped(&mut stop) => {}
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: give the others time to close some.
                tracing::warn!(%error, "sandbox: connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn stopped(stop: &mut Stop) {
    while !*stop.borrow_and_update() {
        if stop.changed().await.is_err() {
            return;
        }
    }
}
