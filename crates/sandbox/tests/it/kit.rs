//! A running fake world and the plainest of clients.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use sandbox::{Addresses, Boxed, House, Options, Outside, Sockets, World};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

pub const DAY: i64 = 86_400_000;
pub const START: i64 = 1_800_000_000_000;

/// Stands for the server: notes what it is asked.
#[derive(Default)]
pub struct FakeHouse {
    pub ahead: AtomicI64,
    pub heard: Mutex<Vec<String>>,
}

impl FakeHouse {
    fn hear(&self, what: impl Into<String>) {
        self.heard.lock().expect("not poisoned").push(what.into());
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Boxed<'a, T> {
    Box::pin(std::future::ready(value))
}

impl House for FakeHouse {
    fn now(&self) -> i64 {
        START + self.ahead.load(Ordering::SeqCst)
    }
    fn offset_seconds(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst) / 1000
    }
    fn advance_to(&self, ms: i64) -> Boxed<'_, Result<(), String>> {
        self.ahead.store(ms - START, Ordering::SeqCst);
        ready(Ok(()))
    }
    fn settle(
        &self,
        order: u64,
        check: String,
        result: String,
    ) -> Boxed<'_, Result<Value, String>> {
        ready(match order {
            1 => Ok(json!({"settled": format!("{check}={result}")})),
            _ => Err(format!("there is no order {order}")),
        })
    }
    fn requests(&self) -> Boxed<'_, Result<Value, String>> {
        ready(Ok(json!(["seen"])))
    }
    fn clear_requests(&self) -> Boxed<'_, Result<(), String>> {
        self.hear("clear requests");
        ready(Ok(()))
    }
    fn faults(&self) -> Boxed<'_, Result<Value, String>> {
        ready(Ok(json!([])))
    }
    fn set_faults(&self, rules: Value) -> Boxed<'_, Result<Value, String>> {
        ready(Ok(rules))
    }
    fn clear_faults(&self, which: Option<Value>) -> Boxed<'_, Result<Value, String>> {
        ready(Ok(json!({"which": which})))
    }
    fn reset<'a>(&'a self, world: &'a World) -> Boxed<'a, Result<(), String>> {
        self.hear("reset");
        world.reset();
        ready(Ok(()))
    }
}

pub struct Kit {
    pub outside: Outside,
    pub house: Arc<FakeHouse>,
    pub at: Addresses,
}

pub fn start() -> Kit {
    let house = Arc::new(FakeHouse::default());
    let clock = Arc::clone(&house);
    let world = World::new(Arc::new(move || clock.now()), &Options::default());
    let sockets = Sockets::bind(&Addresses::default()).expect("loopback ports");
    let mut outside = Outside::start(world, sockets).expect("a start");
    outside.open_control(house.clone()).expect("a control API");
    let at = outside.addresses();
    Kit { outside, house, at }
}

impl Kit {
    /// A call that must succeed.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, reply) = self.call("POST", path, &body.to_string()).await;
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, reply) = self.call("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    }

    pub async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let host = self.at.control;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        let (status, _, body) = self.raw(&request).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    pub async fn raw(&self, request: &str) -> (u16, String, String) {
        let stream = TcpStream::connect(self.at.control).await.expect("control");
        http(stream, request).await
    }
}

/// Status, head and body of the answer to a request that closes its connection.
pub async fn http<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &str,
) -> (u16, String, String) {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A TLS peer may end without a goodbye; what came before counts.
    let _ended = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, head.to_ascii_lowercase(), body.to_owned())
}
