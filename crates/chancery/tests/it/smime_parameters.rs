//! Every parameter of the specification's tables for the three S/MIME endpoints, in every way that a value can be wrong. Of
//! !AutoApplyOrder the account has no credit, of the others the order is not there: that being told, all else was right, and
//! nothing is ever stored.

use crate::apply_kit::{PARAMETERS, any_csr, complete, nothing_stored, spec_rows_of};
use crate::kit::{Form, Sandbox};
use crate::on_both_refusing;
use crate::smime_steps::{order_for, organization_order};

on_both_refusing!(
    missing_or_empty,
    twice,
    names_in_any_case,
    too_long,
    of_the_wrong_type_or_value,
    allowed_values,
    of_the_other_products,
    addresses,
);

/// An endpoint: its name in the table, its path, how many rows it has.
struct Endpoint {
    name: &'static str,
    path: &'static str,
    rows: usize,
}

const ORDER: Endpoint = Endpoint { name: "AutoApplyOrder", path: "!AutoApplyOrder", rows: 51 };
const COLLECT: Endpoint =
    Endpoint { name: "RequestAndCollectSMIME", path: "download/RequestAndCollectSMIME", rows: 11 };
const REPLACE: Endpoint =
    Endpoint { name: "AutoReplaceSMIME", path: "!AutoReplaceSMIME", rows: 12 };
const ALL: [&Endpoint; 3] = [&ORDER, &COLLECT, &REPLACE];

/// A row of the table.
struct Row {
    name: String,
    kind: String,
    max: Option<usize>,
    values: Vec<String>,
}

type Told = (i64, String);

impl Endpoint {
    fn rows(&self) -> Vec<Row> {
        let read = |row: Vec<String>| Row {
            name: row[0].clone(),
            kind: row[2].clone(),
            max: row[3].parse().ok(),
            values: row[6].split_whitespace().map(str::to_owned).collect(),
        };
        let rows: Vec<Row> = spec_rows_of(self.name, PARAMETERS).into_iter().map(read).collect();
        assert_eq!(rows.len(), self.rows, "{}", self.name);
        rows
    }

    fn is_order(&self) -> bool {
        self.name == ORDER.name
    }

    /// A call for which the parameter counts, all of it right.
    fn right_for(&self, name: &str) -> Form {
        match self.name {
            "AutoApplyOrder" => organization_order("someone@example.com")
                .set("csr", &any_csr().pem)
                .set("stateOrProvinceName", "Greater London")
                .set("smimeSubjectEmail", "someone@example.com")
                .set("responseFormat", "0"),
            "RequestAndCollectSMIME" => {
                let form = Form::new(&[("orderNumber", "10000000"), ("queryType", "1")]);
                match name {
                    "responseEncoding" | "responseMimeType" => form.set("responseType", "2"),
                    _ => form,
                }
            }
            _ => Form::new(&[("orderNumber", "10000000"), ("csr", &any_csr().pem)]),
        }
    }

    /// What a call is answered in which nothing is wrong.
    fn right(&self) -> Told {
        match self.is_order() {
            true => (-15, "Not enough credit!".to_owned()),
            false => invalid("orderNumber"),
        }
    }

    /// What the sample alone is answered: privileges and templates that the account lacks are told, all else is right.
    fn verdict(&self, name: &str) -> Told {
        match name {
            "caCertificateID" => (-91, format!("Permission denied '{name}'")),
            _ if name.ends_with("TemplateID") => invalid(name),
            _ => self.right(),
        }
    }

    /// What a value is answered that is none of the parameter's. That the account may name no CA comes before.
    fn bad(&self, name: &str) -> Told {
        match name {
            "caCertificateID" => self.verdict(name),
            "loginName" | "loginPassword" => login_refused(),
            "sanEmailAddress" | "smimeSubjectEmail" => (-70, "Invalid Email Address!".to_owned()),
            _ => invalid(name),
        }
    }

    #[track_caller]
    fn told(&self, sandbox: &Sandbox, what: &str, form: &Form, expected: &Told) {
        let form = form.clone().login(sandbox, "poor");
        self.told_as_it_is(sandbox, what, &form, expected);
    }

    #[track_caller]
    fn told_as_it_is(&self, sandbox: &Sandbox, what: &str, form: &Form, expected: &Told) {
        let answer = sandbox.post(self.path, form);
        assert_eq!(answer, format!("{}\n{}\n", expected.0, expected.1), "{}: {what}", self.name);
    }
}

