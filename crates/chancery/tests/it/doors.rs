//! Who comes in, and for how long: proxies in front, silent connections, slow ones, too many.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use store::Database;
use store::testing::TestDb;

use crate::cli::{chancery, json, word};
use crate::kit::{Answer, Form};
use crate::serve::{Serving, configure, make_tls};
use crate::tools::Folder;

/// The path of the calls here; what they ask does not matter.
const CALL: &str = "/products/download/CollectSSL";

/// A house with small limits, and no TLS of its own: a proxy on 127.0.0.1 does it.
const SMALL: &str = "trusted_proxies = [\"127.0.0.1\", \"10.9.9.9\"]\n[connections]\nat_a_time = 12\n\
                     per_address = 4\nrequest_seconds = 1\nidle_seconds = 2\nbody_rate = 1000\n\
                     body_memory = 8\n";

#[test]
fn a_proxy_names_the_caller_in_any_number_of_lines() {
    let db = TestDb::new(Database::Sqlite);
    let house = Folder::new();
    let config = configure(&house, &db.address(), SMALL);
    make_tls(&house);
    let serving = Serving::start(&["serve", "--config", &config]);
    let account = ["account", "create", "shop", "--allowed-ips", "192.0.2.7"];
    let made = json(&chancery(&[&account[..], &["--config", &config, "--json"]].concat()));
    let form = Form::new(&[("loginName", "shop"), ("loginPassword", &word(&made["password"]))])
        .set("orderNumber", "1")
        .set("queryType", "0")
        .set("responseFormat", "1");
    let url = format!("http://127.0.0.1:{}{CALL}", serving.port("listen_http"));
    let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
    let code = |lines: &[&str]| {
        let request = client.post(&url).form(&form.0).header("X-Forwarded-Proto", "https");
        let request = lines.iter().fold(request, |r, line| r.header("X-Forwarded-For", *line));
        let text = request.send().expect("an answer").text().expect("text");
        Answer::read(&text).get("errorCode").to_owned()
    };
    // Whom the proxy saw, and what he said of himself before.
    for allowed in [
        &["192.0.2.7"][..],
        &["198.51.100.1, 192.0.2.7"],
        &["198.51.100.1", "192.0.2.7"],
        &["198.51.100.1", "192.0.2.7", "10.9.9.9"],
        &["::ffff:192.0.2.7"],
    ] {
        assert_eq!(code(allowed), "-4", "{allowed:?}");
    }
    for foreign in [
        &["198.51.100.1"][..],
        &["192.0.2.7, 198.51.100.1"],
        &["192.0.2.7", "198.51.100.1"],
        &["192.0.2.7", "198.51.100.1", "10.9.9.9"],
        &["192.0.2.7", "nobody"],
        &[],
    ] {
        assert_eq!(code(foreign), "-16", "{foreign:?}");
    }
    // TLS at the proxy is what the proxy says, not what the caller said before it.
    let request = client.post(&url).form(&form.0).header("X-Forwarded-For", "192.0.2.7");
    let request = request.header("X-Forwarded-Proto", "https").header("X-Forwarded-Proto", "http");
    assert!(request.send().expect("an answer").text().expect("text").contains("errorCode=-1&"));
}

/// The house of these stories, its plain port, without trusted proxies.
fn strict() -> (Serving, u16, Folder, TestDb) {
    let db = TestDb::new(Database::Sqlite);
    let house = Folder::new();
    let limits = SMALL.split_once('\n').expect("lines").1;
    let config = configure(&house, &db.address(), limits);
    make_tls(&house);
    let serving = Serving::start(&["serve", "--config", &config]);
    let port = serving.port("listen_http");
    (serving, port, house, db)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    stream
}

/// What comes until the house hangs up, and after how long.
fn until_closed(mut stream: &TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    (String::from_utf8_lossy(&text).into_owned(), start.elapsed())
}

fn within(took: Duration, least: f64, most: f64) -> bool {
    (least..most).contains(&took.as_secs_f64())
}

