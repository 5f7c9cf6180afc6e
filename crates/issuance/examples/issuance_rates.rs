//! How fast requests are read and leaves are issued, on one thread: `cargo run --release -p issuance --example issuance_rates`.
//! Requests are made by the `openssl` command.

use std::process::Command;
use std::time::Instant;

use domain::certificate::{CertificateId, Serial};
use domain::csr::Csr;
use domain::dcv::DcvMethod;
use domain::names::CertName;
use domain::policy::{Policy, term_end};
use domain::proof::{Case, Control, WantedName, judge};
use domain::receipt::Receipt;
use domain::time::{Entropy, Time};
use issuance::ca::ceremony::{CeremonyOptions, RsaSize};
use issuance::leaf::{CommonName, LeafRequest, prepare};
use issuance::lint::{Rules, lint};
use issuance::profile::{self, Hierarchy, ValidationKind};
use issuance::weak_keys::WeakKeys;
use issuance::{csr, folder, sign};

struct System;

impl Entropy for System {
    #[expect(clippy::disallowed_methods, reason = "an example stands in for the house")]
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("the system's random source");
    }
}

fn main() {
    let now = Time::parse("2026-11-21T10:00:00Z").expect("a date");
    let dir = std::env::temp_dir().join(format!("issuance-rates-{}", std::process::id()));
    let options = CeremonyOptions {
        organization: "Example Trust".into(),
        country: "GB".parse().expect("a country"),
        base_url: "http://pki.example.org".into(),
        sandbox: true,
        rsa: RsaSize::Rsa2048,
    };
    let mut folder = None;
    for what in ["new folder", "opened again"] {
        let start = Instant::now();
        folder = folder::open_or_create(&dir, b"correct horse", &options, &System, now).ok();
        println!("{what:>24}: {:>8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    let _ = std::fs::remove_dir_all(&dir);
    let folder = folder.expect("a folder");
    let weak = WeakKeys::without_lists();
    for (name, args) in [("P-256", "ec:P-256"), ("RSA-2048", "rsa:2048")] {
        let text = request(args);
        let csr = csr::read(&text, &weak).expect("a request");
        rate(&format!("read {name}"), || assert!(csr::read(&text, &weak).is_ok()));
        issue(&folder, &csr, now, name);
    }
}

#[expect(clippy::disallowed_methods, reason = "an example stands in for the store and its caller")]
fn issue(folder: &folder::CaFolder, csr: &Csr, now: Time, name: &str) {
    let rsa = csr.key.kind.is_rsa();
    let authority = folder
        .issuer_of(Hierarchy::Public, ValidationKind::Dv, rsa, false)
        .expect("a CA of the plan");
    let profiles = profile::read(profile::builtin_profiles()).expect("profiles");
    let policy = Policy::from_toml(profile::builtin_policy()).expect("a policy");
    let names: Vec<CertName> =
        ["www.example.com", "example.com"].map(|n| n.parse().expect("a name")).into();
    let wanted = names.clone().into_iter().map(|name| WantedName { name, implicit: false });
    let wanted: Vec<WantedName> = wanted.collect();
    let controls =
        [Control { shown_for: names[1].clone(), method: DcvMethod::CnameCsrHash, at: now }];
    let case = Case {
        certificate: CertificateId(1),
        wanted: &wanted,
        controls: &controls,
        caa: None,
        identities: &[],
        others_passed: true,
        patient: false,
    };
    let proven = judge(&case, &policy, now).expect("a proof");
    let rules = Rules {
        profile: &profiles[0],
        ca: &authority.certificate,
        test: false,
        policy: &policy,
        now,
    };
    let prepare_one = || {
        let mut serial = [0; 16];
        System.fill(&mut serial);
        prepare(&LeafRequest {
            profile: &profiles[0],
            ca: &authority.certificate,
            serial: Serial::from_random(serial).expect("not zero"),
            validity: policy.tls_validity(now, term_end(now, 365)).expect("a validity"),
            key: &csr.key,
            names: &names,
            common_name: names.first().map(CommonName::Name),
            subject: &[],
            crl_url: "http://pki.example.org/crl/a/0.crl",
            issuer_url: "http://pki.example.org/crt/a.crt",
            template: None,
        })
        .expect("a leaf")
    };
    rate(&format!("prepare {name}"), || drop(prepare_one()));
    rate(&format!("prepare, lint {name}"), || drop(lint(prepare_one(), &rules)));
    rate(&format!("issue {name}"), || {
        let linted = lint(prepare_one(), &rules).expect("no finding");
        let receipt = Receipt::of_recorded(CertificateId(1), linted.serial(), *linted.tbs_sha256());
        sign::sign(linted, &proven, &receipt, authority).expect("a certificate");
    });
}

/// The best of many short rounds, so that other work on the machine counts little.
fn rate(what: &str, run: impl Fn()) {
    const ROUND: u32 = 8;
    run();
    let start = Instant::now();
    let mut best = f64::MAX;
    while start.elapsed().as_millis() < 1_000 {
        let round = Instant::now();
        (0..ROUND).for_each(|_| run());
        best = best.min(round.elapsed().as_secs_f64() / f64::from(ROUND));
    }
    println!("{what:>24}: {:>8.1} us {:>8.0}/s", best * 1e6, 1.0 / best);
}

fn request(kind: &str) -> String {
    let (newkey, curve) = match kind {
        "ec:P-256" => ("ec", Some("ec_paramgen_curve:P-256")),
        rsa => (rsa, None),
    };
    let mut command = Command::new("openssl");
    command.args(["req", "-new", "-newkey", newkey, "-nodes", "-keyout", "/dev/null"]);
    command.args(["-subj", "/CN=www.example.com"]);
    command.args(curve.iter().flat_map(|c| ["-pkeyopt", c]));
    let out = command.output().expect("the openssl command");
    String::from_utf8(out.stdout).expect("PEM")
}
