//! Bad input at the endpoints beside !AutoApplySSL: each has its one documented answer, names the parameter in the table's
//! spelling, and leaves nothing behind.

use reqwest::Method;

use crate::apply_kit::nothing_stored;
use crate::kit::{Form, Sandbox};
use crate::on_both_refusing;

on_both_refusing!(
    what_is_missing_or_wrong,
    twice_empty_and_in_another_case,
    octets_that_are_no_text,
    names_and_ways_of_asking,
);

/// What a parameter takes, and with it what it does not.
#[derive(Clone, Copy)]
enum Takes {
    /// A number; any but these few, where they are given.
    Number,
    /// One letter, Y or N.
    Flag,
    /// One of a few words.
    Word,
    /// A DNS name.
    Name,
    /// A mail address.
    Mail,
    /// A random value.
    Unique,
    /// Names or methods, one after the other.
    List,
    /// Armour and Base64.
    Csr,
}

use Takes::{Csr, Flag, List, Mail, Name, Number, Unique, Word};

impl Takes {
    /// Values that give -4, whatever stands beside them.
    fn wrong(self) -> Vec<String> {
        let long = |of: &str, times| of.repeat(times);
        match self {
            Number => vec![
                "x".into(),
                "1.5".into(),
                "1 2".into(),
                "0x10".into(),
                "-".into(),
                "99999999999999999999".into(),
                long("9", 70_000),
            ],
            Flag => vec!["X".into(), "1".into(), "YES".into(), long("Y", 70_000)],
            Word => vec!["bogus".into(), "-7".into(), long("1", 70_000)],
            Name => vec![
                "two words".into(),
                "a..b.example.com".into(),
                "-.example.com".into(),
                format!("{}.example.com", long("a", 64)),
                long("a.", 300),
            ],
            Mail => vec![
                "nobody".into(),
                "a@b@example.com".into(),
                "a@example.com\r\nBcc: b@example.com".into(),
                format!("{}@example.com", long("a", 300)),
            ],
            Unique => vec!["a-b".into(), "a b".into(), "\u{e9}".into(), long("a", 21)],
            List => vec![long("a,", 20_000)],
            Csr => vec![long("A", 32_768)],
        }
    }
}

/// An endpoint: a call that is right but for what it is about, which parameters must be there, and what each takes.
struct Companion {
    path: &'static str,
    right: &'static [(&'static str, &'static str)],
    required: &'static [&'static str],
    takes: &'static [(&'static str, Takes)],
}

const COMPANIONS: [Companion; 6] = [
    Companion {
        path: "download/CollectSSL",
        right: &[("orderNumber", "1"), ("queryType", "0")],
        required: &["queryType"],
        takes: &[
            ("orderNumber", Number),
            ("certificateID", Number),
            ("baseOrderNumber", Number),
            ("queryType", Number),
            ("queryType", Word),
            ("responseType", Number),
            ("responseType", Word),
            ("responseEncoding", Number),
            ("responseEncoding", Word),
            ("showValidityPeriod", Flag),
            ("showFQDN", Flag),
            ("showExtStatus", Flag),
            ("responseFormat", Word),
            ("showMDCDomainDetails", Flag),
            ("showMDCDomainDetails2", Flag),
            ("showStatusDetails", Flag),
        ],
    },
    Companion {
        path: "!GetDCVEmailAddressList",
        right: &[("domainName", "nothing.example.com")],
        required: &["domainName"],
        takes: &[("domainName", Name), ("product", Number), ("responseFormat", Word)],
    },
    Companion {
        path: "!AutoUpdateDCV",
        right: &[("orderNumber", "1"), ("newMethod", "CNAME_CSR_HASH")],
        required: &["orderNumber", "newMethod"],
        takes: &[
            ("orderNumber", Number),
            ("baseOrderNumber", Number),
            ("domainName", Name),
            ("newMethod", Word),
            ("newDCVEmailAddress", Mail),
            ("dcvTemplateID", Number),
            ("domainNames", List),
            ("newMethods", List),
            ("newDCVEmailAddresses", List),
        ],
    },
    Companion {
        path: "!ResendDCVEmail",
        right: &[("orderNumber", "1")],
        required: &["orderNumber"],
        takes: &[
            ("orderNumber", Number),
            ("baseOrderNumber", Number),
            ("dcvEmailAddress", Mail),
            ("dcvTemplateID", Number),
        ],
    },
    Companion {
        path: "!GetMDCDomainDetails",
        right: &[("orderNumber", "1")],
        required: &["orderNumber"],
        takes: &[("orderNumber", Number), ("showStatusDetails", Flag), ("responseFormat", Word)],
    },
    Companion {
        path: "!AutoReplaceSSL",
        right: &[("orderNumber", "1")],
        required: &["orderNumber"],
        takes: &[
            ("orderNumber", Number),
            ("exactOrder", Flag),
            ("days", Number),
            ("serverSoftware", Number),
            ("serverSoftware", Word),
            ("maxSubjectCNs", Number),
            ("csr", Csr),
            ("uniqueValue", Unique),
            ("prioritiseCSRValues", Word),
            ("signatureHash", Word),
            ("dcvMethod", Word),
            ("dcvTemplateID", Number),
            ("languageName", Word),
            ("caCertificateID", Number),
            ("isCustomerValidated", Flag),
            ("showCertificateID", Flag),
            ("showCertificateState", Flag),
            ("responseFormat", Word),
            ("test", Flag),
        ],
    },
];

