//! !AutoReplaceSSL: another certificate of the same order.

use serde_json::json;

use crate::apply_kit::organization;
use crate::kit::{Answer, Csr, Form, Key, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look_again, names, order_by, place, settled, waits};
use crate::tools;

on_both!(
    the_old_number_answers_with_the_newest,
    a_new_key_needs_no_new_proof,
    a_request_without_a_certificate_is_changed_in_place,
    a_request_that_caa_holds_back_is_changed_in_place,
    tokens_are_unique_across_chains,
    without_a_unique_value_it_stays_the_last_one,
    the_term_stays_what_was_bought,
    an_organisations_order_says_when_it_may_be_there,
    a_ca_of_the_orders_kind_signs_replacements,
    what_is_said_in_place_counts,
    what_a_replacement_may_not_claim,
    the_order_is_judged_before_the_request,
    callers_at_the_same_moment_get_tokens_of_their_own,
    callers_at_the_same_moment_make_one_replacement,
);

/// An order with a certificate: number, certificateID, request, DER.
pub(super) struct Held {
    pub(super) number: String,
    id: String,
    pub(super) name: String,
    pub(super) csr: Csr,
    leaf: Vec<u8>,
}

pub(super) fn held(sandbox: &Sandbox, unique: Option<&str>) -> Held {
    let name = fresh_name("replace");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, unique);
    let mut form = order_by("CNAME_CSR_HASH", &csr).set("showCertificateID", "Y");
    if let Some(unique) = unique {
        form = form.set("uniqueValue", unique);
    }
    let placed = sandbox.call("!AutoApplySSL", &form);
    let number = placed.order_number();
    let leaf = issued(sandbox, &number, "the first");
    let id = placed.get("certificateID").to_owned();
    Held { number, id, name, csr, leaf }
}

pub(super) fn replace(sandbox: &Sandbox, order: &str, more: &[(&str, &str)]) -> Answer {
    let form = Form::new(&[("orderNumber", order), ("responseFormat", "1")]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    sandbox.call("!AutoReplaceSSL", &form)
}

fn by_id(sandbox: &Sandbox, id: &str) -> Answer {
    let form = [
        ("certificateID", id),
        ("queryType", "2"),
        ("showExtStatus", "Y"),
        ("responseFormat", "1"),
    ];
    sandbox.call("download/CollectSSL", &Form::new(&form))
}

/// As program B does it: the same request, the same unique value, and then it polls the old number.
fn the_old_number_answers_with_the_newest(sandbox: &Sandbox) {
    let old = held(sandbox, Some("Aa11"));
    // The proof is gone: what was shown before is used again.
    let owner = format!("_{}.{}", old.csr.md5, old.name);
    sandbox.control("/clear-cname", &json!({ "host": owner }));
    let replaced = replace(
        sandbox,
        &old.number,
        &[
            ("csr", &old.csr.pem),
            ("serverSoftware", "-1"),
            ("isCustomerValidated", "Y"),
            ("dcvMethod", "CNAME_CSR_HASH"),
            ("uniqueValue", "Aa11"),
            ("showCertificateID", "Y"),
        ],
    );
    assert_eq!(
        replaced.keys(),
        ["errorCode", "orderNumber", "expectedDeliveryTime", "certificateID", "uniqueValue"]
    );
    assert_eq!(replaced.get("uniqueValue"), "Aa11");
    let new = replaced.order_number();
    assert_ne!(new, old.number);
    let leaf = issued(sandbox, &new, "the second");
    assert_ne!(leaf, old.leaf);
    assert_eq!(tools::key_of_certificate(&leaf), tools::key_of_certificate(&old.leaf));
    assert_eq!(issued(sandbox, &old.number, "by the old number"), leaf);
    let form = [("baseOrderNumber", old.number.as_str()), ("queryType", "2")];
    let by_base = sandbox.call("download/CollectSSL", &Form::new(&form).set("responseFormat", "1"));
    assert_eq!(tools::unbase64(by_base.get("certificate")), leaf);
    // The old certificate is replaced, and still there for who knows its ID.
    let before = by_id(sandbox, &old.id);
    assert_eq!(before.get("errorCode"), "2", "{}", before.raw);
    assert_eq!(before.get("certificateStatus"), "Replaced");
    assert_eq!(tools::unbase64(before.get("certificate")), old.leaf);
    assert_eq!(by_id(sandbox, replaced.get("certificateID")).get("certificateStatus"), "Issued");
    // Free of charge: one debit for the chain.
    let ledger = format!(
        "SELECT CAST(count(*) AS TEXT) FROM ledger WHERE order_number IN ({}, {new}) AND kind = 'debit'",
        old.number
    );
    assert_eq!(sandbox.value(&ledger), "1");
    // A third, by the second's number; then by the first's, in text.
    let third = replace(sandbox, &new, &[("csr", &old.csr.pem), ("uniqueValue", "Aa11")]);
    let third_leaf = issued(sandbox, &third.order_number(), "the third");
    assert_eq!(issued(sandbox, &old.number, "by the old number"), third_leaf);
    let form = Form::new(&[("orderNumber", &old.number), ("csr", &old.csr.pem)]);
    let text = sandbox.post("!AutoReplaceSSL", &form.login(sandbox, "reseller"));
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines[0], "0", "{text}");
    assert_eq!(lines[2..], ["1", "Aa11", ""], "{text}");
    issued(sandbox, lines[1], "the fourth");
}

