//! Which names an order is for: from parameters or the CSR, one or many, with or without the second one.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::apply_kit::{APPLY, complete, nothing_stored};
use crate::kit::{Answer, Csr, Form, Key, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both!(
    one_name_and_its_twin,
    lists_of_names,
    names_that_are_repeated,
    names_of_the_private_section,
    the_common_name_of_a_list,
    how_each_name_is_proven,
    a_twin_that_nobody_proves_falls_away,
    names_in_the_certificate,
);
on_both_refusing!(names_that_nobody_may_have);

/// What was stored: ordered names, then the implicit one in brackets.
fn names(sandbox: &Sandbox, answer: &Answer) -> String {
    let rows = sandbox.order_names(&answer.order_number());
    let shown = rows.iter().map(|row| match row[1].as_str() {
        "1" => format!("[{}]", row[0]),
        _ => row[0].clone(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn one_name_and_its_twin(sandbox: &Sandbox) {
    let n = fresh_name("one");
    let other = fresh_name("other");
    let wild = format!("*.{n}");
    let www = format!("www.{n}");
    for (product, in_csr, more, expected) in [
        (488, &n, &[][..], format!("{n} [{www}]")),
        (488, &www, &[], format!("{www} [{n}]")),
        (488, &n, &[("omitAdditionalFQDN", "Y")], n.clone()),
        (488, &n, &[("omitAdditionalFQDN", "y")], n.clone()),
        (488, &n, &[("omitAdditionalFQDN", "N")], format!("{n} [{www}]")),
        (489, &wild, &[], format!("{wild} [{n}]")),
        (489, &wild, &[("omitAdditionalFQDN", "Y")], wild.clone()),
        // commonName beats the CSR, but for C.
        (488, &n, &[("commonName", other.as_str())], format!("{other} [www.{other}]")),
        (
            488,
            &n,
            &[("commonName", other.as_str()), ("prioritiseCSRValues", "N")],
            format!("{other} [www.{other}]"),
        ),
        (
            488,
            &n,
            &[("commonName", other.as_str()), ("prioritiseCSRValues", "P")],
            format!("{other} [www.{other}]"),
        ),
        (
            488,
            &n,
            &[("commonName", other.as_str()), ("prioritiseCSRValues", "C")],
            format!("{n} [{www}]"),
        ),
        // One name is one name: a list and the CSR's alternative names are ignored.
        (488, &n, &[("domainNames", other.as_str())], format!("{n} [{www}]")),
        // However it is written.
        (
            488,
            &n,
            &[("commonName", "WWW.Upper.Example.COM.")],
            "www.upper.example.com [upper.example.com]".into(),
        ),
        (
            488,
            &n,
            &[("commonName", "b\u{fc}cher.example.com")],
            "xn--bcher-kva.example.com [www.xn--bcher-kva.example.com]".into(),
        ),
        (488, &n, &[("commonName", "example.org")], "example.org [www.example.org]".into()),
        (489, &n, &[("commonName", "*.example.org")], "*.example.org [example.org]".into()),
    ] {
        let csr = Csr::of(Key::P256, in_csr, &["san.example.com"]);
        let form = more.iter().fold(Form::order(product, &csr), |form, (k, v)| form.set(k, v));
        let answer = sandbox.call(APPLY, &form);
        assert_eq!(names(sandbox, &answer), expected, "{product} {in_csr} {more:?}");
    }
}

fn lists_of_names(sandbox: &Sandbox) {
    let base = fresh_name("list");
    let (a, b, c) = (format!("a.{base}"), format!("b.{base}"), format!("c.{base}"));
    let csr = || Csr::of(Key::P256, &a, &[&b, &c]);
    let form = |product: i64, more: &[(&str, &str)]| {
        more.iter().fold(Form::order(product, &csr()), |form, (k, v)| form.set(k, v))
    };
    let stored = |product: i64, more: &[(&str, &str)]| {
        names(sandbox, &sandbox.call(APPLY, &form(product, more)))
    };
    for product in [279, 492] {
        // Without a list the CSR's alternative names are it; its common name is none of them.
        assert_eq!(stored(product, &[]), format!("{b} {c}"));
        // With one they are ignored, but for C.
        let list = format!("{c},{a}");
        for how in ["Y", "N", "P"] {
            let more = [("domainNames", list.as_str()), ("prioritiseCSRValues", how)];
            assert_eq!(stored(product, &more), format!("{c} {a}"));
        }
        let more = [("domainNames", list.as_str()), ("prioritiseCSRValues", "C")];
        assert_eq!(stored(product, &more), format!("{b} {c}"));
    }
    // Commas, blanks, line ends, tabs, several of them.
    for list in [
        format!("{a},{b}"),
        format!("{a} {b}"),
        format!("{a}\n{b}"),
        format!("{a}\r\n{b}\r\n"),
        format!(" ,{a},\t, {b},, "),
    ] {
        assert_eq!(stored(279, &[("domainNames", &list)]), format!("{a} {b}"), "{list:?}");
    }
    // Wildcards stand in lists, and no twin is added.
    let wild = format!("*.{base},{base}");
    assert_eq!(stored(279, &[("domainNames", &wild)]), format!("*.{base} {base}"));
    // Not in the products that are for names alone.
    sandbox
        .call(APPLY, &form(492, &[("domainNames", &wild)]))
        .refused(-4, "The value of the 'domainNames' argument is invalid!");
    // Addresses too, proven by file only.
    let addresses = [("domainNames", "8.8.8.8,2606:4700::1111"), ("dcvMethod", "HTTP_CSR_HASH")];
    assert_eq!(stored(279, &addresses), "8.8.8.8 2606:4700::1111");
    let refused = |more: &[(&str, &str)], name: &str| {
        sandbox
            .call(APPLY, &form(279, more))
            .refused(-4, &format!("The value of the '{name}' argument is invalid!"));
    };
    refused(&[("domainNames", "8.8.8.8"), ("dcvMethod", "CNAME_CSR_HASH")], "dcvMethod");
    refused(
        &[("domainNames", "8.8.8.8"), ("validationTokens", "CNAMECSRHASH")],
        "validationTokens",
    );
    // A wildcard is proven by no file (D77).
    for method in ["HTTP_CSR_HASH", "HTTPS_CSR_HASH"] {
        refused(&[("domainNames", &wild), ("dcvMethod", method)], "dcvMethod");
        let single = Form::order(489, &Csr::new(&format!("*.{base}"))).set("dcvMethod", method);
        sandbox
            .call(APPLY, &single)
            .refused(-4, "The value of the 'dcvMethod' argument is invalid!");
    }
    refused(&[("domainNames", &wild), ("validationTokens", "ALLHTTPCSRHASH")], "validationTokens");
    refused(
        &[("domainNames", &wild), ("dcvEmailAddresses", "HTTPCSRHASH,CNAMECSRHASH")],
        "dcvEmailAddresses",
    );
    assert_eq!(
        stored(279, &[("domainNames", &wild), ("dcvEmailAddresses", "CNAMECSRHASH,HTTPCSRHASH")]),
        format!("*.{base} {base}")
    );
    // Neither list nor alternative names: the list is missing, or in the CSR what C wants of it (D66).
    let bare = Form::order(279, &Csr::new(&a));
    sandbox.call(APPLY, &bare).refused(-3, "The 'domainNames' argument is missing!");
    for form in [bare.clone().set("domainNames", &a), bare] {
        sandbox
            .call(APPLY, &form.set("prioritiseCSRValues", "C"))
            .refused(-8, "The CSR is missing a required field!");
    }
}

/// A name that is written twice is ordered once, and lists go along with the names as they are written or as they count.
fn names_that_are_repeated(sandbox: &Sandbox) {
    let base = fresh_name("again");
    let (a, b) = (format!("a.{base}"), format!("b.{base}"));
    let list = format!("{a},{b},{}.,{a}", a.to_uppercase());
    let order = |more: &[(&str, &str)]| {
        let form = Form::order(279, &Csr::new(&a)).set("domainNames", &list);
        sandbox.call(APPLY, &more.iter().fold(form, |form, (k, v)| form.set(k, v)))
    };
    let plain = order(&[]);
    assert_eq!(names(sandbox, &plain), format!("{a} {b}"));
    assert_eq!(plain.get("totalCost"), "139.00", "two names");
    let methods = |tokens: &str| {
        let placed = order(&[("validationTokens", tokens)]);
        let rows = sandbox.order_names(&placed.order_number());
        rows.iter().map(|row| format!("{}={}", row[0], row[2])).collect::<Vec<_>>()
    };
    let wanted = [format!("{a}=HTTP_CSR_HASH"), format!("{b}=CNAME_CSR_HASH")];
    assert_eq!(methods("HTTPCSRHASH,CNAMECSRHASH"), wanted);
    assert_eq!(methods("HTTPCSRHASH,CNAMECSRHASH,HTTPCSRHASH,HTTPCSRHASH"), wanted);
    let refused = "The value of the 'validationTokens' argument is invalid!";
    for tokens in [
        "HTTPCSRHASH,CNAMECSRHASH,CNAMECSRHASH,HTTPCSRHASH",
        "HTTPCSRHASH,CNAMECSRHASH,HTTPCSRHASH",
        "HTTPCSRHASH",
    ] {
        order(&[("validationTokens", tokens)]).refused(-4, refused);
    }
    // The same in the CSR.
    let csr = Csr::of(Key::P256, &a, &[&b, &a, &b]);
    assert_eq!(names(sandbox, &sandbox.call(APPLY, &Form::order(279, &csr))), format!("{b} {a}"));
}

/// What the owners of a domain listed as public suffixes themselves is a name as any other (the ICANN section counts).
fn names_of_the_private_section(sandbox: &Sandbox) {
    for name in ["github.io", "s3.amazonaws.com", "pages.github.io"] {
        let placed = sandbox.call(APPLY, &Form::order(488, &Csr::new(name)));
        assert_eq!(names(sandbox, &placed), format!("{name} [www.{name}]"));
    }
    let wild = sandbox.call(APPLY, &Form::order(489, &Csr::new("*.github.io")));
    assert_eq!(names(sandbox, &wild), "*.github.io [github.io]");
    for (product, name) in [(488, "co.uk"), (489, "*.co.uk"), (488, "io")] {
        sandbox
            .call(APPLY, &Form::order(product, &Csr::new(name)))
            .refused(-4, "The value of the 'csr' argument is invalid!");
    }
}

fn the_common_name_of_a_list(sandbox: &Sandbox) {
    let base = fresh_name("cn");
    let (a, b, c) = (format!("a.{base}"), format!("b.{base}"), format!("c.{base}"));
    let list = format!("{a},{b}");
    let order = |product: i64, csr_name: &str, more: &[(&str, &str)]| {
        let form = Form::order(product, &Csr::new(csr_name)).set("domainNames", &list);
        let form = more.iter().fold(form, |form, (k, v)| form.set(k, v));
        sandbox.call(APPLY, &form)
    };
    let cn = |answer: &Answer| sandbox.request_column(&answer.order_number(), "common_name");
    let primary = [("primaryDomainName", b.as_str())];
    let one = ("maxSubjectCNs", "1");
    let none = ("maxSubjectCNs", "0");
    // Multi-domain: a common name only when one is named.
    assert_eq!(cn(&order(279, &a, &[])), "");
    assert_eq!(cn(&order(279, &a, &primary)), b);
    assert_eq!(cn(&order(279, &a, &[primary[0], one])), b);
    assert_eq!(cn(&order(279, &a, &[primary[0], none])), "");
    assert_eq!(cn(&order(279, &a, &[none])), "");
    order(279, &a, &[one]).refused(-3, "The 'primaryDomainName' argument is missing!");
    // Unified communications: the CSR's, if it is in the list.
    assert_eq!(cn(&order(492, &a, &[])), a);
    assert_eq!(cn(&order(492, &a, &[one])), a);
    assert_eq!(cn(&order(492, &a, &[none])), "");
    assert_eq!(cn(&order(492, &a, &primary)), b);
    assert_eq!(cn(&order(492, &c, &[])), "");
    order(492, &c, &[one]).refused(-3, "The 'primaryDomainName' argument is missing!");
    // Named, but not in the list.
    for product in [279, 492] {
        order(product, &a, &[("primaryDomainName", &c)])
            .refused(-4, "The value of the 'primaryDomainName' argument is invalid!");
    }
    order(492, "8.8.8.8", &[]).refused(-35, "The CSR's Common Name may not be an IP Address!");
    // Written otherwise, still in the list.
    assert_eq!(cn(&order(279, &a, &[("primaryDomainName", &b.to_uppercase())])), b);
    // More than 64 octets: a name that only the alternative names have room for.
    let long = format!("{}.{base}", "x".repeat(60));
    let form = Form::order(279, &Csr::new(&a)).set("domainNames", &long);
    let told = form.clone().set("primaryDomainName", &long);
    sandbox
        .call(APPLY, &told)
        .refused(-4, "The value of the 'primaryDomainName' argument is invalid!");
    assert_eq!(cn(&sandbox.call(APPLY, &form)), "");
    // 64 characters at most, but more octets once it is written in A-labels: no common name by default (D61).
    let idn = format!("{}.{base}", "\u{fc}b".repeat(12));
    assert!(idn.chars().count() <= 64);
    let form =
        Form::order(279, &Csr::new(&a)).set("domainNames", &idn).set("primaryDomainName", &idn);
    let found = cn(&sandbox.call(APPLY, &form));
    assert!(found.is_empty() || found.len() <= 64, "{found}");
    // A single name of more than 64 octets, from the CSR: ordered, but no common name.
    let answer = sandbox.call(APPLY, &Form::order(488, &Csr::new(&long)));
    assert_eq!(cn(&answer), "");
}

fn how_each_name_is_proven(sandbox: &Sandbox) {
    let base = fresh_name("proof");
    let (a, b) = (format!("a.{base}"), format!("b.{base}"));
    let list = format!("{a},{b}");
    let methods = |more: &[(&str, &str)]| {
        let form = Form::order(279, &Csr::new(&a)).set("domainNames", &list).without("dcvMethod");
        let form = more.iter().fold(form, |form, (k, v)| form.set(k, v));
        let answer = sandbox.call(APPLY, &form);
        let rows = sandbox.order_names(&answer.order_number());
        rows.iter()
            .map(|row| format!("{} {}", row[2], row[3]).trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(methods(&[]), ["EMAIL", "EMAIL"]);
    assert_eq!(methods(&[("dcvMethod", "HTTP_CSR_HASH")]), ["HTTP_CSR_HASH"; 2]);
    for (token, method) in [
        ("HTTPCSRHASH", "HTTP_CSR_HASH"),
        ("CNAMECSRHASH", "CNAME_CSR_HASH"),
        ("DNSTXTRNDVAL", "DNSTXT_RANDOM_VALUE"),
        ("HTTPSCSRHASH", "HTTPS_CSR_HASH"),
    ] {
        for name in ["validationTokens", "dcvEmailAddresses"] {
            assert_eq!(methods(&[(name, &format!("ALL{token}"))]), [method; 2]);
            let mixed = format!("{token} CNAMECSRHASH");
            assert_eq!(methods(&[(name, &mixed)]), [method, "CNAME_CSR_HASH"]);
        }
    }
    // Addresses in the order of the names, mixed with tokens; a list beats dcvMethod.
    let admin = format!("admin@{base}");
    let mixed = format!("{admin},HTTPCSRHASH");
    assert_eq!(
        methods(&[("dcvEmailAddresses", &mixed), ("dcvMethod", "CNAME_CSR_HASH")]),
        [format!("EMAIL {admin}"), "HTTP_CSR_HASH".to_owned()]
    );
    let both = format!("{admin} hostmaster@example.com");
    assert_eq!(
        methods(&[("dcvEmailAddresses", &both)]),
        [format!("EMAIL {admin}"), "EMAIL hostmaster@example.com".to_owned()]
    );
    // One name.
    let single = |more: &[(&str, &str)]| {
        let form = Form::order(488, &Csr::new(&base)).without("dcvMethod");
        let form = more.iter().fold(form, |form, (k, v)| form.set(k, v));
        sandbox.call(APPLY, &form)
    };
    let method = |more: &[(&str, &str)]| {
        let row = sandbox.order_names(&single(more).order_number()).swap_remove(0);
        format!("{} {}", row[2], row[3]).trim().to_owned()
    };
    assert_eq!(method(&[]), "EMAIL");
    assert_eq!(method(&[("dcvEmailAddress", &admin)]), format!("EMAIL {admin}"));
    let shouted = admin.replace("admin", "ADMIN");
    assert!(
        method(&[("dcvEmailAddress", &shouted)]).eq_ignore_ascii_case(&format!("EMAIL {admin}"))
    );
    for word in ["HTTP_CSR_HASH", "https_csr_hash", "CNAME_CSR_HASH", "DNSTXT_RANDOM_VALUE"] {
        let found = method(&[("dcvMethod", word), ("dcvEmailAddress", &admin)]);
        assert_eq!(found, word.to_uppercase());
    }
    for address in ["someone@example.com", "admin@example.org", "admin@com"] {
        single(&[("dcvEmailAddress", address)])
            .refused(-4, "The value of the 'dcvEmailAddress' argument is invalid!");
    }
}

/// The alternative names of a certificate as openssl tells them.
fn alternative_names(base64: &str) -> String {
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64
            .as_bytes()
            .chunks(64)
            .map(|l| String::from_utf8_lossy(l))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let mut child = Command::new("openssl")
        .args(["x509", "-noout", "-ext", "subjectAltName", "-subject", "-nameopt", "RFC2253"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl (apt-get install openssl)");
    child.stdin.take().expect("a pipe").write_all(pem.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("output");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(str::trim)
        .filter(|line| {
            line.contains("DNS:") || line.contains("IP Address:") || line.starts_with("subject=")
        })
        .map(|line| line.trim_start_matches("subject=").trim())
        .collect::<Vec<_>>()
        .join(" / ")
}

fn bare(base64: &str) -> String {
    base64.split_whitespace().collect()
}

fn a_twin_that_nobody_proves_falls_away(sandbox: &Sandbox) {
    let name = fresh_name("alone");
    let csr = Csr::new(&name);
    sandbox.publish_file(&csr, "http", &name, None);
    let order = sandbox
        .call(APPLY, &Form::order(488, &csr).set("dcvMethod", "HTTP_CSR_HASH"))
        .order_number();
    let collected = sandbox.collect(&order);
    let found = alternative_names(&bare(collected.get("certificate")));
    assert!(found.contains(&format!("DNS:{name}")), "{found}");
    assert!(!found.contains("www."), "{found}");
    assert_eq!(sandbox.request_column(&order, "removed_names"), format!("www.{name}"));
}

fn names_in_the_certificate(sandbox: &Sandbox) {
    // Both files: both names, the ordered one first and as common name.
    let name = fresh_name("both");
    let csr = Csr::new(&name);
    let www = format!("www.{name}");
    for host in [&name, &www] {
        sandbox.publish_file(&csr, "http", host, None);
    }
    let form = Form::order(488, &csr).set("dcvMethod", "HTTP_CSR_HASH");
    let order = sandbox.call(APPLY, &form).order_number();
    let found = alternative_names(&bare(sandbox.collect(&order).get("certificate")));
    assert!(found.contains(&format!("DNS:{name}, DNS:{www}")), "{found}");
    assert!(found.contains(&format!("CN={name}")), "{found}");
    // A list with a wildcard and a name of letters beyond ASCII; one record on the parent proves them all.
    let base = fresh_name("many");
    let csr = Csr::new(&base);
    sandbox.publish_cname(&csr, &base, None);
    let list = format!("*.{base} \u{e4}.{base} {base}");
    let form = Form::order(279, &csr).set("domainNames", &list).set("primaryDomainName", &base);
    let order = sandbox.call(APPLY, &form).order_number();
    let found = alternative_names(&bare(sandbox.collect(&order).get("certificate")));
    let expected = format!("DNS:*.{base}, DNS:xn--4ca.{base}, DNS:{base}");
    assert!(found.contains(&expected), "{found}");
    assert!(found.contains(&format!("CN={base}")), "{found}");
    // No common name when none is wanted.
    let form = Form::order(279, &csr)
        .set("domainNames", &base)
        .set("maxSubjectCNs", "0")
        .set("uniqueValue", "NoCn1");
    sandbox.publish_cname(&csr, &base, Some("NoCn1"));
    let order = sandbox.call(APPLY, &form).order_number();
    let found = alternative_names(&bare(sandbox.collect(&order).get("certificate")));
    assert!(!found.contains("CN="), "{found}");
}

fn names_that_nobody_may_have(sandbox: &Sandbox) {
    let ask = |product: i64, name: &str| {
        let form = Form::order(product, &Csr::new("x.example.com")).set("commonName", name);
        sandbox.apply("poor", &form)
    };
    let invalid = "The value of the 'commonName' argument is invalid!";
    for name in [
        "localhost",
        "intranet",
        "srv.local",
        "srv.internal",
        "a.test",
        "a.invalid",
        "x.nosuchtld",
        "com",
        "co.uk",
        "a_b.example.com",
        "-a.example.com",
        "a..example.com",
        ".example.com",
        "http://a.example.com",
        "a.example.com/x",
        "a.example.com:443",
        "a b.example.com",
        "admin@example.com",
        "xn--a.example.com",
        "1.2.3",
        "1.0.0.10.in-addr.arpa",
        "\u{202e}a.example.com",
        "a\u{2024}example.com\u{0}",
    ] {
        let answer = ask(488, name);
        assert_eq!(answer.get("errorCode"), "-4", "{name}: {}", answer.raw);
        answer.refused(-4, invalid);
    }
    for name in ["*.co.uk", "*.com", "*.local", "*.localhost", "*."] {
        let answer = ask(489, name);
        assert_eq!(answer.get("errorCode"), "-4", "{name}: {}", answer.raw);
    }
    let must = "The CSR's Common Name MUST contain ONE wildcard!";
    for name in [
        "example.com",
        "*.*.example.com",
        "a.*.example.com",
        "a*.example.com",
        "*example.com",
        "8.8.8.8",
    ] {
        ask(489, name).refused(-6, must);
    }
    let not = "The CSR's Common Name may NOT contain a wildcard!";
    for name in ["*.example.com", "a.*.example.com", "*"] {
        ask(488, name).refused(-5, not);
    }
    let ip = "The CSR's Common Name may not be an IP Address!";
    for name in ["8.8.8.8", "127.0.0.1", "::1", "[2001:db8::1]", "2606:4700::1111"] {
        ask(488, name).refused(-35, ip);
    }
    // From the CSR it is the csr that is wrong.
    let form = Form::order(488, &Csr::new("srv.local"));
    sandbox.apply("poor", &form).refused(-4, "The value of the 'csr' argument is invalid!");
    // Intranet SSL wants the opposite.
    let inside = |name: &str| {
        let form = complete(44, &Csr::new("x.example.com"), "x").set("commonName", name);
        sandbox.apply("poor", &form)
    };
    let credit = "Not enough credit!";
    for name in ["intranet", "srv.local", "10.0.0.1", "192.168.1.1", "fd00::1", "srv.corp"] {
        inside(name).refused(-15, credit);
    }
    let full = "The CSR's Common Name may not be a Fully-Qualified Domain Name!";
    for name in ["www.example.com", "example.co.uk"] {
        inside(name).refused(-18, full);
    }
    let public = "The CSR's Common Name may not be an Internet-accessible IP Address!";
    for name in ["8.8.8.8", "2606:4700::1111"] {
        inside(name).refused(-19, public);
    }
    inside("*.local").refused(-5, not);
    nothing_stored(sandbox);
}