#[test]
fn who_is_silent_or_slow_is_hung_up_on() {
    let (_serving, port, ..) = strict();
    let say = |text: &str| {
        let mut stream = connect(port);
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    };
    // Nothing; a part of a head; the beginning of HTTP/2.
    for text in ["", "POST /products/", "PRI * HTTP/2.0\r\n\r\n"] {
        let (told, took) = until_closed(&say(text));
        assert!(!told.contains("200"), "{text:?}: {told}");
        assert!(within(took, 0.5, 8.0), "{text:?}: {took:?}");
    }
    // A head that comes letter by letter.
    let mut slow = connect(port);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) && slow.write_all(b"P").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    // A whole request is answered, and the connection kept for a while.
    let body = "queryType=0";
    let head = format!("POST {CALL} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    let (told, took) = until_closed(&say(&format!("{head}{body}")));
    assert!(told.contains("200 OK") && told.contains("-1\n"), "{told}");
    assert!(within(took, 1.2, 9.0), "{took:?}");
    // A body that does not come is not waited for longer than its time.
    let (told, took) = until_closed(&say(&format!("{head}query")));
    assert!(told.contains("200 OK") && told.contains("-1\n"), "{told}");
    assert!(within(took, 0.5, 8.0), "{took:?}");
    // One that comes fast enough is.
    let length = 3_000;
    let mut stream =
        say(&format!("POST {CALL} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
    for _ in 0..length / 500 {
        stream.write_all(&[b'a'; 500]).expect("sent");
        std::thread::sleep(Duration::from_millis(200));
    }
    let (told, _) = until_closed(&stream);
    assert!(told.contains("200 OK") && told.contains("-1\n"), "{told}");
}

/// What is too long is thrown away for a while, so that the answer is seen; not for as long as a body of its length may take.
#[test]
fn a_body_that_is_too_long_is_not_read_for_ever() {
    let (_serving, port, ..) = strict();
    let mut stream = connect(port);
    let head = format!("POST {CALL} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 1 << 27);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![b'a'; (2 << 20) + 1]).expect("sent");
    let mut slow = stream.try_clone().expect("a second hand");
    std::thread::spawn(move || {
        while slow.write_all(b"aaaa").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let (told, took) = until_closed(&stream);
    assert!(told.contains("200 OK") && told.contains("-1\n"), "{told}");
    assert!(within(took, 0.5, 12.0), "{took:?}");
}

/// The head of a call from an address behind the proxy.
fn head(port: u16, path: &str, from: &str, length: usize) -> TcpStream {
    let mut stream = connect(port);
    let proxied = format!("X-Forwarded-For: {from}\r\nX-Forwarded-Proto: https\r\n");
    let length = format!("Content-Length: {length}\r\nConnection: close\r\n");
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{proxied}{length}\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Such a call with a body that lacks its last octet.
fn stalled(port: u16, from: &str, octets: usize) -> TcpStream {
    let mut stream = head(port, CALL, from, octets + 1);
    stream.write_all(&vec![b'a'; octets]).expect("sent");
    stream
}

/// Eight MiB are for bodies that are still coming, two of them for one address.
#[test]
fn long_bodies_leave_room_for_other_calls() {
    const LONG: usize = 1_900_000;
    let db = TestDb::new(Database::Sqlite);
    let house = Folder::new();
    // What is held here is held to the end.
    let patient = SMALL.replace("request_seconds = 1\n", "request_seconds = 600\n");
    let config = configure(&house, &db.address(), &patient);
    make_tls(&house);
    let serving = Serving::start(&["serve", "--config", &config]);
    let port = serving.port("listen_http");
    let told = |from: &str, octets: usize| {
        let mut stream = stalled(port, from, octets);
        stream.write_all(b"&").expect("sent");
        until_closed(&stream).0
    };
    let no_room = |told: &str| told.contains("-14\n");
    // Parameters in such a body are not known; that is told to whom has room.
    let room = |told: &str| told.contains("-2\n");
    // Two that come at the same time may both find no room; whoever is refused alone, is so by what is held.
    let hold = |octets: usize, ask: &dyn Fn() -> String| {
        let start = Instant::now();
        loop {
            let held = stalled(port, "192.0.2.7", octets);
            let all: Vec<String> = (0..2).map(|_| ask()).collect();
            if all.iter().all(|told| no_room(told)) {
                return held;
            }
            assert!(all.iter().all(|told| no_room(told) || room(told)), "{all:?}");
            assert!(start.elapsed() < Duration::from_secs(20), "there is room without end");
        }
    };
    let first = hold(LONG, &|| told("192.0.2.7", LONG));
    // Queries count as well.
    let long_query = format!("{CALL}?{}", "a".repeat(60_000));
    let second = hold(190_000, &|| {
        let mut stream = head(port, &long_query, "192.0.2.7", 1);
        stream.write_all(b"&").expect("sent");
        until_closed(&stream).0
    });
    drop(second);
    let short = told("192.0.2.7", 5_000);
    assert!(room(&short), "a short call: {short}");
    let other = told("192.0.2.8", LONG);
    assert!(room(&other), "another address: {other}");
    drop(first);
    let start = Instant::now();
    while !room(&told("192.0.2.7", LONG)) {
        assert!(start.elapsed() < Duration::from_secs(20), "no room is given back");
    }
}

/// What came fast at first gives nobody the right to be silent afterwards.
#[test]
fn a_long_body_that_falls_silent_is_not_waited_for() {
    let (_serving, port, ..) = strict();
    let (told, took) = until_closed(&stalled(port, "192.0.2.7", 70_000));
    assert!(told.contains("200 OK"), "{told}");
    assert!(within(took, 0.5, 15.0), "{took:?}");
}

/// Of two lengths the chunks count, and nothing is read after them: a proxy may have meant the other (RFC 9112 6.3).
#[test]
fn nothing_is_read_after_a_body_with_two_lengths() {
    let (_serving, port, ..) = strict();
    for lengths in [
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let mut stream = connect(port);
        let first = format!("POST {CALL} HTTP/1.1\r\nHost: x\r\n{lengths}\r\n1\r\na\r\n0\r\n\r\n");
        stream
            .write_all(format!("{first}GET / HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
            .expect("sent");
        let (told, took) = until_closed(&stream);
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{told}");
        assert!(told.contains("connection: close") && took < Duration::from_secs(1), "{told}");
    }
}

#[test]
fn one_address_does_not_take_every_place() {
    let (_serving, port, ..) = strict();
    let silent: Vec<TcpStream> = (0..4).map(|_| connect(port)).collect();
    // The fifth is hung up on at once, not after the time of a silent one.
    let (told, took) = until_closed(&connect(port));
    assert!(told.is_empty() && took < Duration::from_millis(800), "{told} {took:?}");
    drop(silent);
    // Places are given back.
    let start = Instant::now();
    loop {
        let mut stream = connect(port);
        let _ = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
        if until_closed(&stream).0.starts_with("HTTP/1.0 ") {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "no place is given back");
    }
}