impl Companion {
    fn form(&self, sandbox: &Sandbox) -> Form {
        Form::new(self.right).login(sandbox, "poor")
    }
}

/// Code and message of an answer in any layout: pairs, JSON, lines; DecodeCSR's lines begin with a count.
fn told(body: &str) -> (i64, String) {
    if let Some(pairs) = body.strip_prefix("errorCode=") {
        let answer = crate::kit::Answer::read(&format!("errorCode={pairs}"));
        return (code(answer.get("errorCode")), answer.get("errorMessage").to_owned());
    }
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(body) {
        let text = |key: &str| object[key].to_string().trim_matches('"').to_owned();
        return (code(&text("errorCode")), text("errorMessage"));
    }
    let mut lines = body.lines();
    let first = lines.next().unwrap_or_default();
    let (first, second) = match lines.next().unwrap_or_default().split_once(' ') {
        Some((number, message)) if number.starts_with('-') => (number, message),
        _ => (first, body.lines().nth(1).unwrap_or_default()),
    };
    (code(first), second.to_owned())
}

#[track_caller]
fn code(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("no code: {text}"))
}

#[track_caller]
fn refused(what: &str, body: &str, code: i64, message: &str) {
    assert_eq!(told(body), (code, message.to_owned()), "{what}: {body}");
}

fn invalid(name: &str) -> String {
    format!("The value of the '{name}' argument is invalid!")
}

fn missing(name: &str) -> String {
    format!("The '{name}' argument is missing!")
}

const LOGIN: &str = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";

fn what_is_missing_or_wrong(sandbox: &Sandbox) {
    for companion in &COMPANIONS {
        let Companion { path, .. } = companion;
        for name in companion.required {
            for form in
                [companion.form(sandbox).without(name), companion.form(sandbox).set(name, "")]
            {
                let body = sandbox.post(path, &form);
                refused(&format!("{path} without {name}"), &body, -3, &missing(name));
            }
        }
        for (name, takes) in companion.takes {
            for value in takes.wrong() {
                let short: String = value.chars().take(40).collect();
                let body = sandbox.post(path, &companion.form(sandbox).set(name, &value));
                refused(&format!("{path} {name}={short}"), &body, -4, &invalid(name));
            }
        }
        for name in ["loginName", "loginPassword"] {
            let body = sandbox.post(path, &companion.form(sandbox).set(name, ""));
            refused(&format!("{path} without {name}"), &body, -3, &missing(name));
            for value in ["x", &"x".repeat(70_000), "\u{0}"] {
                let body = sandbox.post(path, &companion.form(sandbox).set(name, value));
                refused(&format!("{path} {name}"), &body, -16, LOGIN);
            }
        }
    }
    nothing_stored(sandbox);
}

fn twice_empty_and_in_another_case(sandbox: &Sandbox) {
    for companion in &COMPANIONS {
        let Companion { path, .. } = companion;
        let before = told(&sandbox.post(path, &companion.form(sandbox)));
        // Twice the same, or empty beside it: as if it stood once.
        for (name, value) in companion.right {
            let same = companion.form(sandbox).add(name, value);
            assert_eq!(told(&sandbox.post(path, &same)), before, "{path} {name} twice");
            let other = companion.form(sandbox).without(name).add(&name.to_uppercase(), value);
            assert_eq!(told(&sandbox.post(path, &other)), before, "{path} {name} in capitals");
            let body = sandbox.post(path, &companion.form(sandbox).add(name, "other"));
            refused(&format!("{path} {name} twice"), &body, -4, &invalid(name));
            let lower = name.to_lowercase();
            let body = sandbox.post(path, &companion.form(sandbox).add(&lower, "other"));
            refused(&format!("{path} {name} and {lower}"), &body, -4, &invalid(name));
        }
        for (name, takes) in companion.takes {
            if companion.right.iter().any(|(right, _)| right == name) {
                continue;
            }
            let empty = companion.form(sandbox).set(name, "");
            assert_eq!(told(&sandbox.post(path, &empty)), before, "{path} {name} empty");
            let values = match takes {
                Number => ["1", "0"],
                Flag => ["Y", "N"],
                Mail => ["a@example.com", "b@example.com"],
                Word | Name | Unique | List | Csr => ["1", "2"],
            };
            let twice = companion.form(sandbox).add(name, values[0]).add(name, values[1]);
            let body = sandbox.post(path, &twice);
            refused(&format!("{path} {name} twice"), &body, -4, &invalid(name));
        }
    }
    nothing_stored(sandbox);
}

