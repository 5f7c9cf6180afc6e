//! RequestAndCollectSMIME and CollectSMIME: each form of a certificate, read back by openssl; the certificate at work; codes in
//! place of a login.

use std::collections::BTreeSet;

use crate::kit::{Csr, Form, Key, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    any_key, certificates, collected, fresh_mailbox, order_for, place, prove,
};
use crate::tools::{self, Folder, openssl, openssl_ok};

on_both!(
    every_form_holds_the_same,
    combinations_that_are_not_allowed,
    the_certificate_signs_and_encrypts,
    a_code_in_place_of_a_login,
    mime_types,
    dates,
);

struct Issued {
    order: String,
    code: String,
    mailbox: String,
    key: rcgen::KeyPair,
    /// PEM: root, issuing CA, certificate.
    chain: Vec<String>,
}

fn issued(sandbox: &Sandbox, product: i64, key: Key) -> Issued {
    let mailbox = fresh_mailbox("forms");
    let key = key.pair();
    let csr = Csr::signed_with(&key, "anything", &[]);
    let form = order_for(product, &mailbox).set("csr", &csr.pem).set("showCollectionCode", "Y");
    let answer = sandbox.call("!AutoApplyOrder", &form);
    let (order, code) = (answer.order_number(), answer.get("collectionCode").to_owned());
    prove(sandbox, &order, &mailbox);
    let chain = collected(sandbox, &order);
    Issued { order, code, mailbox, key, chain }
}

/// Asks for what was collected, and gives MIME type and bytes.
fn answered(sandbox: &Sandbox, path: &str, form: &Form) -> (String, Vec<u8>) {
    let url = format!("{}/products/{path}", sandbox.at("api"));
    let response = sandbox.http().post(url).form(&form.0).send().expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let media = response.headers()["content-type"].to_str().expect("text").to_owned();
    (media, response.bytes().expect("bytes").to_vec())
}

