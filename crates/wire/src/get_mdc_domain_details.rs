//! !GetMDCDomainDetails: how the names of an order stand. Tables, request, answer.

use domain::certificate::OrderNumber;
use domain::dcv::DcvMethod;
use domain::refusal::Refusal;
use serde_json::{Map, Value, json};

use crate::collected::StepStatuses;
use crate::envelope::Authed;
use crate::reply::{Pairs, Reply, json_reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "GetMDCDomainDetails",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: &[
        LOGIN_NAME,
        LOGIN_PASSWORD,
        Parameter::required("orderNumber").integer(),
        Parameter::optional("showStatusDetails").flag().default("N"),
        Parameter::optional("responseFormat").chars(1).one_of("1 2").default("1"),
    ],
    extras: &[],
    formats: &[("1", Format::Form), ("2", Format::Json)],
    default_format: Format::Form,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// Whose names are asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MdcDetailsRequest {
    /// `orderNumber`.
    pub order_number: OrderNumber,
    /// `showStatusDetails=Y`.
    pub show_status_details: bool,
    /// `responseFormat`.
    pub format: Format,
}

/// Reads a question.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed) -> Result<MdcDetailsRequest, Refusal> {
    let f = call.fields()?;
    let order_number = f.integer("orderNumber").ok_or(Refusal::Missing("orderNumber"))?;
    Ok(MdcDetailsRequest {
        order_number: OrderNumber(order_number),
        show_status_details: f.yes("showStatusDetails"),
        format: call.format(),
    })
}

/// How one name stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DomainDetail {
    /// The name, as it will be certified.
    pub domain: String,
    /// The method that was chosen.
    pub method: DcvMethod,
    /// True once control is proven.
    pub validated: bool,
    /// True for a second name that nobody ordered and that the certificate was issued without.
    pub removed: bool,
    /// What a TXT record must hold, if the method asks for one; shown with showStatusDetails=Y.
    pub random_value: Option<String>,
}

impl DomainDetail {
    /// The method as it is told: programs look for HTTP, CNAME, DNS or EMAIL in it.
    #[must_use]
    pub fn method_text(&self) -> &'static str {
        self.method.as_str()
    }

    /// The status as it is told. The open one must not contain "validated": programs look for that word.
    #[must_use]
    pub fn status_text(&self) -> &'static str {
        match (self.removed, self.validated) {
            (true, _) => "Removed",
            (false, true) => "Validated",
            (false, false) => "Awaiting Validation",
        }
    }
}

/// The answer. Steps and random values are given only if the question asked for them.
///
/// Pairs that begin with a digit come in threes, for programs count them so; everything else begins with a letter.
#[must_use]
pub fn reply(
    request: &MdcDetailsRequest,
    domains: &[DomainDetail],
    steps: Option<StepStatuses>,
) -> Reply {
    let steps = steps.filter(|_| request.show_status_details);
    if request.format == Format::Json {
        return json_details(request, domains, steps);
    }
    let mut out = Pairs::new().pair("errorCode", 0);
    for (number, detail) in (1..).zip(domains) {
        out = out
            .pair(&format!("{number}_domainName"), &detail.domain)
            .pair(&format!("{number}_dcvMethod"), detail.method_text())
            .pair(&format!("{number}_dcvStatus"), detail.status_text());
    }
    for (name, status) in steps.iter().flat_map(StepStatuses::pairs) {
        out = out.pair(name, status);
    }
    for (number, detail) in (1..).zip(domains).filter(|_| request.show_status_details) {
        if let Some(value) = &detail.random_value {
            out = out.exact(&format!("randomValue_{number}"), value);
        }
    }
    out.reply()
}

fn json_details(
    request: &MdcDetailsRequest,
    domains: &[DomainDetail],
    steps: Option<StepStatuses>,
) -> Reply {
    let one = |detail: &DomainDetail| {
        let mut object = Map::new();
        object.insert("domainName".into(), json!(detail.domain));
        object.insert("dcvMethod".into(), json!(detail.method_text()));
        object.insert("dcvStatus".into(), json!(detail.status_text()));
        if let Some(value) = detail.random_value.as_ref().filter(|_| request.show_status_details) {
            object.insert("randomValue".into(), json!(value));
        }
        Value::Object(object)
    };
    let mut object = Map::new();
    object.insert("errorCode".into(), json!(0));
    object.insert("domains".into(), domains.iter().map(one).collect());
    for (name, status) in steps.iter().flat_map(StepStatuses::pairs) {
        object.insert(name.into(), json!(status));
    }
    json_reply(&Value::Object(object))
}