/// A body as it is, with the login before it.
fn send(sandbox: &Sandbox, path: &str, right: &Form, tail: &[u8]) -> String {
    let pairs: Vec<(&str, &str)> = right.0.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let url = reqwest::Url::parse_with_params("http://x/", &pairs).expect("a URL");
    let body = [url.query().unwrap_or_default().as_bytes(), tail].concat();
    let url = format!("{}/products/{path}", sandbox.at("api"));
    let request = sandbox.http().post(url).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.send().expect("an answer");
    assert_eq!(response.status(), 200, "{path}");
    response.text().expect("text")
}

fn octets_that_are_no_text(sandbox: &Sandbox) {
    for companion in &COMPANIONS {
        let Companion { path, .. } = companion;
        for (name, _) in companion.takes {
            let form = companion.form(sandbox).without(name);
            for octets in
                [&b"%00"[..], b"%ff", b"\xff", b"\xc3\x28", b"%zz", b"%", b"1%00", b"%ed%a0%80"]
            {
                let tail = [b"&", name.as_bytes(), b"=", octets].concat();
                let body = send(sandbox, path, &form, &tail);
                let what = format!("{path} {name}={}", String::from_utf8_lossy(octets));
                refused(&what, &body, -4, &invalid(name));
            }
        }
        for tail in [&b"&%00=1"[..], b"&%ff=1", b"&\xff=1", b"&%zz=1", b"&bogus=%00"] {
            let body = send(sandbox, path, &companion.form(sandbox), tail);
            assert_eq!(told(&body).0, -2, "{path} {}: {body}", String::from_utf8_lossy(tail));
        }
        let form = companion.form(sandbox);
        let body = send(sandbox, path, &form, &vec![b'a'; (2 << 20) + 1]);
        refused(
            &format!("{path}, a body that is too long"),
            &body,
            -14,
            "An unknown error occurred!",
        );
    }
    nothing_stored(sandbox);
}

fn names_and_ways_of_asking(sandbox: &Sandbox) {
    for companion in &COMPANIONS {
        let Companion { path, .. } = companion;
        let unknown = "'bogus' is an unrecognised argument!";
        let form = companion.form(sandbox);
        refused(path, &sandbox.post(path, &form.clone().set("bogus", "1")), -2, unknown);
        let ask = |base: &str, method: Method| {
            let url = format!("{}/products/{path}", sandbox.at(base));
            let request = sandbox.http().request(method, url).query(&form.0);
            let response = request.send().expect("an answer");
            assert_eq!(response.status(), 200, "{path}");
            response.text().expect("text")
        };
        let https = "Request was not made over HTTPS!";
        refused(path, &ask("http", Method::POST), -1, https);
        refused(path, &ask("http", Method::GET), -1, https);
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let body = ask("api", method.clone());
            assert_eq!(told(&body).0, -17, "{path} {method}: {body}");
        }
        // Whatever a body says that it is, pairs are read; what is none, is missing.
        let url = format!("{}/products/{path}", sandbox.at("api"));
        let expected = told(&sandbox.post(path, &form));
        for kind in ["application/json", "text/plain", "image/png"] {
            let [name, password] = sandbox.login("poor").map(|(_, value)| value);
            let pairs = form.clone().set("loginName", &name).set("loginPassword", &password);
            let query = reqwest::Url::parse_with_params("http://x/", &pairs.0).expect("a URL");
            let body = query.query().unwrap_or_default().to_owned();
            let request = sandbox.http().post(&url).header("content-type", kind).body(body);
            let text = request.send().expect("an answer").text().expect("text");
            assert_eq!(told(&text), expected, "{path} as {kind}");
        }
    }
    nothing_stored(sandbox);
}
