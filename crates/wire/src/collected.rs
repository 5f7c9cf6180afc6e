//! CollectSSL's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::certificate::{CertificateStatus, OrderNumber, Validity};

use crate::collect_ssl::{CollectRequest, QueryType};
use crate::get_mdc_domain_details::DomainDetail;
use crate::reply::{Lines, Pairs, Reply};
use crate::table::Format;

/// How an order stands, with everything that may be shown. What is shown the question decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collected {
    /// The code.
    pub status: CollectStatus,
    /// The order.
    pub order_number: OrderNumber,
    /// The certificate's, once there is one.
    pub validity: Option<Validity>,
    /// The certificate's first name, once there is one.
    pub fqdn: Option<String>,
    /// The certificates; looked at only when the code is [`CollectStatus::Attached`].
    pub payload: Payload,
    /// A word.
    pub certificate_status: Option<CertificateStatus>,
    /// Words.
    pub validation_status: Option<&'static str>,
    /// The steps.
    pub steps: Option<StepStatuses>,
    /// One per name, for orders of several names.
    pub domains: Vec<DomainDetail>,
}

/// The code of an answer that is no refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CollectStatus {
    /// 0: being processed.
    Pending,
    /// 1: a certificate is there, and was not asked for.
    Available,
    /// 2: what was asked for is attached.
    Attached,
}

impl CollectStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            CollectStatus::Pending => 0,
            CollectStatus::Available => 1,
            CollectStatus::Attached => 2,
        }
    }
}

/// What is handed over, in the form that was asked for, as DER or as the archive's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// Nothing.
    None,
    /// responseType 3; `queryType` decides which of them are shown.
    Individual {
        /// The CA certificates, root first.
        chain: Vec<Vec<u8>>,
        /// The end entity's.
        leaf: Vec<u8>,
    },
    /// responseType 2.
    Pkcs7(Vec<u8>),
    /// responseType 1.
    Netscape(Vec<u8>),
    /// responseType 0.
    Zip(Vec<u8>),
}

/// Where the steps stand: -1 not required, 0 not completed, 1 completed, 2 in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepStatuses {
    /// `csrStatus`.
    pub csr: i8,
    /// `dcvStatus`.
    pub dcv: i8,
    /// `ovCallBackStatus`.
    pub ov_call_back: i8,
    /// `organizationValidationStatus`.
    pub organization_validation: i8,
    /// `freeDVUPStatus`.
    pub free_dvup: i8,
    /// `evClickThroughStatus`; left out unless it is EV.
    pub ev_click_through: Option<i8>,
    /// `brandValStatus`; left out unless it is EV.
    pub brand_validation: Option<i8>,
}

impl StepStatuses {
    /// Names and values, in the order in which they are told.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, i8)> {
        [
            ("csrStatus", Some(self.csr)),
            ("dcvStatus", Some(self.dcv)),
            ("ovCallBackStatus", Some(self.ov_call_back)),
            ("organizationValidationStatus", Some(self.organization_validation)),
            ("freeDVUPStatus", Some(self.free_dvup)),
            ("evClickThroughStatus", self.ev_click_through),
            ("brandValStatus", self.brand_validation),
        ]
        .into_iter()
        .filter_map(|(name, status)| Some((name, status?)))
    }
}

/// The answer. With responseEncoding=1 the bytes themselves; "not ready" is text even then (D136).
#[must_use]
pub fn reply(request: &CollectRequest, collected: &Collected) -> Reply {
    let attached = collected.status == CollectStatus::Attached;
    if request.binary && attached {
        match &collected.payload {
            Payload::Zip(bytes) => return binary("application/zip", bytes),
            Payload::Pkcs7(bytes) => return binary("application/pkcs7-mime", bytes),
            Payload::None | Payload::Individual { .. } | Payload::Netscape(_) => {}
        }
    }
    match request.format {
        Format::Form if !request.binary => pairs(request, collected),
        _ => lines(request, collected),
    }
}

fn binary(content_type: &'static str, bytes: &[u8]) -> Reply {
    Reply { content_type: content_type.into(), body: bytes.to_vec() }
}

