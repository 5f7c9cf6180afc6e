//! Domain control of several names: lists, tokens, and orders that mix them.

use serde_json::json;

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, look, names, order_by, place, settled, waits};
use crate::tools;
use crate::with_each;

on_both!(
    methods_name_by_name,
    one_token_for_all,
    values_in_records_for_each_name_or_all,
    lists_that_do_not_fit,
    methods_are_changed_name_by_name,
    a_name_has_one_way,
    the_second_name_stands_for_the_ordered_one,
    names_wait_for_each_other,
    addresses_are_not_proven_by_records,
);

with_each!(an_address_is_issued);

fn order(names: &[String], csr: &Csr) -> Form {
    Form::order(279, csr).without("dcvMethod").set("domainNames", &names.join(","))
}

fn three() -> Vec<String> {
    let base = fresh_name("list");
    ["a", "b", "c"].map(|w| format!("{w}.{base}")).to_vec()
}

fn publish(sandbox: &Sandbox, csr: &Csr, host: &str) {
    sandbox.publish_cname(csr, host, None);
    sandbox.publish_file(csr, "both", host, None);
}

fn enter_code(sandbox: &Sandbox, order: &str, address: &str) {
    let code = sandbox.wait_for(address, || {
        let mails = sandbox.mailbox(address);
        Some(mails.first()?["codes"][0].as_str()?.to_owned())
    });
    let url = format!("{}/products/EnterDCVCode2", sandbox.at("api"));
    let form = [("orderNumber", order), ("dcvCode", &code)];
    let page = sandbox.http().post(url).form(&form).send().expect("a page").text().expect("text");
    assert!(page.contains("You have entered the correct"), "{page}");
}

/// dcvEmailAddresses holds addresses and tokens, in the order of domainNames; validationTokens holds tokens alone.
fn methods_name_by_name(sandbox: &Sandbox) {
    for separator in [",", " ", "\n", ", "] {
        let wanted = three();
        let csr = Csr::new("");
        sandbox.publish_cname(&csr, &wanted[1], None);
        sandbox.publish_file(&csr, "http", &wanted[2], None);
        let address = format!("admin@{}", wanted[0]);
        let list = [address.as_str(), "CNAMECSRHASH", "HTTPCSRHASH"].join(separator);
        let form = order(&wanted, &csr).set("dcvEmailAddresses", &list);
        let number = place(sandbox, &form);
        let details = Form::new(&[("orderNumber", &number)]);
        let details = sandbox.call("!GetMDCDomainDetails", &details);
        let methods = [1, 2, 3].map(|n| details.get(&format!("{n}_dcvMethod")).to_owned());
        assert_eq!(methods, ["EMAIL", "CNAME_CSR_HASH", "HTTP_CSR_HASH"], "{}", details.raw);
        settled(sandbox);
        waits(sandbox, &number, "the mailed one is open");
        enter_code(sandbox, &number, &address);
        assert_eq!(names(&issued(sandbox, &number, separator)), wanted);
    }
    let wanted = three();
    let csr = Csr::new("");
    sandbox.publish_cname(&csr, &wanted[0], None);
    sandbox.publish_file(&csr, "http", &wanted[1], None);
    sandbox.publish_file(&csr, "https", &wanted[2], None);
    let list = "CNAMECSRHASH HTTPCSRHASH HTTPSCSRHASH";
    let number = place(sandbox, &order(&wanted, &csr).set("validationTokens", list));
    assert_eq!(names(&issued(sandbox, &number, "tokens")), wanted);
    // Both, saying the same.
    let wanted = three();
    let csr = Csr::new("");
    wanted.iter().for_each(|n| publish(sandbox, &csr, n));
    let list = "CNAMECSRHASH,HTTPCSRHASH,HTTPSCSRHASH";
    let form = order(&wanted, &csr).set("dcvEmailAddresses", list).set("validationTokens", list);
    issued(sandbox, &place(sandbox, &form), "both lists");
}

