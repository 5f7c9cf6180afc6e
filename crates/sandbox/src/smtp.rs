//! The SMTP sink: takes every mail, sends none.

mod command;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    clock,
    task::{Stop, each_connection},
    world::World,
};
use command::{Command, parse};

pub(crate) async fn serve(listener: TcpListener, world: Arc<World>, stop: Stop) {
    each_connection(listener, MAX_CONNECTIONS, stop, move |stream, _| {
        let world = Arc::clone(&world);
        async move {
            if let Err(error) = converse(stream, &world).await {
                tracing::debug!(%error, "mail sink: connection ended");
            }
        }
    })
    .await;
}

async fn converse(stream: TcpStream, world: &World) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session { stream: BufReader::new(stream), world, sender: None, to: vec![] };
    session.say("220 sandbox mail sink ready").await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = read_line(&mut session.stream, &mut line, MAX_LINE);
        let read = tokio::time::timeout(IDLE, read).await.map_err(io::Error::other)??;
        let next = match read {
            Line::Closed => return Ok(()),
            Line::Long => session.say("500 line too long").await.map(|()| Next::Go)?,
            Line::Whole => session.command(&String::from_utf8_lossy(&line)).await?,
        };
        if matches!(next, Next::Close) {
            return Ok(());
        }
    }
}

struct Session<'a> {
    stream: BufReader<TcpStream>,
    world: &'a World,
    sender: Option<String>,
    to: Vec<String>,
}

enum Next {
    Go,
    Close,
}

impl Session<'_> {
    async fn command(&mut self, line: &str) -> io::Result<Next> {
        match parse(line) {
            Command::Ehlo => {
                self.forget();
                self.say("250-sandbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 16777216")
                    .await?;
            }
            Command::Helo => {
                self.forget();
                self.say("250 sandbox").await?;
            }
            Command::Mail { size: Some(size), .. } if size > MAX_MESSAGE => {
                self.say("552 message too large").await?;
            }
            Command::Mail { from, .. } => {
                self.forget();
                self.sender = Some(from);
                self.say("250 ok").await?;
            }
            Command::Rcpt { to } => self.recipient(to).await?,
            Command::Data if self.to.is_empty() => self.say("503 say RCPT first").await?,
            Command::Data => return self.data().await,
            Command::Rset => {
                self.forget();
                self.say("250 ok").await?;
            }
            Command::Noop => self.say("250 ok").await?,
            Command::Vrfy => self.say("252 send it and see").await?,
            Command::Quit => {
                self.say("221 bye").await?;
                return Ok(Next::Close);
            }
            Command::Wrong => self.say("501 wrong argument").await?,
            Command::Unknown => self.say("500 command not known").await?,
        }
        Ok(Next::Go)
    }

    async fn recipient(&mut self, to: String) -> io::Result<()> {
        if self.sender.is_none() {
            return self.say("503 say MAIL first").await;
        }
        if self.to.len() >= MAX_RECIPIENTS {
            return self.say("452 too many recipients").await;
        }
        if let Some(refusal) = self.world.mailbox().refusal(&to) {
            return self.say(&format!("{} {}", refusal.code, refusal.text)).await;
        }
        self.to.push(to);
        self.say("250 ok").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say("354 end with a dot").await?;
        let body = read_body(&mut self.stream);
        match tokio::time::timeout(IDLE, body).await.map_err(io::Error::other)?? {
            Body::Whole(message) => {
                let at = clock::text(self.world.now());
                let sender = self.sender.take().unwrap_or_default();
                self.world.mailbox().deliver(&sender, &self.to, &message, at);
                self.say("250 taken").await?;
            }
            Body::Long => self.say("552 message too large").await?,
            Body::Cut => return Ok(Next::Close),
        }
        self.forget();
        Ok(Next::Go)
    }

    fn forget(&mut self) {
        self.sender = None;
        self.to.clear();
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
    }
}

enum Line {
    Whole,
    Long,
    Closed,
}

/// Reads up to the line's end, which it drops. Of a line that is too long it keeps a part and
/// skips the rest.
async fn read_line<R>(stream: &mut R, line: &mut Vec<u8>, limit: usize) -> io::Result<Line>
where
    R: AsyncBufRead + Unpin,
{
    let mut long = false;
    loop {
        let room = u64::try_from(limit).unwrap_or(u64::MAX);
        (&mut *stream).take(room).read_until(b'\n', line).await?;
        match line.last() {
            None => return Ok(Line::Closed),
            Some(b'\n') if long => return Ok(Line::Long),
            Some(b'\n') => {
                line.pop();
                line.pop_if(|last| *last == b'\r');
                return Ok(Line::Whole);
            }
            Some(_) if line.len() < limit => return Ok(Line::Closed),
            Some(_) => {
                long = true;
                line.clear();
            }
        }
    }
}

enum Body {
    Whole(Vec<u8>),
    Long,
    Cut,
}

/// Reads up to the lone dot and takes the doubled dots back.
async fn read_body<R: AsyncBufRead + Unpin>(stream: &mut R) -> io::Result<Body> {
    let (mut message, mut line, mut long) = (Vec::new(), Vec::new(), false);
    loop {
        line.clear();
        match read_line(stream, &mut line, MAX_BODY_LINE).await? {
            Line::Closed => return Ok(Body::Cut),
            Line::Long => long = true,
            Line::Whole if line == b"." && long => return Ok(Body::Long),
            Line::Whole if line == b"." => return Ok(Body::Whole(message)),
            Line::Whole => {
                long |= message.len() + line.len() > MAX_MESSAGE;
                if !long {
                    message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    message.extend_from_slice(b"\r\n");
                }
            }
        }
    }
}

const IDLE: Duration = Duration::from_secs(300);
const MAX_BODY_LINE: usize = 1 << 20;
const MAX_CONNECTIONS: usize = 256;
const MAX_LINE: usize = 2048;
const MAX_MESSAGE: usize = 16 << 20;
const MAX_RECIPIENTS: usize = 100;
