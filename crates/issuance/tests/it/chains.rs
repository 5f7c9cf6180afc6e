use domain::certificate::{RevocationReason, Serial};
use domain::proof::Proven;
use domain::receipt::Receipt;
use domain::time::DAY;
use issuance::ca::{self, CaRole};
use issuance::crl::{CrlRequest, Revoked};
use issuance::folder::{self, FolderError};
use issuance::keys::KeysError;
use issuance::leaf::{LeafRequest, prepare};
use issuance::lint::{LintError, Rules, lint, resume};
use issuance::name::Attribute;
use issuance::profile::{Hierarchy, ValidationKind};
use issuance::sign::{SignError, sign};
use issuance::{collect, crl};

use crate::support::*;

fn subject(kind: ValidationKind) -> Vec<(Attribute, String)> {
    use Attribute as A;
    let rows: &[(Attribute, &str)] = match kind {
        ValidationKind::Dv => &[(A::Country, "GB"), (A::Organization, "Never shown")],
        ValidationKind::Ov => {
            &[(A::Organization, "Bäckerei Ltd"), (A::Country, "GB"), (A::Locality, "York")]
        }
        ValidationKind::Iv => &[
            (A::Surname, "Smith"),
            (A::GivenName, "Ann"),
            (A::Country, "GB"),
            (A::Locality, "York"),
        ],
        ValidationKind::Ev => &[
            (A::Organization, "Example Ltd"),
            (A::BusinessCategory, "Private Organization"),
            (A::JurisdictionCountry, "GB"),
            (A::SerialNumber, "01234567"),
            (A::Country, "GB"),
            (A::Locality, "York"),
        ],
        ValidationKind::MailboxMultipurpose
        | ValidationKind::MailboxStrict
        | ValidationKind::OrganizationMultipurpose => &[],
    };
    rows.iter().map(|(a, v)| (*a, (*v).to_owned())).collect()
}

#[test]
fn servers_of_the_house_get_short_lived_certificates_under_the_private_root() {
    let dir = Dir::new("servers");
    let cas = cas(&dir.0);
    dir.put("roots.pem", cas.roots_pem(false));
    let at = |hierarchy| {
        let role = CaRole::Issuing { kind: ValidationKind::Ov, rsa: false };
        cas.at(ca::CaSlot { hierarchy, test: false, role }).unwrap()
    };
    let make = |hierarchy, host: &str| {
        let url = "http://pki.example.com/crt/private-ov-ec.crt";
        ca::server::certificate(
            at(hierarchy),
            &host.parse().unwrap(),
            url,
            &Counting::default(),
            now(),
        )
    };
    for host in ["ca.example.com", "localhost", "192.0.2.7"] {
        let made = make(Hierarchy::Private, host).unwrap();
        assert!(made.validity.not_after.since(made.validity.not_before) < 7 * DAY);
        assert!(made.validity.not_before < now() && now() < made.validity.not_after);
        dir.put("chain.pem", made.chain);
        let moment = now().secs().to_string();
        let verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-attime", &moment];
        let name = if host.starts_with("192") { "-verify_ip" } else { "-verify_hostname" };
        let files = [name, host, "-CAfile", "roots.pem", "-untrusted", "chain.pem", "chain.pem"];
        openssl(&dir, &[&verify[..], &files[..]].concat());
        dir.put("key.pem", made.key.as_str());
        openssl(&dir, &["pkey", "-in", "key.pem", "-noout"]);
    }
    assert!(make(Hierarchy::Public, "ca.example.com").is_err());
}

