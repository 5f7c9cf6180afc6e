//! DNS over UDP: a few threads that block on one socket. One system call per packet and no
//! reactor between, and a busy server does not keep questions waiting.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::answer::{Transport, reply};
use crate::world::World;

/// The receiving threads; dropping this ends them.
#[derive(Debug)]
pub(crate) struct Threads {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    socket: Arc<UdpSocket>,
    at: SocketAddr,
}

impl Threads {
    pub(crate) fn start(socket: UdpSocket, world: &Arc<World>) -> io::Result<Self> {
        let at = socket.local_addr()?;
        // Only the safety net of a lost wake-up packet, see `drop`.
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut all =
            Self { stop: Arc::default(), threads: Vec::new(), socket: Arc::new(socket), at };
        for number in 0..THREADS {
            let (stop, socket) = (Arc::clone(&all.stop), Arc::clone(&all.socket));
            let world = Arc::clone(world);
            let thread = thread::Builder::new()
                .name(format!("sandbox-dns-{number}"))
                .spawn(move || answer_all(&socket, &world, &stop))?;
            all.threads.push(thread);
        }
        Ok(all)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for _ in &self.threads {
            // An empty packet to ourselves wakes a thread that waits.
            if let Err(error) = self.socket.send_to(&[], self.at) {
                tracing::debug!(%error, "fake DNS: no wake-up");
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a fake DNS thread panicked");
            }
        }
    }
}

fn answer_all(socket: &UdpSocket, world: &World, stop: &AtomicBool) {
    let mut packet = vec![0; 4096];
    let mut out = Vec::with_capacity(4096);
    while !stop.load(Ordering::Relaxed) {
        // Errors are time-outs, or another packet's "port unreachable": neither ends the service.
        let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
        let question = packet.get(..length).unwrap_or_default();
        if reply(world, question, Transport::Udp, &mut out)
            && let Err(error) = socket.send_to(&out, from)
        {
            tracing::debug!(%error, "fake DNS: reply not sent");
        }
    }
}

const THREADS: usize = 2;
