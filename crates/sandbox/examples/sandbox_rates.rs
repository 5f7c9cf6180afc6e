//! How fast the fake DNS answers, over UDP with several questions under way and over one
//! pipelined TCP connection, and what a million aliases weigh.
//!
//! `cargo run --release -p sandbox --example sandbox_rates`

use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    sync::Arc,
    time::Instant,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{Name, RecordType},
};
use sandbox::{Addresses, Options, Outside, Sockets, World};

type Fallible<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    let world = World::new(Arc::new(|| 0), &Options::default());
    let outside = Outside::start(Arc::clone(&world), Sockets::bind(&Addresses::default())?)?;
    let before = resident_kb();
    let from = Instant::now();
    for part in 0..ALIASES / 10_000 {
        let names: Vec<(String, String)> = (0..10_000).map(|n| alias(part * 10_000 + n)).collect();
        let pairs = names.iter().map(|(host, target)| (host.as_str(), target.as_str()));
        world.dns().set_cnames(pairs).map_err(|(_, error)| error)?;
    }
    let (took, grown) = (from.elapsed(), resident_kb().saturating_sub(before) / 1024);
    println!("{ALIASES} aliases set in {took:.2?}, {grown} MB");
    let questions = questions()?;
    let udp = outside.addresses().dns;
    let rate = tokio::task::block_in_place(|| over_udp(udp, &questions))?;
    println!("UDP, {WINDOW} under way: {rate:.0}/s, client included");
    let rate = tokio::task::block_in_place(|| over_tcp(udp, &questions))?;
    println!("TCP, pipelined by {WINDOW}: {rate:.0}/s, client included");
    Ok(())
}

fn alias(n: usize) -> (String, String) {
    let host = format!("_{:032x}.shop-{n:07}.example.com", n * 7919);
    let target = format!("{:032x}.{:032x}.proof.example.net", n * 31, n * 37);
    (host, target)
}

fn questions() -> Fallible<Vec<Vec<u8>>> {
    let one = |n: usize| -> Fallible<Vec<u8>> {
        let mut message = Message::new(4242, MessageType::Query, OpCode::Query);
        let name = Name::from_ascii(alias(n * 7 % ALIASES).0)?;
        message.add_query(Query::query(name, RecordType::CNAME));
        Ok(message.to_vec()?)
    };
    (0..100_000).map(one).collect()
}

fn over_udp(at: std::net::SocketAddr, questions: &[Vec<u8>]) -> Fallible<f64> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(at)?;
    let mut reply = [0; 4096];
    let from = Instant::now();
    for window in questions.chunks(WINDOW) {
        for question in window {
            socket.send(question)?;
        }
        for _ in window {
            socket.recv(&mut reply)?;
        }
    }
    Ok(questions.len() as f64 / from.elapsed().as_secs_f64())
}

fn over_tcp(at: std::net::SocketAddr, questions: &[Vec<u8>]) -> Fallible<f64> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_nodelay(true)?;
    let (mut out, mut reply) = (Vec::new(), vec![0; 65_535]);
    let from = Instant::now();
    for window in questions.chunks(WINDOW) {
        out.clear();
        for question in window {
            out.extend_from_slice(&u16::try_from(question.len())?.to_be_bytes());
            out.extend_from_slice(question);
        }
        stream.write_all(&out)?;
        let mut length = [0; 2];
        for _ in window {
            stream.read_exact(&mut length)?;
            let length = usize::from(u16::from_be_bytes(length));
            stream.read_exact(reply.get_mut(..length).ok_or("a long reply")?)?;
        }
    }
    Ok(questions.len() as f64 / from.elapsed().as_secs_f64())
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

const ALIASES: usize = 1_000_000;
const WINDOW: usize = 16;
