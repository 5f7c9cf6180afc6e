//! What time does: look-ups are repeated, offers and codes run out, orders expire, terms end, and the rules change.
//! Each story has a sandbox of its own.

use serde_json::json;

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::steps::{
    advance, dates, days, issued, look, look_again, names, order_by, place, settled, turn_to, waits,
};
use crate::tools;

/// Makes of each story two tests, one on each database, each with a fresh sandbox.
#[macro_export]
macro_rules! alone_on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite { $(#[test] fn $story() {
            super::$story(&$crate::kit::Sandbox::start(store::Database::Sqlite));
        })+ }
        mod postgres { $(#[test] fn $story() {
            super::$story(&$crate::kit::Sandbox::start(store::Database::Postgres));
        })+ }
    };
}

alone_on_both!(
    proofs_are_looked_for_again_and_orders_expire,
    a_value_that_is_shown_can_be_accepted,
    a_contact_that_is_withdrawn_gets_no_code,
    what_is_shown_for_a_request_is_for_that_request,
    a_second_name_that_cannot_be_looked_up_is_waited_for,
    mail_proves_nothing_from_march_2028_on,
    terms_are_served_by_the_rules_of_the_day,
    certificates_end_with_their_ca,
    a_replacement_ends_with_its_term,
);

const REJECTED: &str = "The certificate request has been rejected!";

/// The code of an order's newest mail, other than an old one.
fn code_of(sandbox: &Sandbox, order: &str, address: &str, old: &str) -> String {
    sandbox.wait_for(address, || {
        let mails = sandbox.mailbox(address);
        let about = |mail: &&serde_json::Value| {
            mail["subject"].as_str().is_some_and(|s| s.starts_with(&format!("ORDER #{order} ")))
        };
        let code = mails.iter().find(about)?["codes"][0].as_str()?.to_owned();
        (code != old).then_some(code)
    })
}

fn enter(sandbox: &Sandbox, order: &str, code: &str) -> String {
    let url = format!("{}/products/EnterDCVCode2", sandbox.at("api"));
    let form = [("orderNumber", order), ("dcvCode", code)];
    sandbox.http().post(url).form(&form).send().expect("a page").text().expect("text")
}

fn random_value(sandbox: &Sandbox, order: &str) -> String {
    let asked = Form::new(&[("orderNumber", order), ("showStatusDetails", "Y")]);
    sandbox.call("!GetMDCDomainDetails", &asked).get("randomValue_1").to_owned()
}

/// The order lives for ninety days and a value for thirty: whoever asks is shown one that is still good.
fn a_value_that_is_shown_can_be_accepted(sandbox: &Sandbox) {
    let name = fresh_name("clock");
    let order = place(sandbox, &order_by("DNSTXT_RANDOM_VALUE", &Csr::new(&name)));
    let first = random_value(sandbox, &order);
    advance(sandbox, "29d");
    assert_eq!(random_value(sandbox, &order), first, "good for thirty days");
    advance(sandbox, "25h");
    let second = random_value(sandbox, &order);
    assert_ne!(second, first);
    assert_eq!(random_value(sandbox, &order), second, "once");
    let host = format!("_pki-validation.{name}");
    sandbox.control("/set-txt", &json!({ "host": host, "value": first }));
    advance(sandbox, "2d");
    waits(sandbox, &order, "the first value is too old");
    sandbox.control("/set-txt", &json!({ "host": host, "value": second }));
    advance(sandbox, "2d");
    issued(sandbox, &order, "the second value");
}

