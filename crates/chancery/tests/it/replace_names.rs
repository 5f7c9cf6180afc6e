//! The names of a replacement: those that were bought, by parameter or by request.

use crate::kit::{Csr, Form, Key, Sandbox, fresh_name};
use crate::on_both;
use crate::replace::{held, replace};
use crate::steps::{issued, names, order_by, place, settled, waits};
use crate::tools;

on_both!(
    names_stay_within_what_was_paid,
    names_that_were_paid_for_may_come_back,
    a_new_name_goes_the_way_of_the_order,
    the_common_name_stays_while_it_is_among_the_names,
    what_the_order_said_of_its_names_stays,
    a_new_request_brings_no_names_where_the_order_said_them,
);

fn names_stay_within_what_was_paid(sandbox: &Sandbox) {
    let old = held(sandbox, None);
    let stranger = Csr::new(&fresh_name("replace"));
    replace(sandbox, &old.number, &[("csr", &stranger.pem)])
        .refused(-4, "The value of the 'csr' argument is invalid!");
    replace(sandbox, &old.number, &[("csr", &old.csr.pem), ("commonName", "shop.example.org")])
        .refused(-4, "The value of the 'commonName' argument is invalid!");
    // A list of three was paid for.
    let base = fresh_name("replace");
    let name = |word: &str| format!("{word}.{base}");
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &name("a"), None);
    sandbox.publish_cname(&csr, &name("b"), None);
    let wanted = [name("a"), name("b")].join(",");
    let form = Form::order(279, &csr).set("domainNames", &wanted);
    let number = place(sandbox, &form);
    issued(sandbox, &number, "two names");
    let four = ["a", "b", "c", "d"].map(name).join(",");
    replace(sandbox, &number, &[("domainNames", &four)])
        .refused(-4, "The value of the 'domainNames' argument is invalid!");
    // A third name needs a proof of its own; the others have theirs.
    let three = ["a", "b", "c"].map(name).join(" ");
    let more = [("domainNames", three.as_str()), ("dcvMethod", "CNAME_CSR_HASH")];
    let replaced = replace(sandbox, &number, &more).order_number();
    settled(sandbox);
    waits(sandbox, &replaced, "the third name");
    let details = Form::new(&[("orderNumber", &replaced)]);
    let details = sandbox.call("!GetMDCDomainDetails", &details);
    assert_eq!(details.get("3_dcvStatus"), "Awaiting Validation", "{}", details.raw);
    sandbox.publish_cname(&csr, &name("c"), None);
    let update = Form::new(&[
        ("orderNumber", replaced.as_str()),
        ("domainName", &name("c")),
        ("newMethod", "CNAME_CSR_HASH"),
    ]);
    assert_eq!(sandbox.call("!AutoUpdateDCV", &update).raw, "errorCode=0");
    let leaf = issued(sandbox, &replaced, "three names");
    assert_eq!(names(&leaf), ["a", "b", "c"].map(name));
    // Fewer is fine, and needs nothing.
    let fewer = replace(sandbox, &number, &[("domainNames", &name("b"))]).order_number();
    assert_eq!(names(&issued(sandbox, &fewer, "one name")), [name("b")]);
}

/// Programs in use send the order's number and names alone.
fn a_new_name_goes_the_way_of_the_order(sandbox: &Sandbox) {
    let base = fresh_name("way");
    let name = |word: &str| format!("{word}.{base}");
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &base, None);
    let listed = |words: &[&str]| words.iter().map(|w| name(w)).collect::<Vec<_>>().join(",");
    let form = Form::order(279, &csr).set("dcvMethod", "CNAME_CSR_HASH");
    let number = place(sandbox, &form.set("domainNames", &listed(&["a", "b"])));
    issued(sandbox, &number, "two names");
    let more = [("domainNames", listed(&["a", "b", "c"]))];
    let more: Vec<(&str, &str)> = more.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let replaced = replace(sandbox, &number, &more).order_number();
    assert_eq!(names(&issued(sandbox, &replaced, "three names")), ["a", "b", "c"].map(name));

    // The way may have been said by a token for all names, and it is no way for an address.
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &base, None);
    let form =
        Form::order(279, &csr).without("dcvMethod").set("validationTokens", "ALLCNAMECSRHASH");
    let number = place(sandbox, &form.set("domainNames", &listed(&["d", "e"])));
    issued(sandbox, &number, "two more");
    let three = listed(&["d", "e", "f"]);
    let replaced = replace(sandbox, &number, &[("domainNames", &three)]).order_number();
    assert_eq!(names(&issued(sandbox, &replaced, "three more")), ["d", "e", "f"].map(name));
    let address = format!("{},8.8.4.4", listed(&["d", "e"]));
    let refused = replace(sandbox, &number, &[("domainNames", &address)]);
    refused.refused(-4, "The value of the 'dcvMethod' argument is invalid!");
}

