//! !DecodeCSR: what a certification request says. No login. Tables, request, answer.

use domain::csr::{CsrDigests, CsrSubject};
use domain::refusal::Refusal;
use serde_json::{Map, Value, json};

use crate::codes::{self, CodeRow, Meaning, Told, code};
use crate::envelope::Authed;
use crate::fields::Fields;
use crate::reply::{Lines, Reply, XML, json_reply, one_line};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. Programs send it logins, and formats that it does not have: all that is ignored.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "DecodeCSR",
    family: Family::Management,
    get_allowed: true,
    http_allowed: true,
    login: false,
    ignores_unknown: true,
    rows: ROWS,
    extras: &[LOGIN_NAME, LOGIN_PASSWORD],
    formats: &[("0", Format::Lines), ("1", Format::Xml), ("2", Format::Json)],
    default_format: Format::Lines,
    server_orders: None,
    codes: CODES,
    errors: ErrorLayout::Counted,
    places: Places::new(),
};

/// What is to be read, and what to be shown of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeRequest {
    /// `csr`, as given. Without it the answer counts one error (-3) and its fields are empty.
    pub csr: Option<String>,
    /// `product`: whose rules the common name is judged by.
    pub product: Option<i64>,
    /// `countryNameType=FULL`.
    pub full_country_name: bool,
    /// What to show.
    pub show: Show,
    /// `responseFormat`.
    pub format: Format,
}

/// The show… flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Show {
    /// `showErrorCodes`, default Y.
    pub error_codes: bool,
    /// `showErrorMessages`, default Y.
    pub error_messages: bool,
    /// `showFieldNames`, default Y.
    pub field_names: bool,
    /// `showEmptyFields`, default Y.
    pub empty_fields: bool,
    /// `showCN`, default Y.
    pub common_name: bool,
    /// `showAddress`, default Y.
    pub address: bool,
    /// `showPublicKey`.
    pub public_key: bool,
    /// `showKeySize`.
    pub key_size: bool,
    /// `showSANDNSNames`.
    pub san_dns_names: bool,
    /// `showCSR`.
    pub csr: bool,
    /// `showCSRHashes`: MD5 and SHA-1.
    pub hashes: bool,
    /// `showCSRHashes2`: SHA-256 too.
    pub hashes2: bool,
    /// `showSignatureAlgorithm`.
    pub signature_algorithm: bool,
}

/// Reads a question.
///
/// # Errors
/// The first error in the documented order (§0.4); -1 for showCSRHashes=Y over plain http.
pub fn parse(call: &Authed) -> Result<DecodeRequest, Refusal> {
    let f = call.fields()?;
    let show = show(&f);
    if show.hashes && !call.https {
        return Err(Refusal::NotHttps);
    }
    Ok(DecodeRequest {
        csr: f.text("csr"),
        product: f.integer("product"),
        full_country_name: f.word("countryNameType") == Some("FULL"),
        show,
        format: call.format(),
    })
}

fn show(f: &Fields) -> Show {
    let unless_no = |name| f.flag(name).unwrap_or(true);
    Show {
        error_codes: unless_no("showErrorCodes"),
        error_messages: unless_no("showErrorMessages"),
        field_names: unless_no("showFieldNames"),
        empty_fields: unless_no("showEmptyFields"),
        common_name: unless_no("showCN"),
        address: unless_no("showAddress"),
        public_key: f.yes("showPublicKey"),
        key_size: f.yes("showKeySize"),
        san_dns_names: f.yes("showSANDNSNames"),
        csr: f.yes("showCSR"),
        hashes: f.yes("showCSRHashes"),
        hashes2: f.yes("showCSRHashes2"),
        signature_algorithm: f.yes("showSignatureAlgorithm"),
    }
}

/// What was read, as far as it could be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decoded {
    /// Everything that is wrong, in the order of the codes.
    pub errors: Vec<Refusal>,
    /// The subject.
    pub subject: CsrSubject,
    /// The country's English name, for countryNameType=FULL.
    pub country_name: Option<String>,
    /// The public key, in words of the server.
    pub public_key: Option<String>,
    /// Bits.
    pub key_size: Option<u16>,
    /// dNSName entries, as written.
    pub san_dns: Vec<String>,
    /// The signature's algorithm, in words of the server.
    pub signature_algorithm: Option<String>,
    /// Over the DER.
    pub digests: Option<CsrDigests>,
}

/// The answer.
#[must_use]
pub fn reply(request: &DecodeRequest, decoded: &Decoded) -> Reply {
    let errors: Vec<Told> = decoded.errors.iter().map(|e| codes::tell(&ENDPOINT, e)).collect();
    let mut fields = fields(request, decoded);
    if !request.show.empty_fields {
        // Programs in use read the digests by line, whatever else they asked for.
        fields.retain(|(name, value)| !value.is_empty() || is_digest(name));
    }
    write(request.format, &request.show, &errors, &fields)
}

/// The answer when the question itself was refused.
pub(crate) fn refused(format: Format, errors: &[Told]) -> Reply {
    write(format, &SHOW_ALL, errors, &[])
}

fn write(format: Format, show: &Show, errors: &[Told], fields: &[Field]) -> Reply {
    match format {
        Format::Json => json_answer(show, errors, fields),
        Format::Xml => xml_answer(show, errors, fields),
        Format::Lines | Format::Form | Format::JavaScript => text_answer(show, errors, fields),
    }
}