fn one_token_for_all(sandbox: &Sandbox) {
    for parameter in ["dcvEmailAddresses", "validationTokens"] {
        for token in ["ALLCNAMECSRHASH", "ALLHTTPCSRHASH", "ALLHTTPSCSRHASH", "allcnamecsrhash"] {
            let wanted = three();
            let csr = Csr::new("");
            wanted.iter().for_each(|n| publish(sandbox, &csr, n));
            let number = place(sandbox, &order(&wanted, &csr).set(parameter, token));
            assert_eq!(names(&issued(sandbox, &number, token)), wanted);
        }
    }
    // dcvMethod alone stands for all of them too.
    let wanted = three();
    let csr = Csr::new("");
    wanted.iter().for_each(|n| publish(sandbox, &csr, n));
    let number = place(sandbox, &order(&wanted, &csr).set("dcvMethod", "HTTPS_CSR_HASH"));
    issued(sandbox, &number, "dcvMethod");
}

/// The tokens of DNSTXT_RANDOM_VALUE: a record for each name, with the value that the details show for it.
fn values_in_records_for_each_name_or_all(sandbox: &Sandbox) {
    for (parameter, token) in [
        ("validationTokens", "ALLDNSTXTRNDVAL"),
        ("dcvEmailAddresses", "ALLDNSTXTRNDVAL"),
        ("validationTokens", "DNSTXTRNDVAL,dnstxtrndval,DNSTXTRNDVAL"),
        ("dcvEmailAddresses", "DNSTXTRNDVAL DNSTXTRNDVAL DNSTXTRNDVAL"),
    ] {
        let wanted = three();
        let number = place(sandbox, &order(&wanted, &Csr::new("")).set(parameter, token));
        let asked = Form::new(&[("orderNumber", &number), ("showStatusDetails", "Y")]);
        let details = sandbox.call("!GetMDCDomainDetails", &asked);
        for (n, name) in (1..).zip(&wanted) {
            assert_eq!(details.get(&format!("{n}_domainName")), name);
            assert_eq!(details.get(&format!("{n}_dcvMethod")), "DNSTXT_RANDOM_VALUE");
            if n == wanted.len() {
                settled(sandbox);
                waits(sandbox, &number, "one name is open");
            }
            let value = details.get(&format!("randomValue_{n}"));
            assert!(value.len() >= 22, "{token} {name}: {}", details.raw);
            let record = json!({ "host": format!("_pki-validation.{name}"), "value": value });
            sandbox.control("/set-txt", &record);
            let again = [("orderNumber", &number[..]), ("newMethod", "DNSTXT_RANDOM_VALUE")];
            let form = Form::new(&again).set("domainName", name);
            let told = sandbox.call("!AutoUpdateDCV", &form);
            assert_eq!(told.get("errorCode"), "0", "{token} {name}: {}", told.raw);
        }
        assert_eq!(names(&issued(sandbox, &number, token)), wanted);
    }
}

fn lists_that_do_not_fit(sandbox: &Sandbox) {
    let wanted = three();
    let address = format!("admin@{},CNAMECSRHASH,CNAMECSRHASH", wanted[0]);
    let cases: [(&str, &str, &str); 9] = [
        ("validationTokens", &address, "validationTokens"),
        ("validationTokens", "CNAMECSRHASH,CNAMECSRHASH", "validationTokens"),
        (
            "validationTokens",
            "CNAMECSRHASH,CNAMECSRHASH,CNAMECSRHASH,CNAMECSRHASH",
            "validationTokens",
        ),
        ("validationTokens", "ALLCNAMECSRHASH,CNAMECSRHASH,CNAMECSRHASH", "validationTokens"),
        ("validationTokens", "CNAME,CNAMECSRHASH,CNAMECSRHASH", "validationTokens"),
        ("dcvEmailAddresses", "CNAMECSRHASH", "dcvEmailAddresses"),
        ("dcvEmailAddresses", "a@b@c,CNAMECSRHASH,CNAMECSRHASH", "dcvEmailAddresses"),
        ("dcvEmailAddresses", "me@example.org,CNAMECSRHASH,CNAMECSRHASH", "dcvEmailAddresses"),
        ("dcvEmailAddresses", "ALLEMAIL", "dcvEmailAddresses"),
    ];
    for (parameter, value, named) in cases {
        let form = order(&wanted, &Csr::new("")).set(parameter, value);
        let answer = sandbox.call("!AutoApplySSL", &form);
        answer.refused(-4, &format!("The value of the '{named}' argument is invalid!"));
    }
    let form = order(&wanted, &Csr::new(""))
        .set("dcvEmailAddresses", "ALLHTTPCSRHASH")
        .set("validationTokens", "ALLCNAMECSRHASH");
    let answer = sandbox.call("!AutoApplySSL", &form);
    answer.refused(-4, "The value of the 'validationTokens' argument is invalid!");
    // A file proves no wildcard, in a list either.
    let with_wildcard = [wanted[0].clone(), format!("*.{}", wanted[1])];
    let form = order(&with_wildcard, &Csr::new(""))
        .set("product", "751")
        .set("validationTokens", "CNAMECSRHASH,HTTPCSRHASH");
    let answer = sandbox.call("!AutoApplySSL", &form);
    assert_eq!(answer.get("errorCode"), "-4", "{}", answer.raw);
}