fn proofs_are_looked_for_again_and_orders_expire(sandbox: &Sandbox) {
    // Nobody asks for a look: the schedule does.
    let name = fresh_name("clock");
    let csr = Csr::new(&name);
    let later = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    advance(sandbox, "1s");
    waits(sandbox, &later, "not published");
    sandbox.publish_file(&csr, "http", &name, None);
    advance(sandbox, "15s");
    issued(sandbox, &later, "found by itself");
    // Also after a long while.
    let name = fresh_name("clock");
    let csr = Csr::new(&name);
    let much_later = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    // Contacts that were offered may be named for a day.
    let contact = fresh_name("clock");
    let address = "owner@contact.example.net";
    let owner = format!("_validation-contactemail.{contact}");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": address }));
    let offer = || {
        let form = Form::new(&[("domainName", &contact), ("responseFormat", "2")]);
        let list = sandbox.post("!GetDCVEmailAddressList", &form.login(sandbox, "reseller"));
        assert!(list.contains(address), "{list}");
    };
    let by_contact = || -> Answer {
        let form = order_by("EMAIL", &Csr::new(&contact)).set("dcvEmailAddress", address);
        sandbox.call("!AutoApplySSL", &form)
    };
    offer();
    advance(sandbox, "23h");
    let mailed = by_contact().order_number();
    let code = code_of(sandbox, &mailed, address, "");
    advance(sandbox, "2h");
    let late = by_contact();
    assert_eq!(late.get("errorCode"), "-4", "offered more than a day ago: {}", late.raw);
    offer();
    by_contact().order_number();
    // Codes and values live thirty days.
    let random = place(sandbox, &order_by("DNSTXT_RANDOM_VALUE", &Csr::new(&contact)));
    let value = random_value(sandbox, &random);
    let unproven = place(sandbox, &order_by("CNAME_CSR_HASH", &Csr::new(&fresh_name("clock"))));
    advance(sandbox, "31d");
    sandbox.publish_cname(&csr, &name, None);
    advance(sandbox, "1d");
    issued(sandbox, &much_later, "found by itself after a month");
    assert!(enter(sandbox, &mailed, &code).contains("Invalid Validation Code!"));
    let host = format!("_pki-validation.{contact}");
    sandbox.control("/set-txt", &json!({ "host": host, "value": value }));
    look_again(sandbox, &random, "DNSTXT_RANDOM_VALUE");
    advance(sandbox, "1s");
    waits(sandbox, &random, "the value is too old");
    let fresh = random_value(sandbox, &random);
    assert_ne!(fresh, value, "asking again brings a new one");
    sandbox.control("/set-txt", &json!({ "host": host, "value": fresh }));
    look_again(sandbox, &random, "DNSTXT_RANDOM_VALUE");
    issued(sandbox, &random, "the new value");
    // A mail sent again has a new code, too, and goes to a contact that the domain still has.
    let again = Form::new(&[("orderNumber", &mailed)]);
    let refused = sandbox.call("!ResendDCVEmail", &again);
    assert_eq!(refused.get("errorCode"), "-4", "offered a month ago: {}", refused.raw);
    assert_eq!(refused.get("errorItem"), "dcvEmailAddress", "{}", refused.raw);
    offer();
    assert_eq!(sandbox.call("!ResendDCVEmail", &again).raw, "errorCode=0");
    let new_code = code_of(sandbox, &mailed, address, &code);
    assert!(enter(sandbox, &mailed, &new_code).contains("You have entered the correct"));
    issued(sandbox, &mailed, "the new code");
    // Ninety days after it was placed an unproven order is over, and its price comes back.
    let lines = |order: &str| {
        let sql = format!(
            "SELECT kind, CAST(amount AS TEXT) FROM ledger WHERE order_number = {order} ORDER BY id"
        );
        sandbox.rows(&sql)
    };
    advance(sandbox, "57d");
    waits(sandbox, &unproven, "89 days");
    assert_eq!(lines(&unproven).len(), 1);
    advance(sandbox, "2d");
    look(sandbox, &unproven).refused(-20, REJECTED);
    let form = Form::new(&[("orderNumber", &unproven), ("responseFormat", "1")]);
    let replaced = sandbox.call("!AutoReplaceSSL", &form);
    assert_eq!(replaced.get("errorCode"), "-20", "no certificate expired: {}", replaced.raw);
    let both = lines(&unproven);
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!([both[0][0].as_str(), &both[1][0]], ["debit", "refund"]);
    assert_eq!(both[0][1].trim_start_matches('-'), both[1][1].trim_start_matches('-'));
    advance(sandbox, "200d");
    assert_eq!(lines(&unproven).len(), 2, "once");
}

