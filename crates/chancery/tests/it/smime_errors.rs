//! Every row of the specification's lists of errors for the three S/MIME endpoints: answered to the letter, or marked with the
//! reason why nothing here raises it.

use serde_json::json;

use crate::apply_errors::{broken_signature, close_primes};
use crate::apply_kit::{ERRORS, any_csr, complete, nothing_stored, spec_rows_of};
use crate::kit::{Answer, Csr, Form, Sandbox, base64, fresh_name};
use crate::smime_steps::{
    any_key, ask, fresh_mailbox, order_for, organization_order, place, prove,
};
use crate::{on_both, on_both_refusing};

on_both_refusing!(
    rows_of_the_order_are_answered_to_the_letter,
    faults_are_told_by_rule,
    what_the_others_refuse_before_they_look,
    get_and_plain_http,
);
on_both!(every_row_has_a_case, rows_of_an_order_that_is_there);

const APPLY: &str = "!AutoApplyOrder";
const REPLACE: &str = "!AutoReplaceSMIME";
const COLLECT: &str = "download/RequestAndCollectSMIME";

struct Case {
    code: i64,
    text: &'static str,
    with: &'static str,
    role: &'static str,
    form: Form,
}

fn case(code: i64, text: &'static str, with: &'static str, form: Form) -> Case {
    Case { code, text, with, role: "poor", form }
}

impl Case {
    fn by(mut self, role: &'static str) -> Self {
        self.role = role;
        self
    }

    fn message(&self) -> String {
        let placeholder =
            ["xxxx", "xxx", "xx", "Context"].into_iter().find(|p| self.text.contains(p));
        match (self.with, placeholder) {
            ("", _) | (_, None) => self.text.to_owned(),
            (with, Some(placeholder)) => self.text.replacen(placeholder, with, 1),
        }
    }
}

fn mail() -> Form {
    order_for(794, "someone@example.com").set("csr", &any_csr().pem)
}

fn with_csr(csr: &Csr) -> Form {
    mail().set("csr", &csr.pem)
}

fn ssl(product: i64) -> Form {
    complete(product, any_csr(), "x.example.com").set("isCustomerValidated", "N")
}

/// Rows of !AutoApplyOrder that a form alone deserves.
fn cases() -> Vec<Case> {
    let qwac = || ssl(791);
    let psd2 = || ssl(788);
    let office = || organization_order("someone@example.com");
    vec![
        case(
            -2,
            "'xxxx' is an unrecognized argument!",
            "frobnicate",
            mail().set("frobnicate", "1"),
        ),
        case(
            -3,
            "The 'xxxx' argument is missing!",
            "sanEmailAddress",
            mail().without("sanEmailAddress"),
        ),
        case(-4, "The value of the 'xxxx' argument is invalid!", "days", mail().set("days", "366")),
        case(
            -5,
            "The CSR's Common Name may NOT contain a wildcard!",
            "",
            ssl(488).set("commonName", "*.example.com"),
        ),
        case(
            -6,
            "The CSR's Common Name MUST contain ONE wildcard!",
            "",
            ssl(489).set("commonName", "example.com"),
        ),
        case(-7, "'xx' is not a valid ISO-3166 country!", "QQ", office().set("countryName", "QQ")),
        case(
            -8,
            "The CSR is missing a required field!",
            "",
            office().set("csr", &any_csr().pem).set("prioritiseCSRValues", "C"),
        ),
        case(-9, "The CSR is not valid Base-64 data!", "", mail().set("csr", "#!$% no base64")),
        case(
            -10,
            "The CSR cannot be decoded!",
            "",
            mail().set("csr", &base64(b"this is no request at all")),
        ),
        case(
            -11,
            "The CSR uses an unsupported algorithm!",
            "",
            with_csr(&Csr::openssl(&["-newkey", "ed25519", "-subj", "/CN=a"])),
        ),
        case(-12, "The CSR has an invalid signature!", "", with_csr(&broken_signature())),
        case(
            -13,
            "The CSR uses an unsupported key size!",
            "",
            with_csr(&Csr::openssl(&["-newkey", "rsa:1024", "-subj", "/CN=a"])),
        ),
        case(-15, "Not enough credit!", "", mail()),
        case(
            -18,
            "The CSR's Common Name may not be a Fully-Qualified Domain Name!",
            "",
            ssl(44).set("commonName", "www.example.com"),
        ),
        case(
            -19,
            "The CSR's Common Name may not be an Internet-accessible IP Address!",
            "",
            ssl(44).set("commonName", "8.8.8.8"),
        ),
        case(
            -35,
            "The CSR's Common Name may not be an IP Address!",
            "",
            ssl(488).set("commonName", "10.0.0.1"),
        ),
        case(
            -40,
            "The CSR uses a key that is believed to have been compromised!",
            "",
            with_csr(close_primes()),
        ),
        case(-70, "Invalid Email Address!", "", mail().set("sanEmailAddress", "no address")),
        case(
            -83,
            "'xxxx' is not applicable to this order!",
            "stubOrderNumber",
            ssl(488).set("stubOrderNumber", "1234567").set("test", "Y"),
        )
        .by("reseller"),
        case(
            -90,
            "Permission denied 'Context'",
            "stubOrderNumber",
            ssl(488).set("stubOrderNumber", "1234567"),
        )
        .by("webhost"),
        case(
            -91,
            "Permission denied 'Context'",
            "isAppRepValidated",
            office().set("isAppRepValidated", "Y"),
        )
        .by("webhost"),
        case(-118, "Wrong product Identifier!", "", mail().set("product", "99999")),
        case(
            -120,
            "'Role' arguments are missing for PSD2 certificate type!",
            "",
            psd2().without("accountServicingRole"),
        ),
        case(
            -121,
            "\"TAX\" value is deprecated. The value \"TIN\" should be used instead'",
            "",
            qwac().set("personalIdentifier", "TAXDE-12345"),
        ),
        case(
            -121,
            "Wrong format of 'xxxx' identifier.",
            "organizationIdentifier",
            office().set("organizationIdentifier", "VATGB"),
        ),
        case(
            -121,
            "Wrong country code value in 'xxxx' identifier.",
            "organizationIdentifier",
            office().set("organizationIdentifier", "VATQQ-12345"),
        ),
        case(
            -161,
            "Parameter 'xxxx' is not applicable to this type of product!",
            "dcvMethod",
            mail().set("dcvMethod", "EMAIL"),
        ),
        case(
            -162,
            "The CSR must not contain domain names that are not in the \"domainNames\" parameter!",
            "",
            complete(
                279,
                &Csr::of(crate::kit::Key::P256, "", &["other.example.com"]),
                "x.example.com",
            )
            .set("isCustomerValidated", "N"),
        ),
    ]
}