type Field = (&'static str, String);

fn fields(request: &DecodeRequest, d: &Decoded) -> Vec<Field> {
    let show = &request.show;
    let mut out: Vec<Field> = Vec::new();
    let mut add = |wanted: bool, name, value: Option<String>| {
        if wanted {
            out.push((name, value.unwrap_or_default()));
        }
    };
    let s = &d.subject;
    let full = d.country_name.as_ref().filter(|_| request.full_country_name);
    let country = full.or(s.country.as_ref());
    add(show.common_name, "CN", s.common_name.clone());
    add(show.address, "OU", s.organizational_unit.clone());
    add(show.address, "O", s.organization.clone());
    add(show.address, "POBox", s.post_office_box.clone());
    for number in 0..3 {
        add(show.address, "STREET", s.streets.get(number).cloned());
    }
    add(show.address, "L", s.locality.clone());
    add(show.address, "S", s.state.clone());
    add(show.address, "PostalCode", s.postal_code.clone());
    add(show.address, "C", country.cloned());
    add(show.address, "Email", s.email.clone());
    add(show.address, "Phone", s.telephone.clone());
    add(show.public_key, "Public Key", d.public_key.clone());
    add(show.key_size, "Key Size", d.key_size.map(|bits| bits.to_string()));
    add(show.san_dns_names, "dnsName(s)", Some(d.san_dns.join(", ")));
    add(show.signature_algorithm, "Signature Algorithm", d.signature_algorithm.clone());
    add(show.csr, "CSR", request.csr.clone());
    let hashes = show.hashes || show.hashes2;
    add(hashes, "md5", d.digests.map(|digests| upper_hex(&digests.md5)));
    add(hashes, "sha1", d.digests.map(|digests| upper_hex(&digests.sha1)));
    add(show.hashes2, "sha256", d.digests.map(|digests| hex::encode(digests.sha256)));
    out
}

/// A count, a line per error, a line per field; hashes have their names always.
fn text_answer(show: &Show, errors: &[Told], fields: &[Field]) -> Reply {
    let mut out = Lines::new().line(errors.len());
    for error in errors {
        let code = show.error_codes.then(|| error.code.to_string());
        let message = show.error_messages.then(|| error.message.clone());
        let words: Vec<String> = code.into_iter().chain(message).collect();
        if !words.is_empty() {
            out = out.line(words.join(" "));
        }
    }
    for (name, value) in fields {
        let named = show.field_names || is_digest(name);
        let value = one_line(value);
        out = out.line(if named { format!("{name}={value}") } else { value });
    }
    out.reply()
}

fn is_digest(name: &str) -> bool {
    matches!(name, "md5" | "sha1" | "sha256")
}

fn json_answer(show: &Show, errors: &[Told], fields: &[Field]) -> Reply {
    let error = |told: &Told| {
        let mut object = Map::new();
        if show.error_codes {
            object.insert("errorCode".into(), json!(told.code));
        }
        if show.error_messages {
            object.insert("errorMessage".into(), json!(told.message));
        }
        Value::Object(object)
    };
    let mut object = Map::new();
    for (name, value) in fields {
        match object.get_mut(*name) {
            None if *name == "STREET" => {
                object.insert((*name).into(), json!([value]));
            }
            Some(Value::Array(streets)) => streets.push(json!(value)),
            _ => {
                object.insert((*name).into(), json!(value));
            }
        }
    }
    json_reply(&json!({
        "errorCount": errors.len(),
        "errors": errors.iter().map(error).collect::<Vec<_>>(),
        "fields": object,
    }))
}

fn xml_answer(show: &Show, errors: &[Told], fields: &[Field]) -> Reply {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<decodeCSR>\n<errorCount>{}</errorCount>\n",
        errors.len()
    );
    for error in errors {
        let code =
            if show.error_codes { format!(" code=\"{}\"", error.code) } else { String::new() };
        let message = if show.error_messages { xml(&error.message) } else { String::new() };
        out.push_str(&format!("<error{code}>{message}</error>\n"));
    }
    for (name, value) in fields {
        out.push_str(&format!("<field name=\"{name}\">{}</field>\n", xml(value)));
    }
    out.push_str("</decodeCSR>\n");
    Reply::text(XML, out)
}

fn xml(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect();
    let plain = one_line(&plain);
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn upper_hex(bytes: &[u8]) -> String {
    hex::encode(bytes).to_ascii_uppercase()
}

const SHOW_ALL: Show = Show {
    error_codes: true,
    error_messages: true,
    field_names: true,
    empty_fields: true,
    common_name: true,
    address: true,
    public_key: false,
    key_size: false,
    san_dns_names: false,
    csr: false,
    hashes: false,
    hashes2: false,
    signature_algorithm: false,
};

const ROWS: &[Parameter] = &[
    Parameter::conditional("csr").string(32767).read_as(Form::Lines),
    Parameter::optional("responseFormat").chars(1).read_as(Form::Ignored).default("0"),
    Parameter::optional("showErrorCodes").flag().default("Y"),
    Parameter::optional("showErrorMessages").flag().default("Y"),
    Parameter::optional("showFieldNames").flag().default("Y"),
    Parameter::optional("showEmptyFields").flag().default("Y"),
    Parameter::optional("showCN").flag().default("Y"),
    Parameter::optional("showAddress").flag().default("Y"),
    Parameter::optional("showPublicKey").flag().default("N"),
    Parameter::optional("showKeySize").flag().default("N"),
    Parameter::optional("showSANDNSNames").flag().default("N"),
    Parameter::optional("showCSR").flag().default("N"),
    Parameter::optional("showCSRHashes").flag().default("N"),
    Parameter::optional("showCSRHashes2").flag().default("N"),
    Parameter::optional("showSignatureAlgorithm").flag().default("N"),
    Parameter::optional("product").integer(),
    Parameter::optional("countryNameType").string(16).one_of("TWOCHAR FULL").default("TWOCHAR"),
];

const CODES: &[CodeRow] = &[code(Meaning::Login, -16, codes::LOGIN)];
