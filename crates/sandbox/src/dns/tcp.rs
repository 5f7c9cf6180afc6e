//! DNS over TCP: connections that stay open, questions that need not wait for each other's reply.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::answer::{Transport, reply};
use crate::{
    task::{Stop, each_connection},
    world::World,
};

pub(crate) async fn serve(listener: TcpListener, world: Arc<World>, stop: Stop) {
    each_connection(listener, MAX_CONNECTIONS, stop, move |stream, _| {
        let world = Arc::clone(&world);
        async move {
            if let Err(error) = converse(stream, &world).await {
                tracing::trace!(%error, "fake DNS: connection ended");
            }
        }
    })
    .await;
}

async fn converse(stream: TcpStream, world: &World) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(16 * 1024, stream);
    let (mut question, mut out) = (Vec::new(), Vec::new());
    let mut replies = Vec::new();
    loop {
        let Ok(length) = tokio::time::timeout(IDLE, stream.read_u16()).await else {
            return Ok(());
        };
        question.resize(usize::from(length?), 0);
        stream.read_exact(&mut question).await?;
        if reply(world, &question, Transport::Tcp, &mut out)
            && let Ok(length) = u16::try_from(out.len())
        {
            replies.extend_from_slice(&length.to_be_bytes());
            replies.extend_from_slice(&out);
        }
        // Replies to questions that arrived together leave together.
        if !whole_question(stream.buffer()) || replies.len() > BATCH {
            stream.get_mut().write_all(&replies).await?;
            replies.clear();
        }
    }
}

fn whole_question(buffer: &[u8]) -> bool {
    match buffer {
        [high, low, rest @ ..] => rest.len() >= usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    }
}

const IDLE: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: usize = 1024;
const BATCH: usize = 64 * 1024;
