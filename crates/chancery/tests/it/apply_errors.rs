//! Every row of the specification's list of errors, with its exact text, in both response formats, and nothing stored.

use crate::apply_kit::{
    APPLY, ERRORS, any_csr, bits, complete, int, next_prime, nothing_stored, organization, prime,
    refusing, request, request_info, roca_prime, rsa_request, seq, spec_rows, tlv,
};
use crate::kit::{Answer, Csr, Form, Sandbox, base64, fresh_name};
use crate::{on_both, on_both_refusing};
use num_bigint::BigUint;
use serde_json::json;
use std::sync::OnceLock;
use store::Database;

on_both_refusing!(
    rows_of_the_list_are_answered_to_the_letter,
    a_store_fault_leaves_nothing,
    logins_are_refused_alike,
    compromised_keys,
    privileges_are_asked_for,
    psd2_and_identifiers,
    what_can_never_be_certified,
);
on_both!(a_request_token_is_used_once, every_row_has_a_case);

/// A row of the list, what fills its placeholder, and a request that deserves it.
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
        let (head, tail) = match (self.with, self.text.split_once("xxxx")) {
            ("", _) => return self.text.to_owned(),
            (_, Some(parts)) => parts,
            (_, None) => self.text.split_once("xx").expect("a placeholder"),
        };
        format!("{head}{}{tail}", self.with)
    }
}

fn dv() -> Form {
    Form::order(488, any_csr())
}

fn named(product: i64, name: &str) -> Form {
    complete(product, any_csr(), "x.example.com").set("commonName", name)
}

/// Rows that a form alone deserves.
fn cases() -> Vec<Case> {
    let ev = || complete(337, any_csr(), &fresh_name("ev"));
    let psd2 = || complete(788, any_csr(), &fresh_name("psd"));
    let person = |text: &str| {
        complete(791, any_csr(), &fresh_name("person")).set("personalIdentifier", text)
    };
    vec![
        case(-2, "'xxxx' is an unrecognised argument!", "frobnicate", dv().set("frobnicate", "1")),
        case(-3, "The 'xxxx' argument is missing!", "csr", dv().without("csr")),
        case(-4, "The value of the 'xxxx' argument is invalid!", "days", dv().set("days", "1")),
        case(-5, "The CSR's Common Name may NOT contain a wildcard!", "", named(488, "*.example.com")),
        case(-6, "The CSR's Common Name MUST contain ONE wildcard!", "", named(489, "example.com")),
        case(-7, "'xx' is not a valid ISO-3166 country!", "QQ", ev().set("countryName", "QQ")),
        case(
            -8,
            "The CSR is missing a required field!",
            "",
            Form::order(488, &Csr::openssl(&["-newkey", "rsa:2048", "-subj", "/O=Nobody"])),
        ),
        case(-9, "The CSR is not valid Base-64 data!", "", dv().set("csr", "#!$% no base64")),
        case(-10, "The CSR cannot be decoded!", "", dv().set("csr", &base64(b"this is no request at all"))),
        case(
            -11,
            "The CSR uses an unsupported algorithm!",
            "",
            Form::order(488, &Csr::openssl(&["-newkey", "ed25519", "-subj", "/CN=a.example.com"])),
        ),
        case(-12, "The CSR has an invalid signature!", "", Form::order(488, &broken_signature())),
        case(
            -13,
            "The CSR uses an unsupported key size!",
            "",
            Form::order(488, &Csr::openssl(&["-newkey", "rsa:1024", "-subj", "/CN=a.example.com"])),
        ),
        case(-15, "Not enough credit!", "", dv()),
        case(
            -16,
            "Incorrect login details, account is locked, password has expired or your source IP is blocked.",
            "",
            dv(),
        )
        .by("locked"),
        case(
            -18,
            "The CSR's Common Name may not be a Fully-Qualified Domain Name!",
            "",
            named(44, "www.example.com"),
        ),
        case(
            -19,
            "The CSR's Common Name may not be an Internet-accessible IP Address!",
            "",
            named(44, "8.8.8.8"),
        ),
        case(-35, "The CSR's Common Name may not be an IP Address!", "", named(488, "10.0.0.1")),
        case(
            -40,
            "The CSR uses a key that is believed to have been compromised!",
            "",
            Form::order(488, close_primes()),
        ),
        case(
            -83,
            "'xxxx' is not applicable to this order!",
            "stubOrderNumber",
            dv().set("stubOrderNumber", "1234567").set("test", "Y"),
        )
        .by("reseller"),
        case(
            -90,
            "Permission denied for using \"voucher\" with 'xxxx'",
            "stubOrderNumber",
            dv().set("stubOrderNumber", "1234567"),
        )
        .by("webhost"),
        case(-91, "Permission denied 'xxxx'", "caCertificateID", dv().set("caCertificateID", "1"))
            .by("webhost"),
        case(
            -120,
            "\"Role\" arguments are missing for PSD2 certificate type!",
            "",
            psd2().without("paymentServiceRole"),
        ),
        case(
            -121,
            "\"TAX\" value is deprecated. The value \"TIN\" should be used instead'",
            "",
            person("TAXDE-123"),
        ),
        case(-121, "Wrong format of 'xxxx' identifier.", "personalIdentifier", person("C01X00T47")),
        case(
            -121,
            "Wrong country code value in 'xxxx' identifier.",
            "personalIdentifier",
            person("PASQQ-C01X00T47"),
        ),
    ]
}