/// Publishes a contact of a domain and has it offered, or takes it back.
fn publish_contact(sandbox: &Sandbox, domain: &str, address: &str) {
    let owner = format!("_validation-contactemail.{domain}");
    sandbox.control("/set-txt", &json!({ "host": owner, "value": address }));
    let form = Form::new(&[("domainName", domain), ("responseFormat", "2")]);
    let list = sandbox.post("!GetDCVEmailAddressList", &form.login(sandbox, "reseller"));
    assert!(list.contains(address), "{list}");
}

fn withdraw_contact(sandbox: &Sandbox, domain: &str) {
    let owner = format!("_validation-contactemail.{domain}");
    sandbox.control("/clear-txt", &json!({ "host": owner }));
}

/// D73: a code goes to a contact that was offered within a day, whoever had it mailed before.
fn a_contact_that_is_withdrawn_gets_no_code(sandbox: &Sandbox) {
    let address = "owner@withdrawn.example.net";
    let mailed = |name: &str| {
        publish_contact(sandbox, name, address);
        let form = order_by("EMAIL", &Csr::new(name)).set("dcvEmailAddress", address);
        let order = place(sandbox, &form);
        let code = code_of(sandbox, &order, address, "");
        (order, code)
    };
    let [waiting, proven] = ["clock", "clock"].map(fresh_name);
    let (pending, first) = mailed(&waiting);
    let (order, code) = mailed(&proven);
    assert!(enter(sandbox, &order, &code).contains("You have entered the correct"));
    issued(sandbox, &order, "by its contact");
    withdraw_contact(sandbox, &waiting);
    withdraw_contact(sandbox, &proven);
    // While the same code is sent again, nothing about it changes.
    advance(sandbox, "3d");
    let resend =
        |order: &str| sandbox.call("!ResendDCVEmail", &Form::new(&[("orderNumber", order)]));
    assert_eq!(resend(&pending).raw, "errorCode=0");
    let count = || sandbox.mailbox(address).len();
    sandbox.wait_for("the code again", || (count() == 3).then_some(()));
    assert_eq!(code_of(sandbox, &pending, address, ""), first);
    // In place, or by a code that would be new: not to whom it went before.
    let replace = |order: &str, more: &[(&str, &str)]| {
        let form = Form::new(&[("orderNumber", order), ("responseFormat", "1")]);
        let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
        sandbox.call("!AutoReplaceSSL", &form)
    };
    let named = [("dcvMethod", "EMAIL"), ("dcvEmailAddress", address)];
    const BAD: &str = "The value of the 'dcvEmailAddress' argument is invalid!";
    replace(&pending, &named).refused(-4, BAD);
    advance(sandbox, "29d");
    let refused = resend(&pending);
    assert_eq!((refused.get("errorCode"), refused.get("errorItem")), ("-4", "dcvEmailAddress"));
    waits(sandbox, &pending, "no code for who is no contact any more");
    // Nor when an order is replaced whose proof is too old to be used again.
    advance(sandbox, "170d");
    replace(&order, &named).refused(-4, BAD);
    let csr = Csr::new(&proven);
    let replaced = replace(&order, &[("csr", &csr.pem)]).order_number();
    advance(sandbox, "1s");
    waits(sandbox, &replaced, "until an address is chosen");
    assert_eq!(count(), 3, "nobody was mailed");
    // A contact that is offered again is one.
    publish_contact(sandbox, &proven, address);
    let form = Form::new(&[("orderNumber", replaced.as_str()), ("dcvEmailAddress", address)]);
    assert_eq!(sandbox.call("!ResendDCVEmail", &form).raw, "errorCode=0");
    let code = code_of(sandbox, &replaced, address, &code);
    assert!(enter(sandbox, &replaced, &code).contains("You have entered the correct"));
    issued(sandbox, &replaced, "offered again");
}