fn methods_are_changed_name_by_name(sandbox: &Sandbox) {
    let wanted = three();
    let csr = Csr::new("");
    let number = place(sandbox, &order(&wanted, &csr).set("dcvMethod", "HTTP_CSR_HASH"));
    let update = |form: Form| sandbox.call("!AutoUpdateDCV", &form.set("orderNumber", &number));
    // An order of several names needs to be told which one is meant.
    let unnamed = update(Form::new(&[("newMethod", "CNAME_CSR_HASH")]));
    unnamed.refused(-3, "The 'domainName' argument is missing!");
    let stranger =
        update(Form::new(&[("newMethod", "CNAME_CSR_HASH"), ("domainName", "other.example.org")]));
    stranger.refused(-4, "The value of the 'domainName' argument is invalid!");
    let fewer = update(Form::new(&[
        ("domainNames", &wanted.join(" ")),
        ("newMethods", "CNAME_CSR_HASH,CNAME_CSR_HASH"),
    ]));
    fewer.refused(-4, "The value of the 'newMethods' argument is invalid!");
    let no_address = update(Form::new(&[("domainName", &wanted[0]), ("newMethod", "EMAIL")]));
    no_address.refused(-3, "The 'newDCVEmailAddress' argument is missing!");
    let odd = update(Form::new(&[("domainName", &wanted[0]), ("newMethod", "PIGEON")]));
    odd.refused(-4, "The value of the 'newMethod' argument is invalid!");
    let with_format = update(Form::new(&[
        ("domainName", &wanted[0]),
        ("newMethod", "CNAME_CSR_HASH"),
        ("responseFormat", "1"),
    ]));
    with_format.refused(-2, "'responseFormat' is an unrecognised argument!");
    // One, then the rest.
    let one = update(Form::new(&[("domainName", &wanted[0]), ("newMethod", "CNAME_CSR_HASH")]));
    assert_eq!(one.raw, "errorCode=0");
    let address = format!("webmaster@{}", wanted[1]);
    sandbox.publish_cname(&csr, &wanted[0], None);
    sandbox.publish_file(&csr, "https", &wanted[2], None);
    let rest = update(Form::new(&[
        ("domainNames", &format!("{} {}", wanted[1], wanted[2])),
        ("newMethods", "EMAIL,HTTPS_CSR_HASH"),
        ("newDCVEmailAddresses", &address),
    ]));
    assert_eq!(rest.raw, "errorCode=0");
    enter_code(sandbox, &number, &address);
    assert_eq!(names(&issued(sandbox, &number, "changed")), wanted);
}