fn by_login(sandbox: &Sandbox, order: &str, more: &[(&str, &str)]) -> Form {
    let form = Form::new(&[("orderNumber", order)]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    form.login(sandbox, "reseller")
}

fn text(sandbox: &Sandbox, order: &str, more: &[(&str, &str)]) -> String {
    let form = by_login(sandbox, order, more);
    let (media, bytes) = answered(sandbox, "download/RequestAndCollectSMIME", &form);
    assert_eq!(media, "text/plain; charset=utf-8");
    String::from_utf8(bytes).expect("text")
}

fn every_form_holds_the_same(sandbox: &Sandbox) {
    let order = issued(sandbox, 794, Key::Rsa2048);
    let [root, issuing, leaf] = [0, 1, 2].map(|at| order.chain[at].clone());
    let everything: BTreeSet<String> = order.chain.iter().cloned().collect();
    assert_eq!(everything.len(), 3);
    for (query, expected) in [
        ("1", format!("2\n{root}{issuing}{leaf}")),
        ("2", format!("2\n{leaf}")),
        ("3", format!("2\n{root}{issuing}")),
        ("0", "1\n".to_owned()),
    ] {
        assert_eq!(text(sandbox, &order.order, &[("queryType", query)]), expected);
        let three = [("queryType", query), ("responseType", "3"), ("responseEncoding", "0")];
        assert_eq!(text(sandbox, &order.order, &three), expected);
        let form = by_login(sandbox, &order.order, &[("queryType", query)]);
        let (_, bytes) = answered(sandbox, "download/CollectSMIME", &form);
        assert_eq!(String::from_utf8(bytes).expect("text"), expected);
    }
    let folder = Folder::new();
    for (kind, label, command) in
        [("1", "CERTIFICATE", &["nseq"][..]), ("2", "PKCS7", &["pkcs7", "-print_certs"])]
    {
        let whole = text(sandbox, &order.order, &[("queryType", "1"), ("responseType", kind)]);
        let base64 = whole.strip_prefix("2\n").expect("attached").replace('\n', "");
        let file = folder.write("in.pem", tools::pem(label, &tools::unbase64(&base64)));
        let read = openssl_ok(&[command, &["-in", &file]].concat());
        let found: BTreeSet<String> = read
            .split_inclusive("-----END CERTIFICATE-----\n")
            .filter_map(|block| block.find("-----BEGIN").map(|at| block[at..].to_owned()))
            .collect();
        assert_eq!(found, everything, "{kind}");
    }
    // CMMF is read by NSS in a test of its own; here it is whole, and holds each certificate.
    let cmmf = text(sandbox, &order.order, &[("queryType", "1"), ("responseType", "4")]);
    let cmmf = cmmf.strip_prefix("2\n").expect("attached").replace('\n', "");
    let file = folder.write("cmmf.der", tools::unbase64(&cmmf));
    let parsed = openssl_ok(&["asn1parse", "-inform", "DER", "-in", &file]);
    assert_eq!(parsed.matches("X509v3 Authority Key Identifier").count(), 3, "{parsed}");

    let binary = [("queryType", "1"), ("responseType", "2"), ("responseEncoding", "1")];
    let form = by_login(sandbox, &order.order, &binary);
    let (media, bytes) = answered(sandbox, "download/RequestAndCollectSMIME", &form);
    assert_eq!(media, "application/pkcs7-mime");
    let file = folder.write("in.p7", bytes);
    let read = openssl_ok(&["pkcs7", "-inform", "DER", "-print_certs", "-in", &file]);
    assert_eq!(read.matches("-----BEGIN CERTIFICATE-----").count(), 3);

    let script = |more: &[(&str, &str)]| {
        let more = [&[("responseEncoding", "2")], more].concat();
        let form = by_login(sandbox, &order.order, &more);
        let (media, bytes) = answered(sandbox, "download/RequestAndCollectSMIME", &form);
        assert_eq!(media, "text/javascript; charset=utf-8");
        String::from_utf8(bytes).expect("text")
    };
    let individual = script(&[("queryType", "2")]);
    let leaf_literal = leaf.replace('\n', "\\n");
    assert_eq!(individual, format!("var g_errorCode=2;\nvar g_ccc=\"{leaf_literal}\";\n"));
    let whole = script(&[("queryType", "1"), ("responseType", "4")]);
    assert_eq!(whole, format!("var g_errorCode=2;\nvar g_ccc=\"{cmmf}\";\n"));
    assert_eq!(script(&[("queryType", "0")]), "var g_errorCode=1;\n");
}

fn combinations_that_are_not_allowed(sandbox: &Sandbox) {
    let order = place(sandbox, &order_for(794, &fresh_mailbox("odd")));
    type Asked<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Asked<'_>, &str)] = &[
        (&[("queryType", "4")], "queryType"),
        (&[("queryType", "x")], "queryType"),
        (&[("queryType", "0"), ("responseType", "1")], "responseType"),
        (&[("queryType", "2"), ("responseType", "2")], "responseType"),
        (&[("queryType", "3"), ("responseType", "4")], "responseType"),
        (&[("queryType", "1"), ("responseType", "0")], "responseType"),
        (&[("queryType", "1"), ("responseType", "5")], "responseType"),
        (&[("queryType", "1"), ("responseEncoding", "1")], "responseEncoding"),
        (
            &[("queryType", "1"), ("responseType", "1"), ("responseEncoding", "1")],
            "responseEncoding",
        ),
        (
            &[("queryType", "1"), ("responseType", "4"), ("responseEncoding", "1")],
            "responseEncoding",
        ),
        (&[("queryType", "0"), ("responseEncoding", "1")], "responseEncoding"),
        (&[("queryType", "1"), ("responseEncoding", "3")], "responseEncoding"),
        (&[("queryType", "1"), ("returnCertificate", "maybe")], "returnCertificate"),
        (&[("queryType", "1"), ("showValidityPeriod", "yes")], "showValidityPeriod"),
        (&[("queryType", "1"), ("collectionCode", "seventeen letters")], "collectionCode"),
    ];
    for (asked, named) in cases {
        let told = text(sandbox, &order, asked);
        assert_eq!(
            told,
            format!("-4\nThe value of the '{named}' argument is invalid!\n"),
            "{asked:?}"
        );
    }
    // An error of a script is a script.
    let form = by_login(sandbox, "99999999", &[("queryType", "0"), ("responseEncoding", "2")]);
    let (media, bytes) = answered(sandbox, "download/RequestAndCollectSMIME", &form);
    assert_eq!(media, "text/javascript; charset=utf-8");
    assert_eq!(
        String::from_utf8(bytes).expect("text"),
        "var g_errorCode=-4;\nvar g_errorMessage=\"The value of the \\u0027orderNumber\\u0027 argument is invalid!\";\n"
    );
    // "Not ready" is a line, even where octets were asked for.
    let mailbox = fresh_mailbox("waits");
    let order = place(sandbox, &order_for(794, &mailbox));
    prove(sandbox, &order, &mailbox);
    let binary = [("queryType", "1"), ("responseType", "2"), ("responseEncoding", "1")];
    assert_eq!(text(sandbox, &order, &binary), "0\n");
}

