//! Domain control by mail: the mail, its pages, what settles and what does not, and how often it goes out.

use serde_json::{Value, json};

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look, order_by, place, settled, waits};

on_both!(
    the_mail_and_its_pages,
    a_code_goes_to_the_address_that_stands_for_the_domain,
    programs_post_with_the_values_in_the_query,
    a_wrong_code_settles_nothing,
    codes_cannot_be_tried_without_end,
    the_receiver_may_decline,
    the_receiver_may_decline_until_it_is_issued,
    pages_are_for_https_alone,
    another_text_has_another_code,
    what_is_proven_is_mailed_about_no_more,
    mails_are_sent_again,
    nobody_is_mailed_without_end,
);

pub const RIGHT: &str = "You have entered the correct Domain Control Validation code";
const ISSUED: &str = "the certificate has already been issued";
const WRONG: &str = "Invalid Validation Code!";

/// The one sentence of three that a page holds.
#[track_caller]
pub fn sentence(html: &str) -> &'static str {
    let found: Vec<_> = [RIGHT, ISSUED, WRONG].into_iter().filter(|s| html.contains(s)).collect();
    assert_eq!(found.len(), 1, "{html}");
    found[0]
}

pub fn order(sandbox: &Sandbox, name: &str, address: &str) -> String {
    let csr = Csr::new(name);
    place(sandbox, &order_by("EMAIL", &csr).set("dcvEmailAddress", address))
}

/// An order of several names, each with an address or a token.
pub fn several(names: &[&str], ways: &[&str]) -> Form {
    Form::order(279, &Csr::new(""))
        .without("dcvMethod")
        .set("domainNames", &names.join(","))
        .set("dcvEmailAddresses", &ways.join(","))
}

/// The newest mail to an address, once there are so many.
pub fn mail(sandbox: &Sandbox, to: &str, count: usize) -> Value {
    sandbox.wait_for(&format!("mail {count} to {to}"), || {
        let mails = sandbox.mailbox(to);
        (mails.len() >= count).then(|| mails[0].clone())
    })
}

pub fn code(mail: &Value) -> String {
    let codes = mail["codes"].as_array().expect("codes");
    assert_eq!(codes.len(), 1, "{mail}");
    codes[0].as_str().expect("a code").to_owned()
}

pub fn enter(sandbox: &Sandbox, order: &str, code: &str) -> String {
    let url = format!("{}/products/EnterDCVCode2", sandbox.at("api"));
    let form = [("orderNumber", order), ("dcvCode", code)];
    let page = sandbox.http().post(url).form(&form).send().expect("a page");
    assert_eq!(page.status(), 200);
    page.text().expect("text")
}

fn the_mail_and_its_pages(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("hostmaster@{name}");
    let order = order(sandbox, &name, &address);
    let mail = mail(sandbox, &address, 1);
    let subject = format!("ORDER #{order} - Domain Control Validation for {name}");
    assert_eq!(mail["subject"], subject.as_str());
    let code = code(&mail);
    assert!(code.len() >= 20, "112 bits: {code}");
    assert!(mail["text"].as_str().expect("text").contains(&name));
    assert!(mail["html"].as_str().expect("HTML").contains(&code));
    // Links are opened by scanners: a GET settles nothing.
    let links: Vec<&str> =
        mail["links"].as_array().expect("links").iter().filter_map(Value::as_str).collect();
    let link = |what: &str| links.iter().find(|l| l.contains(what)).copied().expect("a link");
    for what in ["EnterDCVCode", "RejectDCVCode"] {
        let page = sandbox.http().get(link(what)).send().expect("a page");
        assert_eq!(page.status(), 200, "{what}");
        let html = page.text().expect("text");
        assert!(html.contains("<form") && html.contains("post"), "{html}");
        assert!(![RIGHT, ISSUED, WRONG].iter().any(|s| html.contains(s)), "{html}");
    }
    for path in ["EnterDCVCode2", "RejectDCVCode", "EnterDCVCode"] {
        let url =
            format!("{}/products/{path}?orderNumber={order}&dcvCode={code}", sandbox.at("api"));
        sandbox.http().get(url).send().expect("a page");
    }
    settled(sandbox);
    waits(sandbox, &order, "only looked at");
    assert_eq!(sentence(&enter(sandbox, &order, &code)), RIGHT);
    issued(sandbox, &order, "code entered");
    assert_eq!(sentence(&enter(sandbox, &order, &code)), ISSUED);
    let details = Form::new(&[("orderNumber", &order)]);
    let details = sandbox.call("!GetMDCDomainDetails", &details);
    assert_eq!(details.get("1_dcvMethod"), "EMAIL");
    assert_eq!(details.get("1_dcvStatus"), "Validated");
}

