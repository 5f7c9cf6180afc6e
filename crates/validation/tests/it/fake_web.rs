//! A web server on loopback, plain or TLS, that says what a test wrote for a path.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// What the server says for a path.
#[derive(Clone)]
pub enum Say {
    /// These octets, then the end.
    Raw(Vec<u8>),
    /// These octets, then nothing for a long time.
    Stall(Vec<u8>),
}

#[derive(Clone)]
pub struct FakeWeb {
    pub address: SocketAddr,
    pages: Arc<Mutex<HashMap<String, Say>>>,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl FakeWeb {
    pub async fn start(tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = Self {
            address: listener.local_addr().unwrap(),
            pages: Arc::default(),
            asked: Arc::default(),
            connections: Arc::default(),
        };
        let acceptor = tls.then(acceptor);
        let server = web.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *server.connections.lock().unwrap() += 1;
                let (server, acceptor) = (server.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => server.speak(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                server.speak(stream).await;
                            }
                        }
                    }
                });
            }
        });
        web
    }

    pub fn say(&self, path: &str, say: Say) {
        self.pages.lock().unwrap().insert(path.to_owned(), say);
    }

    pub fn page(&self, path: &str, status: u16, headers: &str, body: &str) {
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        self.say(path, Say::Raw(text.into_bytes()));
    }

    pub fn redirect(&self, path: &str, status: u16, to: &str) {
        self.page(path, status, &format!("Location: {to}\r\n"), "");
    }

    /// `host path` of each request so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    async fn speak(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap();
        let host = head
            .lines()
            .find_map(|l| l.split_once(": ").filter(|(k, _)| k.eq_ignore_ascii_case("host")))
            .unwrap()
            .1;
        self.asked.lock().unwrap().push(format!("{host} {path}"));
        let say = self.pages.lock().unwrap().get(path).cloned();
        let missing = || Say::Raw(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno".to_vec());
        match say.unwrap_or_else(missing) {
            Say::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
            Say::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        }
    }
}

/// A certificate for another name than any that is asked for.
fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["wrong.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
