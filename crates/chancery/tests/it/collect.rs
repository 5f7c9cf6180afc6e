//! CollectSSL: every form of every answer.

use std::collections::BTreeSet;
use std::time::Duration;

use store::Database;

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, place};
use crate::tools::{self, Folder, openssl_ok, python};

on_both!(
    every_combination_of_form_1,
    every_combination_of_form_0,
    archives_and_sequences_are_read_by_others,
    binary_answers_are_the_bytes,
    binary_answers_that_are_none,
    combinations_that_are_not_allowed,
    orders_that_have_no_certificate,
    by_any_of_its_numbers,
    everybody_hears_of_their_own_order,
    as_the_programs_in_use_read_it,
);

/// An issued order: number, certificateID, name, and what was collected.
struct Issued {
    number: String,
    id: String,
    name: String,
    leaf: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

fn an_order(sandbox: &Sandbox) -> Issued {
    let name = fresh_name("collect");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let form = Form::order(488, &csr).set("showCertificateID", "Y");
    let placed = sandbox.call("!AutoApplySSL", &form);
    let number = placed.order_number();
    let collected = sandbox.collect(&number);
    Issued {
        number,
        id: placed.get("certificateID").to_owned(),
        name,
        leaf: tools::unbase64(collected.get("certificate")),
        chain: collected.all("caCertificate").into_iter().map(tools::unbase64).collect(),
    }
}

fn ask(sandbox: &Sandbox, order: &str, more: &[(&str, &str)]) -> String {
    let form = Form::new(&[("orderNumber", order)]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    sandbox.post("download/CollectSSL", &form.login(sandbox, "reseller"))
}

const FLAGS: [&str; 6] = [
    "showValidityPeriod",
    "showFQDN",
    "showExtStatus",
    "showMDCDomainDetails",
    "showMDCDomainDetails2",
    "showStatusDetails",
];

/// The flags of a number's bits.
fn flags(bits: usize) -> Vec<(&'static str, &'static str)> {
    let on = |n: &usize| bits >> n & 1 == 1;
    (0..FLAGS.len()).map(|n| (FLAGS[n], if on(&n) { "Y" } else { "N" })).collect()
}

fn yes(flags: &[(&str, &str)], name: &str) -> bool {
    flags.contains(&(name, "Y"))
}

fn unix(time: &str) -> String {
    let program = "import sys,datetime as d\n\
        print(int(d.datetime.fromisoformat(sys.argv[1].replace('Z','+00:00')).timestamp()))";
    python(program, &[time]).trim().to_owned()
}

const STEPS: &str = "&csrStatus=1&dcvStatus=1&ovCallBackStatus=-1&organizationValidationStatus=-1\
                     &freeDVUPStatus=-1";

fn encoded(bytes: &[u8]) -> String {
    crate::kit::base64(bytes).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn every_combination_of_form_1(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    let (from, to) = crate::steps::dates(&order.leaf);
    let (from, to) = (unix(&from), unix(&to));
    for query in ["0", "1", "2", "3"] {
        for bits in 0..1 << FLAGS.len() {
            let flags = flags(bits);
            let mut asked = vec![("queryType", query), ("responseFormat", "1")];
            asked.extend(&flags);
            let code = if query == "0" { 1 } else { 2 };
            let mut wanted = format!("errorCode={code}&orderNumber={}", order.number);
            if yes(&flags, "showValidityPeriod") {
                wanted.push_str(&format!("&notBefore={from}&notAfter={to}"));
            }
            if yes(&flags, "showFQDN") {
                wanted.push_str(&format!("&fqdn={}", order.name));
            }
            if query == "1" || query == "3" {
                for ca in &order.chain {
                    wanted.push_str(&format!("&caCertificate={}", encoded(ca)));
                }
            }
            if query == "1" || query == "2" {
                wanted.push_str(&format!("&certificate={}", encoded(&order.leaf)));
            }
            if yes(&flags, "showExtStatus") {
                wanted.push_str("&certificateStatus=Issued&validationStatus=Validated");
            }
            if yes(&flags, "showStatusDetails") {
                wanted.push_str(STEPS);
            }
            assert_eq!(ask(sandbox, &order.number, &asked), wanted, "{asked:?}");
        }
    }
}

fn every_combination_of_form_0(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    let (from, to) = crate::steps::dates(&order.leaf);
    let day = |t: &str| format!("{}/{}/{}", &t[8..10], &t[5..7], &t[..4]);
    let pem = |der: &[u8]| tools::pem("CERTIFICATE", der);
    for query in ["0", "1", "2", "3"] {
        for bits in 0..1 << FLAGS.len() {
            let flags = flags(bits);
            let mut asked = vec![("queryType", query), ("responseFormat", "0")];
            asked.extend(&flags);
            let mut wanted = String::from(if query == "0" { "1\n" } else { "2\n" });
            if yes(&flags, "showValidityPeriod") {
                wanted.push_str(&format!("{} {}\n", day(&from), day(&to)));
            }
            if yes(&flags, "showFQDN") {
                wanted.push_str(&format!("{}\n", order.name));
            }
            if query == "1" || query == "3" {
                order.chain.iter().for_each(|ca| wanted.push_str(&pem(ca)));
            }
            if query == "1" || query == "2" {
                wanted.push_str(&pem(&order.leaf));
            }
            if yes(&flags, "showExtStatus") || yes(&flags, "showStatusDetails") {
                wanted.push('\n');
            }
            if yes(&flags, "showStatusDetails") {
                wanted.push_str(&format!("{}\n", STEPS[1..].replace('&', "\n")));
            }
            if yes(&flags, "showExtStatus") {
                wanted.push_str("Validated\nIssued\n");
            }
            assert_eq!(ask(sandbox, &order.number, &asked), wanted, "{asked:?}");
        }
    }
    // Root first, the leaf last.
    let folder = Folder::new();
    let text = ask(sandbox, &order.number, &[("queryType", "1")]);
    let blocks: Vec<&str> = text.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let subjects: Vec<String> = blocks
        .iter()
        .map(|b| {
            let file = folder.write("one.pem", b.trim_start_matches("2\n"));
            openssl_ok(&["x509", "-in", &file, "-noout", "-subject", "-issuer"])
        })
        .collect();
    assert_eq!(subjects.len(), 3);
    let lines: Vec<Vec<&str>> = subjects.iter().map(|s| s.lines().collect()).collect();
    let bare = |line: &str| line.split_once('=').expect("a name").1.to_owned();
    assert_eq!(bare(lines[0][0]), bare(lines[0][1]), "the root signed itself");
    assert_eq!(bare(lines[1][1]), bare(lines[0][0]));
    assert_eq!(bare(lines[2][1]), bare(lines[1][0]));
}

fn archives_and_sequences_are_read_by_others(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    let folder = Folder::new();
    let everything: BTreeSet<Vec<u8>> = order.chain.iter().chain([&order.leaf]).cloned().collect();
    let keys = [("1", "netscapeCertificateSequence"), ("2", "pkcs7"), ("0", "zipFile")];
    for (kind, key) in keys {
        let pairs = Answer::read(&ask(
            sandbox,
            &order.number,
            &[("queryType", "1"), ("responseType", kind), ("responseFormat", "1")],
        ));
        assert_eq!(pairs.keys(), ["errorCode", "orderNumber", key]);
        let bytes = tools::unbase64(pairs.get(key));
        let text = ask(sandbox, &order.number, &[("queryType", "1"), ("responseType", kind)]);
        let (code, rest) = text.split_once('\n').expect("lines");
        assert_eq!(code, "2");
        // Bare Base64: programs put their own armour around it.
        assert!(!rest.contains("-----") && rest.ends_with('\n'), "{rest}");
        assert!(rest.lines().all(|l| l.len() <= 64));
        assert_eq!(tools::unbase64(&rest.replace('\n', "")), bytes, "both forms hold the same");
        if kind == "0" {
            let file = folder.write("a.zip", &bytes);
            let program = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\n\
                assert z.testzip() is None\n\
                for i in z.infolist(): print(i.filename, i.compress_type); z.extract(i, sys.argv[2])";
            let listed = python(program, &[&file, &folder.0.display().to_string()]);
            let base = order.name.replace('.', "_");
            assert_eq!(listed, format!("{base}.ca-bundle 0\n{base}.crt 0\n"));
            let read = |n: String| std::fs::read_to_string(folder.0.join(n)).expect("a file");
            let leaf = read(format!("{base}.crt"));
            assert_eq!(leaf, tools::pem("CERTIFICATE", &order.leaf));
            assert_eq!(
                read(format!("{base}.ca-bundle")),
                tools::pem("CERTIFICATE", &order.chain[1])
            );
            continue;
        }
        let (label, command) = match kind {
            "1" => ("CERTIFICATE", "nseq"),
            _ => ("PKCS7", "pkcs7"),
        };
        let file = folder.write("in.pem", tools::pem(label, &bytes));
        let mut arguments = vec![command, "-in", &file];
        arguments.extend(if kind == "2" { &["-print_certs"][..] } else { &[] });
        let read = openssl_ok(&arguments);
        let mut found = BTreeSet::new();
        for block in read.split("-----BEGIN CERTIFICATE-----\n").skip(1) {
            let (body, _) = block.split_once("-----END").expect("armour");
            found.insert(tools::unbase64(&body.replace('\n', "")));
        }
        assert_eq!(found, everything, "{key}");
    }
}

fn binary_answers_are_the_bytes(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    for (kind, key, media) in
        [("0", "zipFile", "application/zip"), ("2", "pkcs7", "application/pkcs7-mime")]
    {
        let asked = [("queryType", "1"), ("responseType", kind), ("responseFormat", "1")];
        let pairs = Answer::read(&ask(sandbox, &order.number, &asked));
        let form = Form::new(&[
            ("orderNumber", order.number.as_str()),
            ("queryType", "1"),
            ("responseType", kind),
            ("responseEncoding", "1"),
        ]);
        let url = format!("{}/products/download/CollectSSL", sandbox.at("api"));
        let form = form.login(sandbox, "reseller");
        let response = sandbox.http().post(url).form(&form.0).send().expect("an answer");
        assert_eq!(response.headers()["content-type"], media);
        assert_eq!(response.bytes().expect("bytes"), tools::unbase64(pairs.get(key)));
    }
    // Not ready, and errors, are text all the same.
    let name = fresh_name("collect");
    let waiting = place(sandbox, &Form::order(488, &Csr::new(&name)));
    let binary = [
        ("queryType", "1"),
        ("responseType", "2"),
        ("responseEncoding", "1"),
        ("responseFormat", "1"),
    ];
    assert_eq!(ask(sandbox, &waiting, &binary), "0\n");
    let unknown = ask(sandbox, "99999999", &binary);
    assert!(unknown.contains("-4") && unknown.contains("orderNumber"), "{unknown}");
}

fn combinations_that_are_not_allowed(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    type Asked<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Asked<'_>, i64, &str); 16] = [
        (&[], -3, "queryType"),
        (&[("queryType", "4")], -4, "queryType"),
        (&[("queryType", "x")], -4, "queryType"),
        (&[("queryType", "1"), ("responseType", "4")], -4, "responseType"),
        (&[("queryType", "0"), ("responseType", "0")], -4, "responseType"),
        (&[("queryType", "2"), ("responseType", "1")], -4, "responseType"),
        (&[("queryType", "3"), ("responseType", "2")], -4, "responseType"),
        (&[("queryType", "1"), ("responseEncoding", "2")], -4, "responseEncoding"),
        (&[("queryType", "1"), ("responseEncoding", "1")], -4, "responseEncoding"),
        (
            &[("queryType", "1"), ("responseType", "1"), ("responseEncoding", "1")],
            -4,
            "responseEncoding",
        ),
        (&[("queryType", "2"), ("responseEncoding", "1")], -4, "responseEncoding"),
        (&[("queryType", "1"), ("showFQDN", "maybe")], -4, "showFQDN"),
        (&[("queryType", "1"), ("responseFormat", "2")], -4, "responseFormat"),
        (&[("queryType", "1"), ("certificateID", "x")], -4, "certificateID"),
        (&[("queryType", "1"), ("certificateID", "1")], -4, "certificateID"),
        (&[("queryType", "1"), ("baseOrderNumber", "99999999")], -4, "baseOrderNumber"),
    ];
    for (asked, code, named) in cases {
        let message = match code {
            -3 => format!("The '{named}' argument is missing!"),
            _ => format!("The value of the '{named}' argument is invalid!"),
        };
        let answer = ask(sandbox, &order.number, asked);
        assert_eq!(answer, format!("{code}\n{message}\n"), "{asked:?}");
    }
    let none = Form::new(&[("queryType", "1")]).login(sandbox, "reseller");
    let none = sandbox.post("download/CollectSSL", &none);
    assert_eq!(none, "-3\nThe 'orderNumber' argument is missing!\n");
    let unknown = ask(sandbox, &order.number, &[("queryType", "1"), ("showCertificateID", "Y")]);
    assert!(unknown.starts_with("-2\n'showCertificateID' is an unrecogni"), "{unknown}");
}

/// Where octets are asked for, what is none comes in lines, whatever responseFormat says (§6, D136).
fn binary_answers_that_are_none(sandbox: &Sandbox) {
    let waiting = place(sandbox, &Form::order(488, &Csr::new(&fresh_name("collect"))));
    let binary = [
        ("queryType", "1"),
        ("responseType", "2"),
        ("responseEncoding", "1"),
        ("responseFormat", "1"),
    ];
    assert_eq!(ask(sandbox, &waiting, &binary), "0\n");
    let told = ask(sandbox, "99999999", &binary);
    assert_eq!(told, "-4\nThe value of the 'orderNumber' argument is invalid!\n");
    // Digits, 128 at most (D18).
    assert_eq!(ask(sandbox, &format!("{waiting:0>128}"), &binary), "0\n");
    assert_eq!(ask(sandbox, &format!("{waiting:0>129}"), &binary), told);
    let odd = ask(sandbox, &waiting, &[&binary[..], &[("responseType", "3")]].concat());
    assert_eq!(odd, "-4\nThe value of the 'responseEncoding' argument is invalid!\n");
    let form = binary.iter().fold(Form::default(), |form, (k, v)| form.set(k, v));
    let nobody = form.set("loginName", "nobody").set("loginPassword", "x").set("orderNumber", "1");
    assert!(sandbox.post("download/CollectSSL", &nobody).starts_with("-16\n"));
}

fn orders_that_have_no_certificate(sandbox: &Sandbox) {
    // Being processed.
    let name = fresh_name("collect");
    let waiting = place(sandbox, &Form::order(488, &Csr::new(&name)));
    for query in ["0", "1", "2", "3"] {
        assert_eq!(ask(sandbox, &waiting, &[("queryType", query)]), "0\n");
    }
    let mut asked = vec![("queryType", "1"), ("responseFormat", "1")];
    asked.extend(FLAGS.map(|f| (f, "Y")));
    let told = Answer::read(&ask(sandbox, &waiting, &asked));
    assert_eq!(
        told.keys()[..4],
        ["errorCode", "orderNumber", "certificateStatus", "validationStatus"]
    );
    assert_eq!(told.get("certificateStatus"), "Awaiting Validation");
    assert_eq!(told.get("validationStatus"), "Awaiting Validation");
    assert_eq!(told.get("dcvStatus"), "0");
    // Being signed: a state of milliseconds, held here. There is an order to be collected before and after it.
    let signing = an_order(sandbox);
    let hold = |from: &str, to: &str| {
        sandbox.change(&format!(
            "UPDATE certificate_requests SET state = '{to}' WHERE order_number = {} AND state = '{from}'",
            signing.number
        ));
    };
    hold("issued", "issuing");
    for query in ["0", "1", "2", "3"] {
        let told = ask(sandbox, &signing.number, &[("queryType", query)]);
        assert_eq!(told, "-26\nThe certificate is currently being issued!\n", "{query}");
    }
    hold("issuing", "issued");
    assert!(ask(sandbox, &signing.number, &[("queryType", "2")]).starts_with("2\n"));
    // Rejected.
    let number: u64 = waiting.parse().expect("a number");
    let no =
        serde_json::json!({ "orderNumber": number, "check": "domain_control", "result": "fail" });
    sandbox.control("/settle", &no);
    let rejected = ask(sandbox, &waiting, &[("queryType", "1")]);
    assert_eq!(rejected, "-20\nThe certificate request has been rejected!\n");
    // Somebody else's, and none.
    let theirs = an_order(sandbox);
    let form = Form::new(&[("orderNumber", &theirs.number), ("queryType", "1")]);
    let foreign = sandbox.post("download/CollectSSL", &form.login(sandbox, "webhost"));
    assert_eq!(foreign, "-4\nThe value of the 'orderNumber' argument is invalid!\n");
    assert_eq!(foreign, ask(sandbox, "99999999", &[("queryType", "1")]), "the same as none");
}

fn by_any_of_its_numbers(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    assert!(order.number.len() == 8 && order.number.bytes().all(|b| b.is_ascii_digit()));
    let asked = |pairs: &[(&str, &str)]| {
        let form = Form::new(pairs).set("queryType", "2").set("responseFormat", "1");
        sandbox.call("download/CollectSSL", &form)
    };
    for pairs in [
        &[("orderNumber", order.number.as_str())][..],
        &[("certificateID", order.id.as_str())],
        &[("baseOrderNumber", order.number.as_str())],
        &[("orderNumber", order.number.as_str()), ("certificateID", order.id.as_str())],
        &[("baseOrderNumber", order.number.as_str()), ("orderNumber", order.number.as_str())],
    ] {
        let answer = asked(pairs);
        assert_eq!(answer.get("errorCode"), "2", "{pairs:?}: {}", answer.raw);
        assert_eq!(answer.get("orderNumber"), order.number, "{pairs:?}");
        assert_eq!(tools::unbase64(answer.get("certificate")), order.leaf, "{pairs:?}");
    }
    // Numbers that mean different orders.
    let other = an_order(sandbox);
    let answer = asked(&[("orderNumber", &order.number), ("certificateID", &other.id)]);
    assert_eq!(answer.get("errorCode"), "-4", "{}", answer.raw);
}

/// Calls of the same moment are looked up together: each gets what it would get alone.
fn everybody_hears_of_their_own_order(sandbox: &Sandbox) {
    let (one, two) = (an_order(sandbox), an_order(sandbox));
    let waiting = place(sandbox, &Form::order(488, &Csr::new(&fresh_name("collect"))));
    let again = Form::new(&[("orderNumber", &two.number), ("responseFormat", "1")]);
    let again = sandbox.call("!AutoReplaceSSL", &again.set("csr", &Csr::new(&two.name).pem));
    let newest = again.order_number();
    assert_ne!(newest, two.number);
    issued(sandbox, &newest, "what was shown counts");
    let call = |role: &str, pairs: &[(&str, &str)]| {
        let form = Form::new(pairs).set("queryType", "1").set("showExtStatus", "Y");
        let form = form.set("showMDCDomainDetails", "Y").login(sandbox, role);
        (sandbox.post("download/CollectSSL", &form), form)
    };
    let mut calls = vec![
        call("reseller", &[("orderNumber", &one.number)]),
        call("reseller", &[("orderNumber", &two.number)]),
        call("reseller", &[("orderNumber", &newest)]),
        call("reseller", &[("orderNumber", &waiting)]),
        call("reseller", &[("orderNumber", "99999999")]),
        call("reseller", &[("baseOrderNumber", &one.number)]),
        call("reseller", &[("baseOrderNumber", &newest)]),
        call("reseller", &[("certificateID", &two.id)]),
        call("reseller", &[("orderNumber", &one.number), ("certificateID", &one.id)]),
        call("reseller", &[("orderNumber", &newest), ("baseOrderNumber", &two.number)]),
        call("reseller", &[("orderNumber", &newest), ("baseOrderNumber", &one.number)]),
        call("webhost", &[("orderNumber", &newest)]),
        call("webhost", &[("certificateID", &two.id)]),
        call("reseller", &[("orderNumber", &one.number), ("certificateID", &two.id)]),
        call("webhost", &[("orderNumber", &one.number)]),
    ];
    let nobody = Form::new(&[("orderNumber", &one.number), ("queryType", "1")]);
    let nobody = nobody.set("loginName", "nobody").set("loginPassword", "x");
    calls.push((sandbox.post("download/CollectSSL", &nobody), nobody));
    let told: BTreeSet<&str> = calls.iter().map(|(alone, _)| alone.as_str()).collect();
    assert_eq!(told.len(), 8, "one, two of a chain, one that waits, four refusals: {told:?}");
    for round in 0..4 {
        std::thread::scope(|scope| {
            for (alone, form) in calls.iter().chain(&calls).chain(&calls) {
                scope.spawn(move || {
                    let told = sandbox.post("download/CollectSSL", form);
                    assert_eq!(told, *alone, "{round}: {form:?}");
                });
            }
        });
    }
}

/// A connection whose answers do not come holds up the call that waits for one, and no others.
#[test]
fn calls_go_on_while_a_connection_hangs() {
    let sandbox = &Sandbox::start(Database::Postgres);
    let order = an_order(sandbox);
    let number = &order.number;
    // A connection that reads, by what it did last: a call that is refused after its login asks for nothing else.
    let reader = "SELECT CAST(pid AS TEXT) FROM pg_stat_activity WHERE datname = current_database() \
                  AND query LIKE 'SELECT id, login_name%' AND query NOT LIKE '%UPDATE%' LIMIT 1";
    let pid = sandbox.wait_for("a connection that reads", || {
        assert!(ask(sandbox, "x", &[("queryType", "2")]).starts_with("-4\n"));
        sandbox.rows(reader).pop().and_then(|mut row| row.pop())
    });
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    };
    let answered = std::thread::scope(|scope| {
        signal("-STOP");
        let mut calls = Vec::new();
        let mut in_time = 0;
        for _ in 0..10 {
            let (told, answer) = std::sync::mpsc::channel();
            calls.push(scope.spawn(move || {
                let collected = ask(sandbox, number, &[("queryType", "2")]);
                let _ = told.send(());
                collected
            }));
            in_time += usize::from(answer.recv_timeout(Duration::from_secs(3)).is_ok());
        }
        signal("-CONT");
        for call in calls {
            assert!(call.join().expect("an answer").starts_with("2\n"));
        }
        in_time
    });
    assert!(answered >= 8, "{answered} of 10: one may hang for its login, one for its order");
}

/// The regular expressions and cuts of programs that are in use.
fn as_the_programs_in_use_read_it(sandbox: &Sandbox) {
    let order = an_order(sandbox);
    let program = r#"
import re, sys
text = sys.stdin.read() if len(sys.argv) < 3 else sys.argv[2]
if sys.argv[1] == 'D':
    m = re.match(r'\A\d\n(.+)\n\n.+?', text, re.S)
    assert m, text
    print(m.group(1))
elif sys.argv[1] == 'E-status':
    print(text.split()[2])
elif sys.argv[1] == 'E-certificates':
    lines = text[:-1].split('\n')
    assert lines[0] == '2'
    blocks = re.findall(r'-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----', '\n'.join(lines[2:]), re.S)
    print(lines[1]); print(blocks[::-1][0])
elif sys.argv[1] == 'A':
    from urllib.parse import parse_qs, unquote
    raw = dict(p.split('=', 1) for p in text.split('&') if not p.startswith('caCertificate'))
    value = unquote(raw['certificate'])
    assert '\n' not in value and '-' not in value
    print(raw['errorCode'], int(raw['notAfter']) > int(raw['notBefore']), value)
"#;
    let leaf = tools::pem("CERTIFICATE", &order.leaf);
    let d = ask(sandbox, &order.number, &[("queryType", "2"), ("showExtStatus", "Y")]);
    assert_eq!(python(program, &["D", &d]).trim(), leaf.trim());
    assert_eq!(d.trim_end().lines().last(), Some("Issued"), "the status is the last line");
    let e = ask(sandbox, &order.number, &[("queryType", "0"), ("showValidityPeriod", "Y")]);
    let (_, to) = crate::steps::dates(&order.leaf);
    let day = format!("{}/{}/{}", &to[8..10], &to[5..7], &to[..4]);
    assert_eq!(python(program, &["E-status", &e]).trim(), day);
    let e = ask(sandbox, &order.number, &[("queryType", "1"), ("showFQDN", "Y")]);
    assert_eq!(python(program, &["E-certificates", &e]), format!("{}\n{leaf}", order.name));
    let asked = [("queryType", "1"), ("showValidityPeriod", "Y"), ("responseFormat", "1")];
    let a = ask(sandbox, &order.number, &asked);
    let read = python(program, &["A", &a]);
    assert_eq!(read.trim(), format!("2 True {}", crate::kit::base64(&order.leaf)));
    // Everything in the query, no body, names in capitals: client E.
    let [(_, user), (_, password)] = sandbox.login("reseller");
    let url = format!("{}/products/download/CollectSSL", sandbox.at("api"));
    let query = [
        ("LOGINNAME", user.as_str()),
        ("LOGINPASSWORD", &password),
        ("ORDERNUMBER", &order.number),
        ("queryType", "2"),
    ];
    let response = sandbox.http().post(url).query(&query).send().expect("an answer");
    assert_eq!(response.text().expect("text"), format!("2\n{leaf}"));
    // A name of two labels has its second name in the certificate too.
    let csr = Csr::new(&order.name);
    sandbox.publish_cname(&csr, &order.name, None);
    issued(sandbox, &place(sandbox, &Form::order(287, &csr)), "PositiveSSL");
}
