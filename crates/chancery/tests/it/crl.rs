//! The URLs inside of certificates are alive, and a revocation is in the list within a minute.

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{advance, issued, look, place};
use crate::tools::{self, Folder, openssl, openssl_ok};
use crate::with_each;

on_both!(
    the_urls_of_a_certificate_are_alive,
    a_revocation_is_in_the_list_within_a_minute,
    reasons_are_told,
);

struct Held {
    number: String,
    leaf: Vec<u8>,
    chain: Vec<Vec<u8>>,
    crl: String,
    issuer: String,
}

fn held(sandbox: &Sandbox) -> Held {
    let name = fresh_name("crl");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let number = place(sandbox, &Form::order(488, &csr));
    let collected = sandbox.collect(&number);
    let leaf = tools::unbase64(collected.get("certificate"));
    let chain: Vec<Vec<u8>> =
        collected.all("caCertificate").into_iter().map(tools::unbase64).collect();
    let urls = tools::urls(&leaf);
    let find = |end: &str| urls.iter().find(|u| u.ends_with(end)).expect("a URL").clone();
    Held { number, crl: find(".crl"), issuer: find(".crt"), leaf, chain }
}

fn text_of(folder: &Folder, der: &[u8], issuer: &[u8]) -> String {
    let list = folder.write("list.crl", der);
    let ca = folder.write("ca.pem", tools::pem("CERTIFICATE", issuer));
    let text = openssl_ok(&["crl", "-inform", "DER", "-in", &list, "-CAfile", &ca, "-text"]);
    assert!(text.contains("verify OK"), "{text}");
    text
}

fn number_of(text: &str) -> u64 {
    let (_, rest) = text.split_once("X509v3 CRL Number:").expect("a number");
    let word = rest.split_whitespace().next().expect("a number");
    match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).expect("a number"),
        None => word.parse().expect("a number"),
    }
}

fn the_urls_of_a_certificate_are_alive(sandbox: &Sandbox) {
    let one = held(sandbox);
    for url in [&one.crl, &one.issuer] {
        assert!(url.starts_with("http://pki.example.org/"), "plain http, a public name: {url}");
    }
    assert_eq!(sandbox.fetch(&one.issuer).expect("the issuer"), one.chain[1]);
    let root = tools::urls(&one.chain[1]);
    let root_url = root.iter().find(|u| u.ends_with(".crt")).expect("a URL");
    assert_eq!(sandbox.fetch(root_url).expect("the root"), one.chain[0]);
    let folder = Folder::new();
    let list = sandbox.wait_for("a list", || sandbox.fetch(&one.crl));
    let text = text_of(&folder, &list, &one.chain[1]);
    assert!(text.contains(&one.crl), "the distribution point is in the list: {text}");
    let root_list = root.iter().find(|u| u.ends_with(".crl")).expect("a URL");
    let root_list = sandbox.wait_for("the root's list", || sandbox.fetch(root_list));
    text_of(&folder, &root_list, &one.chain[0]);
    // Any Host header; types; nothing else.
    let path = one.crl.strip_prefix("http://pki.example.org").expect("a path");
    let url = format!("{}{path}", sandbox.at("http"));
    for host in ["pki.example.org", "crl.example.com:8080", "localhost"] {
        let response = sandbox.http().get(&url).header("Host", host).send().expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/pkix-crl");
        assert_eq!(response.bytes().expect("bytes"), list);
    }
    let head = sandbox.http().head(&url).send().expect("an answer");
    assert_eq!(head.status(), 200);
    let post = sandbox.http().post(&url).send().expect("an answer");
    assert_eq!(post.status(), 405);
    for missing in ["/crl/none/0.crl", "/crl/", "/crt/none.crt", "/crl/../../etc/passwd"] {
        let url = format!("{}{missing}", sandbox.at("http"));
        assert_eq!(sandbox.http().get(url).send().expect("an answer").status(), 404, "{missing}");
    }
}

/// Whether `openssl` takes the certificate with its list.
fn checked(sandbox: &Sandbox, folder: &Folder, one: &Held) -> (bool, String) {
    let list = sandbox.fetch(&one.crl).expect("a list");
    let list = folder.write("list.pem", tools::pem("X509 CRL", &list));
    let leaf = folder.write("leaf.pem", tools::pem("CERTIFICATE", &one.leaf));
    let issuing = folder.write("issuing.pem", tools::pem("CERTIFICATE", &one.chain[1]));
    let roots = sandbox.at("roots");
    openssl(&[
        "verify",
        "-x509_strict",
        "-crl_check",
        "-extended_crl",
        "-CRLfile",
        &list,
        "-CAfile",
        &roots,
        "-untrusted",
        &issuing,
        &leaf,
    ])
}

fn a_revocation_is_in_the_list_within_a_minute(sandbox: &Sandbox) {
    let (gone, kept) = (held(sandbox), held(sandbox));
    let folder = Folder::new();
    let list = sandbox.wait_for("a list", || sandbox.fetch(&gone.crl));
    let before = number_of(&text_of(&folder, &list, &gone.chain[1]));
    for one in [&gone, &kept] {
        let (fine, said) = checked(sandbox, &folder, one);
        assert!(fine, "{said}");
    }
    sandbox.operator(&["order", "revoke", &gone.number, "--reason", "keyCompromise"]);
    look(sandbox, &gone.number).refused(-21, "The certificate has been revoked!");
    let serial = tools::serial(&gone.leaf);
    // wait_for gives up after 20 seconds.
    let text = sandbox.wait_for("the revocation", || {
        let list = sandbox.fetch(&gone.crl)?;
        let text = text_of(&folder, &list, &gone.chain[1]);
        text.contains(&serial).then_some(text)
    });
    assert!(number_of(&text) > before, "{text}");
    let (fine, said) = checked(sandbox, &folder, &gone);
    assert!(!fine && said.contains("revoked"), "{said}");
    let (fine, said) = checked(sandbox, &folder, &kept);
    assert!(fine, "{said}");
}