/// validationEmailAddress changes nothing about who may show control of a domain.
fn a_code_goes_to_the_address_that_stands_for_the_domain(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let (address, customer) = (format!("admin@{name}"), format!("customer@{name}"));
    let form = order_by("EMAIL", &Csr::new(&name)).set("dcvEmailAddress", &address);
    let order = place(sandbox, &form.set("validationEmailAddress", &customer));
    let first = code(&mail(sandbox, &address, 1));
    let again = Form::new(&[("orderNumber", &order)]);
    assert_eq!(sandbox.call("!ResendDCVEmail", &again).raw, "errorCode=0");
    assert_eq!(code(&mail(sandbox, &address, 2)), first);
    settled(sandbox);
    let all = sandbox.control_get("/mailbox");
    let to = |mail: &Value| mail["to"].to_string().contains(&address);
    let about = |mail: &&Value| mail["subject"].to_string().contains(&format!("ORDER #{order} "));
    let mails: Vec<&Value> = all.as_array().expect("mails").iter().filter(about).collect();
    assert!(mails.len() == 2 && mails.iter().all(|mail| to(mail)), "{mails:?}");
    assert!(sandbox.mailbox(&customer).is_empty());
}

fn programs_post_with_the_values_in_the_query(sandbox: &Sandbox) {
    for path in ["EnterDCVCode2", "EnterDCVCode", "enterdcvcode2"] {
        let name = fresh_name("mail");
        let address = format!("webmaster@{name}");
        let order = order(sandbox, &name, &address);
        let code = code(&mail(sandbox, &address, 1));
        let url =
            format!("{}/products/{path}?orderNumber={order}&dcvCode={code}", sandbox.at("api"));
        let page = sandbox.http().post(url).send().expect("a page");
        assert_eq!(sentence(&page.text().expect("text")), RIGHT, "{path}");
        issued(sandbox, &order, path);
    }
}

fn a_wrong_code_settles_nothing(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("admin@{name}");
    let first = order(sandbox, &name, &address);
    let right = code(&mail(sandbox, &address, 1));
    let other = fresh_name("mail");
    let second = order(sandbox, &other, &format!("admin@{other}"));
    let theirs = code(&mail(sandbox, &format!("admin@{other}"), 1));
    let cases = [
        (first.as_str(), theirs.as_str()),
        (second.as_str(), right.as_str()),
        (first.as_str(), &right[1..]),
        (first.as_str(), ""),
        (first.as_str(), "' or 1=1 --"),
        ("99999999", right.as_str()),
        ("", right.as_str()),
        ("x", right.as_str()),
    ];
    for (order, code) in cases {
        assert_eq!(sentence(&enter(sandbox, order, code)), WRONG, "{order} {code}");
    }
    let url = format!("{}/products/RejectDCVCode", sandbox.at("api"));
    let form = [("orderNumber", first.as_str()), ("dcvCode", theirs.as_str())];
    let page = sandbox.http().post(url).form(&form).send().expect("a page");
    assert_eq!(sentence(&page.text().expect("text")), WRONG);
    settled(sandbox);
    for order in [&first, &second] {
        waits(sandbox, order, "wrong codes");
    }
    assert_eq!(sentence(&enter(sandbox, &first, &right)), RIGHT);
    assert_eq!(sentence(&enter(sandbox, &second, &theirs)), RIGHT);
}