/// Rows that take more than a form: told by the stories named here.
const ELSEWHERE: [(i64, &str, &str); 4] = [
    (-1, "Request was not made over HTTPS!", "apply_replies: plain http"),
    (-14, "An unknown error occurred!", "a_store_fault_leaves_nothing"),
    (-17, "Request used GET rather than POST!", "apply_replies: GET"),
    (-55, "This Request Token is not unique!", "a_request_token_is_used_once"),
];

fn every_row_has_a_case(_: &Sandbox) {
    let mut told: Vec<(String, String)> = cases()
        .iter()
        .map(|c| (c.code.to_string(), c.text.to_owned()))
        .chain(ELSEWHERE.iter().map(|(code, text, _)| (code.to_string(), (*text).to_owned())))
        .collect();
    let mut listed: Vec<(String, String)> =
        spec_rows(ERRORS).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    told.sort();
    listed.sort();
    assert_eq!(listed.len(), 29);
    assert_eq!(told, listed);
}

fn rows_of_the_list_are_answered_to_the_letter(sandbox: &Sandbox) {
    for case in cases() {
        let message = case.message();
        let pairs = sandbox.apply(case.role, &case.form);
        pairs.refused(case.code, &message);
        let lines = case.form.clone().set("responseFormat", "0").login(sandbox, case.role);
        let lines = sandbox.post(APPLY, &lines);
        assert_eq!(lines, format!("{}\n{message}\n", case.code));
    }
    nothing_stored(sandbox);
}

fn a_store_fault_leaves_nothing(sandbox: &Sandbox) {
    let rule = json!({
        "endpoint": "AutoApplySSL", "action": "store_error", "account": "webhost", "nth": 1
    });
    sandbox.control("/faults", &rule);
    let csr = Csr::new(&fresh_name("fault"));
    let form = Form::order(488, &csr).set("uniqueValue", "abc");
    sandbox.apply("webhost", &form).refused(-14, "An unknown error occurred!");
    nothing_stored(sandbox);
    assert_eq!(sandbox.balance("webhost"), 1_000_000_000);
}

