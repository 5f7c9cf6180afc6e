//! The matrix: a certificate of every DV product × method × kind of key × database, collected through the public
//! interface, judged by pkilint and by `openssl verify`. It is printed, and an empty cell fails.
//!
//! Files prove no wildcards: these cells are to be refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use store::Database;

use crate::kit::{Answer, Csr, Form, Key, Sandbox, fresh_name};
use crate::steps::settled;
use crate::tools::{self, Folder};

const METHODS: [&str; 5] =
    ["EMAIL", "HTTP_CSR_HASH", "HTTPS_CSR_HASH", "CNAME_CSR_HASH", "DNSTXT_RANDOM_VALUE"];
const KEYS: [(&str, Key); 4] = [
    ("RSA-2048", Key::Rsa2048),
    ("RSA-4096", Key::Rsa4096),
    ("P-256", Key::P256),
    ("P-384", Key::P384),
];
const DATABASES: [(&str, Database); 2] =
    [("SQLite", Database::Sqlite), ("PostgreSQL", Database::Postgres)];
/// Orders at a time on each database.
const HANDS: usize = 4;

/// A product that is proven by control of the domain alone.
#[derive(Clone, Debug)]
struct Product {
    code: i64,
    kind: String,
    days: i64,
}

/// Where a cell stands in the table.
type Place = (i64, &'static str, &'static str, &'static str);

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Cell {
    /// A certificate that nobody objects to.
    Good,
    /// Refused, as it must be.
    NotAllowed,
    /// What is wrong.
    Bad(String),
}

/// An order on its way.
struct Order {
    place: Place,
    product: Product,
    name: String,
    csr: Csr,
    number: String,
    codes: BTreeSet<String>,
}

/// A certificate in hand.
struct Collected {
    place: Place,
    file: String,
    leaf: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

#[test]
fn every_cell_has_a_certificate_that_outside_checkers_accept() {
    let start = Instant::now();
    let products = products();
    let folder = Folder::new();
    let mut cells: BTreeMap<Place, Cell> = BTreeMap::new();
    let mut collected = Vec::new();
    std::thread::scope(|scope| {
        let told = DATABASES.map(|(word, database)| {
            let products = &products;
            scope.spawn(move || of_database(word, Sandbox::shared(database), products))
        });
        for one in told {
            let (some_cells, some_certificates) = one.join().expect("a database's part");
            cells.extend(some_cells);
            collected.extend(some_certificates);
        }
    });
    let ordered = start.elapsed();
    let findings = lint(&folder, &collected);
    let linted = start.elapsed() - ordered;
    let unverified = verify(&folder, &collected);
    let verified = start.elapsed() - ordered - linted;
    for one in &collected {
        let said = findings.get(&one.file).cloned().unwrap_or_else(|| vec!["not linted".into()]);
        let untrusted = unverified.contains(&one.file);
        let cell = match (said.is_empty(), untrusted) {
            (true, false) => Cell::Good,
            (true, true) => Cell::Bad("openssl verify".into()),
            (false, _) => Cell::Bad(said.join("; ")),
        };
        cells.insert(one.place, cell);
    }
    print(&products, &cells, collected.len(), [ordered, linted, verified]);
    let others: Vec<_> = findings
        .iter()
        .filter(|(file, said)| !file.starts_with("leaf-") && !said.is_empty())
        .collect();
    assert!(others.is_empty(), "CAs and CRLs: {others:#?}");
    let expected = products.len() * METHODS.len() * KEYS.len() * DATABASES.len();
    assert_eq!(cells.len(), expected, "empty cells");
    let bad: Vec<_> = cells.iter().filter(|(_, cell)| matches!(cell, Cell::Bad(_))).collect();
    assert!(bad.is_empty(), "{} cells: {:#?}", bad.len(), &bad[..bad.len().min(5)]);
}

/// Every code under which a DV certificate may be ordered, other names of the same included.
fn products() -> Vec<Product> {
    const CATALOGUE: &str = include_str!("../../../domain/data/products.toml");
    let catalogue: toml::Table = CATALOGUE.parse().expect("the catalogue");
    let rows = |key: &str| catalogue[key].as_array().expect("rows").clone();
    let days_of = |price: &toml::Value| -> i64 {
        let list = rows("price").into_iter().find(|p| p["id"] == *price).expect("a price");
        list["terms"][0][0].as_integer().expect("days")
    };
    let mut found = Vec::new();
    for row in rows("product").iter().filter(|row| row["level"].as_str() == Some("dv")) {
        let aliases = row.get("aliases").and_then(|a| a.as_array()).cloned().unwrap_or_default();
        for code in std::iter::once(&row["code"]).chain(&aliases) {
            found.push(Product {
                code: code.as_integer().expect("a code"),
                kind: row["kind"].as_str().expect("a kind").to_owned(),
                days: days_of(&row["price"]),
            });
        }
    }
    found.sort_by_key(|p| p.code);
    found
}

/// Places everything, proves everything, collects everything.
fn of_database(
    database: &'static str,
    sandbox: &Sandbox,
    products: &[Product],
) -> (Vec<(Place, Cell)>, Vec<Collected>) {
    let mut places: Vec<(Place, Product, Key)> = Vec::new();
    for product in products {
        for method in METHODS {
            for (word, key) in KEYS {
                places.push(((product.code, method, word, database), product.clone(), key));
            }
        }
    }
    let settled = Mutex::new(Vec::new());
    let placed =
        in_hands(places, |(place, product, key)| match place_order(sandbox, place, product, key) {
            Ok(order) => Some(order),
            Err(cell) => {
                settled.lock().expect("cells").push((place, cell));
                None
            }
        });
    let orders = in_hands(placed, |mut order| {
        prove(sandbox, &mut order);
        Some(order)
    });
    let collected = in_hands(orders, |mut order| match collect(sandbox, &mut order) {
        Ok(one) => Some(one),
        Err(why) => {
            settled.lock().expect("cells").push((order.place, Cell::Bad(why)));
            None
        }
    });
    (settled.into_inner().expect("cells"), collected)
}

fn in_hands<T: Send, U: Send>(work: Vec<T>, act: impl Fn(T) -> Option<U> + Sync) -> Vec<U> {
    let (queue, done) = (Mutex::new(work.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                loop {
                    let Some(next) = queue.lock().expect("work").next() else { return };
                    if let Some(result) = act(next) {
                        done.lock().expect("results").push(result);
                    }
                }
            });
        }
    });
    done.into_inner().expect("results")
}