/// Declined: the order is rejected, and its number may be asked for in vain.
fn codes_cannot_be_tried_without_end(sandbox: &Sandbox) {
    let name = fresh_name("tries");
    let address = format!("admin@{name}");
    let (tried, other) = (order(sandbox, &name, &address), order(sandbox, &name, &address));
    let post = |page: &str, order: &str| {
        let url = format!("{}/products/{page}", sandbox.at("api"));
        let form = [("orderNumber", order), ("dcvCode", "not the code")];
        sandbox.http().post(url).form(&form).send().expect("a page")
    };
    let codes: Vec<u16> =
        (0..80).map(|_| post("EnterDCVCode2", &tried).status().as_u16()).collect();
    // Others come free again by and by.
    assert!(codes[..30].iter().all(|code| *code == 200), "{codes:?}");
    assert!(codes[30..].contains(&429), "{codes:?}");
    let blocked = (0..80).map(|_| post("RejectDCVCode", &tried)).find(|page| page.status() == 429);
    let page = blocked.expect("a page").text().expect("text");
    assert!(page.contains("Too many attempts"), "{page}");
    assert_eq!(sentence(&enter(sandbox, &other, "not the code")), WRONG);
}

fn the_receiver_may_decline(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("postmaster@{name}");
    let order = order(sandbox, &name, &address);
    let mail = mail(sandbox, &address, 1);
    let code = code(&mail);
    let url = format!("{}/products/RejectDCVCode", sandbox.at("api"));
    let form = [("orderNumber", order.as_str()), ("dcvCode", code.as_str())];
    let wrong = decline(sandbox, &order, "another");
    assert!(wrong.contains(&format!("/products/RejectDCVCode?orderNumber={order}")), "{wrong}");
    assert!(!wrong.contains("EnterDCVCode"), "no way to what was not wanted: {wrong}");
    let page = sandbox.http().post(url).form(&form).send().expect("a page");
    assert_eq!(page.status(), 200);
    let html = page.text().expect("text");
    assert!(![RIGHT, ISSUED, WRONG].iter().any(|s| html.contains(s)), "{html}");
    look(sandbox, &order).refused(-20, "The certificate request has been rejected!");
    // What was paid is given back, once.
    let ledger = format!(
        "SELECT kind, CAST(amount AS TEXT) FROM ledger WHERE order_number = {order} ORDER BY id"
    );
    let lines = [["debit", "-7900"], ["refund", "7900"]];
    assert_eq!(sandbox.rows(&ledger), lines);
    let again = sandbox.http().post(format!("{}/products/RejectDCVCode", sandbox.at("api")));
    again.form(&form).send().expect("a page");
    assert_eq!(sandbox.rows(&ledger), lines);
    let over = enter(sandbox, &order, &code);
    assert_eq!(sentence(&over), WRONG);
    assert!(over.contains("This order is over"), "{over}");
    let again = Form::new(&[("orderNumber", &order), ("newMethod", "HTTP_CSR_HASH")]);
    let again = sandbox.call("!AutoUpdateDCV", &again);
    assert_eq!(again.get("errorCode"), "-4", "{}", again.raw);
}

fn decline(sandbox: &Sandbox, order: &str, code: &str) -> String {
    let url = format!("{}/products/RejectDCVCode", sandbox.at("api"));
    let form = [("orderNumber", order), ("dcvCode", code)];
    sandbox.http().post(url).form(&form).send().expect("a page").text().expect("text")
}