fn logins_are_refused_alike(sandbox: &Sandbox) {
    let text = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";
    let refused = |form: &Form| {
        Answer::read(&sandbox.post(APPLY, form)).refused(-16, text);
    };
    for role in ["locked", "expired", "officer", "officer2", "operator", "auditor"] {
        refused(&dv().login(sandbox, role));
    }
    let right = dv().login(sandbox, "webhost");
    let [(_, name), (_, password)] = sandbox.login("webhost");
    for (name, password) in [
        (name.to_uppercase(), password.clone()),
        (name.clone(), password.to_uppercase() + "x"),
        ("nobody".to_owned(), password.clone()),
        (format!("{name} "), password.clone()),
        (name.clone(), format!(" {password}")),
        ("n".repeat(65), password.clone()),
        (name.clone(), "p".repeat(129)),
        (" ".to_owned(), " ".to_owned()),
        ("' OR 1=1 --".to_owned(), password.clone()),
    ] {
        refused(&right.clone().set("loginName", &name).set("loginPassword", &password));
    }
    // Whoever is not known learns nothing about anything else in the request, but for unknown names, which come first.
    let wrong = right.clone().set("loginPassword", "wrong");
    refused(&wrong.clone().set("days", "1").set("csr", "?").without("product"));
    let odd = wrong.set("frobnicate", "1");
    Answer::read(&sandbox.post(APPLY, &odd))
        .refused(-2, "'frobnicate' is an unrecognised argument!");
    let missing = |what: &str, form: &Form| {
        let message = format!("The '{what}' argument is missing!");
        Answer::read(&sandbox.post(APPLY, form)).refused(-3, &message);
    };
    missing("loginName", &dv());
    missing("loginName", &dv().set("loginPassword", "x"));
    missing("loginPassword", &dv().set("loginName", "x"));
    nothing_stored(sandbox);
}

