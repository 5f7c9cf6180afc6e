//! !AutoReplaceSMIME: exchange the CSR of an S/MIME order, or its certificate for another. Tables, request, answer.

use domain::certificate::OrderNumber;
use domain::order_smime::{ReplaceSmimeRequest, SmimeTexts};
use domain::order_ssl::{Claims, Language};
use domain::refusal::Refusal;
use serde_json::json;

use crate::codes::{CodeRow, LOGIN, Meaning, code};
use crate::envelope::Authed;
use crate::order_parts as parts;
use crate::reply::{Lines, Pairs, Reply, json_reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "AutoReplaceSMIME",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &[],
    formats: &[("0", Format::Lines), ("1", Format::Form), ("2", Format::Json)],
    default_format: Format::Lines,
    server_orders: None,
    codes: CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What a replacement asks for that not every account may.
#[must_use]
pub fn claims(call: &Authed) -> Claims {
    Claims { ca_choice: call.has("caCertificateID"), ..Claims::default() }
}

/// Reads a replacement.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed) -> Result<ReplaceSmimeRequest, Refusal> {
    let f = call.fields()?;
    let order_number = f.integer("orderNumber").ok_or(Refusal::Missing("orderNumber"))?;
    let mut texts = SmimeTexts {
        verification: f.integer("SMIMEVerificationTemplateID"),
        request: f.integer("SMIMERequestTemplateID"),
        collection: f.integer("SMIMECollectionTemplateID"),
        ..SmimeTexts::default()
    };
    // Here one ID makes the language count for nothing (D47, amended).
    if texts == SmimeTexts::default() {
        texts.language = f.word("languageName").and_then(Language::from_code);
    }
    Ok(ReplaceSmimeRequest {
        order_number: OrderNumber(order_number),
        csr: f.text("csr").ok_or(Refusal::Missing("csr"))?,
        signature_hash: parts::signature_hash(&f),
        ca_certificate_id: f.integer("caCertificateID"),
        revoke_old: f.yes("revokeOldOrder"),
        texts,
        kept: f.kept(),
    })
}

/// The answer. `new_order`: the replacement's own order, if one was made.
#[must_use]
pub fn reply(format: Format, new_order: Option<OrderNumber>) -> Reply {
    match format {
        Format::Json => {
            let mut answer = json!({ "errorCode": 0 });
            if let Some(number) = new_order {
                answer["newOrderNumber"] = number.to_string().into();
            }
            json_reply(&answer)
        }
        Format::Form => {
            Pairs::new().pair("errorCode", 0).maybe("newOrderNumber", new_order).reply()
        }
        _ => Lines::new().line(0).maybe(new_order).reply(),
    }
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    Parameter::required("orderNumber").string(128).read_as(Form::Integer),
    Parameter::required("csr").string(32767).read_as(Form::Lines),
    optional("signatureHash")
        .string(64)
        .one_of("NO_PREFERENCE INFER_FROM_CSR PREFER_SHA2 REQUIRE_SHA2")
        .default("NO_PREFERENCE"),
    optional("caCertificateID").integer(),
    optional("revokeOldOrder").flag().default("N"),
    optional("responseFormat").integer().allowed("0 1 2").default("0"),
    Parameter::conditional("languageName").string(2).one_of(parts::LANGUAGES).default("en"),
    optional("SMIMEVerificationTemplateID").integer(),
    optional("SMIMERequestTemplateID").integer(),
    optional("SMIMECollectionTemplateID").integer(),
];

const CODES: &[CodeRow] = &[
    code(Meaning::NotHttps, -1, "Request was not made over HTTPS!"),
    code(Meaning::UnknownArgument, -2, "Unrecognized argument!"),
    code(Meaning::Missing, -3, "The 'xxxx' argument is missing!"),
    code(Meaning::Invalid, -4, "The value of the 'xxxx' argument is invalid!"),
    code(Meaning::CsrKeySize, -13, "The CSR uses an unsupported key size!"),
    code(Meaning::Login, -16, LOGIN),
    code(Meaning::WrongMethod, -17, "Request used GET rather than POST!"),
    code(Meaning::Revoked, -20, "The Certificate has been Revoked!"),
    code(Meaning::BeingIssued, -22, "The certificate is currently being issued!"),
    code(Meaning::CallLimit, -42, "Call limit reached! Please try again later"),
    code(Meaning::Permission, -91, "Permission denied 'xxxx'"),
    code(Meaning::WrongState, -136, "Wrong certificate state"),
];