fn names_of(product: &Product, name: &str) -> Vec<String> {
    match product.kind.as_str() {
        "multi" | "ucc" => vec![name.to_owned(), format!("second.{name}")],
        "wildcard" => vec![format!("*.{name}")],
        _ => vec![name.to_owned()],
    }
}

fn place_order(sandbox: &Sandbox, place: Place, product: Product, key: Key) -> Result<Order, Cell> {
    let method = place.1;
    let name = fresh_name(&format!("m{}", product.code));
    let names = names_of(&product, &name);
    let list = product.kind == "multi" || product.kind == "ucc";
    let csr = Csr::of(key, &names[0], &[]);
    for host in names.iter().map(|n| n.trim_start_matches("*.")) {
        match method {
            "HTTP_CSR_HASH" => sandbox.publish_file(&csr, "http", host, None),
            "HTTPS_CSR_HASH" => sandbox.publish_file(&csr, "https", host, None),
            "CNAME_CSR_HASH" => sandbox.publish_cname(&csr, host, None),
            _ => {}
        }
    }
    let mut form = Form::order(product.code, &csr)
        .set("days", &product.days.to_string())
        .set("dcvMethod", method);
    if list {
        form = form.set("domainNames", &names.join(","));
        // One with a common name, one without.
        if product.code % 2 == 1 {
            form = form.set("primaryDomainName", &name);
        }
    }
    if product.kind == "wildcard" {
        form = form.set("servers", "1");
    }
    if method == "EMAIL" {
        let address = format!("admin@{name}");
        form = match list {
            true => form.set("dcvEmailAddresses", &format!("{address},{address}")),
            false => form.set("dcvEmailAddress", &address),
        };
    }
    let answer = sandbox.call("!AutoApplySSL", &form);
    if product.kind == "wildcard" && method.starts_with("HTTP") {
        let right = answer.get("errorCode") == "-4" && answer.raw.contains("dcvMethod");
        return Err(if right { Cell::NotAllowed } else { Cell::Bad(answer.raw) });
    }
    if answer.get("errorCode") != "0" {
        return Err(Cell::Bad(answer.raw));
    }
    let number = answer.order_number();
    Ok(Order { place, product, name, csr, number, codes: BTreeSet::new() })
}

