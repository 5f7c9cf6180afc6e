//! A name server on loopback, UDP and TCP, that answers from a table and misbehaves on request.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, NS, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What goes wrong for a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    ServFail,
    /// SERVFAIL for the first query only.
    ServFailOnce,
    Refused,
    /// A response code nobody has assigned.
    OddCode,
    Silent,
    /// Empty and truncated on UDP, whole on TCP.
    Truncated,
    /// Neither records nor a denial, only a pointer to other servers.
    Referral,
    /// Right identifier, other question.
    OtherQuestion,
    /// Octets that are no message.
    Garbage,
}

#[derive(Default)]
struct Table {
    records: HashMap<String, Vec<RData>>,
    faults: HashMap<String, Fault>,
    asked: Vec<String>,
    ttl: u32,
    chases: bool,
    authenticates: bool,
}

#[derive(Clone)]
pub struct FakeDns {
    pub address: SocketAddr,
    table: Arc<Mutex<Table>>,
}

impl FakeDns {
    pub async fn start() -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let table = Arc::new(Mutex::new(Table { ttl: 300, chases: true, ..Table::default() }));
        let server = Self { address, table };
        tokio::spawn(server.clone().udp(udp));
        tokio::spawn(server.clone().tcp(tcp));
        server
    }

    pub fn add(&self, owner: &str, data: RData) {
        self.table.lock().unwrap().records.entry(owner.to_owned()).or_default().push(data);
    }

    pub fn address(&self, owner: &str, ip: &str) {
        self.add(
            owner,
            match ip.parse().unwrap() {
                IpAddr::V4(ip) => RData::A(A(ip)),
                IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
            },
        );
    }

    pub fn cname(&self, owner: &str, target: &str) {
        self.add(owner, RData::CNAME(CNAME(name(target))));
    }

    pub fn txt(&self, owner: &str, strings: &[&str]) {
        self.add(owner, RData::TXT(TXT::new(strings.iter().map(ToString::to_string).collect())));
    }

    pub fn caa(&self, owner: &str, critical: bool, tag: &str, value: &str) {
        let mut caa = CAA::new_issue(critical, None, Vec::new());
        tag.clone_into(&mut caa.tag);
        caa.value = value.as_bytes().to_vec();
        self.add(owner, RData::CAA(caa));
    }

    pub fn remove(&self, owner: &str) {
        self.table.lock().unwrap().records.remove(owner);
    }

    pub fn fault(&self, owner: &str, fault: Fault) {
        self.table.lock().unwrap().faults.insert(owner.to_owned(), fault);
    }

    pub fn ttl(&self, ttl: u32) {
        self.table.lock().unwrap().ttl = ttl;
    }

    /// Makes it give a CNAME without what stands behind it.
    pub fn stop_chasing(&self) {
        self.table.lock().unwrap().chases = false;
    }

    /// Makes it a validating resolver in a signed world, for those who ask for that.
    pub fn authenticate(&self) {
        self.table.lock().unwrap().authenticates = true;
    }

    /// `udp example.com CAA` for each query since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.table.lock().unwrap().asked)
    }

    async fn udp(self, socket: UdpSocket) {
        let mut buffer = [0; 4_096];
        while let Ok((n, from)) = socket.recv_from(&mut buffer).await {
            if let Some(reply) = self.reply(&buffer[..n], true) {
                let _ = socket.send_to(&reply, from).await;
            }
        }
    }

    async fn tcp(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut query = vec![0; usize::from(length)];
                    if stream.read_exact(&mut query).await.is_err() {
                        return;
                    }
                    if let Some(reply) = server.reply(&query, false) {
                        let length = u16::try_from(reply.len()).unwrap();
                        let _ = stream.write_u16(length).await;
                        let _ = stream.write_all(&reply).await;
                    }
                }
            });
        }
    }

    fn reply(&self, query: &[u8], udp: bool) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).unwrap();
        let question = query.queries.first().unwrap().clone();
        let owner = text(question.name());
        let mut table = self.table.lock().unwrap();
        let transport = if udp { "udp" } else { "tcp" };
        table.asked.push(format!("{transport} {owner} {}", question.query_type()));
        let mut reply = query.into_response();
        reply.metadata.authentic_data &= table.authenticates;
        let code = |reply: &mut Message, code| reply.metadata.response_code = code;
        match table.faults.get(&owner).copied() {
            None => table.answer(&mut reply, &owner, question.query_type()),
            Some(Fault::Truncated) if udp => reply.metadata.truncation = true,
            Some(Fault::Truncated) => table.answer(&mut reply, &owner, question.query_type()),
            Some(Fault::ServFailOnce) => {
                table.faults.remove(&owner);
                code(&mut reply, ResponseCode::ServFail);
            }
            Some(Fault::ServFail) => code(&mut reply, ResponseCode::ServFail),
            Some(Fault::Refused) => code(&mut reply, ResponseCode::Refused),
            Some(Fault::OddCode) => code(&mut reply, ResponseCode::Unknown(12)),
            Some(Fault::Silent) => return None,
            Some(Fault::Garbage) => {
                let mut bytes = reply.id.to_be_bytes().to_vec();
                bytes.extend([0xff; 40]);
                return Some(bytes);
            }
            Some(Fault::Referral) => reply.authorities.push(Record::from_rdata(
                name("com"),
                300,
                RData::NS(NS(name("ns.example.net"))),
            )),
            Some(Fault::OtherQuestion) => {
                reply.queries[0].set_name(name("other.example"));
            }
        }
        Some(reply.to_vec().unwrap())
    }
}

impl Table {
    fn answer(&self, reply: &mut Message, owner: &str, kind: RecordType) {
        let mut owner = owner.to_owned();
        for _ in 0..20 {
            let Some(records) = self.records.get(&owner) else { break };
            let put = |reply: &mut Message, data: &RData| {
                reply.answers.push(Record::from_rdata(name(&owner), self.ttl, data.clone()));
            };
            let mut found = false;
            for data in records.iter().filter(|r| r.record_type() == kind) {
                put(reply, data);
                found = true;
            }
            let alias = records.iter().find_map(|r| match r {
                RData::CNAME(target) if kind != RecordType::CNAME => Some((r, text(&target.0))),
                _ => None,
            });
            match alias {
                Some((data, target)) if !found => {
                    put(reply, data);
                    if !self.chases {
                        return;
                    }
                    owner = target;
                }
                _ if found => return,
                _ => break,
            }
        }
        if !self.records.contains_key(&owner) {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
        if self.ttl > 0 {
            let soa = SOA::new(Name::root(), Name::root(), 1, 60, 60, 60, self.ttl);
            reply.authorities.push(Record::from_rdata(Name::root(), self.ttl, RData::SOA(soa)));
        }
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
