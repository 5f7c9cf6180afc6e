//! !GetDCVEmailAddressList: which mail addresses may prove a name. Tables, request, answer.

use domain::mail_address::MailAddress;
use domain::names::CertName;
use domain::refusal::Refusal;
use serde_json::{Map, Value, json};

use crate::codes::{CodeRow, Meaning, code};
use crate::envelope::Authed;
use crate::reply::{Lines, Reply, json_reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. It numbers its formats otherwise: 1 is text. 0 is taken for text too.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "GetDCVEmailAddressList",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[
        LOGIN_NAME,
        LOGIN_PASSWORD,
        Parameter::required("domainName").string(255).read_as(Form::Name),
        Parameter::optional("product").integer(),
        Parameter::optional("responseFormat").chars(1).one_of("0 1 2").default("1"),
    ],
    extras: &[],
    formats: &[("0", Format::Lines), ("1", Format::Lines), ("2", Format::Json)],
    default_format: Format::Lines,
    server_orders: None,
    codes: CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// Whose addresses are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressListRequest {
    /// `domainName`.
    pub name: CertName,
    /// `product`, which only mark certificates need.
    pub product: Option<i64>,
    /// `responseFormat`.
    pub format: Format,
}

/// Reads a question.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed) -> Result<AddressListRequest, Refusal> {
    let f = call.fields()?;
    Ok(AddressListRequest {
        name: f.name("domainName").ok_or(Refusal::Missing("domainName"))?,
        product: f.integer("product"),
        format: call.format(),
    })
}

/// The addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AddressList {
    /// The name.
    pub domain: String,
    /// The constructed ones, by authorization domain name: the registrable domain first (`level2_email`), then one label
    /// more each time.
    pub levels: Vec<Vec<MailAddress>>,
    /// From `_validation-contactemail` TXT records; told in JSON alone, as the vendor does.
    pub dns_txt: Vec<MailAddress>,
    /// From CAA contactemail properties; told in JSON alone.
    pub dns_caa: Vec<MailAddress>,
}

/// The answer. `whois_email` is always `none`: such contacts may no longer be used.
#[must_use]
pub fn reply(format: Format, list: &AddressList) -> Reply {
    let levels = || (2..).zip(&list.levels).map(|(n, mails)| (format!("level{n}_email"), mails));
    if format == Format::Json {
        let mut object = Map::new();
        object.insert("errorCode".into(), json!(0));
        object.insert("domain_name".into(), json!(list.domain));
        object.insert("whois_email".into(), json!([]));
        for (key, mails) in levels() {
            object.insert(key, texts(mails));
        }
        object.insert("dns_txt_email".into(), texts(&list.dns_txt));
        object.insert("dns_caa_email".into(), texts(&list.dns_caa));
        return json_reply(&Value::Object(object));
    }
    let mut text = format!("0\ndomain_name\t{}\nwhois_email\tnone\n", list.domain);
    for (key, mails) in levels() {
        text.extend(mails.iter().map(|mail| format!("{key}\t{mail}\n")));
    }
    Lines::new().block(&text).reply()
}

fn texts(mails: &[MailAddress]) -> Value {
    mails.iter().map(MailAddress::as_str).collect()
}

const CODES: &[CodeRow] = &[code(
    Meaning::PublicAddress,
    -19,
    "The domain name may not be an Internet-accessible IP Address!",
)];
