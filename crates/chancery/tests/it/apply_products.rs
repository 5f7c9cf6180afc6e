//! Products, terms, licences, names and add-ons: what they cost, for how long they are, for what they wait.

use std::path::PathBuf;
use std::process::Command;

use crate::apply_kit::{
    APPLY, PARAMETERS, any_csr, complete, nothing_stored, organization, spec_rows,
};
use crate::kit::{Answer, Csr, Form, Key, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both!(
    every_product_of_the_list,
    terms_and_bonus_days,
    licences_names_and_logos,
    a_test_order_has_its_own_hierarchy,
    the_chosen_ca_signs,
    who_has_validated_what,
);
on_both_refusing!(what_cannot_be_combined);

const DV: &[&str] = &["domain_control"];
const OV: &[&str] =
    &["domain_control", "organization", "applicant_representative", "call_back", "agreement"];
const EV: &[&str] = &[
    "domain_control",
    "organization",
    "applicant_representative",
    "call_back",
    "agreement",
    "jurisdiction",
    "second_person",
];
const NATURAL: &[&str] = &["domain_control", "applicant_representative", "call_back", "agreement"];

/// Codes, price of a year (of the only term for trials), hours, checks.
const PRODUCTS: &[(&[i64], &str, &str, &[&str])] = &[
    (&[448, 488, 287, 330, 749], "79.00", "1", DV),
    (&[489, 289, 331, 750], "249.00", "1", DV),
    (&[492, 279, 751], "139.00", "1", DV),
    (&[291, 342], "0.00", "1", DV),
    (&[337, 556, 562, 567], "299.00", "240", EV),
    (&[410, 557, 563, 568, 732], "499.00", "240", EV),
    (&[7, 24, 34, 44, 62, 63, 64, 316, 318], "149.00", "48", OV),
    (&[35, 65, 322, 324], "399.00", "48", OV),
    (&[43], "0.00", "48", OV),
    (&[335, 361, 583], "249.00", "48", OV),
    (&[510], "199.00", "48", OV),
    (&[511], "449.00", "48", OV),
    (&[512], "349.00", "48", OV),
    (&[791, 792], "590.00", "48", NATURAL),
    (&[783, 784, 788, 789], "590.00", "240", EV),
];

fn every_product_of_the_list(sandbox: &Sandbox) {
    let known: Vec<i64> = PRODUCTS.iter().flat_map(|(codes, ..)| codes.iter().copied()).collect();
    let listed = spec_rows(PARAMETERS).into_iter().find(|row| row[0] == "product");
    for code in listed.expect("a row")[6].split_whitespace() {
        let code = code.parse().expect("a number");
        assert!(known.contains(&code) || [490, 36, 37].contains(&code), "{code}");
    }
    for (codes, price, hours, checks) in PRODUCTS {
        for code in *codes {
            let name = fresh_name("product");
            let form = complete(*code, &Csr::new(&name), &name).set("showCertificateState", "Y");
            let answer = sandbox.call(APPLY, &form);
            let order = answer.order_number();
            assert_eq!(
                answer.raw,
                format!(
                    "errorCode=0&orderNumber={order}&totalCost={price}&expectedDeliveryTime={hours}\
                     &certificateStatus=Awaiting+Validation"
                ),
                "{code}"
            );
            let open: Vec<String> = checks.iter().map(|check| format!("{check}=open")).collect();
            assert_eq!(sandbox.request_column(&order, "checks"), open.join(" "), "{code}");
            // 448 is another number of 488 (D48).
            let product = if *code == 448 { 488 } else { *code };
            assert_eq!(sandbox.order_column(&order, "product"), product.to_string());
        }
    }
}

fn dv(word: &str, days: &str) -> Form {
    Form::order(488, &Csr::new(&fresh_name(word))).set("days", days)
}

fn cost(answer: &Answer) -> String {
    answer.order_number();
    answer.get("totalCost").to_owned()
}

fn terms_and_bonus_days(sandbox: &Sandbox) {
    for (days, price) in [
        ("365", "79.00"),
        ("366", "79.00"),
        ("370", "79.00"),
        ("395", "79.00"),
        ("455", "79.00"),
        ("730", "142.20"),
        ("820", "142.20"),
        ("1095", "197.50"),
        ("1461", "252.80"),
        ("1826", "300.20"),
        ("1916", "300.20"),
        ("0365", "79.00"),
    ] {
        let answer = sandbox.call(APPLY, &dv("term", days));
        assert_eq!(cost(&answer), price, "{days}");
        let kept = sandbox.order_column(&answer.order_number(), "term_days");
        assert_eq!(kept, days.trim_start_matches('0'));
    }
    for (years, days, price) in [
        ("1", "365", "79.00"),
        ("2", "730", "142.20"),
        ("3", "1095", "197.50"),
        ("4", "1461", "252.80"),
        ("5", "1826", "300.20"),
    ] {
        let answer = sandbox.call(APPLY, &dv("years", "").set("years", years));
        assert_eq!(cost(&answer), price, "{years}");
        assert_eq!(sandbox.order_column(&answer.order_number(), "term_days"), days);
        // days supersedes years.
        let both = sandbox.call(APPLY, &dv("years", "730").set("years", years));
        assert_eq!(cost(&both), "142.20");
    }
    for (product, days, price, kept) in [
        (43, "", "0.00", "30"),
        (43, "30", "0.00", "30"),
        (291, "", "0.00", "30"),
        (342, "", "0.00", "90"),
        (783, "90", "236.00", "90"),
        (783, "365", "590.00", "365"),
        (337, "1095", "747.50", "1095"),
    ] {
        let name = fresh_name("term");
        let form = complete(product, &Csr::new(&name), &name).set("days", days);
        let answer = sandbox.call(APPLY, &form);
        assert_eq!(cost(&answer), price, "{product} {days}");
        assert_eq!(sandbox.order_column(&answer.order_number(), "term_days"), kept);
    }
    for (product, days) in [
        (488, "364"),
        (488, "456"),
        (488, "1917"),
        (43, "31"),
        (43, "365"),
        (783, "91"),
        (783, "366"),
        (783, "730"),
        (337, "1461"),
        (337, "1186"),
    ] {
        let form = complete(product, any_csr(), "term.example.com").set("days", days);
        let answer = sandbox.call(APPLY, &form);
        assert_eq!(answer.get("errorCode"), "-4", "{product} {days}: {}", answer.raw);
        answer.refused(-4, "The value of the 'days' argument is invalid!");
    }
}

fn licences_names_and_logos(sandbox: &Sandbox) {
    let named = |product: i64| {
        let name = fresh_name("price");
        complete(product, &Csr::new(&name), &name)
    };
    for (servers, price) in [("1", "249.00"), ("2", "274.00"), ("5", "349.00"), ("100", "2724.00")]
    {
        let answer = sandbox.call(APPLY, &named(489).set("servers", servers));
        assert_eq!(cost(&answer), price, "{servers}");
    }
    let two_years = named(489).set("servers", "3").set("days", "730");
    assert_eq!(cost(&sandbox.call(APPLY, &two_years)), "538.20");
    // Other products ignore licences, however many (D56).
    assert_eq!(cost(&sandbox.call(APPLY, &named(488).set("servers", "5000"))), "79.00");
    let names = |product: i64, count: usize| {
        let base = fresh_name("names");
        let list: Vec<String> = (0..count).map(|i| format!("n{i}.{base}")).collect();
        complete(product, &Csr::new(&base), &base).set("domainNames", &list.join(","))
    };
    for (product, count, price) in [
        (492, 1, "139.00"),
        (492, 3, "139.00"),
        (492, 4, "168.00"),
        (492, 10, "342.00"),
        (583, 5, "347.00"),
        (410, 4, "618.00"),
        (784, 5, "830.00"),
        (279, 250, "7302.00"),
    ] {
        let answer = sandbox.call(APPLY, &names(product, count));
        assert_eq!(cost(&answer), price, "{product}: {count} names");
    }
    sandbox
        .call(APPLY, &names(279, 251))
        .refused(-4, "The value of the 'domainNames' argument is invalid!");
    for (products, price) in [
        ("488,490", "88.00"),
        ("490,488", "88.00"),
        ("448, 490", "88.00"),
        ("24,36", "168.00"),
        ("37,24", "178.00"),
        ("24,36,37", "197.00"),
        ("7,36", "168.00"),
        ("316,37", "178.00"),
    ] {
        let name = fresh_name("logo");
        let form = organization(Form::order(488, &Csr::new(&name)))
            .set("product", products)
            .set("idaEmailAddress", "logo@example.com")
            .set("idaTelephoneNumber", "+49 1")
            .set("idaFaxNumber", "+49 2");
        let answer = sandbox.call(APPLY, &form);
        assert_eq!(cost(&answer), price, "{products}");
        // The certificate's product is the order's product, wherever the add-on stood.
        let product = sandbox.order_column(&answer.order_number(), "product");
        assert!(!["36", "37", "490"].contains(&product.as_str()), "{products}: {product}");
        let bought = sandbox.order_column(&answer.order_number(), "bought");
        let bought: serde_json::Value = serde_json::from_str(&bought).expect("JSON");
        for logo in [36, 37, 490] {
            let ordered = products.split(',').any(|code| code.trim() == logo.to_string());
            let kept = bought["logos"].as_array().expect("logos").contains(&logo.into());
            assert_eq!(kept, ordered, "{products}: {bought}");
        }
    }
    let wildcard = named(489).set("product", "489,490");
    assert_eq!(cost(&sandbox.call(APPLY, &wildcard)), "258.00");
}

fn what_cannot_be_combined(sandbox: &Sandbox) {
    for products in [
        "490",
        "36",
        "37",
        "36,37",
        "488,489",
        "488,488",
        "488,36",
        "488,37",
        "287,490",
        "24,490",
        "510,36",
        "24,36,36",
        "43,36",
        "44,37",
        "335,36",
        "361,37",
        "337,36",
        "783,36",
        "488,490,36",
        "24,7",
        "488,99999",
        "732,490",
    ] {
        let form = complete(488, any_csr(), "a.example.com")
            .set("product", products)
            .set("domainNames", "a.example.com")
            .set("joiCountryName", "DE");
        let answer = sandbox.apply("poor", &form);
        assert_eq!(answer.get("errorCode"), "-4", "{products}: {}", answer.raw);
        answer.refused(-4, "The value of the 'product' argument is invalid!");
    }
    nothing_stored(sandbox);
}

/// Orders, proves and collects: files of the leaf and of what came with it.
fn issued(sandbox: &Sandbox, form: &Form, csr: &Csr, name: &str) -> (String, PathBuf, PathBuf) {
    sandbox.publish_cname(csr, name, None);
    let order = sandbox.call(APPLY, form).order_number();
    let collected = sandbox.collect(&order);
    assert_eq!(collected.get("errorCode"), "2", "{}", collected.raw);
    let pem = |base64: &str| {
        let lines: Vec<&str> = base64.lines().collect();
        let joined = lines.concat();
        let wrapped: Vec<&str> = joined
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", wrapped.join("\n"))
    };
    let folder = std::env::temp_dir();
    let leaf = folder.join(format!("{name}.leaf.pem"));
    let others = folder.join(format!("{name}.chain.pem"));
    std::fs::write(&leaf, pem(collected.get("certificate"))).expect("a file");
    let chain: String = collected.all("caCertificate").into_iter().map(pem).collect();
    std::fs::write(&others, chain).expect("a file");
    (order, leaf, others)
}

fn verifies(roots: &str, others: &PathBuf, leaf: &PathBuf) -> bool {
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-CAfile", roots, "-untrusted"])
        .args([others, leaf])
        .output()
        .expect("openssl (apt-get install openssl)");
    output.status.success()
}

fn a_test_order_has_its_own_hierarchy(sandbox: &Sandbox) {
    let (roots, test_roots) = (sandbox.at("roots"), sandbox.at("test_roots"));
    for (test, right, wrong) in [("N", &roots, &test_roots), ("Y", &test_roots, &roots)] {
        for key in [Key::P256, Key::Rsa2048] {
            let name = fresh_name("hierarchy");
            let csr = Csr::of(key, &name, &[]);
            let form = Form::order(488, &csr).set("test", test);
            let (order, leaf, others) = issued(sandbox, &form, &csr, &name);
            assert!(verifies(right, &others, &leaf), "{test} {key:?}");
            assert!(!verifies(wrong, &others, &leaf), "{test} {key:?}");
            let cost = if test == "Y" { "0" } else { "7900" };
            assert_eq!(sandbox.order_column(&order, "cost"), cost);
            let _ = (std::fs::remove_file(leaf), std::fs::remove_file(others));
        }
    }
}

fn the_chosen_ca_signs(sandbox: &Sandbox) {
    let signed_by = |order: &str| {
        sandbox.value(&format!(
            "SELECT CAST(c.ca_id AS TEXT) FROM certificates c JOIN certificate_requests r \
             ON r.certificate_id = c.certificate_id WHERE r.order_number = {order}"
        ))
    };
    let order = |key: Key, more: &[(&str, &str)]| {
        let name = fresh_name("ca");
        let csr = Csr::of(key, &name, &[]);
        let form = more.iter().fold(Form::order(488, &csr), |form, (k, v)| form.set(k, v));
        let (order, leaf, others) = issued(sandbox, &form, &csr, &name);
        let _ = (std::fs::remove_file(leaf), std::fs::remove_file(others));
        signed_by(&order)
    };
    let (ec, rsa) = (order(Key::P256, &[]), order(Key::Rsa2048, &[]));
    assert_ne!(ec, rsa, "the subscriber's key type picks the CA");
    assert_eq!(order(Key::P256, &[("caCertificateID", &rsa)]), rsa);
    assert_eq!(order(Key::Rsa2048, &[("caCertificateID", &ec)]), ec);
    // A CA of another hierarchy or level is none of this order's.
    let refused = "The value of the 'caCertificateID' argument is invalid!";
    let test = order(Key::P256, &[("test", "Y")]);
    let form = Form::order(488, any_csr());
    let ask = |form: Form, id: &str| sandbox.call(APPLY, &form.set("caCertificateID", id));
    ask(form.clone(), &test).refused(-4, refused);
    ask(form.clone().set("test", "Y"), &ec).refused(-4, refused);
    ask(complete(24, any_csr(), "ca.example.com"), &ec).refused(-4, refused);
    ask(form, "0").refused(-4, refused);
}

fn who_has_validated_what(sandbox: &Sandbox) {
    for (role, product, more, hours, checks) in [
        ("reseller", 488, &[("isCustomerValidated", "Y")][..], "1", "domain_control=open"),
        (
            "webhost",
            24,
            &[("isCustomerValidated", "Y")],
            "24",
            "domain_control=open organization=open applicant_representative=open call_back=open agreement=open approval=open",
        ),
        (
            "webhost",
            24,
            &[],
            "48",
            "domain_control=open organization=open applicant_representative=open call_back=open agreement=open",
        ),
        (
            "reseller",
            24,
            &[("isCustomerValidated", "Y")],
            "24",
            "domain_control=open organization=passed applicant_representative=open call_back=open agreement=open",
        ),
        (
            "reseller",
            24,
            &[("isAppRepValidated", "Y"), ("isCallbackCompleted", "Y")],
            "48",
            "domain_control=open organization=open applicant_representative=passed call_back=passed agreement=open",
        ),
        (
            "reseller",
            24,
            &[("isAppRepValidated", "N"), ("isCallbackCompleted", "N")],
            "48",
            "domain_control=open organization=open applicant_representative=open call_back=open agreement=open",
        ),
        (
            "reseller",
            337,
            &[("isCustomerValidated", "Y")],
            "240",
            "domain_control=open organization=open applicant_representative=open call_back=open agreement=open jurisdiction=open second_person=open",
        ),
    ] {
        let name = fresh_name("validated");
        let form = complete(product, &Csr::new(&name), &name);
        let form = more.iter().fold(form, |form, (k, v)| form.set(k, v));
        let answer = sandbox.apply(role, &form);
        let order = answer.order_number();
        assert_eq!(answer.get("expectedDeliveryTime"), hours, "{role} {product} {more:?}");
        assert_eq!(sandbox.request_column(&order, "checks"), checks, "{role} {product} {more:?}");
    }
}
