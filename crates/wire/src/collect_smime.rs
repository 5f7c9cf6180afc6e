//! CollectSMIME: how an S/MIME order stands, and its certificates; and what it has in common with
//! [`crate::request_and_collect_smime`]: the question and the answer.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::certificate::{OrderNumber, Validity};
use domain::refusal::Refusal;

use crate::collect_ssl::{CollectStatus, QueryType};
use crate::collected::{asked, pem, wrapped};
use crate::envelope::Authed;
use crate::fields::Fields;
use crate::reply::{Declarations, Lines, Reply, TEXT};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. Its codes are RequestAndCollectSMIME's but for those about the CSR that is brought there.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "CollectSMIME",
    family: Family::Collection,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[
        LOGIN_NAME,
        LOGIN_PASSWORD,
        Parameter::required("orderNumber").string(128).read_as(Form::Integer),
        QUERY_TYPE,
        RESPONSE_TYPE,
        Parameter::optional("responseEncoding").integer().allowed("0 1").default("0"),
        SHOW_VALIDITY_PERIOD,
    ],
    extras: &[],
    formats: &[],
    default_format: Format::Lines,
    server_orders: None,
    codes: crate::request_and_collect_smime::CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

pub(crate) const QUERY_TYPE: Parameter =
    Parameter::required("queryType").integer().allowed("0 1 2 3");
pub(crate) const RESPONSE_TYPE: Parameter =
    Parameter::optional("responseType").integer().allowed("1 2 3 4").default("3");
pub(crate) const SHOW_VALIDITY_PERIOD: Parameter =
    Parameter::optional("showValidityPeriod").flag().default("N");

/// What is to be collected, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectSmimeRequest {
    /// `queryType`.
    pub query: QueryType,
    /// `responseType`.
    pub response: Structure,
    /// `responseEncoding`.
    pub encoding: Encoding,
    /// `responseMimeType`, a token, a slash, a token.
    pub mime_type: Option<String>,
    /// `showValidityPeriod=Y`.
    pub show_validity: bool,
}

/// `responseType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structure {
    /// 1: Netscape's certificate sequence.
    Netscape,
    /// 2.
    Pkcs7,
    /// 3: each certificate by itself, root first.
    Individual,
    /// 4.
    Cmmf,
}

/// `responseEncoding`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// 0.
    Base64,
    /// 1: the structure's octets.
    Binary,
    /// 2: declarations of `g_errorCode` and `g_ccc`.
    JavaScript,
}

/// Reads a question and the order that it is about.
///
/// # Errors
/// The first error in the documented order (§0.4); then combinations that the table excludes.
pub fn parse(call: &Authed) -> Result<(OrderNumber, CollectSmimeRequest), Refusal> {
    let f = call.fields()?;
    let order = f.integer("orderNumber").ok_or(Refusal::Missing("orderNumber"))?;
    Ok((OrderNumber(order), read(&f, None)?))
}

/// The question. `mime_type`: responseMimeType, where the endpoint has it.
pub(crate) fn read(f: &Fields, mime_type: Option<String>) -> Result<CollectSmimeRequest, Refusal> {
    let query = match f.integer("queryType") {
        Some(0) => QueryType::Status,
        Some(1) => QueryType::All,
        Some(2) => QueryType::Certificate,
        _ => QueryType::Chain,
    };
    let response = match f.integer("responseType") {
        Some(1) => Structure::Netscape,
        Some(2) => Structure::Pkcs7,
        Some(4) => Structure::Cmmf,
        _ => Structure::Individual,
    };
    let encoding = match f.integer("responseEncoding") {
        Some(1) => Encoding::Binary,
        Some(2) => Encoding::JavaScript,
        _ => Encoding::Base64,
    };
    let whole = query == QueryType::All;
    if response != Structure::Individual && !whole {
        return Err(Refusal::invalid("responseType"));
    }
    if encoding == Encoding::Binary && !(whole && response == Structure::Pkcs7) {
        return Err(Refusal::invalid("responseEncoding"));
    }
    let show_validity = f.yes("showValidityPeriod");
    Ok(CollectSmimeRequest { query, response, encoding, mime_type, show_validity })
}

/// How an order stands, with what may be handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectedSmime {
    /// The code.
    pub status: CollectStatus,
    /// The certificate's, once there is one.
    pub validity: Option<Validity>,
    /// The certificates; looked at only when the code is [`CollectStatus::Attached`].
    pub payload: SmimePayload,
}

/// What is handed over, in DER.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SmimePayload {
    /// Nothing.
    None,
    /// responseType 3; `queryType` decides which of them are shown.
    Individual {
        /// The CA certificates, root first.
        chain: Vec<Vec<u8>>,
        /// The end entity's.
        leaf: Vec<u8>,
    },
    /// The one structure that was asked for.
    Structure(Vec<u8>),
}

/// The answer. "Not ready" is a line of text whatever was asked for (D136, D140).
#[must_use]
pub fn reply(request: &CollectSmimeRequest, collected: &CollectedSmime) -> Reply {
    let mime = || request.mime_type.clone();
    let attached = collected.status == CollectStatus::Attached;
    match (request.encoding, &collected.payload) {
        (Encoding::JavaScript, payload) => {
            let out = Declarations::new().number("g_errorCode", i32::from(collected.status.code()));
            match attached {
                true => out.text("g_ccc", &value(request.query, payload)).reply(mime()),
                false => out.reply(mime()),
            }
        }
        (Encoding::Binary, SmimePayload::Structure(octets)) if attached => Reply {
            content_type: content_type(mime(), "application/pkcs7-mime"),
            body: octets.clone(),
        },
        _ => lines(request, collected),
    }
}

/// Code, validity, data.
fn lines(request: &CollectSmimeRequest, c: &CollectedSmime) -> Reply {
    let mut out = Lines::new().line(c.status.code());
    if let Some(v) = c.validity.filter(|_| request.show_validity) {
        let [from, to] = [v.not_before, v.not_after].map(|t| t.format("%d/%m/%Y"));
        out = out.line(format!("{from} {to}"));
    }
    if c.status == CollectStatus::Attached {
        out = out.block(&text(request.query, &c.payload));
    }
    let mut reply = out.reply();
    if c.status != CollectStatus::Pending {
        reply.content_type = content_type(request.mime_type.clone(), TEXT);
    }
    reply
}

fn content_type(asked: Option<String>, usual: &'static str) -> Cow<'static, str> {
    asked.map_or(Cow::Borrowed(usual), Cow::Owned)
}

fn text(query: QueryType, payload: &SmimePayload) -> String {
    match payload {
        SmimePayload::None => String::new(),
        SmimePayload::Individual { chain, leaf } => {
            let (chain, leaf) = asked(query, chain, leaf);
            chain.iter().chain(leaf).map(|der| pem(der)).collect()
        }
        SmimePayload::Structure(octets) => wrapped(octets),
    }
}

/// The value of `g_ccc`: a structure's Base64 in one line, as scripts hand it on.
fn value(query: QueryType, payload: &SmimePayload) -> String {
    match payload {
        SmimePayload::Structure(octets) => STANDARD.encode(octets),
        SmimePayload::None | SmimePayload::Individual { .. } => text(query, payload),
    }
}
