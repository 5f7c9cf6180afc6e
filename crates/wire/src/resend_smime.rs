//! !ResendVerificationEmailSMIME and !ResendCollectionEmailSMIME: send a mail once more. Tables, requests, answer.

use domain::certificate::OrderNumber;
use domain::mail_address::MailAddress;
use domain::refusal::Refusal;

use crate::envelope::Authed;
use crate::fields::{Fields, entries, mail};
use crate::reply::{Lines, Reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

const ORDER_NUMBER: Parameter =
    Parameter::required("orderNumber").string(128).read_as(Form::Integer);

/// The mail with the code of the mailbox.
pub static VERIFICATION: Endpoint = Endpoint {
    name: "ResendVerificationEmailSMIME",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[
        LOGIN_NAME,
        LOGIN_PASSWORD,
        ORDER_NUMBER,
        Parameter::optional("emailAddress").string(32_000).read_as(Form::List),
    ],
    extras: &[],
    formats: &[],
    default_format: Format::Lines,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// The mail with the way to the certificate.
pub static COLLECTION: Endpoint = Endpoint {
    name: "ResendCollectionEmailSMIME",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[LOGIN_NAME, LOGIN_PASSWORD, ORDER_NUMBER],
    extras: &[],
    formats: &[],
    default_format: Format::Lines,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// Reads a wish for the verification mail: the order, and to which mailboxes; none given means all.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse_verification(call: &Authed) -> Result<(OrderNumber, Vec<MailAddress>), Refusal> {
    let f = call.fields()?;
    let given = f.text("emailAddress").unwrap_or_default();
    let addresses =
        entries(&given).map(|text| mail("emailAddress", text)).collect::<Result<_, _>>()?;
    Ok((order(&f)?, addresses))
}

/// Reads a wish for the collection mail.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse_collection(call: &Authed) -> Result<OrderNumber, Refusal> {
    order(&call.fields()?)
}

fn order(f: &Fields) -> Result<OrderNumber, Refusal> {
    f.integer("orderNumber").map(OrderNumber).ok_or(Refusal::Missing("orderNumber"))
}

/// The answer when a mail was sent.
#[must_use]
pub fn reply() -> Reply {
    Lines::new().line(0).reply()
}