fn reasons_are_told(sandbox: &Sandbox) {
    let folder = Folder::new();
    let cases = [
        ("keyCompromise", "Key Compromise"),
        ("affiliationChanged", "Affiliation Changed"),
        ("superseded", "Superseded"),
        ("cessationOfOperation", "Cessation Of Operation"),
        ("privilegeWithdrawn", "Privilege Withdrawn"),
        ("unspecified", ""),
    ];
    let all: Vec<_> =
        cases.iter().map(|(reason, words)| (held(sandbox), *reason, *words)).collect();
    for (one, reason, _) in &all {
        let serial = tools::serial(&one.leaf);
        sandbox.operator(&["certificate", "revoke", &serial, "--reason", reason]);
    }
    for (one, reason, words) in &all {
        let serial = tools::serial(&one.leaf);
        let text = sandbox.wait_for(reason, || {
            let list = sandbox.fetch(&one.crl)?;
            let text = text_of(&folder, &list, &one.chain[1]);
            text.contains(&serial).then_some(text)
        });
        let (_, entry) = text.split_once(&serial).expect("an entry");
        let entry = entry.split("Serial Number").next().expect("text");
        let entry = entry.split("Signature Algorithm").next().expect("text");
        match *words {
            "" => assert!(!entry.contains("Reason Code"), "{reason}: {entry}"),
            words => assert!(entry.contains(words), "{reason}: {entry}"),
        }
    }
    // The linter finds no fault with lists that name certificates, each for one reason.
    let lists = Folder::new();
    let mut urls: Vec<&String> = all.iter().map(|(one, ..)| &one.crl).collect();
    urls.sort();
    urls.dedup();
    for (number, url) in urls.iter().enumerate() {
        lists.write(&format!("{number}.crl"), sandbox.fetch(url).expect("a list"));
    }
    let told = tools::pkilint(&lists.0);
    let told = told.as_object().expect("an object");
    assert_eq!(told.len(), urls.len());
    for (file, said) in told {
        let findings = said["findings"].as_array().expect("findings");
        let serious = findings.iter().any(|f| f[0] == "ERROR" || f[0] == "FATAL");
        assert!(!serious, "{file}: {said}");
    }
}

/// In a sandbox of its own, for the clock is turned.
fn renewed_on_schedule(database: store::Database) {
    let sandbox = Sandbox::start(database);
    let one = held(&sandbox);
    let folder = Folder::new();
    let root = tools::urls(&one.chain[1]);
    let root = root.iter().find(|u| u.ends_with(".crl")).expect("a URL");
    let now = |sandbox: &Sandbox| {
        sandbox.control_get("/clock")["now"].as_str().expect("a time").to_owned()
    };
    let (mut numbers, mut root_numbers) = (Vec::new(), Vec::new());
    for days in ["0d", "1d", "4d", "60d"] {
        advance(&sandbox, days);
        for (url, issuer) in [(&one.crl, &one.chain[1]), (root, &one.chain[0])] {
            let list = sandbox.wait_for("a list", || sandbox.fetch(url));
            let text = text_of(&folder, &list, issuer);
            let program = "import sys,datetime as d\n\
                t=d.datetime.strptime(sys.argv[1],'%b %d %H:%M:%S %Y %Z')\n\
                print(t.isoformat())";
            let at = |label: &str| {
                let (_, rest) = text.split_once(label).expect("a time");
                let line = rest.lines().next().expect("a line").trim();
                tools::python(program, &[line]).trim().to_owned()
            };
            let here = now(&sandbox);
            assert!(at("Last Update:").as_str() <= here.as_str(), "{here}: {text}");
            assert!(at("Next Update:").as_str() > here.as_str(), "{here}: {text}");
            let of_this = if url == &one.crl { &mut numbers } else { &mut root_numbers };
            of_this.push(number_of(&text));
        }
    }
    assert!(
        numbers.is_sorted() && numbers[1] > numbers[0] && numbers[3] > numbers[2],
        "{numbers:?}"
    );
    // Roots' lists are renewed monthly.
    assert!(root_numbers.is_sorted() && root_numbers[3] > root_numbers[0], "{root_numbers:?}");
    // An old certificate's revocation is named still.
    sandbox.operator(&["order", "revoke", &one.number, "--reason", "superseded"]);
    let serial = tools::serial(&one.leaf);
    sandbox.wait_for("the revocation", || {
        let list = sandbox.fetch(&one.crl)?;
        text_of(&folder, &list, &one.chain[1]).contains(&serial).then_some(())
    });
    // One that has ended leaves the list after the first that was made past its end (RFC 5280 3.3).
    let text = || {
        let list = sandbox.wait_for("a list", || sandbox.fetch(&one.crl));
        text_of(&folder, &list, &one.chain[1])
    };
    for (days, named) in [("250d", true), ("1d", false)] {
        let before = number_of(&text());
        advance(&sandbox, days);
        sandbox.wait_for("a new list", || (number_of(&text()) > before).then_some(()));
        assert_eq!(text().contains(&serial), named, "{days} later");
    }
    issued(&sandbox, &held(&sandbox).number, "business goes on");
}

with_each!(renewed_on_schedule);