fn a_new_key_needs_no_new_proof(sandbox: &Sandbox) {
    let old = held(sandbox, None);
    let csr = Csr::of(Key::Rsa2048, &old.name, &[]);
    let replaced = replace(sandbox, &old.number, &[("csr", &csr.pem)]);
    let leaf = issued(sandbox, &replaced.order_number(), "another key");
    assert_eq!(tools::key_of_certificate(&leaf), tools::key_of_request(&csr.der));
    assert_eq!(names(&leaf), names(&old.leaf), "the same names");
    let details = Form::new(&[("orderNumber", replaced.get("orderNumber"))]);
    let details = sandbox.call("!GetMDCDomainDetails", &details);
    assert_eq!(details.get("1_dcvStatus"), "Validated", "by the first order: {}", details.raw);
    // No request at all: the last one again.
    let again = replace(sandbox, &old.number, &[]);
    let again = issued(sandbox, &again.order_number(), "no request");
    assert_eq!(tools::key_of_certificate(&again), tools::key_of_request(&csr.der));
    assert_ne!(tools::serial(&again), tools::serial(&leaf));
}

fn a_request_without_a_certificate_is_changed_in_place(sandbox: &Sandbox) {
    let name = fresh_name("replace");
    let (first, second) = (Csr::new(&name), Csr::new(&name));
    let form = order_by("CNAME_CSR_HASH", &first).set("showCertificateID", "Y");
    let placed = sandbox.call("!AutoApplySSL", &form);
    let number = placed.order_number();
    settled(sandbox);
    let changed = replace(sandbox, &number, &[("csr", &second.pem), ("showCertificateID", "Y")]);
    assert_eq!(changed.order_number(), number, "the same order");
    assert_eq!(changed.get("certificateID"), placed.get("certificateID"));
    // The first request's proof is worth nothing now.
    sandbox.publish_cname(&first, &name, None);
    look_again(sandbox, &number, "CNAME_CSR_HASH");
    settled(sandbox);
    waits(sandbox, &number, "the first request's proof");
    sandbox.publish_cname(&second, &name, None);
    look_again(sandbox, &number, "CNAME_CSR_HASH");
    let leaf = issued(sandbox, &number, "the second request");
    assert_eq!(tools::key_of_certificate(&leaf), tools::key_of_request(&second.der));
    let debits = format!("SELECT CAST(count(*) AS TEXT) FROM ledger WHERE order_number = {number}");
    assert_eq!(sandbox.value(&debits), "1");
}

