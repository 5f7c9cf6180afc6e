//! A connection's octets on their way: they keep its pulse, and where the HTTP library refuses a request by itself, as one
//! that it cannot read (400) or finds too long (414, 431), the interface's own answer goes out in place of that status:
//! callers know no other than 200.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::TOO_LONG;
use super::pulse::Pulse;

/// The longest head that is read.
pub const MAX_HEAD: usize = 256 * 1_024;

/// How much of what still comes is thrown away before the connection is given up: the caller would not see the answer
/// otherwise.
const MAX_LOST: usize = 32 * 1_024 * 1_024;

/// Makes an answer, head and body, to a request line that the library refuses; None for what is no endpoint.
pub type Instead = Box<dyn Fn(Refused, &[u8]) -> Option<Vec<u8>> + Send>;

/// Why the HTTP library refuses a request by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It is not HTTP as it should be (400).
    Unreadable,
    /// Its first line or its head is too long (414, 431).
    TooLong,
}

impl Refused {
    /// Of an answer's first octets. The library tells its refusals with nothing but a status, and answers of ours say of
    /// what type they are.
    fn of(answer: &[u8]) -> Option<Self> {
        let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..4)?;
        let refused = match status {
            b"400 " => Self::Unreadable,
            b"414 " | b"431 " => Self::TooLong,
            _ => return None,
        };
        let ours = answer.windows(14).any(|w| w.eq_ignore_ascii_case(b"\r\ncontent-type"));
        (!ours).then_some(refused)
    }

    /// What the caller is told.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "The request cannot be read",
            Self::TooLong => TOO_LONG,
        }
    }
}

/// A stream that is watched.
pub struct Watched<S> {
    inner: S,
    pulse: Pulse,
    instead: Instead,
    /// The request line, as far as it has come.
    line: Vec<u8>,
    line_ends: bool,
    /// What goes out in place of a status of the library's, from `sent` on.
    answer: Vec<u8>,
    sent: usize,
    lost: usize,
}

impl<S> Watched<S> {
    /// Watches over a stream.
    #[must_use]
    pub fn new(inner: S, pulse: Pulse, instead: Instead) -> Self {
        let (line, answer) = (Vec::new(), Vec::new());
        Self { inner, pulse, instead, line, line_ends: false, answer, sent: 0, lost: 0 }
    }

    fn hear(&mut self, octets: &[u8]) {
        self.pulse.heard();
        if self.line_ends {
            return;
        }
        // Blank lines before a request mean nothing.
        let octets = match self.line.is_empty() {
            true => octets.trim_ascii_start(),
            false => octets,
        };
        let end = octets.iter().position(|b| *b == b'\n');
        self.line_ends = end.is_some();
        let rest = MAX_HEAD - self.line.len();
        let line = &octets[..end.unwrap_or(octets.len())];
        self.line.extend_from_slice(&line[..line.len().min(rest)]);
    }

    /// Looks at what the library says. True when something else is said.
    fn overhear(&mut self, octets: &[u8]) -> bool {
        if let Some(refused) = Refused::of(octets)
            && let Some(answer) = (self.instead)(refused, &self.line)
        {
            self.answer = answer;
            return true;
        }
        // HTTP/2 has no lines.
        if !self.line.starts_with(b"PRI ") {
            self.line.clear();
            self.line_ends = false;
        }
        false
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.answer.len() {
            let rest = &self.answer[self.sent..];
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    /// Throws away what a caller is still sending after his answer.
    fn poll_lose(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 8 * 1_024];
        while self.lost < MAX_LOST {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.lost += buffer.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        let new = &buffer.filled()[before..];
        if !new.is_empty() {
            self.hear(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_answer(cx))?;
        if self.answer.is_empty() && !self.overhear(octets) {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, octets));
            self.pulse.said();
            return Poll::Ready(written);
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_answer(cx))?;
        let first = slices.iter().find(|slice| !slice.is_empty());
        if self.answer.is_empty() && !first.is_some_and(|first| self.overhear(first)) {
            let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, slices));
            self.pulse.said();
            return Poll::Ready(written);
        }
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx))?;
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        if !self.answer.is_empty() {
            ready!(self.poll_lose(cx));
        }
        Poll::Ready(Ok(()))
    }
}
