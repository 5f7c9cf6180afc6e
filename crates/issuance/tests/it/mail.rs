//! Leaves for mail and the CAs above them: judged by others, and what is not prepared.

use domain::csr::PublicKey;
use issuance::ca::Authority;
use issuance::folder::CaFolder;
use issuance::leaf::template::MAX_OCTETS;
use issuance::leaf::{CommonName, LeafRequest, PrepareError, Template, prepare};
use issuance::name::Attribute;
use issuance::profile::{Hierarchy, Profile, ValidationKind};
use issuance::{collect, oid};

use crate::asn1::{self, seq, tlv};
use crate::support::*;

pub const MAILBOX: &str = "ann@example.com";
pub const ORGANIZATION: &str = "Example Ltd";

/// Attributes for every kind; what a profile does not take it leaves out.
pub fn subject(email: bool) -> Vec<(Attribute, String)> {
    let all = [
        (Attribute::Organization, ORGANIZATION),
        (Attribute::OrganizationIdentifier, "NTRGB-12345678"),
        (Attribute::Country, "GB"),
        (Attribute::Street, "1 Never Shown"),
        (Attribute::State, "North Yorkshire"),
        (Attribute::Locality, "York"),
        (Attribute::EmailAddress, MAILBOX),
    ];
    let all = all.into_iter().filter(|(a, _)| email || *a != Attribute::EmailAddress);
    all.map(|(a, text)| (a, text.to_owned())).collect()
}

pub fn template() -> Template {
    let value = seq(&[&asn1::oid(&[0x2a, 3, 4]), &[2, 1, 100]]);
    let extension = seq(&[&asn1::oid(oid::MS_TEMPLATE), &[1, 1, 0xff], &tlv(4, &[&value])]);
    Template::read(&extension).unwrap()
}

pub fn of_mail<'a>(cas: &'a CaFolder, profile: &Profile, key: &PublicKey) -> &'a Authority {
    cas.issuer_of(Hierarchy::Mail, profile.kind(), key.kind.is_rsa(), false).unwrap()
}

