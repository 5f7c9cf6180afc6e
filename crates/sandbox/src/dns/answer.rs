//! From a packet to its reply.

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, RData, Record, rdata::SOA},
    serialize::binary::{BinEncodable, BinEncoder},
};

use super::name;
use crate::world::World;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// Writes the reply to `packet` into `out` (emptied first); `false` if it deserves none.
pub(super) fn reply(world: &World, packet: &[u8], transport: Transport, out: &mut Vec<u8>) -> bool {
    out.clear();
    let response = match Message::from_vec(packet) {
        Ok(query) if query.metadata.message_type == MessageType::Response => return false,
        Ok(query) => Response { limit: limit(&query, transport), message: respond(world, query) },
        Err(_) => match not_understood(packet) {
            Some(message) => Response { limit: UDP_PLAIN, message },
            None => return false,
        },
    };
    response.write(out)
}

struct Response {
    message: Message,
    limit: u16,
}

impl Response {
    /// What does not fit is left out, and the truncation flag says so.
    fn write(&self, out: &mut Vec<u8>) -> bool {
        let mut encoder = BinEncoder::new(out);
        encoder.set_max_size(self.limit);
        if self.message.emit(&mut encoder).is_ok() {
            return true;
        }
        out.clear();
        let metadata = self.message.metadata;
        let failed = Message::error_msg(metadata.id, metadata.op_code, ResponseCode::ServFail);
        failed.emit(&mut BinEncoder::new(out)).is_ok()
    }
}

fn respond(world: &World, mut query: Message) -> Message {
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    let header = &mut response.metadata;
    header.recursion_desired = query.metadata.recursion_desired;
    header.checking_disabled = query.metadata.checking_disabled;
    header.recursion_available = true;
    header.authoritative = true;
    if let Some(edns) = &query.edns {
        let mut own = Edns::new();
        own.set_max_payload(UDP_MAX);
        own.set_dnssec_ok(edns.flags().dnssec_ok);
        let unknown = edns.version() > 0;
        response.set_edns(own);
        if unknown {
            response.metadata.response_code = ResponseCode::BADVERS;
            return response;
        }
    }
    response.metadata.response_code = match (query.metadata.op_code, query.queries.pop()) {
        (OpCode::Query, Some(question)) if query.queries.is_empty() => {
            let code = answer(world, &question, &mut response);
            response.add_query(question);
            code
        }
        (OpCode::Query, _) => ResponseCode::FormErr,
        _ => ResponseCode::NotImp,
    };
    response
}

fn answer(world: &World, question: &Query, response: &mut Message) -> ResponseCode {
    if !matches!(question.query_class(), DNSClass::IN | DNSClass::ANY) {
        return ResponseCode::Refused;
    }
    let (name, asked) = (question.name(), question.query_type());
    let key = name::key(name);
    world.history().asked(&key, asked.into(), question.query_class().into());
    let dns = world.dns();
    let found = dns.read().answer(name, &key, asked, dns.ttl);
    match found {
        Ok(answers) => {
            let ends_in_data = answers.iter().any(|record| record.record_type() == asked);
            response.insert_answers(answers);
            if !ends_in_data {
                response.add_authority(no_data(dns.ttl));
            }
            ResponseCode::NoError
        }
        Err(code) => code,
    }
}

/// The authority of an empty answer: the fake server answers for the root and all below it.
fn no_data(ttl: u32) -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, ttl);
    Record::from_rdata(Name::root(), ttl, RData::SOA(soa))
}

/// FORMERR for a packet that has a header at least and is not itself a reply.
fn not_understood(packet: &[u8]) -> Option<Message> {
    let [high, low, flags, ..] = *packet else { return None };
    if packet.len() < 12 || flags & 0x80 != 0 {
        return None;
    }
    let id = u16::from_be_bytes([high, low]);
    Some(Message::error_msg(id, OpCode::Query, ResponseCode::FormErr))
}

fn limit(query: &Message, transport: Transport) -> u16 {
    match transport {
        Transport::Tcp => u16::MAX,
        Transport::Udp => query
            .edns
            .as_ref()
            .map_or(UDP_PLAIN, |edns| edns.max_payload().clamp(UDP_PLAIN, UDP_MAX)),
    }
}

const UDP_PLAIN: u16 = 512;
const UDP_MAX: u16 = 4096;
