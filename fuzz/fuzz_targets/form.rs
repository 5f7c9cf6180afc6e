//! Any bytes as a call of any endpoint: a typed request, or a refusal that can be told.

#![no_main]

use domain::product::Catalogue;
use domain::refusal::Refusal;
use libfuzzer_sys::fuzz_target;
use wire::envelope::{Authed, Authentication, Envelope, Method, Transport};
use wire::reply::Reply;
use wire::table::Endpoint;

struct Anybody;
impl Authentication for Anybody {}

const JSON: &str = "application/json";
const MULTIPART: &str = "multipart/form-data; boundary=x";

fuzz_target!(|input: (u8, u8, &[u8], &[u8])| {
    let (which, how, query, body) = input;
    let endpoint = wire::ENDPOINTS[usize::from(which) % wire::ENDPOINTS.len()];
    let content_type = [None, Some(JSON), Some(MULTIPART), None][usize::from(how & 3)];
    let method = [Method::Post, Method::Get, Method::Other, Method::Post][usize::from(how >> 3 & 3)];
    let transport = Transport { https: how & 4 == 0, method };
    let envelope = Envelope::read(endpoint, query, content_type, body);
    let format = envelope.format();
    let _ = envelope.verdicts(&Catalogue::builtin());
    if let Err(refusal) = judge(endpoint, envelope, transport) {
        let reply = Reply::refusal(endpoint, format, &refusal);
        assert!(reply.body.contains(&b'-'), "{refusal:?} is told without a code");
    }
});

fn judge(endpoint: &Endpoint, envelope: Envelope, transport: Transport) -> Result<(), Refusal> {
    let call = envelope.incoming(transport)?;
    let call = if endpoint.login {
        // Whoever it is, the rest is judged: guessing a password is not what is tried here.
        let _ = call.credentials();
        call.authenticated(&Anybody)
    } else {
        call.anonymous()?
    };
    parse(endpoint.name, &call)
}

fn parse(name: &str, call: &Authed) -> Result<(), Refusal> {
    match name {
        "AutoApplySSL" => wire::auto_apply_ssl::parse(call, &Catalogue::builtin(), true).map(drop),
        "AutoReplaceSSL" => wire::auto_replace_ssl::parse(call).map(drop),
        "CollectSSL" => wire::collect_ssl::parse(call).map(drop),
        "GetDCVEmailAddressList" => wire::get_dcv_email_address_list::parse(call).map(drop),
        "AutoUpdateDCV" => wire::auto_update_dcv::parse(call).map(drop),
        "ResendDCVEmail" => wire::resend_dcv_email::parse(call).map(drop),
        "GetMDCDomainDetails" => wire::get_mdc_domain_details::parse(call).map(drop),
        "DecodeCSR" => wire::decode_csr::parse(call).map(drop),
        other => panic!("{other} has no line here"),
    }
}