#[test]
fn leaves_of_every_kind_verify() {
    let dir = Dir::new("chains");
    let cas = cas(&dir.0);
    dir.put("roots.pem", cas.roots_pem(false) + &cas.roots_pem(true));
    let keys = [
        key(&dir, "r2", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        key(&dir, "r4", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"]),
        key(&dir, "p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        key(&dir, "p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ];
    let mut profiles: Vec<_> =
        ["dv", "ov", "iv", "ev"].map(|name| (profile(name), Hierarchy::Public)).into();
    profiles.push((profile("intranet"), Hierarchy::Private));
    for (at, key) in keys.iter().enumerate() {
        for (profile, hierarchy) in &profiles {
            let test = at % 2 == 1;
            let rsa = key.kind.is_rsa();
            let authority = cas.issuer_of(*hierarchy, profile.kind(), rsa, test).unwrap();
            let list: &[&str] = match (profile.name(), at) {
                ("intranet", _) => &["intranet", "10.0.0.1"],
                ("dv", 0) => &["example.com"],
                ("dv", 1) => &["*.example.com", "example.com"],
                ("dv", 2) => &["8.8.8.8", "2606:4700::1111"],
                _ => &["www.example.com", "example.com", "xn--bcher-kva.example.com"],
            };
            let subject = subject(profile.kind());
            let leaf = issue_with(authority, profile, key, list, &subject);
            let name = format!("{}-{at}", profile.name());
            dir.put(&format!("{name}.pem"), collect::pem_chain(&[&leaf.der]));
            dir.put("ica.pem", collect::pem_chain(&[&authority.certificate.der]));
            let file = format!("{name}.pem");
            let at = now().secs().to_string();
            openssl(
                &dir,
                &[
                    "verify",
                    "-x509_strict",
                    "-attime",
                    &at,
                    "-CAfile",
                    "roots.pem",
                    "-untrusted",
                    "ica.pem",
                    &file,
                ],
            );
            formats(&dir, &leaf.der, authority, &cas);
        }
    }
    if let Ok(keep) = std::env::var("ISSUANCE_KEEP") {
        keep_for_linters(&dir, &cas, &keep);
    }
}

/// Copies everything to a folder that linters can be pointed at.
fn keep_for_linters(dir: &Dir, cas: &folder::CaFolder, keep: &str) {
    std::fs::create_dir_all(keep).unwrap();
    for entry in std::fs::read_dir(&dir.0).unwrap().flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), format!("{keep}/{}", entry.file_name().display())).unwrap();
        }
    }
    for authority in cas.authorities() {
        let name = format!("{keep}/ca-{}.pem", authority.certificate.slot.slug());
        std::fs::write(name, collect::pem_chain(&[&authority.certificate.der])).unwrap();
    }
    let (root, leaf_ca) = (&cas.authorities()[0], &cas.authorities()[4]);
    for (name, authority) in [("arl", root), ("crl", leaf_ca)] {
        let der = crl::sign(&crl_request(&revoked(), name == "crl"), authority).unwrap();
        std::fs::write(format!("{keep}/{name}.pem"), collect::pem("X509 CRL", &der)).unwrap();
    }
}

fn revoked() -> Vec<Revoked> {
    let at = now();
    RevocationReason::ALL
        .into_iter()
        .zip(1..)
        .map(|(reason, n)| {
            let mut serial = [0xa5; 16];
            serial[15] = n;
            Revoked { serial: Serial::from_random(serial).unwrap(), at, reason }
        })
        .collect()
}

fn crl_request(entries: &[Revoked], shard: bool) -> CrlRequest<'_> {
    CrlRequest {
        number: 300,
        this_update: now(),
        next_update: now().plus(4 * DAY),
        shard_url: shard.then_some("http://pki.example.org/crl/public-dv-rsa/0.crl"),
        entries,
    }
}

