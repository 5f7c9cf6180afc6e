//! !ResendDCVEmail: send the code once more. Tables, request, answer.

use domain::mail_address::MailAddress;
use domain::refusal::Refusal;

use crate::collect_ssl::{Selector, selector};
use crate::envelope::Authed;
use crate::reply::{Pairs, Reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. It always answers in pairs; a responseFormat is taken and means nothing.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "ResendDCVEmail",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[
        LOGIN_NAME,
        LOGIN_PASSWORD,
        Parameter::conditional("orderNumber").integer(),
        Parameter::conditional("baseOrderNumber").integer(),
        Parameter::optional("dcvEmailAddress").string(255).read_as(Form::Mail),
        Parameter::optional("dcvTemplateID").integer(),
    ],
    extras: &[Parameter::optional("responseFormat").chars(1).read_as(Form::Ignored)],
    formats: &[],
    default_format: Format::Form,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::WithItem,
    places: Places::new(),
};

/// What is to be sent again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResendDcvRequest {
    /// `orderNumber`, `baseOrderNumber`: one at least.
    pub which: Selector,
    /// `dcvEmailAddress`; without it the last address.
    pub address: Option<MailAddress>,
    /// `dcvTemplateID`.
    pub template: Option<i64>,
}

/// Reads a wish.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed) -> Result<ResendDcvRequest, Refusal> {
    let f = call.fields()?;
    Ok(ResendDcvRequest {
        which: selector(&f).or_missing()?,
        address: f.mail("dcvEmailAddress"),
        template: f.integer("dcvTemplateID"),
    })
}

/// The answer once the mail is on its way.
#[must_use]
pub fn reply() -> Reply {
    Pairs::new().pair("errorCode", 0).reply()
}
