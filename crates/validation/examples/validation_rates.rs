//! How many look-ups a second are possible against a name server on loopback.
//!
//! `cargo run --release -p validation --example validation_rates [udp|tcp] [orders in flight] [orders] [queries in flight] [CAA memory, s]`
//!
//! An order is what the busiest kind costs: one CNAME query and one CAA look-up of a fresh name: three queries, or one
//! where its two parents are remembered. The server is a thread that copies the question into a canned reply.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::evidence::{Answer, Question};
use domain::names::DnsName;
use domain::time::Time;
use validation::{Asker, Settings, Transport};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let transport =
        if args.get(1).is_some_and(|a| a == "tcp") { Transport::Tcp } else { Transport::Udp };
    let number = |i: usize, default| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (in_flight, orders) = (number(2, 128), number(3, 40_000));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let defaults = Settings::default();
    let dns_in_flight = number(4, defaults.dns_in_flight);
    let caa_cache = Duration::from_secs(number(5, 0) as u64);
    let nameservers = vec![serve()];
    let settings = Settings { nameservers, transport, dns_in_flight, caa_cache, ..defaults };
    let asker = Asker::new(settings).unwrap();
    let failed = Arc::new(AtomicUsize::new(0));
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..in_flight)
            .map(|_| {
                let (asker, next, failed) = (asker.clone(), next.clone(), failed.clone());
                tokio::spawn(async move {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        if i >= orders {
                            return;
                        }
                        if !order(&asker, i).await {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let rate = orders as f64 / start.elapsed().as_secs_f64();
    let failed = failed.load(Ordering::Relaxed);
    println!(
        "{transport:?}: {in_flight}/{dns_in_flight} in flight, CAA kept {caa_cache:?}, \
         {rate:.0} orders/s, {failed} failed"
    );
}

async fn order(asker: &Asker, i: usize) -> bool {
    let now = Time::from_secs(1_800_000_000);
    let adn: DnsName = format!("host{i}.example.com").parse().unwrap();
    let owner = adn.below("_0123456789abcdef0123456789abcdef");
    let cname = asker.ask(&Question::Cname { owner, adn: adn.clone() }, now).await;
    let caa = asker.caa(&adn, now).await;
    let good = matches!(cname.answer, Answer::Cname(_)) && caa.failed.is_none();
    if !good && !COMPLAINED.swap(true, Ordering::Relaxed) {
        eprintln!("{:?} {:?}", cname.answer, caa.failed);
    }
    good
}

static COMPLAINED: AtomicBool = AtomicBool::new(false);

/// Answers CNAME queries with one record and all others with a denial; on UDP and TCP.
fn serve() -> SocketAddr {
    let (udp, tcp) = std::iter::repeat_with(|| UdpSocket::bind("127.0.0.1:0").unwrap())
        .find_map(|udp| Some((TcpListener::bind(udp.local_addr().ok()?).ok()?, udp)))
        .map(|(tcp, udp)| (udp, tcp))
        .unwrap();
    let address = udp.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while let Ok((n, from)) = udp.recv_from(&mut buffer) {
            let _ = udp.send_to(&reply(&buffer[..n]), from);
        }
    });
    std::thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            std::thread::spawn(move || serve_stream(stream));
        }
    });
    address
}

fn serve_stream(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            return;
        }
        let reply = reply(&query);
        let mut framed = u16::try_from(reply.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(reply);
        if stream.write_all(&framed).is_err() {
            return;
        }
    }
}

fn reply(query: &[u8]) -> Vec<u8> {
    let mut end = 12;
    while query[end] != 0 {
        end += usize::from(query[end]) + 1;
    }
    let kind = u16::from_be_bytes([query[end + 1], query[end + 2]]);
    let mut out = query[..end + 5].to_vec();
    out[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
    if kind == 5 {
        out[7] = 1;
        out.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x0d\x03foo\x07example\0");
    } else {
        out[9] = 1;
        // SOA of the root, minimum 60 seconds.
        out.extend(b"\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0");
        out.extend([0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60]);
    }
    out
}