/// Rows that other stories reach, and which.
const ELSEWHERE: &[(&str, i64, &str)] = &[
    ("AutoApplyOrder", -1, "get_and_plain_http"),
    ("AutoApplyOrder", -14, "faults_are_told_by_rule"),
    ("AutoApplyOrder", -16, "smime_orders: only_those_who_may"),
    ("AutoApplyOrder", -17, "get_and_plain_http"),
    ("AutoReplaceSMIME", -1, "get_and_plain_http"),
    ("AutoReplaceSMIME", -2, "what_the_others_refuse_before_they_look"),
    ("AutoReplaceSMIME", -3, "what_the_others_refuse_before_they_look"),
    ("AutoReplaceSMIME", -4, "what_the_others_refuse_before_they_look"),
    ("AutoReplaceSMIME", -13, "rows_of_an_order_that_is_there"),
    ("AutoReplaceSMIME", -16, "what_the_others_refuse_before_they_look"),
    ("AutoReplaceSMIME", -17, "get_and_plain_http"),
    ("AutoReplaceSMIME", -20, "smime_replace"),
    ("AutoReplaceSMIME", -22, "smime_replace"),
    ("AutoReplaceSMIME", -42, "serve: calls_per_minute"),
    ("AutoReplaceSMIME", -91, "what_the_others_refuse_before_they_look"),
    ("AutoReplaceSMIME", -136, "smime_replace"),
    ("RequestAndCollectSMIME", -1, "get_and_plain_http"),
    ("RequestAndCollectSMIME", -2, "what_the_others_refuse_before_they_look"),
    ("RequestAndCollectSMIME", -3, "what_the_others_refuse_before_they_look"),
    ("RequestAndCollectSMIME", -4, "what_the_others_refuse_before_they_look"),
    ("RequestAndCollectSMIME", -13, "rows_of_an_order_that_is_there"),
    ("RequestAndCollectSMIME", -14, "faults_are_told_by_rule"),
    ("RequestAndCollectSMIME", -16, "what_the_others_refuse_before_they_look"),
    ("RequestAndCollectSMIME", -17, "get_and_plain_http"),
    ("RequestAndCollectSMIME", -18, "rows_of_an_order_that_is_there"),
    ("RequestAndCollectSMIME", -20, "rows_of_an_order_that_is_there"),
    ("RequestAndCollectSMIME", -21, "smime_replace"),
    ("RequestAndCollectSMIME", -22, "smime_orders: the_end_customer_pays_first"),
    ("RequestAndCollectSMIME", -153, "rows_of_an_order_that_is_there"),
    ("RequestAndCollectSMIME", -154, "rows_of_an_order_that_is_there"),
];