/// Proven, and held back by CAA: nothing is written down yet, so it may still be changed.
fn a_request_that_caa_holds_back_is_changed_in_place(sandbox: &Sandbox) {
    let name = fresh_name("replace");
    let (first, second) = (Csr::new(&name), Csr::new(&name));
    let policies = json!([{ "tag": "issue", "value": "ca.example.net" }]);
    sandbox.control("/add-caa", &json!({ "host": name, "policies": policies }));
    sandbox.publish_cname(&first, &name, None);
    let number = place(sandbox, &order_by("CNAME_CSR_HASH", &first));
    settled(sandbox);
    let changed = replace(sandbox, &number, &[("csr", &second.pem)]);
    assert_eq!(changed.order_number(), number);
    // Control of the domain was shown, and stays shown.
    sandbox.control("/clear-caa", &json!({ "host": name }));
    look_again(sandbox, &number, "CNAME_CSR_HASH");
    let leaf = issued(sandbox, &number, "the second request");
    assert_eq!(tools::key_of_certificate(&leaf), tools::key_of_request(&second.der));
}

const NOT_UNIQUE: &str = "This Request Token is not unique!";

fn tokens_are_unique_across_chains(sandbox: &Sandbox) {
    let (one, two) = (held(sandbox, Some("Tok1")), held(sandbox, Some("Tok2")));
    // The other chain's request would be for another name; the same name, then.
    let csr = Csr::new(&one.name);
    let form = order_by("CNAME_CSR_HASH", &csr).set("uniqueValue", "Tok3");
    let other = place(sandbox, &form);
    for value in ["Tok3", "tok3"] {
        replace(sandbox, &one.number, &[("csr", &csr.pem), ("uniqueValue", value)])
            .refused(-55, NOT_UNIQUE);
    }
    let taken = replace(sandbox, &one.number, &[("csr", &csr.pem), ("uniqueValue", "Tok4")]);
    let taken = taken.order_number();
    // And the other way round: a new order may not use what a replacement used.
    let form = order_by("CNAME_CSR_HASH", &csr).set("uniqueValue", "Tok4");
    sandbox.call("!AutoApplySSL", &form).refused(-55, NOT_UNIQUE);
    // In whichever case, for proofs are compared so.
    let form = order_by("CNAME_CSR_HASH", &csr).set("uniqueValue", "TOK4");
    sandbox.call("!AutoApplySSL", &form).refused(-55, NOT_UNIQUE);
    issued(sandbox, &taken, "the replacement");
    // A chain's own value comes back as it was spelt.
    let again = replace(sandbox, &one.number, &[("csr", &csr.pem)]);
    assert_eq!(again.get("uniqueValue"), "Tok4", "{}", again.raw);
    let form = order_by("CNAME_CSR_HASH", &two.csr).set("uniqueValue", "Tok2");
    sandbox.call("!AutoApplySSL", &form).refused(-55, NOT_UNIQUE);
    // Without a value one is made up, for this request was seen before.
    let made_up = replace(sandbox, &two.number, &[("csr", &two.csr.pem)]);
    assert_eq!(made_up.get("uniqueValue"), "Tok2", "inside of the chain it stays");
    waits(sandbox, &other, "the other order");
}