/// Code, validity, name, data; then, behind an empty line, what else was asked about, the status word last.
fn lines(request: &CollectRequest, c: &Collected) -> Reply {
    let mut out = Lines::new().line(c.status.code());
    if let Some(v) = c.validity.filter(|_| request.show_validity) {
        let [from, to] = [v.not_before, v.not_after].map(|t| t.format("%d/%m/%Y"));
        out = out.line(format!("{from} {to}"));
    }
    out = out.maybe(c.fqdn.as_ref().filter(|_| request.show_fqdn));
    if c.status == CollectStatus::Attached {
        out = out.block(&payload_text(request.query, &c.payload));
    }
    let details = detail_pairs(request, c);
    if request.show_ext_status || !details.is_empty() {
        out = out.line("");
    }
    for (name, value) in details {
        out = out.line(format!("{name}={value}"));
    }
    if request.show_ext_status {
        out = out
            .maybe(c.validation_status)
            .maybe(c.certificate_status.map(CertificateStatus::as_str));
    }
    out.reply()
}

fn payload_text(query: QueryType, payload: &Payload) -> String {
    match payload {
        Payload::None => String::new(),
        Payload::Individual { chain, leaf } => {
            let (chain, leaf) = asked(query, chain, leaf);
            chain.iter().chain(leaf).map(|der| pem(der)).collect()
        }
        Payload::Pkcs7(bytes) | Payload::Netscape(bytes) | Payload::Zip(bytes) => wrapped(bytes),
    }
}

fn pairs(request: &CollectRequest, c: &Collected) -> Reply {
    let mut out =
        Pairs::new().pair("errorCode", c.status.code()).pair("orderNumber", c.order_number);
    if let Some(v) = c.validity.filter(|_| request.show_validity) {
        out = out.pair("notBefore", v.not_before.secs()).pair("notAfter", v.not_after.secs());
    }
    out = out.maybe("fqdn", c.fqdn.as_ref().filter(|_| request.show_fqdn));
    if c.status == CollectStatus::Attached {
        out = payload_pairs(out, request.query, &c.payload);
    }
    if request.show_ext_status {
        out = out
            .maybe("certificateStatus", c.certificate_status.map(CertificateStatus::as_str))
            .maybe("validationStatus", c.validation_status);
    }
    detail_pairs(request, c)
        .into_iter()
        .fold(out, |out, (name, value)| out.pair(name, value))
        .reply()
}

/// Bare Base64 in one line: programs in use put the armour around it themselves.
fn payload_pairs(out: Pairs, query: QueryType, payload: &Payload) -> Pairs {
    match payload {
        Payload::None => out,
        Payload::Individual { chain, leaf } => {
            let (chain, leaf) = asked(query, chain, leaf);
            let out = chain
                .iter()
                .fold(out, |out, der| out.exact("caCertificate", &STANDARD.encode(der)));
            leaf.iter().fold(out, |out, der| out.exact("certificate", &STANDARD.encode(der)))
        }
        Payload::Pkcs7(bytes) => out.exact("pkcs7", &STANDARD.encode(bytes)),
        Payload::Netscape(bytes) => {
            out.exact("netscapeCertificateSequence", &STANDARD.encode(bytes))
        }
        Payload::Zip(bytes) => out.exact("zipFile", &STANDARD.encode(bytes)),
    }
}

pub(crate) fn asked<'c>(
    query: QueryType,
    chain: &'c [Vec<u8>],
    leaf: &'c Vec<u8>,
) -> (&'c [Vec<u8>], &'c [Vec<u8>]) {
    let leaf = std::slice::from_ref(leaf);
    match query {
        QueryType::Status => (&[], &[]),
        QueryType::All => (chain, leaf),
        QueryType::Certificate => (&[], leaf),
        QueryType::Chain => (chain, &[]),
    }
}

/// mdcDomainDetails, mdcDomainDetails2 and the steps, as far as they were asked for.
fn detail_pairs(request: &CollectRequest, c: &Collected) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut details = |name, wanted: bool, one: fn(&DomainDetail) -> String| {
        if wanted && !c.domains.is_empty() {
            out.push((name, c.domains.iter().map(one).collect::<Vec<_>>().join(",")));
        }
    };
    details("mdcDomainDetails", request.show_mdc, |d| format!("{}:{}", d.domain, d.status_text()));
    details("mdcDomainDetails2", request.show_mdc2, |d| {
        format!("{}:{}:{}", d.domain, d.method_text(), d.status_text())
    });
    if let Some(steps) = c.steps.filter(|_| request.show_status_details) {
        out.extend(steps.pairs().map(|(name, status)| (name, status.to_string())));
    }
    out
}

pub(crate) fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", wrapped(der))
}

/// Base64 in lines of 64 columns, LF after each.
pub(crate) fn wrapped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (number, symbol) in STANDARD.encode(bytes).chars().enumerate() {
        if number > 0 && number % 64 == 0 {
            out.push('\n');
        }
        out.push(symbol);
    }
    out.push('\n');
    out
}
