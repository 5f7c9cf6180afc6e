//! Addresses of domain control by mail: which there are for a domain, who has to have been offered them, and what each proves.

use serde_json::{Value, json};

use crate::dcv_mail::{RIGHT, code, enter, mail, order, sentence, several};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, names, order_by, place, settled, waits};

on_both!(
    addresses_that_domains_publish,
    an_offer_is_for_the_names_that_were_asked_about,
    a_contact_proves_the_domain_where_it_was_found,
    a_replacement_takes_addresses_as_an_order_does,
    the_list_of_addresses,
);

fn list(sandbox: &Sandbox, name: &str, format: &str) -> String {
    let form = Form::new(&[("domainName", name), ("responseFormat", format)]);
    sandbox.post("!GetDCVEmailAddressList", &form.login(sandbox, "reseller"))
}

/// CAA contactemail and the TXT record: usable once the list has offered them.
fn addresses_that_domains_publish(sandbox: &Sandbox) {
    let name = fresh_name("contact");
    let [by_caa, by_txt] =
        ["caa", "txt"].map(|w| format!("{w}@{}", name.replace("example.com", "example.net")));
    let policies = json!([{ "tag": "contactemail", "value": by_caa }]);
    sandbox.control("/add-caa", &json!({ "host": name, "policies": policies }));
    let owner = format!("_validation-contactemail.{name}");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": by_txt }));
    for address in [&by_caa, &by_txt] {
        let csr = Csr::new(&name);
        let form = order_by("EMAIL", &csr).set("dcvEmailAddress", address);
        let early = sandbox.call("!AutoApplySSL", &form);
        assert_eq!(early.get("errorCode"), "-4", "never offered: {}", early.raw);
        assert!(early.raw.contains("dcvEmailAddress"), "{}", early.raw);
    }
    let json: Value = serde_json::from_str(&list(sandbox, &name, "2")).expect("JSON");
    assert_eq!(json["dns_caa_email"], json!([by_caa]));
    assert_eq!(json["dns_txt_email"], json!([by_txt]));
    assert!(!list(sandbox, &name, "1").contains(&by_txt), "told in JSON alone");
    let constructed = format!("admin@{name}");
    for (address, section) in
        [(&by_caa, "3.2.2.4.13"), (&by_txt, "3.2.2.4.14"), (&constructed, "3.2.2.4.4")]
    {
        let order = order(sandbox, &name, address);
        let code = code(&mail(sandbox, address, 1));
        assert_eq!(sentence(&enter(sandbox, &order, &code)), RIGHT);
        issued(sandbox, &order, address);
        let method = format!(
            "SELECT e.method FROM evidence e JOIN certificate_requests r \
             ON r.certificate_id = e.certificate_id \
             WHERE r.order_number = {order} AND e.name = '{name}' AND e.method LIKE 'EMAIL%'"
        );
        assert_eq!(sandbox.value(&method), format!("EMAIL (BR {section})"));
    }
    // Offered to one account is not offered to another.
    let csr = Csr::new(&name);
    let form = order_by("EMAIL", &csr).set("dcvEmailAddress", &by_txt).login(sandbox, "webhost");
    let foreign = Answer::read(&sandbox.post("!AutoApplySSL", &form));
    assert_eq!(foreign.get("errorCode"), "-4", "{}", foreign.raw);
}

/// Publishes a contact of a domain in TXT and has it offered for a name.
fn offered(sandbox: &Sandbox, domain: &str, name: &str) -> String {
    let address = format!("owner@{}.example.net", fresh_name("contact").replace('.', "-"));
    let owner = format!("_validation-contactemail.{domain}");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": address }));
    assert!(list(sandbox, name, "2").contains(&address));
    address
}

const BAD_LIST: &str = "The value of the 'dcvEmailAddresses' argument is invalid!";
const BAD_ADDRESS: &str = "The value of the 'dcvEmailAddress' argument is invalid!";

fn an_offer_is_for_the_names_that_were_asked_about(sandbox: &Sandbox) {
    let base = fresh_name("offer");
    let (one, two) = (format!("one.{base}"), format!("two.{base}"));
    let contact = offered(sandbox, &one, &one);
    let apply = |form: &Form| sandbox.call("!AutoApplySSL", form);
    apply(&several(&[&one, &two], &[&contact, &contact])).refused(-4, BAD_LIST);
    apply(&several(&[&two], &[&contact])).refused(-4, BAD_LIST);
    let single = order_by("EMAIL", &Csr::new(&two)).set("dcvEmailAddress", &contact);
    apply(&single).refused(-4, BAD_ADDRESS);
    let order = place(sandbox, &several(&[&one, &two], &[&contact, &format!("admin@{two}")]));
    // Nor may it be chosen for the other name afterwards.
    let update = Form::new(&[
        ("orderNumber", order.as_str()),
        ("domainName", &two),
        ("newMethod", "EMAIL"),
        ("newDCVEmailAddress", &contact),
    ]);
    assert_eq!(sandbox.call("!AutoUpdateDCV", &update).get("errorCode"), "-4");
    // Asked about the domain above, it is offered for both.
    let contact = offered(sandbox, &base, &base);
    let order = place(sandbox, &several(&[&one, &two], &[&contact, &contact]));
    for mail in [mail(sandbox, &contact, 2), sandbox.mailbox(&contact)[1].clone()] {
        let subject = format!("ORDER #{order} - Domain Control Validation for {base}");
        assert_eq!(mail["subject"], subject.as_str());
    }
    assert_eq!(sentence(&enter(sandbox, &order, &code(&sandbox.mailbox(&contact)[0]))), RIGHT);
    issued(sandbox, &order, "one code for the domain above both");
}