fn without_a_unique_value_it_stays_the_last_one(sandbox: &Sandbox) {
    // Values that sort before and after the first one, and none at first.
    for (first, second) in [(Some("Mm5"), "Bb2"), (Some("Mm5"), "Zz9"), (None, "Zz9")] {
        let name = fresh_name("stays");
        let csr = Csr::new(&name);
        let form = order_by("CNAME_CSR_HASH", &csr);
        let form = first.iter().fold(form, |form, first| form.set("uniqueValue", first));
        let order = place(sandbox, &form);
        let changed = replace(sandbox, &order, &[("uniqueValue", second)]);
        assert_eq!(changed.get("uniqueValue"), second);
        let bare = replace(sandbox, &order, &[]);
        assert_eq!(bare.get("uniqueValue"), second, "{first:?}: {}", bare.raw);
        let same = replace(sandbox, &order, &[("csr", &csr.pem)]);
        assert_eq!(same.get("uniqueValue"), second, "{first:?}: {}", same.raw);
        // Away from this request and back: the last one that was used with it, in lower case, as it stands in proofs.
        settled(sandbox);
        let other = Csr::new(&name);
        assert_eq!(replace(sandbox, &order, &[("csr", &other.pem)]).order_number(), order);
        let back = replace(sandbox, &order, &[("csr", &csr.pem)]);
        assert_eq!(back.get("uniqueValue"), second.to_lowercase(), "{first:?}: {}", back.raw);
        sandbox.publish_cname(&csr, &name, Some(second));
        look_again(sandbox, &order, "CNAME_CSR_HASH");
        issued(sandbox, &order, "with the last value");
    }
}

fn the_term_stays_what_was_bought(sandbox: &Sandbox) {
    let old = held(sandbox, None);
    let waiting = place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("term"))));
    for order in [&old.number, &waiting] {
        replace(sandbox, order, &[("days", "730")])
            .refused(-4, "The value of the 'days' argument is invalid!");
        replace(sandbox, order, &[("days", "365")]).order_number();
    }
}

fn an_organisations_order_says_when_it_may_be_there(sandbox: &Sandbox) {
    let form = organization(order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("hours"))));
    let placed = sandbox.call("!AutoApplySSL", &form.set("product", "24"));
    assert_eq!(placed.get("expectedDeliveryTime"), "48", "{}", placed.raw);
    let changed = replace(sandbox, &placed.order_number(), &[]);
    assert_eq!(changed.get("expectedDeliveryTime"), "48", "{}", changed.raw);
}

fn signed_by(sandbox: &Sandbox, order: &str) -> String {
    sandbox.value(&format!(
        "SELECT CAST(c.ca_id AS TEXT) FROM certificates c JOIN certificate_requests r \
         ON r.certificate_id = c.certificate_id WHERE r.order_number = {order}"
    ))
}

const BAD_CA: &str = "The value of the 'caCertificateID' argument is invalid!";

