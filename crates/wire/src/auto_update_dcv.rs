//! !AutoUpdateDCV: another way of proving names. Tables, request, answer.

use domain::dcv::DcvMethod;
use domain::mail_address::MailAddress;
use domain::names::CertName;
use domain::refusal::Refusal;

use crate::collect_ssl::{Selector, selector};
use crate::envelope::Authed;
use crate::fields::{self, Fields};
use crate::order_parts as parts;
use crate::reply::{Pairs, Reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. It does not know responseFormat (-2) and always answers in pairs. The vendor's lengths of the lists
/// (255, 32) hold no list and are not kept.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "AutoUpdateDCV",
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
        Parameter::conditional("domainName").string(255).read_as(Form::Name),
        Parameter::conditional("newMethod").string(32).one_of(parts::METHODS),
        Parameter::conditional("newDCVEmailAddress").string(255).read_as(Form::Mail),
        Parameter::optional("dcvTemplateID").integer(),
        Parameter::conditional("domainNames").string(32767).read_as(Form::List),
        Parameter::conditional("newMethods").string(32767).read_as(Form::List),
        Parameter::conditional("newDCVEmailAddresses").string(32767).read_as(Form::List),
    ],
    extras: &[],
    formats: &[],
    default_format: Format::Form,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What is to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateDcvRequest {
    /// `orderNumber`, `baseOrderNumber`: one at least.
    pub which: Selector,
    /// The changes.
    pub changes: Changes,
    /// `dcvTemplateID`.
    pub template: Option<i64>,
}

/// One change or several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changes {
    /// `domainName`, which an order of one name does without, and the new way.
    One(Option<CertName>, NewWay),
    /// `domainNames` with as many new ways.
    Several(Vec<(CertName, NewWay)>),
}

/// A method, with the address if it is mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NewWay {
    /// By mail to this address.
    Mail(MailAddress),
    /// By another method; never [`DcvMethod::Email`].
    Method(DcvMethod),
}

/// Reads a change.
///
/// # Errors
/// The first error in the documented order (§0.4); then what is missing for the change that is meant.
pub fn parse(call: &Authed) -> Result<UpdateDcvRequest, Refusal> {
    let f = call.fields()?;
    let which = selector(&f).or_missing()?;
    let changes = match (f.list("domainNames"), f.list("newMethods")) {
        (None, None) => one(&f)?,
        (Some(names), Some(methods)) => several(&f, &names, &methods)?,
        (None, Some(_)) => return Err(Refusal::Missing("domainNames")),
        (Some(_), None) => return Err(Refusal::Missing("newMethods")),
    };
    Ok(UpdateDcvRequest { which, changes, template: f.integer("dcvTemplateID") })
}

fn one(f: &Fields) -> Result<Changes, Refusal> {
    let method = parts::method(f, "newMethod")?.ok_or(Refusal::Missing("newMethod"))?;
    let way = match method {
        DcvMethod::Email => NewWay::Mail(
            f.mail("newDCVEmailAddress").ok_or(Refusal::Missing("newDCVEmailAddress"))?,
        ),
        other => NewWay::Method(other),
    };
    Ok(Changes::One(f.name("domainName"), way))
}

/// Names, methods and addresses side by side. Addresses may come for every name (those of other methods are not looked
/// at) or for the names proven by mail alone.
fn several(f: &Fields, names: &[String], methods: &[String]) -> Result<Changes, Refusal> {
    if f.name("domainName").is_some() {
        return Err(Refusal::invalid("domainName"));
    }
    if names.len() != methods.len() {
        return Err(Refusal::invalid("newMethods"));
    }
    let methods: Vec<DcvMethod> = methods
        .iter()
        .map(|word| word.parse().map_err(|_| Refusal::invalid("newMethods")))
        .collect::<Result<_, _>>()?;
    let by_mail = methods.iter().filter(|method| **method == DcvMethod::Email).count();
    let addresses = f.list("newDCVEmailAddresses").unwrap_or_default();
    if by_mail > 0 && addresses.is_empty() {
        return Err(Refusal::Missing("newDCVEmailAddresses"));
    }
    let one_each = addresses.len() == names.len();
    if by_mail > 0 && !one_each && addresses.len() != by_mail {
        return Err(Refusal::invalid("newDCVEmailAddresses"));
    }
    let mut addresses = addresses.iter();
    let mut changes = Vec::with_capacity(names.len());
    for (name, method) in names.iter().zip(methods) {
        let name: CertName =
            name.parse().map_err(|why| Refusal::invalid_because("domainNames", why))?;
        let address = (one_each || method == DcvMethod::Email).then(|| addresses.next()).flatten();
        let way = match (method, address) {
            (DcvMethod::Email, Some(address)) => {
                NewWay::Mail(fields::mail("newDCVEmailAddresses", address)?)
            }
            (DcvMethod::Email, None) => return Err(Refusal::Missing("newDCVEmailAddresses")),
            (other, _) => NewWay::Method(other),
        };
        changes.push((name, way));
    }
    Ok(Changes::Several(changes))
}

/// The answer to a change that was taken.
#[must_use]
pub fn reply() -> Reply {
    Pairs::new().pair("errorCode", 0).reply()
}
