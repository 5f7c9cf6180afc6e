//! Certificates of each S/MIME product and kind of key, collected through the public interface, before judges that nobody here
//! wrote: pkilint, openssl, NSS.

use std::process::Command;

use crate::kit::{Csr, Key, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    ask, collected, fresh_mailbox, order_for, organization_order, place, prove, settle_organization,
};
use crate::tools::{self, Folder, openssl_ok};

on_both!(every_kind_of_certificate);

const PRODUCTS: [(i64, &str); 3] =
    [(794, "MAILBOX-MULTIPURPOSE"), (795, "MAILBOX-STRICT"), (796, "ORGANIZATION-MULTIPURPOSE")];
const KEYS: [(&str, Key); 3] =
    [("RSA-2048", Key::Rsa2048), ("P-256", Key::P256), ("P-384", Key::P384)];

fn every_kind_of_certificate(sandbox: &Sandbox) {
    let folder = Folder::new();
    let nss = Nss::new(&folder);
    let mut expected = Vec::new();
    let mut orders = Vec::new();
    for (product, level) in PRODUCTS {
        for (word, key) in KEYS {
            for days in ["365", "730"] {
                let mailbox = fresh_mailbox(&format!("p{product}"));
                let form = match product {
                    796 => organization_order(&mailbox),
                    _ => order_for(product, &mailbox),
                };
                let csr = Csr::of(key, "anything", &[]);
                let order = place(sandbox, &form.set("days", days).set("csr", &csr.pem));
                orders.push((format!("{product}-{word}-{days}"), level, order, mailbox, csr));
            }
        }
    }
    for (_, level, order, mailbox, _) in &orders {
        prove(sandbox, order, mailbox);
        if level.starts_with("ORGANIZATION") {
            settle_organization(sandbox, order);
        }
    }
    for (name, level, order, mailbox, csr) in &orders {
        let chain = collected(sandbox, order);
        let [root, issuing, leaf] = [0, 1, 2].map(|at| der(&chain[at]));
        assert_eq!(tools::key_of_certificate(&leaf), tools::key_of_request(&csr.der), "{name}");
        folder.write(&format!("leaf-{name}.crt"), &leaf);
        expected.push((format!("leaf-{name}.crt"), (*level).to_owned()));
        for (word, ca, kind) in [("issuing", &issuing, "MAIL-CA"), ("root", &root, "ROOT-CA")] {
            let file = format!("{word}-{name}.crt");
            folder.write(&file, ca);
            expected.push((file, kind.to_owned()));
        }
        let [crl, issuer] = &tools::urls(&leaf)[..] else { panic!("{name}: two addresses") };
        assert_eq!(sandbox.fetch(issuer).expect("the issuing CA"), issuing, "{name}");
        let list = sandbox.wait_for(crl, || sandbox.fetch(crl));
        folder.write(&format!("list-{name}.crl"), list);
        expected.push((format!("list-{name}.crl"), "CRL".to_owned()));

        let files = [("r", &chain[0]), ("i", &chain[1]), ("l", &chain[2])]
            .map(|(word, pem)| folder.write(&format!("{word}.pem"), pem));
        let [r, i, l] = files.each_ref().map(String::as_str);
        openssl_ok(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "smimesign",
            "-verify_email",
            mailbox,
            "-CAfile",
            r,
            "-untrusted",
            i,
            l,
        ]);
        nss.accepts(name, [r, i, l]);
    }
    let told = tools::pkilint(&folder.0);
    assert_eq!(told.as_object().expect("an object").len(), expected.len());
    for (file, kind) in expected {
        assert_eq!(told[&file]["type"], kind.as_str(), "{file}");
        let findings = told[&file]["findings"].as_array().expect("findings");
        let serious = findings.iter().filter(|f| f[0] == "ERROR" || f[0] == "FATAL");
        assert_eq!(serious.count(), 0, "{file}: {findings:#?}");
    }
    let (name, _, order, ..) = &orders[0];
    nss.reads_the_sequence(sandbox, name, order);
}

fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    tools::unbase64(&lines)
}

/// A certificate database of NSS.
struct Nss<'a> {
    folder: &'a Folder,
    database: String,
}

impl<'a> Nss<'a> {
    fn new(folder: &'a Folder) -> Self {
        let path = folder.0.join("nss");
        std::fs::create_dir(&path).expect("a folder");
        let nss = Self { folder, database: format!("sql:{}", path.display()) };
        nss.run(&["-N", "--empty-password"]);
        nss
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("certutil")
            .args(["-d", &self.database])
            .args(arguments)
            .output()
            .expect("certutil (apt-get install libnss3-tools)");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "certutil {}: {said}", arguments.join(" "));
        said
    }

    /// Root, issuing CA and leaf: good for signing mails and for getting encrypted ones, and not without the root.
    fn accepts(&self, name: &str, [root, issuing, leaf]: [&str; 3]) {
        let [r, i, l] = ["root", "issuing", "leaf"].map(|word| format!("{word}-{name}"));
        self.run(&["-A", "-n", &i, "-t", ",,", "-i", issuing]);
        self.run(&["-A", "-n", &l, "-t", ",,", "-i", leaf]);
        self.run(&["-A", "-n", &r, "-t", ",C,", "-i", root]);
        for usage in ["S", "R"] {
            let said = self.run(&["-V", "-n", &l, "-u", usage, "-e"]);
            assert!(said.contains("certificate is valid"), "{name} {usage}: {said}");
        }
        let nothing = Command::new("certutil")
            .args(["-d", &self.database, "-V", "-n", &l, "-u", "V"])
            .output()
            .expect("certutil");
        assert!(!nothing.status.success(), "{name} serves no TLS");
        // Another run's root has the same name: whoever is asked next is to find his own.
        for nickname in [l, i, r] {
            self.run(&["-D", "-n", &nickname]);
        }
    }

    /// What is collected as a Netscape certificate sequence: NSS takes the first of it, and it is the leaf.
    fn reads_the_sequence(&self, sandbox: &Sandbox, name: &str, order: &str) {
        let leaf = ask(sandbox, order, &[("queryType", "2")]);
        let leaf = leaf.strip_prefix("2\n").expect("attached");
        let whole = ask(sandbox, order, &[("queryType", "1"), ("responseType", "1")]);
        let base64 = whole.strip_prefix("2\n").expect("attached").replace('\n', "");
        let file = self.folder.write("sequence.der", tools::unbase64(&base64));
        self.run(&["-A", "-n", "sequence", "-t", ",,", "-i", &file]);
        let read = self.run(&["-L", "-n", "sequence", "-a"]).replace('\r', "");
        assert_eq!(der(&read), der(leaf), "{name}");
    }
}