/// BR 3.2.2.4.7: a random value is for one request.
fn what_is_shown_for_a_request_is_for_that_request(sandbox: &Sandbox) {
    let name = fresh_name("clock");
    let host = format!("_pki-validation.{name}");
    let publish = |order: &str| {
        let value = random_value(sandbox, order);
        sandbox.control("/set-txt", &json!({ "host": host, "value": value }));
        value
    };
    turn_to(sandbox, "2029-03-20T00:00:00Z");
    let order = place(sandbox, &order_by("DNSTXT_RANDOM_VALUE", &Csr::new(&name)));
    settled(sandbox);
    let first = publish(&order);
    look_again(sandbox, &order, "DNSTXT_RANDOM_VALUE");
    issued(sandbox, &order, "the first");
    // Ten days by the rules of 2029; the value is younger than thirty.
    advance(sandbox, "11d");
    let csr = Csr::new(&name);
    let form = Form::new(&[("orderNumber", order.as_str()), ("csr", &csr.pem)]);
    let replaced = sandbox.call("!AutoReplaceSSL", &form.set("responseFormat", "1")).order_number();
    advance(sandbox, "1s");
    waits(sandbox, &replaced, "the record is of another request");
    assert_ne!(publish(&replaced), first);
    look_again(sandbox, &replaced, "DNSTXT_RANDOM_VALUE");
    issued(sandbox, &replaced, "its own value");
}

/// SC-090: mail may not be relied on from then on, so it is neither sold nor sent nor taken.
fn mail_proves_nothing_from_march_2028_on(sandbox: &Sandbox) {
    turn_to(sandbox, "2028-03-14T22:00:00Z");
    let name = fresh_name("clock");
    let [one, two] = ["one", "two"].map(|label| format!("{label}.{name}"));
    let [to_one, to_two] = [format!("admin@{one}"), format!("admin@{two}")];
    let several = |ways: &str| {
        Form::order(279, &Csr::new(""))
            .without("dcvMethod")
            .set("domainNames", &format!("{one},{two}"))
            .set("dcvEmailAddresses", ways)
    };
    let order = place(sandbox, &several(&format!("{to_one},{to_two}")));
    let [code, other] = [&to_one, &to_two].map(|address| code_of(sandbox, &order, address, ""));
    assert!(enter(sandbox, &order, &code).contains("You have entered the correct"));
    let single = fresh_name("clock");
    let mailed = order_by("EMAIL", &Csr::new(&single));
    let mailed = mailed.set("dcvEmailAddress", &format!("admin@{single}"));
    let certified = place(sandbox, &mailed);
    let its_code = code_of(sandbox, &certified, &format!("admin@{single}"), "");
    enter(sandbox, &certified, &its_code);
    issued(sandbox, &certified, "the last day");
    let details = || sandbox.call("!GetMDCDomainDetails", &Form::new(&[("orderNumber", &order)]));
    assert_eq!(details().get("1_dcvStatus"), "Validated");
    turn_to(sandbox, "2028-03-15T00:00:01Z");
    assert_eq!(details().get("1_dcvStatus"), "Awaiting Validation");
    assert!(enter(sandbox, &order, &other).contains("Invalid Validation Code!"));
    assert!(enter(sandbox, &certified, &its_code).contains("already been issued"));
    let bad = |item: &str| format!("The value of the '{item}' argument is invalid!");
    sandbox.call("!AutoApplySSL", &mailed).refused(-4, &bad("dcvMethod"));
    let silent = Form::order(488, &Csr::new(&single)).without("dcvMethod");
    sandbox.call("!AutoApplySSL", &silent).refused(-4, &bad("dcvMethod"));
    let list = several(&format!("{to_one},CNAMECSRHASH"));
    sandbox.call("!AutoApplySSL", &list).refused(-4, &bad("dcvEmailAddresses"));
    let replaced = Form::new(&[("orderNumber", certified.as_str()), ("responseFormat", "1")]);
    sandbox.call("!AutoReplaceSSL", &replaced).refused(-4, &bad("dcvMethod"));
    let update = |method: &str| {
        let form = [
            ("orderNumber", order.as_str()),
            ("domainName", &two),
            ("newMethod", method),
            ("newDCVEmailAddress", &to_two),
        ];
        sandbox.call("!AutoUpdateDCV", &Form::new(&form))
    };
    update("EMAIL").refused(-4, &bad("newMethod"));
    let refused = sandbox.call("!ResendDCVEmail", &Form::new(&[("orderNumber", &order)]));
    assert_eq!(refused.get("errorCode"), "-4", "{}", refused.raw);
    let asked = Form::new(&[("domainName", &one)]).login(sandbox, "reseller");
    let list = sandbox.post("!GetDCVEmailAddressList", &asked);
    assert!(list.starts_with("0\n") && !list.contains('@'), "{list}");
    // By another method the order is proven still.
    let ways = [
        ("orderNumber", order.as_str()),
        ("domainNames", &format!("{one} {two}")),
        ("newMethods", "CNAME_CSR_HASH,CNAME_CSR_HASH"),
    ];
    assert_eq!(sandbox.call("!AutoUpdateDCV", &Form::new(&ways)).raw, "errorCode=0");
}