/// Paid for is what the chain's first order had, however few the newest one has.
fn names_that_were_paid_for_may_come_back(sandbox: &Sandbox) {
    let base = fresh_name("paid");
    let listed = |count: usize| -> String {
        let names: Vec<String> = (0..count).map(|n| format!("n{n}.{base}")).collect();
        names.join(",")
    };
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &base, None);
    let number = place(sandbox, &Form::order(279, &csr).set("domainNames", &listed(5)));
    issued(sandbox, &number, "five names");
    let more = |count| [("domainNames", listed(count)), ("dcvMethod", "CNAME_CSR_HASH".to_owned())];
    let ask = |order: &str, count: usize| {
        let more = more(count);
        let more: Vec<(&str, &str)> = more.iter().map(|(k, v)| (*k, v.as_str())).collect();
        replace(sandbox, order, &more)
    };
    let three = ask(&number, 3).order_number();
    assert_eq!(names(&issued(sandbox, &three, "three of them")).len(), 3);
    let refused = "The value of the 'domainNames' argument is invalid!";
    ask(&number, 6).refused(-4, refused);
    let five = ask(&number, 5).order_number();
    assert_eq!(names(&issued(sandbox, &five, "five again")).len(), 5);
    // The same in place.
    let csr = Csr::new("");
    let number = place(sandbox, &Form::order(279, &csr).set("domainNames", &listed(5)));
    assert_eq!(ask(&number, 1).order_number(), number);
    ask(&number, 6).refused(-4, refused);
    assert_eq!(ask(&number, 5).order_number(), number);
}

/// The subject's common name; empty for none.
fn common_name(leaf: &[u8]) -> String {
    let folder = tools::Folder::new();
    let path = folder.write("c.pem", tools::pem("CERTIFICATE", leaf));
    let text =
        tools::openssl_ok(&["x509", "-in", &path, "-noout", "-subject", "-nameopt", "multiline"]);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("commonName"));
    line.and_then(|line| line.split_once("= ")).map(|(_, cn)| cn.to_owned()).unwrap_or_default()
}

/// Two names, `a` primary: (base, CSR, order).
fn two_names(
    sandbox: &Sandbox,
    product: i64,
    csr: &Csr,
    base: &str,
    more: &[(&str, &str)],
) -> String {
    sandbox.publish_cname(csr, base, None);
    let wanted = format!("a.{base},b.{base}");
    let form = Form::order(product, csr).set("domainNames", &wanted);
    place(sandbox, &more.iter().fold(form, |form, (name, value)| form.set(name, value)))
}

fn the_common_name_stays_while_it_is_among_the_names(sandbox: &Sandbox) {
    let base = fresh_name("primary");
    let [a, b] = ["a", "b"].map(|word| format!("{word}.{base}"));
    let order = two_names(sandbox, 279, &Csr::new(""), &base, &[("primaryDomainName", &a)]);
    assert_eq!(common_name(&issued(sandbox, &order, "two names")), a);
    // A new request for the same names; the caller says nothing of a primary name.
    let csr = Csr::of(Key::P256, &a, &[&a, &b]);
    let same = replace(sandbox, &order, &[("csr", &csr.pem)]).order_number();
    let leaf = issued(sandbox, &same, "a new key");
    assert_eq!((common_name(&leaf), names(&leaf)), (a.clone(), vec![a.clone(), b.clone()]));
    // As SSL.com's client does it: the names alone. The primary one is gone, and nobody has to answer for it.
    let other = replace(sandbox, &order, &[("domainNames", &b)]).order_number();
    let leaf = issued(sandbox, &other, "without the primary name");
    assert_eq!((common_name(&leaf), names(&leaf)), (String::new(), vec![b.clone()]));
    // The order's own word still stands when the name is back.
    let back = replace(sandbox, &order, &[("domainNames", &format!("{b},{a}"))]).order_number();
    assert_eq!(common_name(&issued(sandbox, &back, "with the primary name")), a);
    replace(sandbox, &order, &[("domainNames", &b), ("primaryDomainName", &a)])
        .refused(-4, "The value of the 'primaryDomainName' argument is invalid!");
}

