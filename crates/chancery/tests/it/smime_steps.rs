//! The steps of stories about S/MIME.

use serde_json::{Value, json};

use crate::dcv_mail::code;
use crate::kit::{Csr, Form, Key, Sandbox, fresh_name};
use crate::tools::{Folder, openssl_ok};

/// A mailbox that no other story uses.
pub fn fresh_mailbox(word: &str) -> String {
    format!("{word}@{}", fresh_name("mail"))
}

/// An order for a mailbox, without a CSR, answered as URL-encoded pairs.
pub fn order_for(product: i64, mailbox: &str) -> Form {
    Form::new(&[
        ("product", &product.to_string()),
        ("days", "365"),
        ("sanEmailAddress", mailbox),
        ("appRepEmailAddress", "rep@example.com"),
        ("isCustomerValidated", "N"),
        ("responseFormat", "1"),
    ])
}

/// The same of an organisation.
pub fn organization_order(mailbox: &str) -> Form {
    order_for(796, mailbox)
        .set("organizationName", "Example Widgets Ltd")
        .set("organizationIdentifier", "NTRGB-12345678")
        .set("localityName", "London")
        .set("countryName", "GB")
        .set("appRepForename", "Ada")
        .set("appRepSurname", "Example")
        .set("appRepTelephone", "+442079460000")
        .set("callbackMethod", "T")
}

/// A request on a fresh key, whose subject means nothing.
pub fn any_key() -> Csr {
    Csr::of(Key::P256, "anything", &[])
}

/// Places an order and gives its number.
#[track_caller]
pub fn place(sandbox: &Sandbox, form: &Form) -> String {
    sandbox.call("!AutoApplyOrder", form).order_number()
}

/// The newest mail of an order that asks its mailbox for confirmation, in whatever language: no other has a code.
pub fn verification(sandbox: &Sandbox, order: &str, mailbox: &str) -> Value {
    let subject = format!("ORDER #{order} - ");
    let asks = |m: &Value| {
        let of_order = m["subject"].as_str().is_some_and(|s| s.starts_with(&subject));
        of_order && m["codes"].as_array().is_some_and(|codes| !codes.is_empty())
    };
    sandbox.wait_for(&format!("a verification mail to {mailbox}"), || {
        sandbox.mailbox(mailbox).into_iter().find(asks)
    })
}

/// Posts the code of the verification mail to its page.
pub fn enter(sandbox: &Sandbox, order: &str, code: &str) -> String {
    let url = format!("{}/products/EnterSMIMECode", sandbox.at("api"));
    let form = [("orderNumber", order), ("code", code)];
    let page = sandbox.http().post(url).form(&form).send().expect("a page");
    assert_eq!(page.status(), 200);
    page.text().expect("text")
}

/// Proves the mailbox of an order by its mail.
#[track_caller]
pub fn prove(sandbox: &Sandbox, order: &str, mailbox: &str) {
    let page = enter(sandbox, order, &code(&verification(sandbox, order, mailbox)));
    assert!(page.contains(&format!("{mailbox} is confirmed")), "{page}");
}

/// Asks RequestAndCollectSMIME, by the reseller's login.
pub fn ask(sandbox: &Sandbox, order: &str, more: &[(&str, &str)]) -> String {
    let mut form = Form::new(&[("orderNumber", order)]);
    for (name, value) in more {
        form = form.set(name, value);
    }
    sandbox.post("download/RequestAndCollectSMIME", &form.login(sandbox, "reseller"))
}

/// Polls until the certificates are there: PEM, root first.
#[track_caller]
pub fn collected(sandbox: &Sandbox, order: &str) -> Vec<String> {
    let text = sandbox.wait_for(&format!("S/MIME order {order}"), || {
        let text = ask(sandbox, order, &[("queryType", "1")]);
        (text != "0\n").then_some(text)
    });
    let pem = text.strip_prefix("2\n").unwrap_or_else(|| panic!("{text}"));
    certificates(pem)
}

/// Settles all that people look at of an organisation's order.
pub fn settle_organization(sandbox: &Sandbox, order: &str) {
    settle(sandbox, order, &["organization", "call_back", "applicant_representative", "agreement"]);
}

/// Settles checks of an order.
pub fn settle(sandbox: &Sandbox, order: &str, checks: &[&str]) {
    let number: i64 = order.parse().expect("a number");
    for check in checks {
        let body = json!({ "orderNumber": number, "check": check, "result": "pass" });
        sandbox.control("/settle", &body);
    }
}

/// The blocks of a PEM text.
pub fn certificates(pem: &str) -> Vec<String> {
    let blocks = pem.split_inclusive("-----END CERTIFICATE-----\n");
    blocks
        .map(str::to_owned)
        .filter(|block| block.starts_with("-----BEGIN CERTIFICATE-----"))
        .collect()
}

/// The mail of a kind, newest first, by a part of its subject.
pub fn mail_about(sandbox: &Sandbox, to: &str, words: &str) -> Value {
    let about = |m: &Value| m["subject"].as_str().is_some_and(|s| s.contains(words));
    sandbox.wait_for(&format!("a mail '{words}' to {to}"), || {
        sandbox.mailbox(to).into_iter().find(about)
    })
}

/// The public key of a certificate, in PEM.
pub fn key_of(leaf: &str) -> String {
    let folder = Folder::new();
    let file = folder.write("leaf.pem", leaf);
    openssl_ok(&["x509", "-in", &file, "-noout", "-pubkey"])
}

/// A template of the reseller's, and its ID.
pub fn template(sandbox: &Sandbox, kind: &str, subject: &str, text: &str) -> String {
    let folder = Folder::new();
    let file = folder.write("mail.txt", format!("{text}\n"));
    let login = sandbox.login("reseller")[0].1.clone();
    let add = ["template", "add", "--account", &login, "--kind", kind, "--subject", subject];
    let made = sandbox.operator(&[&add[..], &["--text", &file]].concat());
    made["template"].to_string()
}

impl Sandbox {
    /// What an order keeps of a parameter; empty if nothing.
    pub fn parameter(&self, order: &str, name: &str) -> String {
        let kept = self.order_column(order, "parameters");
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        kept[name].as_str().unwrap_or_default().to_owned()
    }
}