fn cname_order(sandbox: &Sandbox, term: &str) -> (String, String, Csr) {
    let name = fresh_name("clock");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &Form::order(488, &csr).set("days", term));
    (order, name, csr)
}

fn replace(sandbox: &Sandbox, order: &str) -> Answer {
    let form = Form::new(&[("orderNumber", order), ("responseFormat", "1")]);
    sandbox.call("!AutoReplaceSSL", &form)
}

/// 200 days now, 100 from 2027-03-15, 47 from 2029-03-15; the rest of a term comes by replacement.
fn terms_are_served_by_the_rules_of_the_day(sandbox: &Sandbox) {
    turn_to(sandbox, "2027-01-10T10:00:00Z");
    let (order, ..) = cname_order(sandbox, "365");
    let first = issued(sandbox, &order, "200 days");
    assert_eq!(days(&first), 200);
    assert_eq!(dates(&first).0, "2027-01-10T00:00:00Z");
    assert!(dates(&first).1.ends_with("T23:59:59Z"));
    let (long, ..) = cname_order(sandbox, "730");
    issued(sandbox, &long, "two years");
    turn_to(sandbox, "2027-03-14T23:00:00Z");
    let (before, ..) = cname_order(sandbox, "365");
    assert_eq!(days(&issued(sandbox, &before, "the last day of 200")), 200);
    turn_to(sandbox, "2027-03-15T00:00:01Z");
    let (after, ..) = cname_order(sandbox, "365");
    assert_eq!(days(&issued(sandbox, &after, "the first day of 100")), 100);
    // The proof of January is young enough: a replacement is made at once, by the new rule.
    let replaced = replace(sandbox, &order).order_number();
    assert_eq!(days(&issued(sandbox, &replaced, "replaced")), 100);
    // Later it is too old (100 days): the record that is still there proves again.
    turn_to(sandbox, "2027-12-01T12:00:00Z");
    let replaced = replace(sandbox, &order).order_number();
    let last = issued(sandbox, &replaced, "near the end");
    let (from, to) = dates(&last);
    assert_eq!(from, "2027-12-01T00:00:00Z");
    assert_eq!(to, "2028-01-09T23:59:59Z", "365 days after 2027-01-10 the term is over");
    turn_to(sandbox, "2028-01-10T12:00:00Z");
    assert_eq!(replace(sandbox, &order).get("errorCode"), "-36");
    let expired = look(sandbox, &order);
    assert_eq!(expired.get("certificateStatus"), "Expired", "{}", expired.raw);
    assert_eq!(expired.get("errorCode"), "2", "and may still be collected");
    // The longer term goes on, without a debit.
    let replaced = replace(sandbox, &long).order_number();
    assert_eq!(days(&issued(sandbox, &replaced, "second year")), 100);
    let debits = format!(
        "SELECT CAST(count(*) AS TEXT) FROM ledger WHERE order_number IN ({long}, {replaced})"
    );
    assert_eq!(sandbox.value(&debits), "1");
    turn_to(sandbox, "2029-03-14T22:00:00Z");
    let (before, ..) = cname_order(sandbox, "365");
    assert_eq!(days(&issued(sandbox, &before, "the last day of 100")), 100);
    turn_to(sandbox, "2029-03-15T00:00:01Z");
    let (after, name, csr) = cname_order(sandbox, "365");
    assert_eq!(days(&issued(sandbox, &after, "the first day of 47")), 47);
    // Ten days of reuse: on the eleventh a proof is needed again.
    let owner = format!("_{}.{name}", csr.md5);
    sandbox.control("/clear-cname", &json!({ "host": owner }));
    advance(sandbox, "9d");
    let soon = replace(sandbox, &after).order_number();
    issued(sandbox, &soon, "nine days later");
    advance(sandbox, "3d");
    let old = replace(sandbox, &after).order_number();
    advance(sandbox, "1s");
    waits(sandbox, &old, "twelve days later");
    sandbox.publish_cname(&csr, &name, None);
    look_again(sandbox, &old, "CNAME_CSR_HASH");
    issued(sandbox, &old, "proven again");
    // A name that was proven too long ago while the order waited for another is looked at again.
    let base = fresh_name("clock");
    let wanted = [format!("a.{base}"), format!("b.{base}")];
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &wanted[0], None);
    let form = Form::order(279, &csr).set("domainNames", &wanted.join(","));
    let slow = place(sandbox, &form);
    advance(sandbox, "12d");
    waits(sandbox, &slow, "the second name");
    sandbox.publish_cname(&csr, &wanted[1], None);
    advance(sandbox, "1d");
    issued(sandbox, &slow, "both names");
}

