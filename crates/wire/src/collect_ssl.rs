//! CollectSSL: how an order stands, and its certificates. Tables, request.

use domain::certificate::{CertificateId, OrderNumber};
use domain::refusal::Refusal;

use crate::envelope::Authed;
use crate::fields::Fields;
use crate::table::{
    Endpoint, ErrorLayout, Family, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

pub use crate::collected::{CollectStatus, Collected, Payload, StepStatuses, reply};

/// The endpoint. Its codes are the common ones: -20, -21, -22, -26 and so on.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "CollectSSL",
    family: Family::Collection,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &[],
    formats: &[("0", Format::Lines), ("1", Format::Form)],
    default_format: Format::Lines,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What is to be collected, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectRequest {
    /// `orderNumber`, `certificateID`, `baseOrderNumber`: one at least; if more, all must mean the same.
    pub which: Selector,
    /// `queryType`.
    pub query: QueryType,
    /// `responseType`.
    pub response: ResponseType,
    /// `responseEncoding=1`.
    pub binary: bool,
    /// `showValidityPeriod=Y`.
    pub show_validity: bool,
    /// `showFQDN=Y`.
    pub show_fqdn: bool,
    /// `showExtStatus=Y`.
    pub show_ext_status: bool,
    /// `showStatusDetails=Y`.
    pub show_status_details: bool,
    /// `showMDCDomainDetails=Y`.
    pub show_mdc: bool,
    /// `showMDCDomainDetails2=Y`.
    pub show_mdc2: bool,
    /// `responseFormat`.
    pub format: Format,
}

/// By which numbers an order is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector {
    /// `orderNumber`: the newest certificate of its chain, unless it is a replacement's that came to nothing after that.
    pub order: Option<OrderNumber>,
    /// `certificateID`: that certificate.
    pub certificate: Option<CertificateId>,
    /// `baseOrderNumber`: the newest certificate of the chain that began with it.
    pub base: Option<OrderNumber>,
}

/// `queryType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueryType {
    /// 0.
    Status,
    /// 1: status, certificate and chain.
    All,
    /// 2.
    Certificate,
    /// 3.
    Chain,
}

/// `responseType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseType {
    /// 0.
    Zip,
    /// 1.
    Netscape,
    /// 2.
    Pkcs7,
    /// 3: each certificate by itself.
    Individual,
}

/// Reads a question.
///
/// # Errors
/// The first error in the documented order (§0.4); then combinations that the table excludes.
pub fn parse(call: &Authed) -> Result<CollectRequest, Refusal> {
    let f = call.fields()?;
    let query = match f.integer("queryType") {
        Some(0) => QueryType::Status,
        Some(1) => QueryType::All,
        Some(2) => QueryType::Certificate,
        _ => QueryType::Chain,
    };
    let response = match f.integer("responseType") {
        Some(0) => ResponseType::Zip,
        Some(1) => ResponseType::Netscape,
        Some(2) => ResponseType::Pkcs7,
        _ => ResponseType::Individual,
    };
    let binary = f.integer("responseEncoding") == Some(1);
    if response != ResponseType::Individual && query != QueryType::All {
        return Err(Refusal::invalid("responseType"));
    }
    if binary && !matches!(response, ResponseType::Zip | ResponseType::Pkcs7) {
        return Err(Refusal::invalid("responseEncoding"));
    }
    Ok(CollectRequest {
        which: Selector {
            certificate: f.integer("certificateID").map(CertificateId),
            ..selector(&f)
        }
        .or_missing()?,
        query,
        response,
        binary,
        show_validity: f.yes("showValidityPeriod"),
        show_fqdn: f.yes("showFQDN"),
        show_ext_status: f.yes("showExtStatus"),
        show_status_details: f.yes("showStatusDetails"),
        show_mdc: f.yes("showMDCDomainDetails"),
        show_mdc2: f.yes("showMDCDomainDetails2"),
        format: call.format(),
    })
}

/// `orderNumber` and `baseOrderNumber`.
pub(crate) fn selector(f: &Fields) -> Selector {
    Selector {
        order: f.integer("orderNumber").map(OrderNumber),
        certificate: None,
        base: f.integer("baseOrderNumber").map(OrderNumber),
    }
}

impl Selector {
    /// -3 orderNumber when no number is there.
    pub(crate) fn or_missing(self) -> Result<Self, Refusal> {
        if self == Self::default() { Err(Refusal::Missing("orderNumber")) } else { Ok(self) }
    }
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    Parameter::conditional("orderNumber").integer(),
    Parameter::conditional("certificateID").integer(),
    Parameter::conditional("baseOrderNumber").integer(),
    Parameter::required("queryType").integer().allowed("0 1 2 3"),
    optional("responseType").integer().allowed("0 1 2 3").default("3"),
    optional("responseEncoding").integer().allowed("0 1").default("0"),
    optional("showValidityPeriod").flag().default("N"),
    optional("showFQDN").flag().default("N"),
    optional("showExtStatus").flag().default("N"),
    optional("responseFormat").chars(1).one_of("0 1").default("0"),
    optional("showMDCDomainDetails").flag().default("N"),
    optional("showMDCDomainDetails2").flag().default("N"),
    optional("showStatusDetails").flag().default("N"),
];