/// Rows of !AutoApplyOrder that nothing here raises; docs/differences.md says why.
const NEVER: [i64; 7] = [-47, -65, -68, -82, -84, -129, -150];

/// Rows of !AutoApplyOrder that a fault rule tells.
const FAULTS: std::ops::RangeInclusive<i64> = -119..=-110;

fn every_row_has_a_case(_: &Sandbox) {
    for name in ["AutoApplyOrder", "AutoReplaceSMIME", "RequestAndCollectSMIME"] {
        let order = name == "AutoApplyOrder";
        let cases = if order { cases() } else { Vec::new() };
        for row in spec_rows_of(name, ERRORS) {
            let (code, text) = (row[0].parse::<i64>().expect("a code"), row[1].as_str());
            let here = cases.iter().any(|c| c.code == code && c.text == text);
            let elsewhere = ELSEWHERE.iter().any(|(of, c, _)| *of == name && *c == code);
            let marked = order && (NEVER.contains(&code) || FAULTS.contains(&code));
            assert!(here || elsewhere || marked, "{name} {code} {text}");
        }
    }
}

fn rows_of_the_order_are_answered_to_the_letter(sandbox: &Sandbox) {
    for case in cases() {
        let message = case.message();
        let form = case.form.clone().login(sandbox, case.role);
        let pairs = Answer::read(&sandbox.post(APPLY, &form));
        pairs.refused(case.code, &message);
        let lines = sandbox.post(APPLY, &form.set("responseFormat", "0"));
        assert_eq!(lines, format!("{}\n{message}\n", case.code));
    }
    nothing_stored(sandbox);
}

/// What is wrong inside has numbers of its own in the list; here it is -14, and the others are told by a fault rule.
fn faults_are_told_by_rule(sandbox: &Sandbox) {
    let rule = json!({ "endpoint": "AutoApplyOrder", "action": "store_error", "account": "webhost", "nth": 1 });
    sandbox.control("/faults", &rule);
    let form = mail().login(sandbox, "webhost");
    Answer::read(&sandbox.post(APPLY, &form)).refused(-14, "An unknown error occurred!");
    let rows = spec_rows_of("AutoApplyOrder", ERRORS).into_iter();
    let rows = rows.map(|row| (row[0].parse::<i64>().expect("a code"), row[1].clone()));
    // -118 is no fault: it is a case above.
    let rows: Vec<_> = rows.filter(|(code, _)| FAULTS.contains(code) && *code != -118).collect();
    assert_eq!(rows.len(), 9);
    for (code, text) in rows {
        let rule = json!({
            "endpoint": "AutoApplyOrder", "account": "webhost", "nth": 1, "action": { "code": code }
        });
        sandbox.control("/faults", &rule);
        Answer::read(&sandbox.post(APPLY, &form)).refused(code, &text);
    }
    let rule = json!({ "endpoint": "RequestAndCollectSMIME", "account": "webhost", "nth": 1, "action": { "code": -14 } });
    sandbox.control("/faults", &rule);
    let form = Form::new(&[("orderNumber", "1"), ("queryType", "0")]).login(sandbox, "webhost");
    assert_eq!(sandbox.post(COLLECT, &form), "-14\nAn unknown error occurred!\n");
    nothing_stored(sandbox);
}