/// What nobody proves before the term is over comes to nothing, and says so: the certificate that it was to replace is not taken
/// for it.
fn a_replacement_ends_with_its_term(sandbox: &Sandbox) {
    turn_to(sandbox, "2027-01-10T10:00:00Z");
    let (order, name, csr) = cname_order(sandbox, "365");
    let certificate = issued(sandbox, &order, "the first");
    sandbox.control("/clear-cname", &json!({ "host": format!("_{}.{name}", csr.md5) }));
    turn_to(sandbox, "2028-01-09T12:00:00Z");
    let replacement = replace(sandbox, &order).order_number();
    advance(sandbox, "11h");
    waits(sandbox, &replacement, "the old proof is too old");
    waits(sandbox, &order, "asked for by the first number");
    advance(sandbox, "2h");
    look(sandbox, &replacement).refused(-20, REJECTED);
    assert_eq!(issued(sandbox, &order, "the first, whose term is over"), certificate);
}

/// Near the end of the issuing CA a certificate is cut; after it orders wait for a new CA, and nobody loses money meanwhile.
fn certificates_end_with_their_ca(sandbox: &Sandbox) {
    let proven = || {
        let name = fresh_name("end");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        place(sandbox, &order_by("CNAME_CSR_HASH", &csr))
    };
    let collected = sandbox.collect(&proven());
    let issuing = tools::unbase64(collected.all("caCertificate")[1]);
    let (_, end) = dates(&issuing);
    assert!(end.ends_with("T23:59:59Z"), "{end}");
    turn_to(sandbox, &end.replace("T23:59:59Z", "T12:00:00Z"));
    let (_, last) = dates(&issued(sandbox, &proven(), "on the CA's last day"));
    assert_eq!(last, end);
    advance(sandbox, "13h");
    let order = proven();
    advance(sandbox, "1m");
    assert_eq!(sandbox.request_column(&order, "state"), "ready", "held back");
    let why = format!(
        "SELECT j.last_error FROM jobs j JOIN certificate_requests r ON r.certificate_id = j.subject \
         WHERE j.kind = 'validate' AND r.order_number = {order}"
    );
    assert!(sandbox.value(&why).ends_with("has run out"), "{}", sandbox.value(&why));
    advance(sandbox, "91d");
    look(sandbox, &order).refused(-20, REJECTED);
    let paid = format!("SELECT CAST(SUM(amount) AS TEXT) FROM ledger WHERE order_number = {order}");
    assert_eq!(sandbox.value(&paid), "0", "credited");
}

/// Control is shown by one record for both. A name server that fails for a moment does not cost the customer a name; one that
/// goes on failing does not cost him the certificate.
fn a_second_name_that_cannot_be_looked_up_is_waited_for(sandbox: &Sandbox) {
    for (goes_on, expected) in [(false, 2), (true, 1)] {
        let name = fresh_name("second");
        let second = json!({ "host": format!("www.{name}") });
        sandbox.control("/set-servfail", &second);
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
        settled(sandbox);
        let status = look(sandbox, &order).get("certificateStatus").to_owned();
        assert_eq!(status, "Being Issued", "the second name could not be looked up");
        if !goes_on {
            sandbox.control("/clear-servfail", &second);
        }
        for _ in 0..4 {
            advance(sandbox, "1m");
        }
        let both = [name.clone(), format!("www.{name}")];
        assert_eq!(names(&issued(sandbox, &order, "in the end")), both[..expected]);
    }
}