/// CAA holds the certificate back: it can still be declined, and not any more when it is there.
fn the_receiver_may_decline_until_it_is_issued(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("admin@{name}");
    let policies = json!([{ "tag": "issue", "value": "ca.example.net" }]);
    sandbox.control("/add-caa", &json!({ "host": name, "policies": policies }));
    let held = order(sandbox, &name, &address);
    let code_of_held = code(&mail(sandbox, &address, 1));
    assert_eq!(sentence(&enter(sandbox, &held, &code_of_held)), RIGHT);
    settled(sandbox);
    let state = format!("SELECT state FROM certificate_requests WHERE order_number = {held}");
    assert_eq!(sandbox.value(&state), "ready");
    let html = decline(sandbox, &held, &code_of_held);
    assert!(![RIGHT, ISSUED, WRONG].iter().any(|s| html.contains(s)), "{html}");
    look(sandbox, &held).refused(-20, "The certificate request has been rejected!");
    assert_eq!(sentence(&decline(sandbox, &held, &code_of_held)), WRONG, "it is over");

    let name = fresh_name("mail");
    let address = format!("admin@{name}");
    let order = order(sandbox, &name, &address);
    let code = code(&mail(sandbox, &address, 1));
    assert_eq!(sentence(&enter(sandbox, &order, &code)), RIGHT);
    issued(sandbox, &order, "code entered");
    let late = decline(sandbox, &order, &code);
    assert_eq!(sentence(&late), ISSUED);
    assert!(late.contains("revocation"), "{late}");
    assert_eq!(sentence(&decline(sandbox, &order, "another")), WRONG);
}

fn pages_are_for_https_alone(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("admin@{name}");
    let order = order(sandbox, &name, &address);
    let code = code(&mail(sandbox, &address, 1));
    let never = reqwest::redirect::Policy::none();
    let client = reqwest::blocking::Client::builder().no_proxy().redirect(never);
    let client = client.build().expect("a client");
    for page in ["EnterDCVCode", "EnterDCVCode2", "RejectDCVCode"] {
        let path = format!("/products/{page}?orderNumber={order}&dcvCode={code}");
        let url = format!("{}{path}", sandbox.at("http"));
        let told = client.get(&url).send().expect("an answer");
        assert_eq!(told.status(), 308, "{page}");
        let place = told.headers()["location"].to_str().expect("text").to_owned();
        assert!(place.starts_with("https://") && place.ends_with(&path), "{place}");
        assert_eq!(client.post(&url).send().expect("an answer").status(), 403, "{page}");
    }
    settled(sandbox);
    waits(sandbox, &order, "neither confirmed nor declined");
    let css = format!("{}/static/chancery.css", sandbox.at("api"));
    let css = sandbox.http().get(css).send().expect("a stylesheet");
    assert_eq!(css.headers()["x-content-type-options"], "nosniff");
    let up = format!("{}/healthz", sandbox.at("http"));
    assert_eq!(client.get(up).send().expect("an answer").status(), 200, "for who watches");
    assert_eq!(sentence(&enter(sandbox, &order, &code)), RIGHT);
}

/// A template of the reseller's.
fn template(sandbox: &Sandbox) -> String {
    let folder = crate::tools::Folder::new();
    let file = folder.write("dcv.txt", "Confirm it: {{ link }}\n{{ code }}\n");
    let login = sandbox.login("reseller")[0].1.clone();
    let add = ["template", "add", "--account", &login, "--kind", "dcv", "--subject", "Confirm"];
    sandbox.operator(&[&add[..], &["--text", &file]].concat())["template"].to_string()
}