fn what_the_order_said_of_its_names_stays(sandbox: &Sandbox) {
    let base = fresh_name("ucc");
    let [a, b] = ["a", "b"].map(|word| format!("{word}.{base}"));
    let none = two_names(sandbox, 492, &Csr::new(&a), &base, &[("maxSubjectCNs", "0")]);
    assert_eq!(common_name(&issued(sandbox, &none, "none was wanted")), "");
    let again = replace(sandbox, &none, &[]).order_number();
    assert_eq!(common_name(&issued(sandbox, &again, "none is wanted still")), "");
    let one = replace(sandbox, &none, &[("maxSubjectCNs", "1")]).order_number();
    assert_eq!(common_name(&issued(sandbox, &one, "now one is")), a);
    // Of a UCC order a new request brings its own.
    let ucc = two_names(
        sandbox,
        492,
        &Csr::new(&a),
        &fresh_name("ucc"),
        &[("domainNames", &format!("{a},{b}"))],
    );
    let csr = Csr::of(Key::P256, &b, &[&a, &b]);
    assert_eq!(replace(sandbox, &ucc, &[("csr", &csr.pem)]).order_number(), ucc);
    assert_eq!(sandbox.request_column(&ucc, "common_name"), b);
    // prioritiseCSRValues=C holds for a request that comes later too.
    let only = two_names(
        sandbox,
        279,
        &Csr::of(Key::P256, "", &[&a]),
        &base,
        &[("prioritiseCSRValues", "C")],
    );
    issued(sandbox, &only, "the name of its CSR alone");
    let csr = Csr::of(Key::P256, "", &[&b]);
    let only = replace(sandbox, &only, &[("csr", &csr.pem), ("domainNames", &a)]).order_number();
    assert_eq!(sandbox.order_names(&only)[0][0], b);
}

/// By commonName or domainNames: what the request says of names did not count when it was ordered, and does not now.
fn a_new_request_brings_no_names_where_the_order_said_them(sandbox: &Sandbox) {
    let name = fresh_name("said");
    let csr = Csr::new("server1");
    sandbox.publish_cname(&csr, &name, None);
    let form = order_by("CNAME_CSR_HASH", &csr).set("commonName", &name);
    let number = place(sandbox, &form);
    issued(sandbox, &number, "by commonName");
    for request in [Csr::new("server1"), Csr::new("")] {
        let again = replace(sandbox, &number, &[("csr", &request.pem)]).order_number();
        assert_eq!(names(&issued(sandbox, &again, "the same name"))[0], name);
    }
    // Where the call says it, that counts.
    let twin = format!("www.{name}");
    let more = [("csr", Csr::new("server1").pem), ("commonName", twin.clone())];
    let more = more.each_ref().map(|(k, v)| (*k, v.as_str()));
    let again = replace(sandbox, &number, &more).order_number();
    assert_eq!(names(&issued(sandbox, &again, "its twin"))[0], twin);

    let base = fresh_name("said");
    let [a, b, c] = ["a", "b", "c"].map(|word| format!("{word}.{base}"));
    let csr = Csr::of(Key::P256, "", &[&a]);
    let listed = two_names(sandbox, 279, &csr, &base, &[]);
    assert_eq!(names(&issued(sandbox, &listed, "two names")), [a.clone(), b.clone()]);
    let request = Csr::of(Key::P256, "", &[&a]).pem;
    let again = replace(sandbox, &listed, &[("csr", &request)]).order_number();
    assert_eq!(names(&issued(sandbox, &again, "both stay")), [a.clone(), b.clone()]);
    // An order that took them from its request takes them from the new one.
    let csr = Csr::of(Key::P256, "", &[&a, &b]);
    sandbox.publish_cname(&csr, &base, None);
    let taken = place(sandbox, &Form::order(279, &csr).set("dcvMethod", "CNAME_CSR_HASH"));
    issued(sandbox, &taken, "of its request");
    let request = Csr::of(Key::P256, "", &[&b, &c]);
    let again = replace(sandbox, &taken, &[("csr", &request.pem)]).order_number();
    assert_eq!(names(&issued(sandbox, &again, "of the new one")), [b, c]);
}