/// What mail programs do with it, done by openssl, which knows nothing of us but the root.
fn the_certificate_signs_and_encrypts(sandbox: &Sandbox) {
    for (product, key) in [(794, Key::Rsa2048), (795, Key::P256), (795, Key::P384)] {
        let order = issued(sandbox, product, key);
        let folder = Folder::new();
        let [root, issuing, leaf] =
            [0, 1, 2].map(|at| folder.write(&format!("{at}.pem"), &order.chain[at]));
        let key = folder.write("key.pem", order.key.serialize_pem());
        let path = |name: &str| folder.0.join(name).display().to_string();
        let mail = folder.write("mail.txt", "Subject: hello\r\n\r\nA few words.\r\n");
        openssl_ok(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "smimesign",
            "-CAfile",
            &root,
            "-untrusted",
            &issuing,
            &leaf,
        ]);
        // For elliptic curves openssl asks for key encipherment, which such keys cannot do.
        if product == 794 {
            openssl_ok(&[
                "verify",
                "-purpose",
                "smimeencrypt",
                "-CAfile",
                &root,
                "-untrusted",
                &issuing,
                &leaf,
            ]);
        }
        let (tls, _) = openssl(&[
            "verify",
            "-purpose",
            "sslserver",
            "-CAfile",
            &root,
            "-untrusted",
            &issuing,
            &leaf,
        ]);
        assert!(!tls, "never a server's");
        openssl_ok(&[
            "cms",
            "-sign",
            "-in",
            &mail,
            "-signer",
            &leaf,
            "-inkey",
            &key,
            "-certfile",
            &issuing,
            "-out",
            &path("signed.eml"),
        ]);
        openssl_ok(&[
            "cms",
            "-verify",
            "-in",
            &path("signed.eml"),
            "-CAfile",
            &root,
            "-out",
            &path("read.txt"),
        ]);
        openssl_ok(&[
            "cms",
            "-encrypt",
            "-aes256",
            "-in",
            &mail,
            "-out",
            &path("sealed.eml"),
            &leaf,
        ]);
        openssl_ok(&[
            "cms",
            "-decrypt",
            "-in",
            &path("sealed.eml"),
            "-recip",
            &leaf,
            "-inkey",
            &key,
            "-out",
            &path("opened.txt"),
        ]);
        let opened = std::fs::read_to_string(path("opened.txt")).expect("a file");
        assert!(opened.contains("A few words."), "{opened}");
        let shown = openssl_ok(&["x509", "-in", &leaf, "-noout", "-text"]);
        assert!(shown.contains(&format!("email:{}", order.mailbox)), "{shown}");
        assert!(
            shown.contains("E-mail Protection") && !shown.contains("TLS Web Server"),
            "{shown}"
        );
        assert_eq!(shown.contains("TLS Web Client"), product == 794, "{shown}");
        let encipherment = if key_is_rsa(&shown) { "Key Encipherment" } else { "Key Agreement" };
        assert!(shown.contains(&format!("Digital Signature, {encipherment}\n")), "{shown}");
    }
}

fn key_is_rsa(shown: &str) -> bool {
    shown.contains("Public Key Algorithm: rsaEncryption")
}

fn a_code_in_place_of_a_login(sandbox: &Sandbox) {
    let order = issued(sandbox, 795, Key::P256);
    let other = issued(sandbox, 795, Key::P256);
    let post = |form: &Form| sandbox.post("download/RequestAndCollectSMIME", form);
    let by_code = |code: &str| Form::new(&[("collectionCode", code), ("queryType", "2")]);
    let expected = format!("2\n{}", order.chain[2]);
    assert_eq!(post(&by_code(&order.code)), expected);
    assert_eq!(post(&by_code(&order.code).set("orderNumber", &order.order)), expected);
    let wrong = "-4\nThe value of the 'collectionCode' argument is invalid!\n";
    assert_eq!(post(&by_code(&order.code).set("orderNumber", &other.order)), wrong);
    assert_eq!(post(&by_code(&other.code.to_lowercase()).set("orderNumber", "1")), wrong);
    assert_eq!(post(&by_code("AAAAAAAAAAAAAAAA")), wrong);
    assert_eq!(post(&by_code(&order.code[..15])), wrong);
    // With a login both have to mean the same order.
    let both = |code: &str, number: &str| {
        by_code(code).set("orderNumber", number).login(sandbox, "reseller")
    };
    assert_eq!(post(&both(&order.code, &order.order)), expected);
    assert_eq!(post(&both(&other.code, &order.order)), wrong);
    assert_eq!(post(&by_code(&order.code).login(sandbox, "reseller")), expected);
    assert_eq!(post(&by_code(&order.code).login(sandbox, "webhost")), wrong, "another account's");
    // Half a login is none, and the code does not make up for it.
    let half = by_code(&order.code).set("loginName", "reseller");
    assert_eq!(post(&half), "-3\nThe 'loginPassword' argument is missing!\n");
    // Whoever shows no right code learns nothing else.
    let odd = by_code("AAAAAAAAAAAAAAAA").set("queryType", "9");
    assert_eq!(post(&odd), wrong);
}