/// A code is kept while neither recipient nor content changes.
fn another_text_has_another_code(sandbox: &Sandbox) {
    let name = fresh_name("mail");
    let address = format!("admin@{name}");
    let order = order(sandbox, &name, &address);
    let mine = template(sandbox);
    let call = |endpoint: &str, more: &[(&str, &str)]| {
        let form = Form::new(&[("orderNumber", order.as_str())]);
        let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
        assert_eq!(sandbox.call(endpoint, &form).raw, "errorCode=0");
    };
    let random = format!(
        "SELECT n.random_value FROM request_names n JOIN certificate_requests r \
         ON r.certificate_id = n.certificate_id WHERE r.order_number = {order} AND n.position = 0"
    );
    let mut seen = vec![code(&mail(sandbox, &address, 1))];
    let by_mine = ("dcvTemplateID", mine.as_str());
    let update = [("newMethod", "EMAIL"), ("newDCVEmailAddress", address.as_str())];
    for (i, (endpoint, more, same)) in [
        ("!ResendDCVEmail", vec![], true),
        ("!ResendDCVEmail", vec![by_mine], false),
        ("!ResendDCVEmail", vec![by_mine], true),
        // Again means as before.
        ("!ResendDCVEmail", vec![], true),
        ("!AutoUpdateDCV", update.to_vec(), true),
    ]
    .into_iter()
    .enumerate()
    {
        call(endpoint, &more);
        let mail = mail(sandbox, &address, i + 2);
        let now = sandbox.value(&random);
        assert!(mail["text"].as_str().expect("text").contains(&now), "{mail}");
        assert_eq!(seen.last() == Some(&now), same, "{i}");
        seen.push(now);
    }
    call("!AutoUpdateDCV", &[&update[..], &[("dcvTemplateID", &template(sandbox))]].concat());
    assert_ne!(Some(&sandbox.value(&random)), seen.last());
    assert_eq!(sentence(&enter(sandbox, &order, &seen[0])), WRONG);
    assert_eq!(sentence(&enter(sandbox, &order, &sandbox.value(&random))), RIGHT);
}

/// What an order of the chain has shown counts for a replacement, also before that is issued.
fn what_is_proven_is_mailed_about_no_more(sandbox: &Sandbox) {
    let base = fresh_name("mail");
    let [one, two] = ["one", "two"].map(|label| format!("{label}.{base}"));
    let [to_one, to_two] = [format!("admin@{one}"), format!("admin@{two}")];
    let order = place(sandbox, &several(&[&one], &[&to_one]));
    assert_eq!(sentence(&enter(sandbox, &order, &code(&mail(sandbox, &to_one, 1)))), RIGHT);
    issued(sandbox, &order, "one name");
    let form = Form::new(&[("orderNumber", order.as_str()), ("responseFormat", "1")])
        .set("domainNames", &format!("{one},{two}"))
        .set("dcvEmailAddresses", &format!("{to_one},{to_two}"));
    let replaced = sandbox.call("!AutoReplaceSSL", &form).order_number();
    let sent = code(&mail(sandbox, &to_two, 1));
    settled(sandbox);
    assert_eq!(sandbox.mailbox(&to_one).len(), 1, "it is proven");
    let asked = Form::new(&[("orderNumber", replaced.as_str()), ("showStatusDetails", "Y")]);
    let details = sandbox.call("!GetMDCDomainDetails", &asked);
    assert_eq!(details.get("1_dcvStatus"), "Validated", "{}", details.raw);
    assert_eq!(details.get("2_dcvStatus"), "Awaiting Validation", "{}", details.raw);
    assert_eq!(details.get("dcvStatus"), "2", "in progress: {}", details.raw);
    assert_eq!(sentence(&enter(sandbox, &replaced, &sent)), RIGHT);
    issued(sandbox, &replaced, "both names");
}