/// A value that is right.
fn sample(name: &str) -> &'static str {
    match name {
        "orderNumber" => "10000000",
        "collectionCode" => "AAAAAAAAAAAAAAAA",
        "queryType" => "1",
        "responseType" => "3",
        "responseEncoding" | "responseFormat" => "0",
        "responseMimeType" => "application/pkix-cert",
        "days" => "365",
        "product" => "796",
        "csr" => &any_csr().pem,
        "signatureHash" => "NO_PREFERENCE",
        "countryName" => "GB",
        "dunsNumber" => "12-345-6789",
        "businessCategory" => "b",
        "languageName" => "de",
        "callbackMethod" => "T",
        "organizationIdentifier" => "NTRGB-12345678",
        "caCertificateID" => "1",
        _ if name.ends_with("TemplateID") => "1",
        _ if is_mail(name) => "someone@example.com",
        _ if is_flag(name) => "N",
        _ => "Some text",
    }
}

fn is_mail(name: &str) -> bool {
    name.ends_with("EmailAddress") || name == "smimeSubjectEmail"
}

fn is_flag(name: &str) -> bool {
    name == "returnCertificate"
        || ALL.iter().flat_map(|e| e.rows()).any(|r| r.name == name && r.values == ["Y", "N"])
}

fn is_login(name: &str) -> bool {
    name.starts_with("login")
}

fn invalid(name: &str) -> Told {
    (-4, format!("The value of the '{name}' argument is invalid!"))
}

fn missing(name: &str) -> Told {
    (-3, format!("The '{name}' argument is missing!"))
}

fn login_refused() -> Told {
    let text = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";
    (-16, text.to_owned())
}

fn missing_or_empty(sandbox: &Sandbox) {
    for endpoint in ALL {
        for row in endpoint.rows() {
            let name = row.name.as_str();
            let needed = match endpoint.name {
                "AutoApplyOrder" => [
                    "loginName",
                    "loginPassword",
                    "days",
                    "product",
                    "sanEmailAddress",
                    "organizationName",
                    "countryName",
                    "appRepTelephone",
                    "appRepEmailAddress",
                    "isCustomerValidated",
                ]
                .contains(&name),
                "RequestAndCollectSMIME" => {
                    ["loginName", "loginPassword", "orderNumber", "queryType"].contains(&name)
                }
                _ => ["loginName", "loginPassword", "orderNumber", "csr"].contains(&name),
            };
            let expected = if needed { missing(name) } else { endpoint.right() };
            let form = endpoint.right_for("").login(sandbox, "poor");
            let without = form.clone().without(name);
            endpoint.told_as_it_is(sandbox, &format!("no {name}"), &without, &expected);
            let empty = form.set(name, "");
            endpoint.told_as_it_is(sandbox, &format!("empty {name}"), &empty, &expected);
        }
    }
    // An organisation is somewhere: in a locality, a state or both.
    let form = ORDER.right_for("").without("stateOrProvinceName").without("localityName");
    ORDER.told(sandbox, "no place", &form, &missing("localityName"));
    nothing_stored(sandbox);
}

fn twice(sandbox: &Sandbox) {
    for endpoint in ALL {
        for row in endpoint.rows() {
            let name = row.name.as_str();
            let form = endpoint.right_for(name).login(sandbox, "poor");
            let value = form.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            let value = value.unwrap_or_else(|| sample(name).to_owned());
            let once = form.set(name, &value);
            endpoint.told_as_it_is(
                sandbox,
                &format!("{name} once"),
                &once,
                &endpoint.verdict(name),
            );
            let same = once.clone().add(&name.to_uppercase(), &value);
            let what = format!("{name} twice the same");
            endpoint.told_as_it_is(sandbox, &what, &same, &endpoint.verdict(name));
            let differing = once.add(name, &format!("{value}x"));
            let expected = match name {
                "caCertificateID" => endpoint.verdict(name),
                _ => invalid(name),
            };
            endpoint.told_as_it_is(sandbox, &format!("{name} twice"), &differing, &expected);
        }
    }
    nothing_stored(sandbox);
}

fn names_in_any_case(sandbox: &Sandbox) {
    for endpoint in ALL {
        for row in endpoint.rows() {
            let name = row.name.as_str();
            let form = endpoint.right_for(name).login(sandbox, "poor");
            let value = form.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            let value = value.unwrap_or_else(|| sample(name).to_owned());
            for other in [name.to_uppercase(), name.to_lowercase()] {
                let cased = form.clone().without(name).set(&other, &value);
                endpoint.told_as_it_is(sandbox, &other, &cased, &endpoint.verdict(name));
            }
            // Messages have the table's spelling.
            if row.kind == "integer" {
                let cased = form.clone().without(name).set(&name.to_lowercase(), "x");
                endpoint.told_as_it_is(sandbox, name, &cased, &endpoint.bad(name));
            }
        }
    }
    nothing_stored(sandbox);
}

