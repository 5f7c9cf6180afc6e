use std::net::SocketAddr;

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

use crate::kit::{Kit, start};

fn question(name: &str, asked: RecordType) -> Message {
    let mut message = Message::new(4242, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let mut name = Name::from_ascii(name).expect("a name");
    name.set_fqdn(true);
    message.add_query(Query::query(name, asked));
    message
}

async fn udp_bytes(at: SocketAddr, packet: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket.send_to(packet, at).await.expect("sent");
    let mut reply = vec![0; 65_535];
    let length = socket.recv(&mut reply).await.expect("a reply");
    Message::from_vec(&reply[..length]).expect("a message")
}

async fn udp(kit: &Kit, message: &Message) -> Message {
    let reply = udp_bytes(kit.at.dns, &message.to_vec().expect("bytes")).await;
    assert_eq!(reply.metadata.id, message.metadata.id);
    reply
}

async fn tcp(kit: &Kit, questions: &[Message]) -> Vec<Message> {
    let mut stream = TcpStream::connect(kit.at.dns).await.expect("TCP");
    let mut sent = Vec::new();
    for question in questions {
        let bytes = question.to_vec().expect("bytes");
        sent.extend_from_slice(&u16::try_from(bytes.len()).expect("short").to_be_bytes());
        sent.extend_from_slice(&bytes);
    }
    stream.write_all(&sent).await.expect("sent");
    let mut replies = Vec::new();
    for _ in questions {
        let length = stream.read_u16().await.expect("a length");
        let mut reply = vec![0; usize::from(length)];
        stream.read_exact(&mut reply).await.expect("a reply");
        replies.push(Message::from_vec(&reply).expect("a message"));
    }
    replies
}

/// The record data as text, asked over UDP and TCP, which must agree.
async fn ask(kit: &Kit, name: &str, asked: RecordType) -> Vec<String> {
    let message = question(name, asked);
    let one = udp(kit, &message).await;
    let other = tcp(kit, &[message]).await.remove(0);
    assert_eq!(one.answers, other.answers);
    assert_eq!(one.metadata.response_code, ResponseCode::NoError);
    one.answers.iter().map(|record| record.data.to_string()).collect()
}

#[tokio::test]
async fn every_name_has_the_fake_address_until_told_otherwise() {
    let kit = start();
    assert_eq!(ask(&kit, "a.example.com", RecordType::A).await, ["192.0.2.1"]);
    assert!(ask(&kit, "a.example.com", RecordType::AAAA).await.is_empty());
    kit.post("/set-default-ipv4", json!({"ip": "192.0.2.9"})).await;
    kit.post("/set-default-ipv6", json!({"ip": "2001:db8::9"})).await;
    assert_eq!(ask(&kit, "a.example.com", RecordType::A).await, ["192.0.2.9"]);
    assert_eq!(ask(&kit, "a.example.com", RecordType::AAAA).await, ["2001:db8::9"]);
    kit.post("/add-aaaa", json!({"host": "A.example.com.", "addresses": ["::1"]})).await;
    assert!(ask(&kit, "a.example.com", RecordType::A).await.is_empty());
    assert_eq!(ask(&kit, "a.example.com", RecordType::AAAA).await, ["::1"]);
    kit.post("/add-a", json!({"host": "a.example.com", "addresses": ["10.0.0.1", "10.0.0.2"]}))
        .await;
    assert_eq!(ask(&kit, "a.example.com.", RecordType::A).await, ["10.0.0.1", "10.0.0.2"]);
    kit.post("/clear-a", json!({"host": "a.example.com"})).await;
    kit.post("/clear-aaaa", json!({"host": "a.example.com"})).await;
    kit.post("/set-default-ipv4", json!({"ip": ""})).await;
    assert!(ask(&kit, "a.example.com", RecordType::A).await.is_empty());
}

#[tokio::test]
async fn texts_add_up_and_long_ones_are_split() {
    let kit = start();
    kit.post("/set-txt", json!({"host": "_p.example.com.", "value": "one"})).await;
    kit.post("/set-txt", json!({"host": "_P.EXAMPLE.com", "value": "x".repeat(600)})).await;
    let reply = tcp(&kit, &[question("_p.example.com", RecordType::TXT)]).await.remove(0);
    let lengths: Vec<Vec<usize>> = reply
        .answers
        .iter()
        .map(|record| match &record.data {
            RData::TXT(txt) => txt.txt_data.iter().map(|part| part.len()).collect(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(lengths, [vec![3], vec![255, 255, 90]]);
    let cut = udp(&kit, &question("_p.example.com", RecordType::TXT)).await;
    assert!(cut.metadata.truncation);
    let mut wide = question("_p.example.com", RecordType::TXT);
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    wide.set_edns(edns);
    let whole = udp(&kit, &wide).await;
    assert!(!whole.metadata.truncation && whole.edns.is_some());
    assert_eq!(whole.answers.len(), 2);
    kit.post("/clear-txt", json!({"host": "_p.example.com"})).await;
    assert!(ask(&kit, "_p.example.com", RecordType::TXT).await.is_empty());
}

#[tokio::test]
async fn aliases_are_followed_and_loops_end() {
    let kit = start();
    kit.post("/set-cname", json!({"host": "www.example.com", "target": "Cdn.example.net."})).await;
    kit.post("/set-txt", json!({"host": "cdn.example.net", "value": "here"})).await;
    assert_eq!(
        ask(&kit, "www.example.com", RecordType::A).await,
        ["Cdn.example.net.", "192.0.2.1"]
    );
    let txt = ask(&kit, "www.example.com", RecordType::TXT).await;
    assert_eq!(txt.len(), 2);
    assert_eq!(ask(&kit, "WWW.example.com", RecordType::CNAME).await, ["Cdn.example.net."]);
    let reply = kit
        .post(
            "/set-cnames",
            json!([{"host": "l1.example.com", "target": "l2.example.com"},
                   {"host": "l2.example.com.", "target": "l1.example.com"}]),
        )
        .await;
    assert_eq!(reply, json!({"set": 2}));
    let reply = udp(&kit, &question("l1.example.com", RecordType::A)).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    let bad =
        json!([{"host": "x.example.com", "target": "y.example"}, {"host": "", "target": "z"}]);
    let (status, error) = kit.call("POST", "/set-cnames", &bad.to_string()).await;
    assert_eq!(status, 400);
    assert!(error["error"].as_str().is_some_and(|e| e.contains("entry 1")), "{error}");
    assert!(ask(&kit, "x.example.com", RecordType::CNAME).await.is_empty());
    kit.post("/clear-cname", json!({"host": "www.example.com."})).await;
    assert_eq!(ask(&kit, "www.example.com", RecordType::A).await, ["192.0.2.1"]);
}

#[tokio::test]
async fn caa_failures_history_and_reset() {
    let kit = start();
    let policies = json!([{"tag": "issue", "value": "ca.example; a=b", "critical": true},
                          {"tag": "iodef", "value": "not a url"}]);
    kit.post("/add-caa", json!({"host": "example.com", "policies": policies})).await;
    let reply = udp(&kit, &question("example.com", RecordType::CAA)).await;
    let RData::CAA(first) = &reply.answers[0].data else { panic!("{:?}", reply.answers) };
    assert_eq!((first.tag.as_str(), first.issuer_critical), ("issue", true));
    assert_eq!(first.value, b"ca.example; a=b");
    assert_eq!(reply.answers.len(), 2);
    kit.post("/set-servfail", json!({"host": "Example.com."})).await;
    let reply = udp(&kit, &question("example.com", RecordType::CAA)).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    kit.post("/clear-servfail", json!({"host": "example.com"})).await;
    assert_eq!(ask(&kit, "example.com", RecordType::CAA).await.len(), 2);
    let seen = kit.post("/dns-request-history", json!({"host": "example.com."})).await;
    assert_eq!(seen.as_array().map(Vec::len), Some(4));
    assert_eq!(seen[0]["Question"], json!({"Name": "example.com.", "Qtype": 257, "Qclass": 1}));
    kit.post("/clear-request-history", json!({"host": "example.com", "type": "dns"})).await;
    assert_eq!(kit.post("/dns-request-history", json!({"host": "example.com"})).await, json!([]));
    kit.post("/set-cname", json!({"host": "www.example.com", "target": "b.example"})).await;
    kit.post("/reset", json!({})).await;
    assert!(ask(&kit, "example.com", RecordType::CAA).await.is_empty());
    assert_eq!(ask(&kit, "www.example.com", RecordType::A).await, ["192.0.2.1"]);
    kit.post("/add-caa", json!({"host": "example.com", "policies": policies})).await;
    kit.post("/clear-caa", json!({"host": "example.com"})).await;
    assert!(ask(&kit, "example.com", RecordType::CAA).await.is_empty());
}

#[tokio::test]
async fn packets_keep_their_case_and_empty_answers_their_authority() {
    let kit = start();
    let reply = udp(&kit, &question("wWw.ExAmPlE.cOm", RecordType::MX)).await;
    assert_eq!(reply.queries[0].name().to_ascii(), "wWw.ExAmPlE.cOm.");
    assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
    assert!(reply.answers.is_empty());
    assert_eq!(reply.authorities.len(), 1);
    assert!(reply.metadata.recursion_available && reply.metadata.recursion_desired);
    let reply = udp(&kit, &question("wWw.ExAmPlE.cOm", RecordType::A)).await;
    assert_eq!(reply.answers[0].name.to_ascii(), "wWw.ExAmPlE.cOm.");
    assert_eq!(reply.answers[0].ttl, 0);
}

#[tokio::test]
async fn nonsense_gets_an_error_and_pipelined_questions_their_order() {
    let kit = start();
    let mut nonsense = vec![0xff; 40];
    nonsense[2] = 0;
    let reply = udp_bytes(kit.at.dns, &nonsense).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::FormErr);
    let mut empty = Message::new(4242, MessageType::Query, OpCode::Query);
    let reply = udp(&kit, &empty).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::FormErr);
    let mut edns = Edns::new();
    edns.set_version(1);
    empty.set_edns(edns);
    let reply = udp(&kit, &empty).await;
    assert_eq!(u16::from(reply.metadata.response_code), 16, "BADVERS, which shares its number");
    let many: Vec<Message> =
        (0..200).map(|n| question(&format!("n{n}.example.com"), RecordType::A)).collect();
    let replies = tcp(&kit, &many).await;
    for (question, reply) in many.iter().zip(&replies) {
        assert_eq!(question.queries, reply.queries);
        assert_eq!(question.metadata.id, reply.metadata.id);
    }
}