fn mails_are_sent_again(sandbox: &Sandbox) {
    let name = format!("deep.{}", fresh_name("mail"));
    let (_, parent) = name.split_once('.').expect("labels");
    let [first, second] = [format!("admin@{name}"), format!("administrator@{parent}")];
    let order = order(sandbox, &name, &first);
    let one = code(&mail(sandbox, &first, 1));
    let resend = |form: &Form| sandbox.call("!ResendDCVEmail", form);
    let by_order = Form::new(&[("orderNumber", &order)]);
    assert_eq!(resend(&by_order).raw, "errorCode=0");
    assert_eq!(code(&mail(sandbox, &first, 2)), one, "the same address, the same code");
    // Also by the chain's number, and to the same address by name.
    let by_base = Form::new(&[("baseOrderNumber", &order), ("dcvEmailAddress", &first)]);
    assert_eq!(resend(&by_base).raw, "errorCode=0");
    assert_eq!(code(&mail(sandbox, &first, 3)), one);
    // Another address: another code, and the old one is worth nothing.
    assert_eq!(resend(&by_order.clone().set("dcvEmailAddress", &second)).raw, "errorCode=0");
    let two = code(&mail(sandbox, &second, 1));
    assert_ne!(one, two);
    assert_eq!(sentence(&enter(sandbox, &order, &one)), WRONG);
    // An address that was never offered.
    let bad = resend(&by_order.clone().set("dcvEmailAddress", "someone@example.org"));
    assert_eq!(bad.get("errorCode"), "-4", "{}", bad.raw);
    assert_eq!(bad.get("errorItem"), "dcvEmailAddress", "{}", bad.raw);
    let missing = resend(&Form::default());
    assert_eq!(missing.get("errorCode"), "-3", "{}", missing.raw);
    assert_eq!(missing.get("errorItem"), "orderNumber", "{}", missing.raw);
    let unknown = resend(&Form::new(&[("orderNumber", "99999999")]));
    assert_eq!(unknown.get("errorCode"), "-4", "{}", unknown.raw);
    let foreign = by_order.clone().login(sandbox, "webhost");
    let foreign = Answer::read(&sandbox.post("!ResendDCVEmail", &foreign));
    assert_eq!(foreign.get("errorCode"), "-4", "{}", foreign.raw);
    assert_eq!(sentence(&enter(sandbox, &order, &two)), RIGHT);
    issued(sandbox, &order, "second address");
    let late = resend(&by_order);
    assert_eq!(late.get("errorCode"), "-4", "{}", late.raw);
}

/// Ten mails a day for an order of one name, whichever call asks for them; three more for each further name.
fn nobody_is_mailed_without_end(sandbox: &Sandbox) {
    let text = "The value of the 'orderNumber' argument is invalid!";
    let resend =
        |order: &str| sandbox.call("!ResendDCVEmail", &Form::new(&[("orderNumber", order)]));
    let update = |order: &str, method: &str| {
        let form = Form::new(&[("orderNumber", order), ("newMethod", method)]);
        let form = match method {
            "EMAIL" => form.set("newDCVEmailAddress", "admin@often.example.com"),
            _ => form,
        };
        sandbox.call("!AutoUpdateDCV", &form)
    };
    let placed = order(sandbox, "often.example.com", "admin@often.example.com");
    for _ in 0..8 {
        assert_eq!(resend(&placed).get("errorCode"), "0");
    }
    assert_eq!(update(&placed, "EMAIL").get("errorCode"), "0");
    let replace = || {
        let form = Form::new(&[("orderNumber", placed.as_str()), ("responseFormat", "1")]);
        let form = form.set("dcvMethod", "EMAIL");
        sandbox.call("!AutoReplaceSSL", &form.set("dcvEmailAddress", "admin@often.example.com"))
    };
    for refused in [resend(&placed), update(&placed, "EMAIL"), replace()] {
        refused.refused(-4, text);
        let why = "No more mails are sent for this order today";
        assert_eq!(refused.get("errorDetail"), why);
    }
    // Not by mail it goes on.
    assert_eq!(update(&placed, "CNAME_CSR_HASH").get("errorCode"), "0");
    mail(sandbox, "admin@often.example.com", 10);

    let several: Vec<String> = (0..3).map(|n| format!("often{n}.example.net")).collect();
    let csr = Csr::new(&several[0]);
    let form = Form::order(492, &csr).set("domainNames", &several.join(","));
    let placed =
        place(sandbox, &form.set("dcvEmailAddresses", &["admin@example.net"; 3].join(",")));
    let mut sent = 0;
    while sent < 10 && resend(&placed).get("errorCode") == "0" {
        sent += 1;
    }
    assert_eq!(sent, 4, "sixteen mails, three at a time");

    let placed = order(sandbox, "many.example.com", "admin@many.example.com");
    let at_once: Vec<Answer> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..24).map(|_| scope.spawn(|| resend(&placed))).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let sent = at_once.iter().filter(|answer| answer.get("errorCode") == "0").count();
    assert_eq!(sent, 9, "{at_once:?}");
}