/// The tables of these endpoints cut nothing: what is too long is refused.
fn too_long(sandbox: &Sandbox) {
    for endpoint in ALL {
        for row in endpoint.rows() {
            let (Some(max), name) = (row.max, row.name.as_str()) else { continue };
            let value = match name {
                "dunsNumber" | "orderNumber" => "1".repeat(max + 1),
                "countryName" => "GBR".to_owned(),
                "csr" => format!("{}{}", any_csr().pem, "\n".repeat(max)),
                "product" => format!("796{}", ",".repeat(max)),
                "responseMimeType" => format!("application/{}", "x".repeat(max)),
                "collectionCode" => "A".repeat(max + 1),
                _ if is_mail(name) => format!("{}@example.com", "m".repeat(max)),
                _ if max == 1 => format!("{}{}", sample(name), sample(name)),
                _ => "\u{e4}".repeat(max + 1),
            };
            let expected = if is_login(name) { login_refused() } else { invalid(name) };
            let form = endpoint.right_for(name).login(sandbox, "poor").set(name, &value);
            endpoint.told_as_it_is(sandbox, &format!("long {name}"), &form, &expected);
            // At its longest, any text is right where any text is.
            if sample(name) == "Some text" && !is_login(name) {
                let form = endpoint.right_for(name).set(name, &"\u{e4}".repeat(max));
                let what = format!("{name} at its longest");
                endpoint.told(sandbox, &what, &form, &endpoint.right());
            }
        }
    }
    nothing_stored(sandbox);
}

fn of_the_wrong_type_or_value(sandbox: &Sandbox) {
    for endpoint in ALL {
        let refused = |name: &str, value: &str, expected: &Told| {
            let form = endpoint.right_for(name).set(name, value);
            endpoint.told(sandbox, &format!("{name}={value}"), &form, expected);
        };
        for row in endpoint.rows() {
            let name = row.name.as_str();
            if row.kind == "integer" || name == "product" || name == "orderNumber" {
                for value in ["x", "1.5", "+1", "1e3", "0x1", "--1", "99999999999999999999"] {
                    refused(name, value, &endpoint.bad(name));
                }
            }
            let words = !row.values.is_empty() || name == "returnCertificate";
            if words && name != "product" {
                for value in ["?", "\u{e4}", "X", "NOPE"] {
                    refused(name, value, &endpoint.bad(name));
                }
            }
        }
        let wrong: &[(&str, &[&str])] = match endpoint.name {
            "AutoApplyOrder" => &[
                ("days", &["0", "-1", "364", "366", "731", "1095", "4294967661"]),
                ("product", &["794,795", "796,796", ",", "796 794", "796;"]),
                ("dunsNumber", &["12x", "12 34"]),
                ("responseFormat", &["2"]),
            ],
            "RequestAndCollectSMIME" => &[
                ("queryType", &["4", "-1"]),
                ("responseType", &["0", "5"]),
                ("responseEncoding", &["3", "-1"]),
                (
                    "responseMimeType",
                    &[
                        "text/html",
                        "TEXT/HTML",
                        "application/xhtml+xml",
                        "image/svg+xml",
                        "nothing",
                        "a/b/c",
                        "a/b; charset=utf-8",
                        "a/b\r\nSet-Cookie: x=y",
                        "a/\u{e4}",
                        "/",
                    ],
                ),
            ],
            _ => &[("signatureHash", &["PREFER_SHA1", "SHA256"]), ("responseFormat", &["3", "-1"])],
        };
        for (name, values) in wrong {
            for value in *values {
                refused(name, value, &invalid(name));
            }
        }
    }
    for value in ["QQ", "G", "g\u{e4}", "12", "UK"] {
        let expected = (-7, format!("'{value}' is not a valid ISO-3166 country!"));
        let form = ORDER.right_for("countryName").set("countryName", value);
        ORDER.told(sandbox, value, &form, &expected);
    }
    let unknown = (-118, "Wrong product Identifier!".to_owned());
    for value in ["0", "99999", "793"] {
        let form = ORDER.right_for("product").set("product", value);
        ORDER.told(sandbox, value, &form, &unknown);
    }
    // The first wrong value of the table is told.
    let form = ORDER.right_for("").set("showCertificateState", "X").set("callbackMethod", "X");
    ORDER.told(sandbox, "two wrong ones", &form, &invalid("callbackMethod"));
    nothing_stored(sandbox);
}

