//! A page per endpoint, the page of common codes, the index.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wire::codes::{CodeRow, MASTER, Meaning};
use wire::table::{Endpoint, Form, Format, Kind, OverLong, Parameter, Requirement};

use super::table;

/// A page per endpoint, and `codes.md`.
pub fn pages() -> BTreeMap<String, String> {
    let page = |endpoint: &&'static Endpoint| (file(endpoint), page(endpoint));
    let mut pages: BTreeMap<String, String> = wire::ENDPOINTS.iter().map(page).collect();
    pages.insert("codes.md".to_owned(), common_codes());
    pages
}

/// What there is to read.
pub fn index() -> String {
    let mut out = String::from("# Reference\n\n");
    for endpoint in wire::ENDPOINTS {
        let _ = writeln!(out, "- [{}]({}): `{}`", endpoint.name, file(endpoint), endpoint.path());
    }
    out += "\n- [Codes](codes.md) that every endpoint may answer\n\
        - [Products](products.md): codes, names, prices\n\
        - [Profiles](profiles.md): what certificates hold\n\
        - [Policy](policy.md): rules by date\n";
    out
}

fn file(endpoint: &Endpoint) -> String {
    format!("{}.md", endpoint.name)
}

fn page(endpoint: &Endpoint) -> String {
    let mut out = format!("# {}\n\n`POST {}`\n\n", endpoint.name, endpoint.path());
    out += &facts(endpoint);
    out += "\n## Parameters\n\nNames are taken in either case. The order is that in which errors are told.\n\n";
    out += &parameters(endpoint.rows);
    if !endpoint.extras.is_empty() {
        out += match endpoint.server_orders {
            Some(_) => {
                "\nOf server certificates, which are ordered here too, besides; where both tables have a parameter, that of \
                        [AutoApplySSL](AutoApplySSL.md) counts for those:\n\n"
            }
            None => "\nNot in the specification's table, sent by programs in use:\n\n",
        };
        out += &parameters(endpoint.extras);
    }
    out += "\n## Codes\n\n";
    if !endpoint.codes.is_empty() {
        out += &codes(endpoint.codes);
        out += "\nFor everything else the [common codes](codes.md) stand.\n";
    } else {
        out += "The [common codes](codes.md).\n";
    }
    out
}

fn facts(endpoint: &Endpoint) -> String {
    let mut out = String::new();
    let mut fact = |holds: bool, text: &str| {
        if holds {
            let _ = writeln!(out, "- {text}");
        }
    };
    fact(endpoint.login, "needs `loginName` and `loginPassword`");
    fact(!endpoint.login, "needs no login");
    fact(
        endpoint.position("collectionCode").is_some(),
        "a `collectionCode` takes the place of the login",
    );
    fact(endpoint.get_allowed, "GET is as good as POST");
    fact(endpoint.http_allowed, "plain http is as good as https");
    fact(endpoint.ignores_unknown, "ignores unknown parameters");
    let named = |(value, format): &(&str, Format)| format!("`{value}` {}", format_words(*format));
    let formats = endpoint.formats.iter().map(named).collect::<Vec<_>>().join(", ");
    if formats.is_empty() {
        let _ = writeln!(out, "- always answers in {}", format_words(endpoint.default_format));
    } else {
        let _ = writeln!(
            out,
            "- `responseFormat`: {formats}; {} if not said",
            format_words(endpoint.default_format)
        );
    }
    out
}

fn format_words(format: Format) -> &'static str {
    match format {
        Format::Lines => "lines",
        Format::Form => "URL-encoded pairs",
        Format::Json => "JSON",
        Format::Xml => "XML",
        Format::JavaScript => "JavaScript",
    }
}

fn parameters(rows: &[Parameter]) -> String {
    let heads = ["name", "needed", "value", "longest", "default", "for"];
    table(&heads, rows.iter().map(parameter))
}

fn parameter(row: &Parameter) -> Vec<String> {
    let needed = match (row.requirement, row.decided_later) {
        (Requirement::Required, false) => "yes",
        (Requirement::Required, true) => "where product or CSR ask for it",
        (Requirement::Optional, _) => "no",
        (Requirement::Conditional, _) => "sometimes",
    };
    let longest = match (row.max_length, row.over_long) {
        (None, _) => String::new(),
        (Some(max), OverLong::Refuse) => max.to_string(),
        (Some(max), OverLong::Truncate) => format!("{max}, then cut"),
    };
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    vec![
        code(row.name),
        needed.to_owned(),
        value(row),
        longest,
        code(row.default),
        row.applies_to.to_owned(),
    ]
}

fn value(row: &Parameter) -> String {
    let words = match row.form {
        Form::Secret => "text",
        Form::Text => "one line of text",
        Form::Lines => "text",
        Form::List => "words between commas or white space",
        Form::Integer => "integer",
        Form::Word | Form::Flag => "",
        Form::Country => "ISO 3166-1 code of a country",
        Form::Mail => "mail address",
        Form::MailOrNone => "mail address or `none`",
        Form::CertifiedMail => "mail address, which is certified",
        Form::MimeType => "MIME type, none of a document",
        Form::Date => "YYYY-MM-DD",
        Form::Digits => "digits and hyphens",
        Form::UniqueValue => "1 to 20 letters and digits",
        Form::Numbers => "integers between commas",
        Form::DcvList => "per name a mail address or a method's token; or one token for all",
        Form::DcvTokens => "per name a method's token; or one token for all",
        Form::Name => "DNS name, wildcard or IP address",
        Form::Ignored if row.kind == Kind::Integer => "integer, ignored",
        Form::Ignored => "anything, ignored",
    };
    let allowed: Vec<String> = row.allowed.split(' ').filter(|w| !w.is_empty()).map(code).collect();
    match (words.is_empty(), allowed.is_empty()) {
        (_, true) => words.to_owned(),
        (true, false) => allowed.join(" "),
        (false, false) => format!("{words}: {}", allowed.join(" ")),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes(rows: &[CodeRow]) -> String {
    let told = |row: &CodeRow| match (row.never, row.meaning) {
        (Some(why), _) => format!("never: {why}"),
        (None, Meaning::Fault) => "by a fault rule of the sandbox alone".to_owned(),
        (None, _) => String::new(),
    };
    let row = |row: &CodeRow| vec![row.code.to_string(), row.text.to_owned(), told(row)];
    match rows.iter().all(|row| told(row).is_empty()) {
        true => table(&["code", "text"], rows.iter().map(|r| row(r)[..2].to_vec())),
        false => table(&["code", "text", "told"], rows.iter().map(row)),
    }
}

fn common_codes() -> String {
    let mut out = String::from(
        "# Common codes\n\nAny endpoint may answer these; where its own page has a row for the same matter, that one stands. \
         Placeholders between apostrophes are filled with a parameter's name or a value.\n\n",
    );
    out += &codes(MASTER);
    out
}
