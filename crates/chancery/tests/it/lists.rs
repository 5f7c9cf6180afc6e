//! What an operator's files and limits add to a house: lists of keys that nobody may use, and how often an account may call.

use sha2::{Digest, Sha256};
use store::Database;
use store::testing::TestDb;

use crate::cli::{chancery, json, word};
use crate::kit::{Answer, Csr, Form, Key};
use crate::serve::{Serving, ask, configure, make_tls};
use crate::tools::{self, Folder};
use crate::with_each;

with_each!(listed_keys_are_refused, an_account_calls_so_often_and_no_more);

/// A house that serves, and how to call it.
struct House {
    serving: Serving,
    certificate: Vec<u8>,
    folder: Folder,
    database: TestDb,
}

impl House {
    fn open(database: Database, more: &str, files: &[(&str, &[u8])]) -> Self {
        let (database, folder) = (TestDb::new(database), Folder::new());
        for (name, content) in files {
            folder.write(name, content);
        }
        let config = configure(&folder, &database.address(), more);
        let certificate = make_tls(&folder);
        let serving = Serving::start(&["serve", "--config", &config]);
        Self { serving, certificate, folder, database }
    }

    /// The login of a new account with credit.
    fn account(&self, name: &str) -> [(String, String); 2] {
        let config = self.folder.0.join("chancery.toml").display().to_string();
        let create = ["account", "create", name, "--credit-limit", "1000", "--json", "--config"];
        let made = json(&chancery(&[&create[..], &[&config]].concat()));
        let password = word(&made["password"]);
        [("loginName".to_owned(), name.to_owned()), ("loginPassword".to_owned(), password)]
    }

    fn call(&self, path: &str, login: &[(String, String); 2], form: &Form) -> String {
        let url = format!("https://localhost:{}/products/{path}", self.serving.port("listen"));
        let mut form = form.clone();
        form.0.splice(0..0, login.clone());
        ask(&self.certificate, &url, &form).expect("an answer")
    }
}

/// The SubjectPublicKeyInfo of a request, as openssl reads it.
fn spki(csr: &Csr) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.write("request.pem", &csr.pem);
    let pem = tools::openssl_ok(&["req", "-in", &path, "-noout", "-pubkey"]);
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    tools::unbase64(&lines)
}

/// The number that badkeys takes the digest of: an RSA modulus, or the x of an EC point, without leading zeros.
fn number(csr: &Csr) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.write("request.pem", &csr.pem);
    let text = tools::openssl_ok(&["req", "-in", &path, "-noout", "-modulus"]);
    let octets = match text.trim().strip_prefix("Modulus=") {
        Some(digits) if !digits.starts_with("Wrong") => hex::decode(digits).expect("hexadecimal"),
        // After 04: x, then y.
        _ => {
            let spki = spki(csr);
            spki[spki.len() - 64..spki.len() - 32].to_vec()
        }
    };
    octets.into_iter().skip_while(|octet| *octet == 0).collect()
}

/// A list as badkeys writes it: blocks in order, each of 15 octets of the digest and one that names the list.
fn blocks(requests: &[&Csr]) -> Vec<u8> {
    let mut blocks: Vec<Vec<u8>> = requests
        .iter()
        .map(|csr| [&Sha256::digest(number(csr))[..15], &[1]].concat())
        .chain([vec![0; 16], vec![0xff; 16]])
        .collect();
    blocks.sort();
    blocks.concat()
}