/// What can be shown only when the order is there.
fn prove(sandbox: &Sandbox, order: &mut Order) {
    if order.place.1 != "DNSTXT_RANDOM_VALUE" {
        return;
    }
    let form = Form::new(&[("orderNumber", &order.number), ("showStatusDetails", "Y")]);
    let details = sandbox.call("!GetMDCDomainDetails", &form);
    let names = names_of(&order.product, &order.name);
    // The look that comes by itself is to be the one before.
    settled(sandbox);
    for (number, name) in (1..).zip(&names) {
        let value = details.get(&format!("randomValue_{number}"));
        let host = format!("_pki-validation.{}", name.trim_start_matches("*."));
        sandbox.control("/set-txt", &json!({ "host": host, "value": value }));
    }
    let method = order.place.1;
    let methods = vec![method; names.len()].join(",");
    let form = match names.len() {
        1 => Form::new(&[("orderNumber", &order.number), ("newMethod", method)]),
        _ => Form::new(&[
            ("orderNumber", &order.number),
            ("domainNames", &names.join(" ")),
            ("newMethods", &methods),
        ]),
    };
    assert_eq!(sandbox.call("!AutoUpdateDCV", &form).raw, "errorCode=0", "{:?}", order.place);
}

/// Enters the codes that have come by mail, as the receiver does.
fn enter_codes(sandbox: &Sandbox, order: &mut Order) {
    for mail in sandbox.mailbox(&format!("admin@{}", order.name)) {
        for code in mail["codes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !order.codes.insert(code.to_owned()) {
                continue;
            }
            let url = format!("{}/products/EnterDCVCode2", sandbox.at("api"));
            let form = [("orderNumber", order.number.as_str()), ("dcvCode", code)];
            let page = sandbox.http().post(url).form(&form).send().expect("a page");
            let html = page.text().expect("text");
            let right = html
                .contains("You have entered the correct Domain Control Validation code")
                || html.contains("the certificate has already been issued");
            assert!(right, "{:?}: {html}", order.place);
        }
    }
}

fn collect(sandbox: &Sandbox, order: &mut Order) -> Result<Collected, String> {
    let start = Instant::now();
    let form =
        Form::new(&[("orderNumber", &order.number), ("queryType", "1"), ("responseFormat", "1")]);
    let answer: Answer = loop {
        if order.place.1 == "EMAIL" {
            enter_codes(sandbox, order);
        }
        let answer = sandbox.call("download/CollectSSL", &form);
        match answer.get("errorCode") {
            "0" | "-26" if start.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            "2" => break answer,
            _ => return Err(answer.raw),
        }
    };
    let leaf = tools::unbase64(answer.get("certificate"));
    let chain: Vec<Vec<u8>> =
        answer.all("caCertificate").into_iter().map(tools::unbase64).collect();
    if tools::key_of_certificate(&leaf) != tools::key_of_request(&order.csr.der) {
        return Err("another key".into());
    }
    if chain.len() != 2 {
        return Err(format!("{} CA certificates", chain.len()));
    }
    let (code, method, key, database) = order.place;
    let file = format!("leaf-{code}-{method}-{key}-{database}.crt");
    Ok(Collected { place: order.place, file, leaf, chain })
}

