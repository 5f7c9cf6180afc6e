//! One connection to a PostgreSQL server, driven by the thread that owns it.
//!
//! Steps given together go out in one write, without waiting for each other's answers.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, NoTls, Notification, Socket,
};

use super::postgres::describe;

/// Something to be sent, and its answer. It is sent when it is first polled.
pub(crate) type Step<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// A step whose answer is read later.
pub(crate) type Posted<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// The answers to some steps, in order.
pub(crate) struct Answers<T> {
    /// Fewer than steps if the connection was lost, or a step refused before it was sent.
    pub done: Vec<Result<T, Error>>,
    /// How the connection was lost.
    pub lost: Option<Lost>,
}

/// How a connection was lost.
pub(crate) enum Lost {
    /// It broke.
    Broken(Error),
    /// It may still be there, but the server has said nothing for so long.
    Silent(Duration),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Broken(error) => f.write_str(&describe(error)),
            Lost::Silent(patience) => write!(f, "no answer within {patience:?}"),
        }
    }
}

pub(crate) struct Wire {
    runtime: Runtime,
    client: Arc<Client>,
    line: Line,
    patience: Duration,
}

/// The connection proper. Only it has to be woken: a step can go on only after it has.
struct Line {
    connection: Connection<Socket, NoTlsStream>,
    heard: VecDeque<Notification>,
}

impl Line {
    /// Writes what there is to write and reads what has come.
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            match self.connection.poll_message(cx) {
                Poll::Pending | Poll::Ready(None) => return Ok(()),
                Poll::Ready(Some(Ok(AsyncMessage::Notification(note)))) => {
                    self.heard.push_back(note);
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Err(error),
            }
        }
    }

    /// The next step's sending then wakes nobody, which spares a system call.
    fn rest(&mut self) -> Result<(), Error> {
        self.drive(&mut Context::from_waker(Waker::noop()))
    }
}

impl Wire {
    /// `patience`: how long the server may say nothing while an answer is awaited.
    pub fn connect(config: &Config, patience: Duration) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let connected = runtime.block_on(async { timeout(patience, config.connect(NoTls)).await });
        let connected = connected.map_err(|_| Lost::Silent(patience).to_string())?;
        let (client, connection) = connected.map_err(|error| describe(&error))?;
        let line = Line { connection, heard: VecDeque::new() };
        Ok(Self { runtime, client: Arc::new(client), line, patience })
    }

    pub fn client(&self) -> Arc<Client> {
        self.client.clone()
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends all of these in one write and waits for the answers.
    ///
    /// If one is refused before it is sent (its parameters do not fit), none after it is sent.
    pub fn all<T>(&mut self, mut steps: Vec<Step<'_, T>>) -> Answers<T> {
        let Self { runtime, line, patience, .. } = self;
        let mut done = Vec::with_capacity(steps.len());
        let mut refused = None;
        for index in 0..steps.len() {
            match steps[index].as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {}
                // A posted one, whose answer has been read meanwhile.
                Poll::Ready(Ok(answer)) if done.len() == index => done.push(Ok(answer)),
                Poll::Ready(answer) => {
                    steps.truncate(index);
                    refused = Some(answer);
                    break;
                }
            }
        }
        let mut lost = runtime.block_on(async {
            let mut silence = pin!(sleep(*patience));
            poll_fn(|cx| {
                let driven = line.drive(cx);
                let before = done.len();
                // Answers come in order, so none after the first that is missing can be there.
                while let Some(step) = steps.get_mut(done.len()) {
                    match step.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(answer) => done.push(answer),
                        Poll::Pending => break,
                    }
                }
                match driven {
                    Err(error) => return Poll::Ready(Some(Lost::Broken(error))),
                    Ok(()) if done.len() == steps.len() => return Poll::Ready(None),
                    Ok(()) if done.len() > before => {
                        silence.as_mut().reset(Instant::now() + *patience);
                    }
                    Ok(()) => {}
                }
                silence.as_mut().poll(cx).map(|()| Some(Lost::Silent(*patience)))
            })
            .await
        });
        if lost.is_none() {
            done.extend(refused);
            lost = line.rest().err().map(Lost::Broken);
        }
        Answers { done, lost }
    }

    /// Sends a step and does not wait.
    pub fn post<T>(&mut self, step: &mut Posted<T>) -> Result<(), Error> {
        let Self { runtime, line, .. } = self;
        let _ = step.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        runtime.block_on(poll_fn(|cx| Poll::Ready(line.drive(cx))))?;
        line.rest()
    }

    /// Waits so long for a notification.
    pub fn hear(&mut self, pause: Duration) -> Result<Option<Notification>, Error> {
        let Self { runtime, line, .. } = self;
        runtime.block_on(async {
            let next = poll_fn(|cx| match line.drive(cx) {
                Ok(()) => {
                    line.heard.pop_front().map_or(Poll::Pending, |note| Poll::Ready(Ok(Some(note))))
                }
                Err(error) => Poll::Ready(Err(error)),
            });
            timeout(pause, next).await.unwrap_or(Ok(None))
        })
    }
}