fn allowed_values(sandbox: &Sandbox) {
    for endpoint in ALL {
        for row in endpoint.rows() {
            let name = row.name.as_str();
            // The products have a story of their own, test orders cost nothing, and with other formats and encodings the
            // answer has another shape.
            if matches!(name, "product" | "test" | "responseFormat" | "responseEncoding") {
                continue;
            }
            for value in row.values.iter().flat_map(|v| [v.clone(), v.to_lowercase()]) {
                let expected = match (name, value.to_uppercase().as_str()) {
                    ("isCallbackCompleted" | "isAppRepValidated", "Y") => {
                        (-91, format!("Permission denied '{name}'"))
                    }
                    _ => endpoint.right(),
                };
                let form = endpoint.right_for(name).set(name, &value);
                endpoint.told(sandbox, &format!("{name}={value}"), &form, &expected);
            }
        }
    }
    nothing_stored(sandbox);
}

/// What only an organisation needs is neither asked for nor judged of a mailbox alone.
fn of_the_other_products(sandbox: &Sandbox) {
    let right = ORDER.right();
    for product in [794, 795] {
        let bare = order_for(product, "someone@example.com").set("responseFormat", "0");
        ORDER.told(sandbox, "bare", &bare, &right);
        let with_csr = bare.clone().set("csr", &any_csr().pem);
        ORDER.told(sandbox, "with a CSR", &with_csr, &right);
        for row in ORDER.rows() {
            let name = row.name.as_str();
            if is_login(name) || name == "product" || name.ends_with("TemplateID") {
                continue;
            }
            let form = with_csr.clone().set(name, sample(name));
            ORDER.told(sandbox, &format!("{product} {name}"), &form, &right);
        }
        let expected = (
            -161,
            "Parameter 'smimeSubjectCN' is not applicable to this type of product!".to_owned(),
        );
        ORDER.told(sandbox, "CN", &bare.set("smimeSubjectCN", "Y"), &expected);
    }
    // Rows of !AutoApplySSL are for server certificates, and the mailbox' for mail.
    for (name, value) in
        [("serverSoftware", "-1"), ("domainNames", "a.example.com"), ("uniqueValue", "abc")]
    {
        let expected =
            (-161, format!("Parameter '{name}' is not applicable to this type of product!"));
        ORDER.told(sandbox, name, &ORDER.right_for("").set(name, value), &expected);
    }
    let server = complete(488, any_csr(), "a.example.com")
        .set("isCustomerValidated", "N")
        .set("responseFormat", "0");
    ORDER.told(sandbox, "a server certificate", &server, &right);
    nothing_stored(sandbox);
}

fn addresses(sandbox: &Sandbox) {
    let bad_mail = (-70, "Invalid Email Address!".to_owned());
    let long = format!("{}@{}.example.com", "m".repeat(64), "d".repeat(63));
    let too_long_local = format!("{}@example.com", "m".repeat(65));
    for (mailbox, expected) in [
        ("x", &bad_mail),
        ("x@", &bad_mail),
        ("@example.com", &bad_mail),
        ("a@b", &bad_mail),
        ("a b@example.com", &bad_mail),
        ("a@example..com", &bad_mail),
        ("<a@example.com>", &bad_mail),
        ("a@example.com,b@example.com", &bad_mail),
        ("m\u{fc}ller@example.com", &bad_mail),
        ("a@x\r\nBcc: b@example.com", &bad_mail),
        ("a@[192.0.2.1]", &bad_mail),
        (too_long_local.as_str(), &bad_mail),
        (long.as_str(), &ORDER.right()),
        ("\"a b\"@example.com", &bad_mail),
        ("a+b@example.com", &ORDER.right()),
        ("o'neill@example.com", &ORDER.right()),
        ("a@m\u{fc}ller.example.com", &ORDER.right()),
        ("a@xn--mller-kva.example.com", &ORDER.right()),
    ] {
        for name in ["sanEmailAddress", "smimeSubjectEmail"] {
            let form = order_for(794, mailbox).set("responseFormat", "0");
            let form = if name == "smimeSubjectEmail" { form.set(name, mailbox) } else { form };
            ORDER.told(sandbox, &format!("{name}={mailbox}"), &form, expected);
        }
    }
    // The subject's address is the certified one, whatever the case of the domain.
    let differing = order_for(794, "a@example.com").set("responseFormat", "0");
    let other = differing.clone().set("smimeSubjectEmail", "b@example.com");
    ORDER.told(sandbox, "another address", &other, &invalid("smimeSubjectEmail"));
    let cased = differing.set("smimeSubjectEmail", "a@EXAMPLE.com");
    ORDER.told(sandbox, "the same address", &cased, &ORDER.right());
    let wrong = ["x", "a@b", "a b@example.com", "a@example..com", "john@example.nosuchtld"];
    for name in [
        "appRepEmailAddress",
        "validationEmailAddress",
        "contactEmailAddress",
        "signerEmailAddress",
    ] {
        for value in wrong {
            let form = ORDER.right_for(name).set(name, value);
            ORDER.told(sandbox, &format!("{name}={value}"), &form, &invalid(name));
        }
    }
    nothing_stored(sandbox);
}