/// As for orders: a free test order does not become a live certificate, nor one of another level or hierarchy.
fn a_ca_of_the_orders_kind_signs_replacements(sandbox: &Sandbox) {
    let ask = |order: &str, ca: &str| replace(sandbox, order, &[("caCertificateID", ca)]);
    let name = fresh_name("ca");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let test = place(sandbox, &order_by("CNAME_CSR_HASH", &csr).set("test", "Y"));
    issued(sandbox, &test, "a test order");
    for other in ["public-dv-ec", "public-dv-rsa", "test-public-ov-ec", "test-public-root"] {
        ask(&test, &sandbox.ca(other)).refused(-4, BAD_CA);
    }
    let rsa = sandbox.ca("test-public-dv-rsa");
    let again = ask(&test, &rsa).order_number();
    issued(sandbox, &again, "by the RSA CA of its hierarchy");
    assert_eq!(signed_by(sandbox, &again), rsa);
    // In place.
    let live = held(sandbox, None);
    let csr = Csr::new(&live.name);
    let waiting = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    for other in ["test-public-dv-ec", "public-root", "private-ov-ec", "public-ev-rsa"] {
        ask(&waiting, &sandbox.ca(other)).refused(-4, BAD_CA);
        ask(&live.number, &sandbox.ca(other)).refused(-4, BAD_CA);
    }
    ask(&waiting, "4711").refused(-4, BAD_CA);
    let rsa = sandbox.ca("public-dv-rsa");
    let changed = ask(&waiting, &rsa);
    assert_eq!(changed.order_number(), waiting);
    let unique = changed.get("uniqueValue");
    sandbox.publish_cname(&csr, &live.name, Some(unique).filter(|u| !u.is_empty()));
    look_again(sandbox, &waiting, "CNAME_CSR_HASH");
    issued(sandbox, &waiting, "by the CA that was chosen in place");
    assert_eq!(signed_by(sandbox, &waiting), rsa);
    // An organisation's public certificate is none of the private CA's.
    let form = organization(order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("ca"))));
    let form = form.set("product", "24");
    let private = form.clone().set("caCertificateID", &sandbox.ca("private-ov-ec"));
    sandbox.call("!AutoApplySSL", &private).refused(-4, BAD_CA);
    let order = place(sandbox, &form.set("caCertificateID", &sandbox.ca("public-ov-rsa")));
    ask(&order, &sandbox.ca("private-ov-ec")).refused(-4, BAD_CA);
    let intranet = organization(Form::order(44, &Csr::new("intranet")))
        .set("commonName", "intranet")
        .without("dcvMethod");
    let public = intranet.clone().set("caCertificateID", &sandbox.ca("public-ov-ec"));
    sandbox.call("!AutoApplySSL", &public).refused(-4, BAD_CA);
    place(sandbox, &intranet.set("caCertificateID", &sandbox.ca("private-ov-ec")));
}

/// A template for domain control mails of the reseller's.
fn template(sandbox: &Sandbox, text: &str) -> String {
    let folder = tools::Folder::new();
    let file = folder.write("dcv.txt", format!("{text} {{{{ code }}}}\n"));
    let login = sandbox.login("reseller")[0].1.clone();
    let add = ["template", "add", "--account", &login, "--kind", "dcv", "--subject", text];
    let made = sandbox.operator(&[&add[..], &["--text", &file]].concat());
    made["template"].to_string()
}

/// emailAddress, languageName, templates and foreignOrderNumber of a request that is changed in place.
fn what_is_said_in_place_counts(sandbox: &Sandbox) {
    let name = fresh_name("inplace");
    let (old, new) = (format!("old@{name}"), format!("new@{name}"));
    let csr = Csr::new(&name);
    let form = order_by("CNAME_CSR_HASH", &csr)
        .set("emailAddress", &old)
        .set("languageName", "fr")
        .set("foreignOrderNumber", "before");
    let order = place(sandbox, &form);
    let mine = template(sandbox, &format!("Words of {name}"));
    let admin = format!("admin@{name}");
    let changed = replace(
        sandbox,
        &order,
        &[
            ("emailAddress", &new),
            ("languageName", "de"),
            ("foreignOrderNumber", "after"),
            ("dcvTemplateID", &mine),
            ("dcvMethod", "EMAIL"),
            ("dcvEmailAddress", &admin),
        ],
    );
    assert_eq!(changed.order_number(), order);
    assert_eq!(sandbox.order_column(&order, "foreign_order_number"), "after");
    let mails = |to: &str, count: usize| {
        sandbox.wait_for(to, || Some(sandbox.mailbox(to)).filter(|mails| mails.len() >= count))
    };
    assert_eq!(mails(&admin, 1)[0]["subject"], format!("Words of {name}").as_str());
    // A mail that is sent again has them too.
    let again = Form::new(&[("orderNumber", &order)]);
    assert_eq!(sandbox.call("!ResendDCVEmail", &again).raw, "errorCode=0");
    let sent = mails(&admin, 2);
    assert_eq!(sent[0]["subject"], format!("Words of {name}").as_str());
    let text = sent[0]["text"].as_str().expect("text").trim();
    let (_, code) = text.rsplit_once(' ').expect("a code at the end");
    let url = format!("{}/products/EnterDCVCode2", sandbox.at("api"));
    let form = [("orderNumber", order.as_str()), ("dcvCode", code)];
    sandbox.http().post(url).form(&form).send().expect("a page");
    issued(sandbox, &order, "the code was entered");
    let letter = mails(&new, 1)[0]["subject"].clone();
    assert!(sandbox.mailbox(&old).is_empty());
    // In German, as a German order's is.
    let german = fresh_name("inplace");
    let csr = Csr::new(&german);
    sandbox.publish_cname(&csr, &german, None);
    let to = format!("owner@{german}");
    let form = order_by("CNAME_CSR_HASH", &csr).set("emailAddress", &to).set("languageName", "de");
    let other = place(sandbox, &form);
    issued(sandbox, &other, "a German order");
    let text = mails(&to, 1)[0]["subject"].as_str().expect("a subject").to_owned();
    let wanted = text.replace(&other, &order).replace(&german, &name);
    assert_eq!(letter, wanted.as_str());
}