fn listed_keys_are_refused(database: Database) {
    const COMPROMISED: &str = "The CSR uses a key that is believed to have been compromised!";
    let request = |key: Key| Csr::signed_with(&key.pair(), "www.example.com", &[]);
    let fresh_rsa = || {
        let subject = ["-subj", "/CN=www.example.com", "-newkey", "rsa:2048"];
        Csr::openssl(&subject)
    };
    let (reported, reported_rsa) = (request(Key::P256), request(Key::Rsa2048));
    let (debian, debian_rsa) = (request(Key::P256), fresh_rsa());
    let compromised = format!(
        "# reported to us\n\n{}\n{} # by mail\n",
        hex::encode(Sha256::digest(spki(&reported))),
        hex::encode(Sha256::digest(spki(&reported_rsa))).to_uppercase(),
    );
    let house = House::open(
        database,
        "compromised_keys = \"reported.txt\"\ndebian_weak_keys = \"debian.dat\"",
        &[
            ("reported.txt", compromised.as_bytes()),
            ("debian.dat", &blocks(&[&debian, &debian_rsa])),
        ],
    );
    let login = house.account("lists");
    for (what, csr) in [
        ("reported", &reported),
        ("reported, RSA", &reported_rsa),
        ("Debian", &debian),
        ("Debian, RSA", &debian_rsa),
    ] {
        let answer = house.call("!AutoApplySSL", &login, &Form::order(488, csr));
        assert_eq!(Answer::read(&answer).get("errorMessage"), COMPROMISED, "{what}: {answer}");
        assert_eq!(Answer::read(&answer).get("errorCode"), "-40", "{what}: {answer}");
        let decoded = house.call("!DecodeCSR", &login, &Form::new(&[("csr", &csr.pem)]));
        assert!(decoded.contains(&format!("-40 {COMPROMISED}")), "{what}: {decoded}");
    }
    for (what, csr) in [("EC", request(Key::P256)), ("RSA", fresh_rsa())] {
        let answer = house.call("!AutoApplySSL", &login, &Form::order(488, &csr));
        assert_eq!(Answer::read(&answer).get("errorCode"), "0", "not listed, {what}: {answer}");
    }

    // A list that cannot be read is told before anything starts, with its place.
    for (name, content, words) in [
        ("reported.txt", &b"aa\n"[..], "line 1"),
        ("debian.dat", &b"fifteen octets."[..], "blocks of 16 octets"),
    ] {
        let before = std::fs::read(house.folder.0.join(name)).expect("the list");
        house.folder.write(name, content);
        let config = house.folder.0.join("chancery.toml").display().to_string();
        crate::cli::refusal(&chancery(&["config", "check", &config]), words);
        house.folder.write(name, before);
    }
}

fn an_account_calls_so_often_and_no_more(database: Database) {
    const LIMIT: &str = "Call limit reached! Please try again later";
    let house = House::open(database, "calls_per_minute = 2", &[]);
    let (login, other) = (house.account("often"), house.account("seldom"));
    let order = Form::order(488, &Csr::new("www.example.com"));
    // Nobody counts whom he could not log in.
    let mut wrong = login.clone();
    wrong[1].1 = "something else".to_owned();
    for _ in 0..3 {
        let answer = house.call("!AutoApplySSL", &wrong, &order);
        assert_eq!(Answer::read(&answer).get("errorCode"), "-16", "{answer}");
    }
    let first = Answer::read(&house.call("!AutoApplySSL", &login, &order)).order_number();
    let look = Form::new(&[("orderNumber", &first), ("queryType", "0"), ("responseFormat", "1")]);
    let about = Form::new(&[("orderNumber", &first)]);
    let second = Answer::read(&house.call("download/CollectSSL", &login, &look));
    assert_eq!(second.get("errorCode"), "0", "{}", second.raw);
    let paid = || {
        let config = house.folder.0.join("chancery.toml").display().to_string();
        let ledger =
            json(&chancery(&["account", "ledger", "often", "--json", "--config", &config]));
        ledger.as_array().map(Vec::len)
    };
    let before = paid();
    for (path, form) in [
        ("!AutoApplySSL", &order),
        ("!AutoReplaceSSL", &about),
        ("!AutoUpdateDCV", &about),
        ("!ResendDCVEmail", &about),
        ("!GetMDCDomainDetails", &about),
        ("download/CollectSSL", &look),
    ] {
        let answer = house.call(path, &login, form);
        let pairs = Answer::read(&answer);
        let told = (pairs.get("errorCode"), pairs.get("errorMessage")) == ("-42", LIMIT);
        let lines = answer.starts_with(&format!("-42\n{LIMIT}"));
        assert!(told || lines, "{path}: {answer}");
    }
    assert_eq!(paid(), before, "nothing was bought");
    // Each account has its own.
    Answer::read(&house.call("!AutoApplySSL", &other, &order)).order_number();
    drop(house.database);
}
