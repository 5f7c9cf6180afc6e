//! Domain control by files: what is taken, what is not, which redirects are followed, which addresses are never asked.

use serde_json::json;

use crate::kit::{Csr, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{
    fetched, file, issued, look_again, order_by, place, proof_path, settled, waits,
};

on_both!(
    files_are_read_generously,
    other_files_prove_nothing,
    redirects_as_the_rules_allow,
    private_addresses_are_never_reached,
    a_file_published_later_is_found_at_once,
);

/// As programs in use publish: hashes in either case, LF, CRLF or blanks, either suffix, with and without a last newline.
fn files_are_read_generously(sandbox: &Sandbox) {
    type Variant = (&'static str, Option<&'static str>, fn(&Csr) -> String);
    let variants: [Variant; 10] = [
        ("LF", None, |c| format!("{}\nsectigo.com", c.sha256)),
        ("a last newline", None, |c| format!("{}\nsectigo.com\n", c.sha256)),
        ("capitals, CRLF, the old suffix", None, |c| {
            format!("{}\r\nCOMODOCA.COM\r\n", c.sha256.to_uppercase())
        }),
        ("one line", None, |c| format!("{} comodoca.com", c.sha256)),
        ("unique value", Some("a1B2c3D4e5"), |c| format!("{}\ncomodoca.com\na1B2c3D4e5", c.sha256)),
        ("unique value, last newline", Some("0123456789ABCDEF0123"), |c| {
            format!("{}\nsectigo.com\n0123456789ABCDEF0123\n", c.sha256)
        }),
        ("unique value, one line", Some("Ab12"), |c| format!("{} sectigo.com Ab12\n", c.sha256)),
        ("unique value, CRLF", Some("XY9"), |c| {
            format!("{}\r\ncomodoca.com\r\nXY9\r\n", c.sha256.to_uppercase())
        }),
        ("empty lines between", None, |c| format!("\n{}\n\nsectigo.com\n\n", c.sha256)),
        ("a byte order mark", None, |c| format!("\u{feff}{}\nsectigo.com\n", c.sha256)),
    ];
    let mut orders = Vec::new();
    for (what, unique, content) in variants {
        for (method, scheme) in [("HTTP_CSR_HASH", "http"), ("HTTPS_CSR_HASH", "https")] {
            let name = fresh_name("file");
            let csr = Csr::new(&name);
            file(sandbox, scheme, &name, &proof_path(&csr), &content(&csr), 200);
            let mut form = order_by(method, &csr);
            if let Some(unique) = unique {
                form = form.set("uniqueValue", unique);
            }
            orders.push((format!("{what}, {scheme}"), place(sandbox, &form)));
        }
    }
    for (what, order) in orders {
        issued(sandbox, &order, &what);
    }
}

fn other_files_prove_nothing(sandbox: &Sandbox) {
    type Variant = (&'static str, u16, fn(&Csr) -> String);
    let right: fn(&Csr) -> String = |c| format!("{}\nsectigo.com\nU1\n", c.sha256);
    let variants: [Variant; 15] = [
        ("404 with the right content", 404, right),
        ("403", 403, right),
        ("500", 500, right),
        ("300", 300, right),
        ("another hash", 200, |c| format!("{}\nsectigo.com\nU1\n", "0".repeat(c.sha256.len()))),
        ("MD5 for SHA-256", 200, |c| format!("{}\nsectigo.com\nU1\n", c.md5)),
        ("another issuer", 200, |c| format!("{}\nexample.net\nU1\n", c.sha256)),
        ("no unique value", 200, |c| format!("{}\nsectigo.com\n", c.sha256)),
        ("another unique value", 200, |c| format!("{}\nsectigo.com\nU2\n", c.sha256)),
        ("more words", 200, |c| format!("{}\nsectigo.com\nU1\nU2\n", c.sha256)),
        ("words before", 200, |c| format!("hash: {}\nsectigo.com\nU1\n", c.sha256)),
        ("another order", 200, |c| format!("sectigo.com\n{}\nU1\n", c.sha256)),
        ("HTML", 200, |c| format!("<p>{}\nsectigo.com\nU1</p>", c.sha256)),
        ("one word", 200, |c| format!("{}sectigo.comU1", c.sha256)),
        ("nothing", 200, |_| String::new()),
    ];
    let mut orders = Vec::new();
    let mut last = None;
    for (what, status, content) in variants {
        let name = fresh_name("badfile");
        let csr = Csr::new(&name);
        file(sandbox, "http", &name, &proof_path(&csr), &content(&csr), status);
        let form = order_by("HTTP_CSR_HASH", &csr).set("uniqueValue", "U1");
        let order = place(sandbox, &form);
        orders.push((what, order.clone(), name.clone()));
        last = Some((order, name, csr));
    }
    // The right file in the wrong place.
    for (what, method, scheme, above) in [
        ("http for https", "HTTPS_CSR_HASH", "http", false),
        ("https for http", "HTTP_CSR_HASH", "https", false),
        ("the domain above", "HTTP_CSR_HASH", "both", true),
    ] {
        let parent = fresh_name("badfile");
        let name = format!("sub.{parent}");
        let csr = Csr::new(&name);
        let host = if above { &parent } else { &name };
        file(sandbox, scheme, host, &proof_path(&csr), &right(&csr), 200);
        let form = order_by(method, &csr).set("uniqueValue", "U1");
        orders.push((what, place(sandbox, &form), name));
    }
    settled(sandbox);
    for (what, order, name) in &orders {
        assert!(!fetched(sandbox, name).is_empty(), "{what}: was looked at");
        waits(sandbox, order, what);
    }
    // The evidence of failed attempts leaves the order open.
    let (order, name, csr) = last.expect("one");
    file(sandbox, "http", &name, &proof_path(&csr), &right(&csr), 200);
    look_again(sandbox, &order, "HTTP_CSR_HASH");
    issued(sandbox, &order, "mended");
}

/// 301, 302, 307 and 308 to ports 80 and 443; nothing else.
fn redirects_as_the_rules_allow(sandbox: &Sandbox) {
    let redirect = |host: &str, path: &str, status: u16, location: &str| {
        let body = json!({ "scheme": "both", "host": host, "path": path, "content": "",
            "status": status, "location": location });
        sandbox.control("/add-file", &body);
    };
    let content = |csr: &Csr| format!("{}\nsectigo.com\n", csr.sha256);
    let mut good = Vec::new();
    let mut bad = Vec::new();
    let fresh = || {
        let name = fresh_name("redirect");
        let (csr, target) = (Csr::new(&name), fresh_name("target"));
        (name, csr, target)
    };
    for status in [301, 302, 307, 308] {
        for (what, to) in [
            ("http", "http://{}/elsewhere.txt"),
            ("https", "https://{}/elsewhere.txt"),
            ("the scheme's own port", "http://{}:80/elsewhere.txt"),
            ("without a scheme", "//{}/elsewhere.txt"),
        ] {
            let (name, csr, target) = fresh();
            file(sandbox, "both", &target, "/elsewhere.txt", &content(&csr), 200);
            redirect(&name, &proof_path(&csr), status, &to.replace("{}", &target));
            good.push((
                format!("{status} to {what}"),
                place(sandbox, &order_by("HTTP_CSR_HASH", &csr)),
            ));
        }
    }
    let (name, csr, _) = fresh();
    redirect(&name, &proof_path(&csr), 302, "/a");
    redirect(&name, "/a", 302, "b?x=y#z");
    file(sandbox, "http", &name, "/b", &content(&csr), 200);
    good.push(("two, relative".to_owned(), place(sandbox, &order_by("HTTP_CSR_HASH", &csr))));

    // A page that only says again what its address says shows nothing.
    let (name, csr, _) = fresh();
    let echo = format!("/echo?t={}%0Asectigo.com", csr.sha256.to_uppercase());
    redirect(&name, &proof_path(&csr), 302, &echo);
    file(sandbox, "http", &name, "/echo", &content(&csr), 200);
    let (echoing, echoed) = (name, place(sandbox, &order_by("HTTP_CSR_HASH", &csr)));

    // What must not be followed: nobody even asks the target.
    for (status, to) in [
        (303, "http://{}/elsewhere.txt"),
        (300, "http://{}/elsewhere.txt"),
        (304, "http://{}/elsewhere.txt"),
        (305, "http://{}/elsewhere.txt"),
        (200, "http://{}/elsewhere.txt"),
        (302, "http://{}:8080/elsewhere.txt"),
        (302, "http://{}:443/elsewhere.txt"),
        (302, "https://{}:80/elsewhere.txt"),
        (302, "ftp://{}/elsewhere.txt"),
        (302, "http://user:secret@{}/elsewhere.txt"),
    ] {
        let (name, csr, target) = fresh();
        file(sandbox, "both", &target, "/elsewhere.txt", &content(&csr), 200);
        redirect(&name, &proof_path(&csr), status, &to.replace("{}", &target));
        let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
        bad.push((format!("{status} to {to}"), order, name, Some(target)));
    }
    // The fake web itself and the server's own ports stand for the private network that must not be reached.
    let http = sandbox.at("http").replace("http://", "");
    let own = format!("http://{http}/elsewhere.txt");
    for to in [
        "http://127.0.0.1/elsewhere.txt",
        "http://[::1]/elsewhere.txt",
        "http://10.0.0.1/elsewhere.txt",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/elsewhere.txt",
        "http://2130706433/elsewhere.txt",
        "http://localhost/elsewhere.txt",
        own.as_str(),
        "",
    ] {
        let (name, csr, _) = fresh();
        redirect(&name, &proof_path(&csr), 302, to);
        let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
        bad.push((format!("to {to}"), order, name, None));
    }
    settled(sandbox);
    waits(sandbox, &echoed, "the token was in the address");
    let asked = fetched(sandbox, &echoing);
    assert!(asked.iter().any(|f| f.to_string().contains("/echo")), "it was asked: {asked:?}");
    let (name, csr, _) = fresh();
    redirect(&name, &proof_path(&csr), 302, &proof_path(&csr));
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    bad.push(("a loop".to_owned(), order, name, None));
    let (name, csr, _) = fresh();
    redirect(&name, &proof_path(&csr), 302, "/1");
    for hop in 1..20 {
        redirect(&name, &format!("/{hop}"), 302, &format!("/{}", hop + 1));
    }
    file(sandbox, "http", &name, "/20", &content(&csr), 200);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    bad.push(("too many".to_owned(), order, name, None));

    for (what, order) in good {
        issued(sandbox, &order, &what);
    }
    settled(sandbox);
    for (what, order, name, target) in bad {
        assert!(!fetched(sandbox, &name).is_empty(), "{what}: was looked at");
        assert!(fetched(sandbox, &name).len() < 10, "{what}: ends");
        if let Some(target) = target {
            assert_eq!(fetched(sandbox, &target).len(), 0, "{what}: not followed");
        }
        waits(sandbox, &order, &what);
    }
}

/// A listener on this machine sees no connection, whatever addresses a name has.
fn private_addresses_are_never_reached(sandbox: &Sandbox) {
    let mut orders = Vec::new();
    let addresses = [
        ("/add-a", "127.0.0.1"),
        ("/add-a", "10.1.2.3"),
        ("/add-a", "172.16.0.1"),
        ("/add-a", "192.168.0.1"),
        ("/add-a", "169.254.169.254"),
        ("/add-a", "100.64.0.1"),
        ("/add-a", "0.0.0.0"),
        ("/add-aaaa", "::1"),
        ("/add-aaaa", "fe80::1"),
        ("/add-aaaa", "fd00::1"),
        ("/add-aaaa", "::ffff:127.0.0.1"),
    ];
    for (call, address) in addresses {
        for method in ["HTTP_CSR_HASH", "HTTPS_CSR_HASH"] {
            let name = fresh_name("private");
            let csr = Csr::new(&name);
            sandbox.control(call, &json!({ "host": name, "addresses": [address] }));
            sandbox.publish_file(&csr, "both", &name, None);
            orders.push((address, place(sandbox, &order_by(method, &csr)), name));
        }
    }
    // One that may be reached among others that may not: that one is asked.
    let name = fresh_name("private");
    let csr = Csr::new(&name);
    let mixed = json!({ "host": name, "addresses": ["127.0.0.1", "10.0.0.1", "192.0.2.1"] });
    sandbox.control("/add-a", &mixed);
    sandbox.publish_file(&csr, "http", &name, None);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    issued(sandbox, &order, "one of three");
    settled(sandbox);
    for (address, order, name) in orders {
        assert_eq!(fetched(sandbox, &name).len(), 0, "{address}");
        waits(sandbox, &order, address);
    }
}

fn a_file_published_later_is_found_at_once(sandbox: &Sandbox) {
    let name = fresh_name("later");
    let csr = Csr::new(&name);
    let order = place(sandbox, &order_by("HTTP_CSR_HASH", &csr));
    settled(sandbox);
    waits(sandbox, &order, "nothing there");
    sandbox.publish_file(&csr, "https", &name, None);
    // Another method is looked for at once too.
    look_again(sandbox, &order, "HTTPS_CSR_HASH");
    issued(sandbox, &order, "published later");
}