fn what_a_replacement_may_not_claim(sandbox: &Sandbox) {
    let old = held(sandbox, None);
    let waiting = place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("claim"))));
    for order in [&old.number, &waiting] {
        for parameter in ["dcvTemplateID", "maCreationTemplateID", "callBackTemplateID"] {
            replace(sandbox, order, &[(parameter, "777777")])
                .refused(-4, &format!("The value of the '{parameter}' argument is invalid!"));
        }
        replace(sandbox, order, &[("isCallbackCompleted", "Y")])
            .refused(-3, "The 'isAppRepValidated' argument is missing!");
        replace(sandbox, order, &[("isCallbackCompleted", "Y"), ("isAppRepValidated", "N")])
            .refused(-4, "The value of the 'isAppRepValidated' argument is invalid!");
        let odd =
            Csr::openssl(&["-newkey", "rsa:2048", "-subj", &format!("/C=QQ/CN={}", old.name)]);
        replace(sandbox, order, &[("csr", &odd.pem)])
            .refused(-7, "'QQ' is not a valid ISO-3166 country!");
        replace(sandbox, order, &[("test", "Y")])
            .refused(-4, "The value of the 'test' argument is invalid!");
    }
    let form = Form::order(24, &Csr::new(&fresh_name("claim"))).login(sandbox, "webhost");
    let placed = sandbox.post("!AutoApplySSL", &organization(form));
    let foreign = Answer::read(&placed).order_number();
    for parameter in ["isAppRepValidated", "isCallbackCompleted"] {
        let form = Form::new(&[("orderNumber", foreign.as_str()), ("responseFormat", "1")]);
        let form = form.set(parameter, "Y").login(sandbox, "webhost");
        Answer::read(&sandbox.post("!AutoReplaceSSL", &form))
            .refused(-91, &format!("Permission denied '{parameter}'"));
    }
    // Who may claim it is believed.
    let form = organization(Form::order(24, &Csr::new(&fresh_name("claim"))));
    let order = place(sandbox, &form);
    replace(sandbox, &order, &[("isAppRepValidated", "Y"), ("isCallbackCompleted", "Y")])
        .order_number();
    let checks = sandbox.request_column(&order, "checks");
    assert!(checks.contains("applicant_representative=passed call_back=passed"), "{checks}");
    let done = replace(sandbox, &order, &[("isCustomerValidated", "Y")]);
    assert_eq!(done.get("expectedDeliveryTime"), "24", "the agreement is open: {}", done.raw);
    let checks = sandbox.request_column(&order, "checks");
    assert!(checks.contains("organization=passed"), "{checks}");
    // Who may not has it looked at by an officer, once.
    for _ in 0..2 {
        let form = [("orderNumber", &foreign[..]), ("isCustomerValidated", "Y")];
        let form = Form::new(&form).set("responseFormat", "1").login(sandbox, "webhost");
        Answer::read(&sandbox.post("!AutoReplaceSSL", &form)).order_number();
        let checks = sandbox.request_column(&foreign, "checks");
        assert!(checks.contains("organization=open") && checks.ends_with("approval=open"));
        assert_eq!(checks.matches("approval").count(), 1, "{checks}");
    }
    // A representative of another organisation has that one's address.
    let other = [("appRepOrganizationName", "Agents Ltd"), ("appRepLocalityName", "Leeds")];
    replace(sandbox, &order, &other).refused(-3, "The 'appRepPostalCode' argument is missing!");
    let whole = [&other[..], &[("appRepPostalCode", "LS1"), ("appRepCountryName", "GB")]].concat();
    replace(sandbox, &order, &whole).order_number();
    // A test order stays one.
    let test = order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("claim"))).set("test", "Y");
    let test = place(sandbox, &test);
    replace(sandbox, &test, &[("test", "N")])
        .refused(-4, "The value of the 'test' argument is invalid!");
    replace(sandbox, &test, &[("test", "Y")]).order_number();
    replace(sandbox, &old.number, &[("test", "N")]).order_number();
}