fn compromised_keys(sandbox: &Sandbox) {
    let (p, q) = (prime(1_024), prime(1_024));
    let name = "weak.example.com";
    let off_curve = {
        let mut spki = seq(&[
            &seq(&[
                &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1],
                &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            ]),
            &bits(&[&[4_u8][..], &[7; 64]].concat()),
        ]);
        spki.shrink_to_fit();
        let info = request_info(name, &spki);
        let ecdsa = seq(&[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
        let one = int(&BigUint::from(1_u8));
        request(&info, &ecdsa, &seq(&[&one, &one]))
    };
    for (what, csr) in [
        ("close primes", close_primes().clone()),
        ("ROCA", rsa_request(name, &[&roca_prime(1_000_003), &roca_prime(7_000_001)], 65_537)),
        (
            "small factor",
            rsa_request(name, &[&BigUint::from(131_071_u32), &prime(1_016), &prime(1_015)], 65_537),
        ),
        ("one prime", rsa_request(name, &[&prime(2_048)], 65_537)),
        ("exponent 1", rsa_request(name, &[&p, &q], 1)),
        ("even exponent", rsa_request(name, &[&p, &q], 65_536)),
        (
            "even modulus",
            rsa_request(name, &[&BigUint::from(2_u8), &prime(1_024), &prime(1_023)], 65_537),
        ),
        ("point off the curve", off_curve),
    ] {
        let answer = sandbox.apply("webhost", &Form::order(488, &csr));
        assert_eq!(answer.get("errorCode"), "-40", "{what}: {}", answer.raw);
    }
    // A wrong signature is told before a weak key: whoever does not hold the key learns nothing of it.
    let mut der = close_primes().der.clone();
    *der.last_mut().expect("octets") ^= 1;
    let answer = sandbox.apply("webhost", &Form::order(488, &Csr::from_der(der)));
    answer.refused(-12, "The CSR has an invalid signature!");
    nothing_stored(sandbox);
}

/// Neither taken, debited and failed at the end, nor certified with a text that reads as another.
fn what_can_never_be_certified(sandbox: &Sandbox) {
    let form = || organization(Form::order(24, any_csr()));
    let apply = |form: Form| sandbox.apply("webhost", &form);
    for (name, value) in [
        ("organizationName", "A\u{202e}B"),
        ("organizationName", "Exam\u{ad}ple Bank"),
        ("organizationName", "\u{200b}"),
        ("organizationName", "Example\u{feff} GmbH"),
        ("localityName", "Ber\u{2067}lin"),
        ("streetAddress1", "Haupt\u{200f}strasse 1"),
    ] {
        apply(form().set(name, value))
            .refused(-4, &format!("The value of the '{name}' argument is invalid!"));
    }
    for nothing in ["\u{a0}", "-", "N/A", " \u{a0}. "] {
        apply(form().set("organizationName", nothing))
            .refused(-3, "The 'organizationName' argument is missing!");
        apply(form().without("localityName").set("stateOrProvinceName", nothing))
            .refused(-3, "The 'localityName' argument is missing!");
    }
    nothing_stored(sandbox);
}

fn privileges_are_asked_for(sandbox: &Sandbox) {
    for (name, value, code, message) in [
        ("caCertificateID", "1", -91, "Permission denied 'caCertificateID'"),
        ("isAppRepValidated", "Y", -91, "Permission denied 'isAppRepValidated'"),
        ("isCallbackCompleted", "Y", -91, "Permission denied 'isCallbackCompleted'"),
        (
            "stubOrderNumber",
            "10000001",
            -90,
            "Permission denied for using \"voucher\" with 'stubOrderNumber'",
        ),
    ] {
        let form = organization(dv()).set("product", "24").set(name, value);
        sandbox.apply("webhost", &form).refused(code, message);
        // Before anything else is missing or wrong (§0.4).
        let bare = Form::new(&[(name, value), ("responseFormat", "1")]);
        sandbox.apply("webhost", &bare).refused(code, message);
        sandbox.apply("webhost", &bare.set("product", "?")).refused(code, message);
    }
    // With the privilege, what does not exist is an invalid value.
    for name in ["caCertificateID", "stubOrderNumber"] {
        let message = format!("The value of the '{name}' argument is invalid!");
        sandbox.apply("reseller", &dv().set(name, "999999999")).refused(-4, &message);
    }
    let ov = || organization(dv()).set("product", "24").set("isCallbackCompleted", "Y");
    sandbox.apply("reseller", &ov()).refused(-3, "The 'isAppRepValidated' argument is missing!");
    sandbox
        .apply("reseller", &ov().set("isAppRepValidated", "N"))
        .refused(-4, "The value of the 'isAppRepValidated' argument is invalid!");
    nothing_stored(sandbox);
}

fn psd2_and_identifiers(sandbox: &Sandbox) {
    let psd2 = || complete(788, any_csr(), "psd.example.com");
    let told = |form: &Form, code: i64, message: &str| {
        sandbox.apply("poor", form).refused(code, message);
    };
    let roles = "\"Role\" arguments are missing for PSD2 certificate type!";
    for role in [
        "accountServicingRole",
        "paymentInitiationRole",
        "accountInformationRole",
        "paymentServiceRole",
    ] {
        told(&psd2().without(role), -120, roles);
        told(&psd2().set(role, "N"), -15, "Not enough credit!");
    }
    let none = psd2()
        .set("accountServicingRole", "N")
        .set("paymentInitiationRole", "N")
        .set("accountInformationRole", "N")
        .set("paymentServiceRole", "N");
    told(&none, -120, roles);
    let missing = |form: &Form, name: &str| {
        told(form, -3, &format!("The '{name}' argument is missing!"));
    };
    missing(&psd2().without("organizationIdentifier"), "organizationIdentifier");
    missing(&psd2().without("ncaIdentifier"), "ncaIdentifier");
    missing(
        &complete(783, any_csr(), "l.example.com").without("organizationIdentifier"),
        "organizationIdentifier",
    );
    missing(
        &complete(791, any_csr(), "n.example.com").without("personalIdentifier"),
        "personalIdentifier",
    );
    let unknown =
        psd2().set("organizationIdentifier", "PSDDE-QQQ-1").set("ncaIdentifier", "DE-QQQ");
    missing(&unknown, "ncaName");
    told(&unknown.set("ncaName", "Some Authority"), -15, "Not enough credit!");
    let format = |name: &str| format!("Wrong format of '{name}' identifier.");
    let country = |name: &str| format!("Wrong country code value in '{name}' identifier.");
    let organization = "organizationIdentifier";
    told(&psd2().set(organization, "COMPANY-123456789"), -121, &format(organization));
    told(&psd2().set(organization, "VATQQ-1"), -121, &country(organization));
    told(&psd2().set("ncaIdentifier", "de-bafin"), -121, &format("ncaIdentifier"));
    told(&psd2().set("ncaIdentifier", "QQ-BAFIN"), -121, &country("ncaIdentifier"));
    told(&psd2().set("ncaIdentifier", "AT-FMA"), -121, &country("ncaIdentifier"));
    told(&psd2().set("ncaIdentifier", "DE-BUBA"), -121, &format("ncaIdentifier"));
    // The old name of personalIdentifier: either, both if they say the same.
    let person = || complete(791, any_csr(), "n.example.com");
    let same = "PASDE-C01X00T47";
    told(
        &person().without("personalIdentifier").set("semanticsIdentifier", same),
        -15,
        "Not enough credit!",
    );
    told(&person().set("semanticsIdentifier", same), -15, "Not enough credit!");
    told(
        &person().set("semanticsIdentifier", "PASDE-1"),
        -4,
        "The value of the 'personalIdentifier' argument is invalid!",
    );
    // A product that knows no identifiers looks at none of them.
    let dv = dv().set("ncaIdentifier", "?").set("personalIdentifier", "TAX").set(organization, "x");
    told(&dv, -15, "Not enough credit!");
    nothing_stored(sandbox);
}

fn a_request_token_is_used_once(sandbox: &Sandbox) {
    let csr = Csr::new(&fresh_name("token"));
    let form = Form::order(488, &csr).set("uniqueValue", "Abc123");
    let first = sandbox.call(APPLY, &form);
    assert_eq!(first.get("uniqueValue"), "Abc123");
    let first = first.order_number();
    let before = sandbox.balance("webhost");
    // Whoever asks: tokens are unique in the whole house.
    // Proofs are compared in either case, so that the case of letters makes no other token.
    for (role, value) in [
        ("reseller", "Abc123"),
        ("webhost", "Abc123"),
        ("reseller", "aBC123"),
        ("webhost", "ABC123"),
    ] {
        let again = sandbox.apply(role, &form.clone().set("uniqueValue", value));
        again.refused(-55, "This Request Token is not unique!");
    }
    assert_eq!(sandbox.balance("webhost"), before);
    // Another value makes another token; none makes the house choose one.
    sandbox.call(APPLY, &form.clone().set("uniqueValue", "Abc124")).order_number();
    let chosen = sandbox.call(APPLY, &form.clone().without("uniqueValue"));
    chosen.order_number();
    let chosen = chosen.get("uniqueValue");
    assert_eq!(chosen.len(), 8, "{chosen}");
    assert!(chosen.bytes().all(|b| b.is_ascii_alphanumeric()), "{chosen}");
    let same = sandbox.call(APPLY, &form.set("uniqueValue", chosen));
    same.refused(-55, "This Request Token is not unique!");
    let sql = format!(
        "SELECT CAST(count(*) AS TEXT) FROM certificate_requests WHERE csr_sha256 = \
         (SELECT csr_sha256 FROM certificate_requests WHERE order_number = {first})"
    );
    assert_eq!(sandbox.value(&sql), "3");
}

pub fn close_primes() -> &'static Csr {
    static CSR: OnceLock<Csr> = OnceLock::new();
    CSR.get_or_init(|| {
        let p = prime(1_024);
        let q = next_prime(&(&p + 2_u8));
        rsa_request("close.example.com", &[&p, &q], 65_537)
    })
}

pub fn broken_signature() -> Csr {
    let mut der = any_csr().der.clone();
    *der.last_mut().expect("octets") ^= 1;
    Csr::from_der(der)
}

/// The sandboxes of these stories stay empty: said once more when the file's other tests are done with them.
#[test]
fn tables_are_read_as_meant() {
    assert_eq!(tlv(4, &[&[0; 200]])[..3], [4, 0x81, 200]);
    assert!(spec_rows(ERRORS).iter().any(|row| row[1].starts_with("\"TAX\" value")));
    nothing_stored(refusing(Database::Sqlite));
}