fn mime_types(sandbox: &Sandbox) {
    let order = issued(sandbox, 795, Key::P256);
    let ask = |more: &[(&str, &str)]| {
        let form = by_login(sandbox, &order.order, more);
        answered(sandbox, "download/RequestAndCollectSMIME", &form)
    };
    let asked = "application/x-x509-user-cert";
    for (more, expected) in [
        (&[("queryType", "1"), ("responseType", "1")][..], asked),
        (&[("queryType", "2")], asked),
        (&[("queryType", "0")], asked),
        (&[("queryType", "1"), ("responseType", "2"), ("responseEncoding", "1")], asked),
        (&[("queryType", "2"), ("responseEncoding", "2")], asked),
    ] {
        let more = [more, &[("responseMimeType", asked)]].concat();
        assert_eq!(ask(&more).0, expected, "{more:?}");
    }
    for bad in [
        "text/html",
        "TEXT/HTML",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "multipart/mixed",
        "text",
        "text/",
        "/plain",
        "text/plain; charset=utf-8",
        "text/plain\r\nSet-Cookie: a=b",
        "text/pl\u{e4}in",
        &format!("a/{}", "b".repeat(254)),
    ] {
        let told = ask(&[("queryType", "2"), ("responseMimeType", bad)]);
        let expected = "-4\nThe value of the 'responseMimeType' argument is invalid!\n";
        assert_eq!(
            (told.0.as_str(), told.1),
            ("text/plain; charset=utf-8", expected.into()),
            "{bad}"
        );
    }
    // Of what is not ready the type is that of text.
    let mailbox = fresh_mailbox("type");
    let waiting = place(sandbox, &order_for(794, &mailbox));
    prove(sandbox, &waiting, &mailbox);
    let form = by_login(sandbox, &waiting, &[("queryType", "1"), ("responseMimeType", asked)]);
    let told = answered(sandbox, "download/RequestAndCollectSMIME", &form);
    assert_eq!((told.0.as_str(), told.1.as_slice()), ("text/plain; charset=utf-8", &b"0\n"[..]));
}

/// From 00:00:00 of the day, and to 23:59:59 of the last day of the term (D144).
fn dates(sandbox: &Sandbox) {
    for (days, product) in [("365", 794), ("730", 795)] {
        let mailbox = fresh_mailbox("dates");
        let form = order_for(product, &mailbox).set("csr", &any_key().pem).set("days", days);
        let order = place(sandbox, &form);
        prove(sandbox, &order, &mailbox);
        let leaf = collected(sandbox, &order).pop().expect("a certificate");
        let shown = text(sandbox, &order, &[("queryType", "2"), ("showValidityPeriod", "Y")]);
        let line = shown.lines().nth(1).expect("a second line");
        let folder = Folder::new();
        let file = folder.write("leaf.pem", certificates(&leaf).concat());
        let program = "import sys,datetime as d\n\
            a,b=[d.datetime.strptime(x.split('=')[1].strip(),'%b %d %H:%M:%S %Y GMT') for x in sys.argv[1:3]]\n\
            print(a.strftime('%d/%m/%Y'), b.strftime('%d/%m/%Y'), a.time(), b.time(), (b.date()-a.date()).days+1)";
        let dates = openssl_ok(&["x509", "-in", &file, "-noout", "-dates"]);
        let mut lines = dates.lines();
        let (from, to) = (lines.next().expect("from"), lines.next().expect("to"));
        let read = tools::python(program, &[from, to]);
        assert_eq!(read.trim(), format!("{line} 00:00:00 23:59:59 {days}"));
    }
}