/// A name that comes twice in a change counts once, if it is to be proven the same way.
fn a_name_has_one_way(sandbox: &Sandbox) {
    let base = fresh_name("twice");
    let wanted = [format!("*.{base}"), format!("a.{base}")];
    let csr = Csr::new("");
    let number = place(sandbox, &order(&wanted, &csr).set("dcvMethod", "CNAME_CSR_HASH"));
    let update = |names: &[&str], methods: &str| {
        let form = Form::new(&[("domainNames", &names.join(",")), ("newMethods", methods)]);
        sandbox.call("!AutoUpdateDCV", &form.set("orderNumber", &number))
    };
    let (wildcard, a) = (wanted[0].as_str(), wanted[1].as_str());
    for names in [[a, a], [wildcard, wildcard], [wildcard, &base], [&base, wildcard]] {
        let same = update(&names, "DNSTXT_RANDOM_VALUE,DNSTXT_RANDOM_VALUE");
        assert_eq!(same.raw, "errorCode=0", "{names:?}");
        update(&names, "CNAME_CSR_HASH,DNSTXT_RANDOM_VALUE")
            .refused(-4, "The value of the 'domainNames' argument is invalid!");
    }
    let details = sandbox.call("!GetMDCDomainDetails", &Form::new(&[("orderNumber", &number)]));
    let methods = [1, 2].map(|n| details.get(&format!("{n}_dcvMethod")).to_owned());
    assert_eq!(methods, ["DNSTXT_RANDOM_VALUE", "DNSTXT_RANDOM_VALUE"], "{}", details.raw);
}

/// An order for one name may be spoken of by the other that comes with it: what was ordered changes, and both go that way.
fn the_second_name_stands_for_the_ordered_one(sandbox: &Sandbox) {
    let update = |number: &str, name: &str, method: &str, more: &[(&str, &str)]| {
        let form = [("orderNumber", number), ("domainName", name), ("newMethod", method)];
        let form = more.iter().fold(Form::new(&form), |form, (k, v)| form.set(k, v));
        sandbox.call("!AutoUpdateDCV", &form)
    };
    // A wildcard, by the domain under its asterisk.
    let base = fresh_name("second");
    let form = order_by("CNAME_CSR_HASH", &Csr::new(&format!("*.{base}"))).set("product", "289");
    let number = place(sandbox, &form);
    update(&number, &base, "HTTP_CSR_HASH", &[])
        .refused(-4, "The value of the 'newMethod' argument is invalid!");
    let address = format!("admin@{base}");
    let by_mail = update(&number, &base, "EMAIL", &[("newDCVEmailAddress", &address)]);
    assert_eq!(by_mail.raw, "errorCode=0");
    enter_code(sandbox, &number, &address);
    assert_eq!(names(&issued(sandbox, &number, "by mail")), [format!("*.{base}"), base]);
    // A name without its www.
    let base = fresh_name("second");
    let csr = Csr::new(&format!("www.{base}"));
    let number = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    sandbox.publish_file(&csr, "http", &format!("www.{base}"), None);
    sandbox.publish_file(&csr, "http", &base, None);
    assert_eq!(update(&number, &base, "HTTP_CSR_HASH", &[]).raw, "errorCode=0");
    assert_eq!(names(&issued(sandbox, &number, "by file")), [format!("www.{base}"), base]);
}

/// Some proven, some not: the order waits, and says so name by name.
fn names_wait_for_each_other(sandbox: &Sandbox) {
    let wanted = three();
    let csr = Csr::new("");
    publish(sandbox, &csr, &wanted[0]);
    let number = place(sandbox, &order(&wanted, &csr).set("dcvMethod", "HTTP_CSR_HASH"));
    settled(sandbox);
    waits(sandbox, &number, "one of three");
    let details = Form::new(&[("orderNumber", &number), ("showStatusDetails", "Y")]);
    let before = sandbox.call("!GetMDCDomainDetails", &details);
    let told = |n: usize| before.get(&format!("{n}_dcvStatus")).to_owned();
    assert_eq!(
        [told(1), told(2), told(3)],
        ["Validated", "Awaiting Validation", "Awaiting Validation"]
    );
    assert_eq!(before.get("dcvStatus"), "2", "in progress");
    let collected = Form::new(&[
        ("orderNumber", number.as_str()),
        ("queryType", "0"),
        ("responseFormat", "1"),
        ("showMDCDomainDetails", "Y"),
        ("showStatusDetails", "Y"),
    ]);
    let collected = sandbox.call("download/CollectSSL", &collected);
    assert_eq!(collected.get("errorCode"), "0");
    assert!(collected.get("mdcDomainDetails").contains(&wanted[1]), "{}", collected.raw);
    for name in &wanted[1..] {
        publish(sandbox, &csr, name);
    }
    let update = Form::new(&[
        ("orderNumber", number.as_str()),
        ("domainName", &wanted[1]),
        ("newMethod", "HTTP_CSR_HASH"),
    ]);
    assert_eq!(sandbox.call("!AutoUpdateDCV", &update).raw, "errorCode=0");
    issued(sandbox, &number, "all three");
    assert_eq!(look(sandbox, &number).get("certificateStatus"), "Issued");
}