/// By file name, what pkilint holds against it: ERROR and worse. Every public CA and each of its CRLs are looked at too.
fn lint(folder: &Folder, collected: &[Collected]) -> BTreeMap<String, Vec<String>> {
    for one in collected {
        folder.write(&one.file, &one.leaf);
    }
    let authorities: BTreeSet<(&str, &Vec<u8>)> =
        collected.iter().flat_map(|c| c.chain.iter().map(|ca| (c.place.3, ca))).collect();
    for (database, which) in DATABASES {
        let sandbox = Sandbox::shared(which);
        let mut here: BTreeSet<Vec<u8>> = BTreeSet::new();
        for hierarchy in ["public", "test-public"] {
            let levels = ["dv", "ov", "iv", "ev"].map(|level| ["rsa", "ec"].map(|k| (level, k)));
            let issuing =
                levels.iter().flatten().map(|(l, k)| (format!("{hierarchy}-{l}-{k}"), "crl"));
            for (slug, kind) in issuing.chain([(format!("{hierarchy}-root"), "arl")]) {
                let at = |path: String| format!("http://pki.example.org/{path}");
                let certificate = sandbox.fetch(&at(format!("crt/{slug}.crt"))).expect(&slug);
                let word = if kind == "arl" { "root" } else { "issuing" };
                folder.write(&format!("{word}-{database}-{slug}.crt"), &certificate);
                here.insert(certificate);
                let shards = if kind == "arl" {
                    vec![String::new()]
                } else {
                    (0..8).map(|shard| format!("/{shard}")).collect()
                };
                for shard in shards {
                    let url = at(format!("crl/{slug}{shard}.crl"));
                    let list = sandbox.wait_for(&url, || sandbox.fetch(&url));
                    let name = shard.replace('/', "-");
                    folder.write(&format!("list-{database}-{slug}{name}.{kind}"), list);
                }
            }
        }
        for (_, ca) in authorities.iter().filter(|(word, _)| *word == database) {
            assert!(here.contains(*ca), "a chain's CA is published");
        }
    }
    let told = tools::pkilint(&folder.0);
    let mut findings = BTreeMap::new();
    for (file, said) in told.as_object().expect("an object") {
        let mut serious: Vec<String> = said["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|f| f[0] == "ERROR" || f[0] == "FATAL")
            .map(|f| format!("{} {}", f[1].as_str().unwrap_or(""), f[2].as_str().unwrap_or("")))
            .collect();
        let expected = match file.split('-').next().expect("a word") {
            "leaf" => "DV-FINAL-CERTIFICATE",
            "root" => "ROOT-CA",
            "issuing" => "INTERNAL-UNCONSTRAINED-TLS-CA",
            _ => said["type"].as_str().expect("a type"),
        };
        if said["type"] != expected {
            serious.push(format!("taken for {}", said["type"]));
        }
        findings.insert(file.clone(), serious);
    }
    findings
}

/// The files that `openssl verify` does not accept; one call per issuing CA.
fn verify(folder: &Folder, collected: &[Collected]) -> BTreeSet<String> {
    let mut by_issuer: BTreeMap<(&str, &[u8]), Vec<&Collected>> = BTreeMap::new();
    for one in collected {
        by_issuer.entry((one.place.3, &one.chain[1])).or_default().push(one);
    }
    let mut refused = BTreeSet::new();
    for ((database, issuing), leaves) in by_issuer {
        let (_, which) = DATABASES.into_iter().find(|(word, _)| *word == database).expect("one");
        let roots = Sandbox::shared(which).at("roots");
        let issuing = folder.write("issuing.pem", tools::pem("CERTIFICATE", issuing));
        let mut arguments = vec!["verify", "-x509_strict", "-purpose", "sslserver"];
        arguments.extend(["-CAfile", &roots, "-untrusted", &issuing]);
        let pems: Vec<String> = leaves
            .iter()
            .map(|l| folder.write(&format!("{}.pem", l.file), tools::pem("CERTIFICATE", &l.leaf)))
            .collect();
        arguments.extend(pems.iter().map(String::as_str));
        let (_, said) = tools::openssl(&arguments);
        for (leaf, pem) in leaves.iter().zip(&pems) {
            if !said.lines().any(|line| line == format!("{pem}: OK")) {
                refused.insert(leaf.file.clone());
            }
        }
    }
    refused
}

/// Prints past the test runner, which would keep it for itself.
fn print(products: &[Product], cells: &BTreeMap<Place, Cell>, count: usize, times: [Duration; 3]) {
    let mut out = String::from(
        "\nDV certificates, each linted (pkilint: no ERROR) and verified (openssl -x509_strict)\n",
    );
    out.push_str(&format!("{:<8}{:<10}{:<21}", "product", "kind", "method"));
    for (database, _) in DATABASES {
        for (key, _) in KEYS {
            out.push_str(&format!("{:>12}", format!("{} {key}", &database[..2])));
        }
    }
    out.push('\n');
    for product in products {
        for method in METHODS {
            out.push_str(&format!("{:<8}{:<10}{method:<21}", product.code, product.kind));
            for (database, _) in DATABASES {
                for (key, _) in KEYS {
                    let word = match cells.get(&(product.code, method, key, database)) {
                        Some(Cell::Good) => "ok",
                        Some(Cell::NotAllowed) => "not allowed",
                        Some(Cell::Bad(_)) => "BAD",
                        None => "EMPTY",
                    };
                    out.push_str(&format!("{word:>12}"));
                }
            }
            out.push('\n');
        }
    }
    let refused = cells.values().filter(|c| **c == Cell::NotAllowed).count();
    let [ordered, linted, verified] = times.map(|t| t.as_secs_f64());
    out.push_str(&format!(
        "{count} certificates, {refused} cells not allowed (files prove no wildcards); \
         ordered in {ordered:.1} s, linted in {linted:.1} s, verified in {verified:.1} s\n"
    ));
    let _ = std::io::stdout().write_all(out.as_bytes());
}
