//! RequestAndCollectSMIME: bring the CSR of an S/MIME order, have its certificate made, collect it. Tables, request; the
//! answer is [`crate::collect_smime`]'s.

use domain::certificate::OrderNumber;
use domain::refusal::Refusal;

use crate::codes::{CodeRow, LOGIN, Meaning, code};
use crate::collect_smime::{
    CollectSmimeRequest, QUERY_TYPE, RESPONSE_TYPE, SHOW_VALIDITY_PERIOD, read,
};
use crate::envelope::Authed;
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. A collection code takes the place of the login.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "RequestAndCollectSMIME",
    family: Family::Collection,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &[],
    formats: &[("2", Format::JavaScript)],
    default_format: Format::Lines,
    server_orders: None,
    codes: CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What is brought, what is to be done, what is to be collected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestAndCollect {
    /// `orderNumber`.
    pub order: Option<OrderNumber>,
    /// `collectionCode`, as given.
    pub code: Option<String>,
    /// `csr`, as given.
    pub csr: Option<String>,
    /// `returnCertificate=Y`.
    pub return_certificate: bool,
    /// What is asked for.
    pub collect: CollectSmimeRequest,
}

/// Reads a call.
///
/// # Errors
/// The first error in the documented order (§0.4); -3 orderNumber when nothing names the order.
pub fn parse(call: &Authed) -> Result<RequestAndCollect, Refusal> {
    let f = call.fields()?;
    let (order, code) = (f.integer("orderNumber").map(OrderNumber), f.text("collectionCode"));
    if order.is_none() && code.is_none() {
        return Err(Refusal::Missing("orderNumber"));
    }
    Ok(RequestAndCollect {
        order,
        code,
        csr: f.text("csr"),
        return_certificate: f.yes("returnCertificate"),
        collect: read(&f, f.text("responseMimeType"))?,
    })
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    Parameter::conditional("orderNumber").string(128).read_as(Form::Integer),
    Parameter::conditional("collectionCode").string(16),
    optional("csr").string(32767).read_as(Form::Lines),
    // The table does not list Y and N (D134).
    optional("returnCertificate").chars(1).read_as(Form::Flag),
    QUERY_TYPE,
    RESPONSE_TYPE,
    optional("responseEncoding").integer().allowed("0 1 2").default("0"),
    optional("responseMimeType").string(255).read_as(Form::MimeType),
    SHOW_VALIDITY_PERIOD.only("responseEncoding=0"),
];

pub(crate) const CODES: &[CodeRow] = &[
    code(Meaning::NotHttps, -1, "Request was not made over https!"),
    code(Meaning::UnknownArgument, -2, "Unrecognised argument!"),
    code(Meaning::Missing, -3, "The 'xxx' argument is missing!"),
    code(Meaning::Invalid, -4, "The value of the 'xxxx' argument is invalid!"),
    code(Meaning::CsrKeySize, -13, "The CSR uses an unsupported key size"),
    code(Meaning::Internal, -14, "An unknown error occurred!"),
    code(Meaning::Login, -16, LOGIN),
    code(Meaning::WrongMethod, -17, "Request used GET rather than POST!"),
    code(Meaning::CsrProvided, -18, "A CSR has already been provided."),
    code(Meaning::Rejected, -20, "The CSR has been rejected!"),
    code(Meaning::Revoked, -21, "The certificate has been revoked!"),
    code(Meaning::AwaitingPayment, -22, "Still awaiting payment!"),
    code(Meaning::UnsupportedProduct, -153, "Unsupported product type!"),
    code(Meaning::MailboxUnproven, -154, "Email verification not yet completed!"),
];