fn the_order_is_judged_before_the_request(sandbox: &Sandbox) {
    let nonsense = [("csr", "nonsense")];
    replace(sandbox, "99999999", &nonsense)
        .refused(-4, "The value of the 'orderNumber' argument is invalid!");
    let old = held(sandbox, None);
    let code = |answer: Answer| answer.get("errorCode").to_owned();
    assert_eq!(code(replace(sandbox, &old.number, &nonsense)), "-10");
    let form = Form::new(&[("orderNumber", old.number.as_str()), ("responseFormat", "1")]);
    let foreign = form.set("csr", "nonsense").login(sandbox, "webhost");
    Answer::read(&sandbox.post("!AutoReplaceSSL", &foreign))
        .refused(-4, "The value of the 'orderNumber' argument is invalid!");
}

/// One request for eight chains at once, half of them new, and no value given: each gets one of its own.
fn callers_at_the_same_moment_get_tokens_of_their_own(sandbox: &Sandbox) {
    for _ in 0..3 {
        let name = fresh_name("moment");
        let orders: Vec<String> =
            (0..4).map(|_| place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&name)))).collect();
        let csr = Csr::new(&name);
        let form = order_by("CNAME_CSR_HASH", &csr);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let replaced = orders.iter().map(|order| {
                let csr = &csr;
                scope.spawn(move || replace(sandbox, order, &[("csr", &csr.pem)]))
            });
            let placed = (0..4).map(|_| scope.spawn(|| sandbox.call("!AutoApplySSL", &form)));
            let calls: Vec<_> = replaced.chain(placed).collect();
            calls.into_iter().map(|call| call.join().expect("an answer")).collect()
        });
        assert!(answers.iter().all(|a| a.get("errorCode") == "0"), "{answers:?}");
        let mut values: Vec<&str> = answers.iter().map(|a| a.get("uniqueValue")).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 8, "{answers:?}");
    }
}

/// Of an issued order: the first makes the replacement, and the others change it while it has no certificate.
fn callers_at_the_same_moment_make_one_replacement(sandbox: &Sandbox) {
    let name = fresh_name("moment");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    issued(sandbox, &order, "the first");
    // Nothing is issued in between.
    let csrs: Vec<Csr> = (0..8).map(|_| Csr::new(&name)).collect();
    let policies = json!([{ "tag": "issue", "value": "ca.example.net" }]);
    sandbox.control("/add-caa", &json!({ "host": name, "policies": policies }));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let order = order.as_str();
        let call = |csr: &Csr| replace(sandbox, order, &[("csr", &csr.pem)]);
        let calls: Vec<_> = csrs.iter().map(|csr| scope.spawn(move || call(csr))).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let mut orders: Vec<String> = answers.iter().map(Answer::order_number).collect();
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), 1, "{answers:?}");
}