/// Public addresses that lead to the fake web: proven by files there, they stand in the certificate.
fn an_address_is_issued(database: store::Database) {
    const ADDRESS: &str = "1.2.3.4";
    const SIX: &str = "2620:fe::fe";
    let more = ["--web-address", ADDRESS, "--web-address", SIX];
    let sandbox = &Sandbox::start_with(database, &more);
    let name = fresh_name("ip");
    let csr = Csr::new("");
    sandbox.publish_file(&csr, "http", &name, None);
    // As an address stands in a URL, and written otherwise.
    sandbox.publish_file(&csr, "http", "[2620:00FE::00fe]", None);
    let wanted = [name.clone(), ADDRESS.to_owned(), SIX.to_owned()];
    let number = place(sandbox, &order(&wanted, &csr).set("dcvMethod", "HTTP_CSR_HASH"));
    settled(sandbox);
    waits(sandbox, &number, "the address is not proven");
    sandbox.publish_file(&csr, "http", ADDRESS, None);
    let update = Form::new(&[
        ("orderNumber", number.as_str()),
        ("domainName", ADDRESS),
        ("newMethod", "HTTP_CSR_HASH"),
    ]);
    assert_eq!(sandbox.call("!AutoUpdateDCV", &update).raw, "errorCode=0");
    let answer = sandbox.collect(&number);
    assert_eq!(answer.get("errorCode"), "2", "{}", answer.raw);
    let leaf = tools::unbase64(answer.get("certificate"));
    assert_eq!(names(&leaf), [name.as_str()]);
    let folder = tools::Folder::new();
    let file = folder.write("leaf.pem", tools::pem("CERTIFICATE", &leaf));
    let above = answer.all("caCertificate").into_iter();
    let chain: Vec<String> =
        above.map(|der| tools::pem("CERTIFICATE", &tools::unbase64(der))).collect();
    let chain = folder.write("chain.pem", chain.concat());
    let roots = sandbox.at("roots");
    for (what, value) in
        [("-verify_ip", ADDRESS), ("-verify_ip", SIX), ("-verify_hostname", name.as_str())]
    {
        let verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", &roots];
        tools::openssl_ok(&[&verify[..], &["-untrusted", &chain, what, value, &file]].concat());
    }
    let evidence = format!(
        "SELECT e.method FROM evidence e JOIN certificate_requests r ON r.certificate_id = e.certificate_id \
         WHERE r.order_number = {number} AND e.name = '{ADDRESS}' AND e.outcome = 'shown'"
    );
    assert_eq!(sandbox.value(&evidence), "HTTP_CSR_HASH (BR 3.2.2.5.1)");
}

/// An IP address in domainNames: by file only, and a public one. How one is proven tells [`an_address_is_issued`].
fn addresses_are_not_proven_by_records(sandbox: &Sandbox) {
    let name = fresh_name("ip");
    let csr = Csr::new("");
    let form = order(&[name.clone(), "8.8.8.8".to_owned()], &csr)
        .set("validationTokens", "HTTPCSRHASH,CNAMECSRHASH");
    let records = sandbox.call("!AutoApplySSL", &form);
    records.refused(-4, "The value of the 'validationTokens' argument is invalid!");
    let private = order(&[name, "10.0.0.1".to_owned()], &csr).set("dcvMethod", "HTTP_CSR_HASH");
    let private = sandbox.call("!AutoApplySSL", &private);
    private.refused(-4, "The value of the 'domainNames' argument is invalid!");
}