fn what_the_others_refuse_before_they_look(sandbox: &Sandbox) {
    let login = "-16\nIncorrect login details, account is locked, password has expired or your source IP is blocked.\n";
    let replace = Form::new(&[("orderNumber", "10000000"), ("csr", &any_csr().pem)]);
    let collect = Form::new(&[("orderNumber", "10000000"), ("queryType", "1")]);
    for (path, role, form, expected) in [
        (REPLACE, "webhost", replace.clone().set("x", "1"), "-2\nUnrecognized argument!\n"),
        (
            REPLACE,
            "webhost",
            replace.clone().without("csr"),
            "-3\nThe 'csr' argument is missing!\n",
        ),
        (
            REPLACE,
            "webhost",
            replace.clone(),
            "-4\nThe value of the 'orderNumber' argument is invalid!\n",
        ),
        (
            REPLACE,
            "webhost",
            replace.clone().set("signatureHash", "PREFER_SHA1"),
            "-4\nThe value of the 'signatureHash' argument is invalid!\n",
        ),
        (
            REPLACE,
            "webhost",
            replace.clone().set("SMIMERequestTemplateID", "7"),
            "-4\nThe value of the 'SMIMERequestTemplateID' argument is invalid!\n",
        ),
        (
            REPLACE,
            "webhost",
            replace.clone().set("caCertificateID", "1"),
            "-91\nPermission denied 'caCertificateID'\n",
        ),
        (REPLACE, "locked", replace, login),
        (
            COLLECT,
            "webhost",
            collect.clone().set("responseFormat", "1"),
            "-2\nUnrecognised argument!\n",
        ),
        (
            COLLECT,
            "webhost",
            collect.clone().without("queryType"),
            "-3\nThe 'queryType' argument is missing!\n",
        ),
        (
            COLLECT,
            "webhost",
            collect.clone().without("orderNumber"),
            "-3\nThe 'orderNumber' argument is missing!\n",
        ),
        (
            COLLECT,
            "webhost",
            collect.clone(),
            "-4\nThe value of the 'orderNumber' argument is invalid!\n",
        ),
        (
            COLLECT,
            "webhost",
            collect.clone().set("collectionCode", "AAAAAAAAAAAAAAAA"),
            "-4\nThe value of the 'orderNumber' argument is invalid!\n",
        ),
        (COLLECT, "expired", collect, login),
    ] {
        let answer = sandbox.post(path, &form.clone().login(sandbox, role));
        assert_eq!(answer, expected, "{path} {form:?}");
    }
    nothing_stored(sandbox);
}

fn get_and_plain_http(sandbox: &Sandbox) {
    for (path, secure) in [(APPLY, "HTTPS"), (REPLACE, "HTTPS"), (COLLECT, "https")] {
        let url = |base: &str| format!("{}/products/{path}", sandbox.at(base));
        let get = sandbox.http().get(url("api")).send().expect("an answer").text().expect("text");
        assert_eq!(get, "-17\nRequest used GET rather than POST!\n", "{path}");
        let plain =
            sandbox.http().post(url("http")).send().expect("an answer").text().expect("text");
        assert_eq!(plain, format!("-1\nRequest was not made over {secure}!\n"), "{path}");
    }
}

fn rows_of_an_order_that_is_there(sandbox: &Sandbox) {
    let small = Csr::openssl(&["-newkey", "rsa:1024", "-subj", "/CN=a"]);
    let mailbox = fresh_mailbox("rows");
    let order = place(sandbox, &order_for(794, &mailbox));
    let status = [("queryType", "0")];
    let bring = |csr: &Csr, more: &[(&str, &str)]| {
        let pairs: Vec<(&str, &str)> =
            status.iter().chain(more).copied().chain([("csr", csr.pem.as_str())]).collect();
        ask(sandbox, &order, &pairs)
    };
    assert_eq!(bring(&small, &[]), "-13\nThe CSR uses an unsupported key size\n");
    let unproven = "-154\nEmail verification not yet completed!\n";
    assert_eq!(bring(&any_key(), &[("returnCertificate", "Y")]), unproven);
    assert_eq!(bring(&any_key(), &[]), "0\n", "nothing was left behind");
    assert_eq!(bring(&any_key(), &[]), "-18\nA CSR has already been provided.\n");
    prove(sandbox, &order, &mailbox);
    assert_eq!(ask(sandbox, &order, &status), "0\n");

    let replace = |order: &str, csr: &Csr| {
        let form = Form::new(&[("orderNumber", order), ("csr", &csr.pem)]);
        sandbox.post(REPLACE, &form.login(sandbox, "reseller"))
    };
    assert_eq!(replace(&order, &small), "-13\nThe CSR uses an unsupported key size!\n");

    let taken_back = place(sandbox, &order_for(794, &fresh_mailbox("back")));
    sandbox.operator(&["order", "cancel", &taken_back, "--why", "a story"]);
    assert_eq!(ask(sandbox, &taken_back, &status), "-20\nThe CSR has been rejected!\n");
    assert_eq!(replace(&taken_back, &any_key()), "-136\nWrong certificate state\n");

    let server = Csr::new(&fresh_name("server"));
    let form = Form::order(488, &server).set("isCustomerValidated", "N");
    let server = place(sandbox, &form);
    assert_eq!(ask(sandbox, &server, &status), "-153\nUnsupported product type!\n");
}