fn formats(dir: &Dir, leaf: &[u8], authority: &ca::Authority, cas: &folder::CaFolder) {
    let chain: Vec<&[u8]> =
        cas.chain(authority.certificate.id).iter().map(|c| c.der.as_slice()).collect();
    assert_eq!(chain.len(), 2);
    let all = [&[leaf][..], &chain].concat();
    dir.put("all.p7", collect::pkcs7(&all).unwrap());
    let text =
        openssl(dir, &["pkcs7", "-inform", "DER", "-in", "all.p7", "-print_certs", "-noout"]);
    assert_eq!(text.matches("issuer=").count(), 3, "{text}");
    assert!(text.find("CA 1").unwrap() < text.rfind("Root").unwrap());
    dir.put("all.nseq", collect::pem("CERTIFICATE", &collect::netscape_sequence(&all).unwrap()));
    let text = openssl(dir, &["nseq", "-in", "all.nseq"]);
    let places: Vec<_> = all.iter().map(|der| text.find(&collect::pem_chain(&[*der]))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    let zip = collect::bundle("*.example.com", leaf, &chain, now()).unwrap();
    dir.put("all.zip", &zip);
    assert!(collect::bundle("*.example.com", leaf, &chain, now()).unwrap() == zip);
    let script = "import zipfile; z = zipfile.ZipFile('all.zip'); z.testzip(); \
        print([(i.filename, i.compress_type, i.date_time[:3]) for i in z.infolist()])";
    let mut python = std::process::Command::new("python3");
    if let Ok(out) = python.args(["-c", script]).current_dir(&dir.0).output() {
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let wanted = "[('STAR_example_com.ca-bundle', 0, (2026, 11, 21)), \
            ('STAR_example_com.crt', 0, (2026, 11, 21))]";
        assert_eq!(text.trim(), wanted);
    }
}

#[test]
fn lists_of_revoked_certificates_verify() {
    let dir = Dir::new("crl");
    let cas = cas(&dir.0);
    for authority in cas.authorities() {
        let shard = authority.certificate.slot.role != CaRole::Root;
        let der = crl::sign(&crl_request(&revoked(), shard), authority).unwrap();
        dir.put("list.crl", &der);
        dir.put("ca.pem", collect::pem_chain(&[&authority.certificate.der]));
        let text = openssl(
            &dir,
            &["crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "ca.pem", "-noout", "-text"],
        );
        assert!(text.contains("verify OK"), "{text}");
        assert_eq!(text.matches("Serial Number").count(), 6);
        assert_eq!(text.matches("Reason Code").count(), 5);
        assert_eq!(text.contains("Issuing Distribution Point: critical"), shard);
    }
    let mut empty = crl_request(&[], false);
    dir.put("list.crl", crl::sign(&empty, &cas.authorities()[0]).unwrap());
    let text = openssl(&dir, &["crl", "-inform", "DER", "-in", "list.crl", "-noout", "-text"]);
    assert!(text.contains("No Revoked Certificates"));
    empty.next_update = empty.this_update;
    assert!(crl::sign(&empty, &cas.authorities()[0]).is_err());
}

#[test]
fn a_folder_opens_again_and_fills_its_gaps() {
    let dir = Dir::new("folder");
    let first = cas(&dir.0);
    assert_eq!(first.authorities().len(), 38);
    let again = cas(&dir.0);
    for (a, b) in first.authorities().iter().zip(again.authorities()) {
        assert_eq!(a.certificate, b.certificate);
        assert_eq!(a.signer.spki(), b.signer.spki());
    }

    let index = dir.0.join("ca/index.toml");
    let text = std::fs::read_to_string(&index).unwrap();
    let cut = text.rfind("[[ca]]").unwrap();
    std::fs::write(&index, &text[..cut]).unwrap();
    // Its key is still there: it is not made anew over it, nor are the others when the whole index is lost.
    let open = || {
        let chance = Counting::default();
        folder::open_or_create(&dir.0, b"correct horse", &options(), &chance, now())
    };
    let kept = || std::fs::read(dir.0.join("ca/public-root.key.pem")).unwrap();
    let before = kept();
    for there in [true, false] {
        if !there {
            std::fs::remove_file(&index).unwrap();
        }
        let Err(refused) = open() else { panic!("keys would be written over") };
        assert!(refused.to_string().contains("restore the index"), "{refused}");
        assert_eq!(kept(), before);
    }
    std::fs::write(&index, &text[..cut]).unwrap();
    let last = first.authorities()[37].certificate.slot.slug();
    for ending in ["key", "crt"] {
        std::fs::remove_file(dir.0.join(format!("ca/{last}.{ending}.pem"))).unwrap();
    }
    let filled = cas(&dir.0);
    assert!(!dir.0.join("ca/making").exists());
    assert_eq!(filled.authorities().len(), 38);
    assert_eq!(filled.authorities()[36].certificate, first.authorities()[36].certificate);
    assert_ne!(filled.authorities()[37].certificate, first.authorities()[37].certificate);

    let wrong = folder::open_or_create(
        &dir.0,
        b"wrong passphrase",
        &options(),
        &Counting::default(),
        now(),
    );
    assert!(matches!(wrong, Err(FolderError::Keys(KeysError::Passphrase))));
    let master = std::fs::read_to_string(dir.0.join("master.key")).unwrap();
    let master = issuance::keys::MasterSecret::open(&master, b"correct horse").unwrap();
    let password = format!("pass:{}", master.password().as_str());
    let text = openssl(
        &dir,
        &["pkey", "-in", "ca/public-root.key.pem", "-passin", &password, "-noout", "-text_pub"],
    );
    assert!(text.contains("P-384"), "{text}");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(dir.0.join("ca/public-root.key.pem")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn nothing_is_signed_that_does_not_fit() {
    let dir = Dir::new("misfits");
    let cas = cas(&dir.0);
    let key = key(&dir, "k", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let dv = profile("dv");
    let ca = cas.issuer_of(Hierarchy::Public, ValidationKind::Dv, false, false).unwrap();
    let other = cas.issuer_of(Hierarchy::Public, ValidationKind::Dv, false, true).unwrap();
    let list = names(&["example.com", "www.example.com"]);
    let policy = policy();
    let rules =
        Rules { profile: &dv, ca: &ca.certificate, test: false, policy: &policy, now: now() };
    let request = leaf_request(
        ca,
        &dv,
        &key,
        &list,
        "http://pki.example.org/a.crl",
        "http://pki.example.org/a.crt",
    );
    let linted = lint(prepare(&request).unwrap(), &rules).unwrap();
    assert_eq!(resume(linted.tbs(), &rules).unwrap(), linted);
    let good = receipt(1, &linted);
    let shown = proven(1, &list);

    let sign = |proven: &Proven, receipt: &Receipt, authority: &ca::Authority| {
        sign(linted.clone(), proven, receipt, authority)
    };
    let bytes = receipt_of(1, linted.serial(), [0; 32]);
    assert_eq!(sign(&shown, &bytes, ca), Err(SignError::OtherBytes));
    let serial = Serial::from_random([1; 16]).unwrap();
    let serial = receipt_of(1, serial, *linted.tbs_sha256());
    assert_eq!(sign(&shown, &serial, ca), Err(SignError::OtherSerial));
    assert_eq!(sign(&proven(2, &list), &good, ca), Err(SignError::OtherRequest));
    assert_eq!(sign(&proven(1, &list[..1]), &good, ca), Err(SignError::Names));
    let more = names(&["example.com", "www.example.com", "a.example.com"]);
    assert_eq!(sign(&proven(1, &more), &good, ca), Err(SignError::Names));
    assert_eq!(sign(&shown, &good, other), Err(SignError::OtherCa));
    assert!(sign(&shown, &good, ca).is_ok());

    let broken = |request: LeafRequest<'_>| match lint(prepare(&request).unwrap(), &rules) {
        Err(LintError::Broken(rules)) => rules,
        other => panic!("{other:?}"),
    };
    let with_validity = |begin: i64, end: i64| {
        let mut request = request;
        request.validity.not_before = request.validity.not_before.plus(begin);
        request.validity.not_after = request.validity.not_after.plus(end);
        request
    };
    assert_eq!(broken(with_validity(0, 1_000)), ["validity"]);
    assert_eq!(
        broken(LeafRequest { crl_url: "https://pki.example.org/a.crl", ..request }),
        ["crl_url"]
    );
    assert_eq!(
        broken(LeafRequest { issuer_url: "http://localhost/a.crt", ..request }),
        ["issuer_url"]
    );
    assert_eq!(
        broken(LeafRequest { ca: &other.certificate, ..request }),
        ["issuer", "authority_key"]
    );
    assert_eq!(broken(with_validity(-2 * DAY, 0)), ["not_before", "validity", "nesting"]);
    let small = Serial::from_stored(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]).unwrap();
    assert_eq!(broken(LeafRequest { serial: small, ..request }), ["serial"]);
    // A live CA for a test order, and the other way round.
    for (ca, test) in [(ca, true), (other, false)] {
        let rules = Rules { ca: &ca.certificate, test, ..rules };
        let request = LeafRequest { ca: &ca.certificate, ..request };
        let Err(LintError::Broken(broken)) = lint(prepare(&request).unwrap(), &rules) else {
            panic!("test: {test}");
        };
        assert_eq!(broken, ["hierarchy"]);
    }
    let late = Rules { now: now().plus(3 * DAY), ..rules };
    assert!(matches!(resume(linted.tbs(), &late), Err(LintError::Broken(_))));
    for inside in ["intranet", "a.local", "10.0.0.1", "1.0.0.10.in-addr.arpa", "*.co.uk"] {
        let list = names(&[inside]);
        let request = leaf_request(
            ca,
            &dv,
            &key,
            &list,
            "http://pki.example.org/a.crl",
            "http://pki.example.org/a.crt",
        );
        let result = lint(prepare(&request).unwrap(), &rules);
        assert_eq!(result, Err(LintError::Broken(vec!["names_public"])), "{inside}");
    }
    for at in 0..linted.tbs().len() {
        let mut bent = linted.tbs().to_vec();
        bent[at] ^= 0x15;
        let _ = resume(&bent, &rules);
    }
}