pub fn p256(dir: &Dir) -> PublicKey {
    key(dir, "p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
}

/// Every product with every kind of key and of subject: `openssl` takes it for its purpose, and pkilint finds
/// no ERROR in it nor in the CAs above it.
#[test]
fn leaves_for_mail_satisfy_others() {
    let dir = Dir::new("mail");
    let cas = cas(&dir.0);
    dir.put("roots.pem", cas.roots_pem(false));
    let keys = [
        key(&dir, "r2", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        p256(&dir),
        key(&dir, "p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ];
    let mut expected = std::collections::BTreeMap::new();
    for (word, name) in [
        ("MAILBOX-MULTIPURPOSE", "mv-multi"),
        ("MAILBOX-STRICT", "mv-strict"),
        ("ORGANIZATION-MULTIPURPOSE", "ov-multi"),
    ] {
        let profile = profile(name);
        for (n, key) in keys.iter().enumerate() {
            let authority = of_mail(&cas, &profile, key);
            dir.put("ica.pem", collect::pem_chain(&[&authority.certificate.der]));
            let made = leaves(authority, &profile, key);
            let files: Vec<String> =
                (0..made.len()).map(|shape| format!("{name}-{n}-{shape}")).collect();
            for (file, der) in files.iter().zip(&made) {
                dir.put(&format!("{file}.crt"), der);
                dir.put(file, collect::pem_chain(&[der]));
                expected.insert(format!("{file}.crt"), word);
            }
            verify(&dir, &files, key.kind.is_rsa());
        }
    }
    for authority in
        cas.authorities().iter().filter(|a| a.certificate.slot.hierarchy == Hierarchy::Mail)
    {
        let file = format!("ca-{}.crt", authority.certificate.slot.slug());
        let word = if file.contains("root") { "ROOT-CA" } else { "MAIL-CA" };
        dir.put(&file, &authority.certificate.der);
        expected.insert(file, word);
    }
    let told = pkilint(&dir);
    assert_eq!(told.as_object().unwrap().len(), expected.len());
    for (file, word) in expected {
        let said = &told[&file];
        assert_eq!(said["type"], word, "{file}");
        let serious = |f: &&serde_json::Value| f[0] != "WARNING";
        let serious: Vec<_> = said["findings"].as_array().unwrap().iter().filter(serious).collect();
        assert!(serious.is_empty(), "{file}: {serious:?}");
    }
}

/// With each common name and without, with emailAddress and without, with a template and with two mailboxes.
fn leaves(authority: &Authority, profile: &Profile, key: &PublicKey) -> Vec<Vec<u8>> {
    let organization = profile.takes(Attribute::Organization).then_some(CommonName::Organization);
    let (one, two) = (names(&[MAILBOX]), names(&[MAILBOX, "o'neil@b\u{fc}cher.example.org"]));
    let template = template();
    let made = [
        (&one, None, false, None),
        (&one, None, true, None),
        (&one, Some(CommonName::Name(&one[0])), true, Some(&template)),
        (&two, organization, true, None),
        (&two, organization, false, None),
    ];
    let made = made.map(|(names, common_name, email, template)| {
        let subject = subject(email);
        let slug = authority.certificate.slot.slug();
        let crl = issuance::ca::crl_shard_url(BASE, &slug, 0);
        let crt = issuance::ca::certificate_url(BASE, &slug);
        let base = leaf_request(authority, profile, key, names, &crl, &crt);
        issue(authority, &LeafRequest { subject: &subject, common_name, template, ..base }).der
    });
    made.into()
}

/// For encryption `openssl verify` knows RSA keys alone: it asks for keyEncipherment.
fn verify(dir: &Dir, files: &[String], rsa: bool) {
    let at = now().secs().to_string();
    let purposes: &[&str] = if rsa { &["smimesign", "smimeencrypt"] } else { &["smimesign"] };
    for purpose in purposes {
        let how = ["verify", "-x509_strict", "-purpose", purpose, "-attime", &at];
        let chain = ["-CAfile", "roots.pem", "-untrusted", "ica.pem"];
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        openssl(dir, &[&how[..], &chain, &files].concat());
    }
}

/// What a certificate says, by `openssl`.
#[test]
fn leaves_for_mail_say_what_they_should() {
    let dir = Dir::new("mail-text");
    let cas = cas(&dir.0);
    let keys =
        [key(&dir, "r2", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), p256(&dir)];
    for (key, usage) in keys.iter().zip(["Key Encipherment", "Key Agreement"]) {
        for (name, purposes) in [
            ("mv-multi", "E-mail Protection, TLS Web Client Authentication"),
            ("mv-strict", "E-mail Protection"),
            ("ov-multi", "E-mail Protection, TLS Web Client Authentication"),
        ] {
            let profile = profile(name);
            let made = leaves(of_mail(&cas, &profile, key), &profile, key);
            dir.put("leaf.crt", &made[0]);
            let text =
                openssl(&dir, &["x509", "-inform", "DER", "-in", "leaf.crt", "-noout", "-text"]);
            let line_after = |head: &str| {
                let rest = text.split(head).nth(1).expect(head);
                rest.lines().nth(1).unwrap().trim().to_owned()
            };
            assert_eq!(
                line_after("X509v3 Key Usage: critical"),
                format!("Digital Signature, {usage}")
            );
            assert_eq!(line_after("X509v3 Extended Key Usage:"), purposes);
            let empty = if name == "ov-multi" { "" } else { " critical" };
            assert_eq!(
                line_after(&format!("Alternative Name:{empty}")),
                format!("email:{MAILBOX}")
            );
            assert!(!text.contains("Never Shown"), "{text}");
        }
    }
}

#[test]
fn the_roots_of_mail_are_roots_of_their_own() {
    let dir = Dir::new("mail-cas");
    let cas = cas(&dir.0);
    let (servers, mail) = cas.authorities().split_at(24);
    assert!(servers.iter().all(|a| a.certificate.slot.hierarchy != Hierarchy::Mail));
    let slugs: Vec<String> = mail.iter().map(|a| a.certificate.slot.slug()).collect();
    assert_eq!(
        slugs,
        [
            "mail-root",
            "test-mail-root",
            "mail-mv-multi-rsa",
            "mail-mv-multi-ec",
            "mail-mv-strict-rsa",
            "mail-mv-strict-ec",
            "mail-ov-multi-rsa",
            "mail-ov-multi-ec",
            "test-mail-mv-multi-rsa",
            "test-mail-mv-multi-ec",
            "test-mail-mv-strict-rsa",
            "test-mail-mv-strict-ec",
            "test-mail-ov-multi-rsa",
            "test-mail-ov-multi-ec",
        ]
    );
    let subjects: std::collections::BTreeSet<String> =
        cas.authorities().iter().map(|a| a.certificate.subject_text()).collect();
    assert_eq!(subjects.len(), 38);
    assert!(
        mail[0].certificate.subject_text().contains("CN=Example Trust Sandbox Mail Root P384 1")
    );
    assert!(
        mail[4]
            .certificate
            .subject_text()
            .contains("Example Trust Sandbox S/MIME MV Strict RSA CA 1")
    );
    for (n, authority) in mail.iter().enumerate() {
        dir.put("ca.crt", &authority.certificate.der);
        let text = openssl(&dir, &["x509", "-inform", "DER", "-in", "ca.crt", "-noout", "-text"]);
        assert!(!text.contains("TLS Web Server Authentication"), "{text}");
        assert_eq!(text.contains("E-mail Protection"), n >= 2, "{text}");
        let client = text.contains("TLS Web Client Authentication");
        assert_eq!(client, n >= 2 && !slugs[n].contains("strict"), "{text}");
        assert_eq!(text.matches("Policy: ").count(), usize::from(n >= 2));
    }
}

/// An old folder is filled up, and its CAs keep their numbers.
#[test]
fn a_folder_from_before_mail_gets_its_cas() {
    let dir = Dir::new("mail-old");
    let first = cas(&dir.0);
    let index = dir.0.join("ca/index.toml");
    let text = std::fs::read_to_string(&index).unwrap();
    let cut = text.match_indices("[[ca]]").nth(24).unwrap().0;
    std::fs::write(&index, &text[..cut]).unwrap();
    for authority in &first.authorities()[24..] {
        for ending in ["key", "crt"] {
            let slug = authority.certificate.slot.slug();
            std::fs::remove_file(dir.0.join(format!("ca/{slug}.{ending}.pem"))).unwrap();
        }
    }
    let filled = cas(&dir.0);
    assert_eq!(filled.authorities().len(), 38);
    for (n, (old, new)) in first.authorities().iter().zip(filled.authorities()).enumerate() {
        assert_eq!(old.certificate.id, new.certificate.id);
        assert_eq!(old.certificate == new.certificate, n < 24);
    }
}

#[test]
fn common_names_and_templates_that_do_not_fit_are_not_prepared() {
    let dir = Dir::new("mail-misfits");
    let cas = cas(&dir.0);
    let key = p256(&dir);
    let (mv, ov, dv) = (profile("mv-multi"), profile("ov-multi"), profile("dv"));
    let (subject, mailbox, other) =
        (subject(false), names(&[MAILBOX]), names(&["eve@example.com"]));
    let dns = names(&["example.com"]);
    let server = cas.issuer_of(Hierarchy::Public, ValidationKind::Dv, false, false).unwrap();
    let url = "http://pki.example.org/a";
    let of = |authority, profile, names| {
        let request = leaf_request(authority, profile, &key, names, url, url);
        LeafRequest { subject: &subject, ..request }
    };
    let mv = of(of_mail(&cas, &mv, &key), &mv, &mailbox);
    let ov = of(of_mail(&cas, &ov, &key), &ov, &mailbox);
    let dv = of(server, &dv, &dns);
    let organization = Some(CommonName::Organization);
    assert!(prepare(&LeafRequest { common_name: organization, ..ov }).is_ok());
    for misfit in [
        LeafRequest { common_name: organization, ..mv },
        LeafRequest { common_name: organization, ..dv },
        LeafRequest { common_name: organization, subject: &[], ..ov },
        LeafRequest { common_name: Some(CommonName::Name(&other[0])), ..mv },
    ] {
        assert_eq!(prepare(&misfit), Err(PrepareError::CommonName));
    }
    let template = template();
    assert!(prepare(&LeafRequest { template: Some(&template), ..mv }).is_ok());
    let misfit = LeafRequest { template: Some(&template), ..dv };
    assert_eq!(prepare(&misfit), Err(PrepareError::Template));
    let lacks = prepare(&LeafRequest { subject: &subject[..1], ..ov });
    assert_eq!(lacks, Err(PrepareError::Lacks(Attribute::OrganizationIdentifier)));
}

#[test]
fn templates_are_of_two_types_and_short() {
    let extension = |id: &[u8], value: &[u8]| seq(&[&asn1::oid(id), &tlv(4, &[value])]);
    let good = seq(&[&asn1::oid(&[0x2a, 3, 4]), &[2, 1, 100], &[2, 1, 3]]);
    let name = tlv(0x1e, &[b"\0U\0s\0e\0r"]);
    assert!(Template::read(&extension(oid::MS_TEMPLATE, &good)).is_some());
    assert!(Template::read(&extension(oid::MS_TEMPLATE_NAME, &name)).is_some());
    let long = tlv(0x0c, &[&vec![b'a'; MAX_OCTETS]]);
    for bad in [
        extension(oid::MS_TEMPLATE, &name),
        extension(oid::MS_TEMPLATE, &seq(&[])),
        extension(oid::MS_TEMPLATE, &[&good[..], &[5, 0]].concat()),
        extension(oid::MS_TEMPLATE_NAME, &good),
        extension(oid::MS_TEMPLATE_NAME, &tlv(0x1e, &[b"\x20\x2e\0a"])),
        extension(oid::MS_TEMPLATE_NAME, &long),
        extension(oid::SUBJECT_ALT_NAME, &good),
        [extension(oid::MS_TEMPLATE, &good), vec![0]].concat(),
        good.clone(),
        Vec::new(),
    ] {
        assert_eq!(Template::read(&bad), None, "{}", hex::encode(bad));
    }
}