/// The domain where it was found, what is below, and nothing above it.
fn a_contact_proves_the_domain_where_it_was_found(sandbox: &Sandbox) {
    let base = fresh_name("found");
    let (shop, below) = (format!("shop.{base}"), format!("www.shop.{base}"));
    let contact = offered(sandbox, &shop, &below);
    let order = place(sandbox, &several(&[&below, &base], &[&contact, "CNAMECSRHASH"]));
    assert_eq!(sentence(&enter(sandbox, &order, &code(&mail(sandbox, &contact, 1)))), RIGHT);
    settled(sandbox);
    waits(sandbox, &order, "the domain above is not proven");
    let details = sandbox.call("!GetMDCDomainDetails", &Form::new(&[("orderNumber", &order)]));
    assert_eq!(details.get("1_dcvStatus"), "Validated", "{}", details.raw);
    assert_eq!(details.get("2_dcvStatus"), "Awaiting Validation", "{}", details.raw);
    let shown = format!(
        "SELECT n.shown_for FROM request_names n JOIN certificate_requests r \
         ON r.certificate_id = n.certificate_id WHERE r.order_number = {order} AND n.position = 0"
    );
    assert_eq!(sandbox.value(&shown), shop);
    // A code that is sent again proves no more.
    let order = place(sandbox, &several(&[&shop, &base], &[&contact, "CNAMECSRHASH"]));
    mail(sandbox, &contact, 2);
    let again = Form::new(&[("orderNumber", &order)]);
    assert_eq!(sandbox.call("!ResendDCVEmail", &again).raw, "errorCode=0");
    assert_eq!(sentence(&enter(sandbox, &order, &code(&mail(sandbox, &contact, 3)))), RIGHT);
    settled(sandbox);
    waits(sandbox, &order, "the domain above is not proven");
    let order = place(sandbox, &several(&[&below, &shop], &[&contact, "CNAMECSRHASH"]));
    assert_eq!(sentence(&enter(sandbox, &order, &code(&mail(sandbox, &contact, 4)))), RIGHT);
    issued(sandbox, &order, "both are within the domain");
}

fn a_replacement_takes_addresses_as_an_order_does(sandbox: &Sandbox) {
    let base = fresh_name("offer");
    let (one, two) = (format!("one.{base}"), format!("two.{base}"));
    let contact = offered(sandbox, &one, &one);
    let replace = |order: &str, more: &[(&str, &str)]| {
        let form = Form::new(&[("orderNumber", order), ("responseFormat", "1")]);
        let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
        sandbox.call("!AutoReplaceSSL", &form)
    };
    let list = place(sandbox, &several(&[&one], &[&contact]));
    mail(sandbox, &contact, 1);
    let both = format!("{one},{two}");
    let twice = format!("{contact},{contact}");
    replace(&list, &[("domainNames", &both), ("dcvEmailAddresses", &twice)]).refused(-4, BAD_LIST);
    // The name's own address is taken again while it is offered; the other name has one of its own.
    let ways = format!("{contact},admin@{two}");
    let taken = replace(&list, &[("domainNames", &both), ("dcvEmailAddresses", &ways)]);
    assert_eq!(taken.order_number(), list);
    let sent = code(&mail(sandbox, &contact, 2));
    assert_eq!(sentence(&enter(sandbox, &list, &sent)), RIGHT);
    let sent = code(&mail(sandbox, &format!("admin@{two}"), 1));
    assert_eq!(sentence(&enter(sandbox, &list, &sent)), RIGHT);
    assert_eq!(names(&issued(sandbox, &list, "both names")), [one.clone(), two.clone()]);
    // One name.
    let single = place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&two)));
    let mailed = [("dcvMethod", "EMAIL"), ("dcvEmailAddress", contact.as_str())];
    replace(&single, &mailed).refused(-4, BAD_ADDRESS);
    let contact = offered(sandbox, &two, &two);
    let mailed = [("dcvMethod", "EMAIL"), ("dcvEmailAddress", contact.as_str())];
    replace(&single, &mailed).order_number();
    let sent = code(&mail(sandbox, &contact, 1));
    assert_eq!(sentence(&enter(sandbox, &single, &sent)), RIGHT);
    issued(sandbox, &single, "an address that was offered for it");
}

fn the_list_of_addresses(sandbox: &Sandbox) {
    let text = list(sandbox, "www.shop.example.org", "1");
    let locals = ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];
    let mut lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines[..3], ["0", "domain_name\twww.shop.example.org", "whois_email\tnone"]);
    let mut expected: Vec<String> = Vec::new();
    for (level, domain) in
        [(2, "example.org"), (3, "shop.example.org"), (4, "www.shop.example.org")]
    {
        expected.extend(locals.iter().map(|l| format!("level{level}_email\t{l}@{domain}")));
    }
    let mut rest: Vec<&str> = lines.split_off(3);
    rest.sort_unstable();
    expected.sort_unstable();
    assert_eq!(rest, expected);
    assert!(text.ends_with('\n') && !text.contains('\r') && !text.contains("\t "));
    assert_eq!(text, list(sandbox, "www.shop.example.org", "0"), "0 is text too");
    assert_eq!(text.split_whitespace().count() % 2, 1, "a code and pairs");
    let first = |name: &str| list(sandbox, name, "1").lines().next().expect("a line").to_owned();
    assert_eq!(first("*.shop.example.org"), "0");
    assert_eq!(first("8.8.8.8"), "-19");
    assert_eq!(first("10.0.0.1"), "-37");
    assert_eq!(first("mailserver"), "-37");
    assert_eq!(first("not a name"), "-4");
    let missing =
        sandbox.post("!GetDCVEmailAddressList", &Form::default().login(sandbox, "reseller"));
    assert_eq!(missing, "-3\nThe 'domainName' argument is missing!\n");
}
