//! Leaves for mail, bent until each rule breaks.

use domain::csr::PublicKey;
use domain::names::CertName;
use domain::policy::{Policy, term_end};
use domain::time::{DAY, SECOND};
use issuance::folder::CaFolder;
use issuance::leaf::{CommonName, LeafRequest, Template, prepare};
use issuance::lint::{LintError, Of, RULES, Rules, lint, resume};
use issuance::name::Attribute;
use issuance::profile::Profile;
use issuance::{oid, spki};

use crate::mail::{MAILBOX, ORGANIZATION, of_mail, p256, subject, template};
use crate::support::*;

/// What good leaves are made of.
struct Ground {
    dir: Dir,
    cas: CaFolder,
    key: PublicKey,
    mailbox: Vec<CertName>,
    subject: Vec<(Attribute, String)>,
    template: Template,
    policy: Policy,
}

impl Ground {
    fn new(name: &str) -> Self {
        let dir = Dir::new(name);
        Self {
            cas: cas(&dir.0),
            key: p256(&dir),
            mailbox: names(&[MAILBOX]),
            subject: subject(true),
            template: template(),
            policy: policy(),
            dir,
        }
    }

    /// A mailbox for common name, and nothing else in the subject.
    fn leaf<'a>(&'a self, profile: &'a Profile, key: &'a PublicKey) -> LeafRequest<'a> {
        let url = "http://pki.example.org/a";
        leaf_request(of_mail(&self.cas, profile, key), profile, key, &self.mailbox, url, url)
    }

    /// The organisation for common name, an address, and a template.
    fn full_leaf<'a>(&'a self, profile: &'a Profile) -> LeafRequest<'a> {
        LeafRequest {
            subject: &self.subject,
            common_name: Some(CommonName::Organization),
            template: Some(&self.template),
            ..self.leaf(profile, &self.key)
        }
    }

    /// Those by which it is made.
    fn rules<'a>(&'a self, leaf: &LeafRequest<'a>) -> Rules<'a> {
        let LeafRequest { profile, ca, .. } = *leaf;
        Rules { profile, ca, test: false, policy: &self.policy, now: now() }
    }

    fn broken<'a>(&'a self, leaf: &LeafRequest<'a>) -> Vec<&'static str> {
        broken(leaf, &self.rules(leaf))
    }

    /// Bends a good leaf in each way, and gives the rules that broke.
    fn bend(&self, leaf: &LeafRequest<'_>, bends: &[Bend<'_>]) -> Vec<&'static str> {
        let rules = self.rules(leaf);
        let good = prepare(leaf).unwrap();
        assert!(lint(good.clone(), &rules).is_ok());
        for (broken, last, from, to) in bends {
            let result = resume(&bent(good.tbs(), *last, from, to), &rules);
            assert_eq!(result, Err(LintError::Broken(broken.to_vec())), "{}", hex::encode(to));
        }
        bends.iter().flat_map(|(broken, ..)| broken.iter().copied()).collect()
    }
}

fn broken(leaf: &LeafRequest<'_>, rules: &Rules<'_>) -> Vec<&'static str> {
    match lint(prepare(leaf).unwrap(), rules) {
        Err(LintError::Broken(rules)) => rules,
        other => panic!("{other:?}"),
    }
}

/// Which rules break when of some bytes the first or the last occurrence is replaced by others.
type Bend<'a> = (&'a [&'static str], bool, &'a [u8], &'a [u8]);

const FIRST: bool = false;
const LAST: bool = true;

/// A leaf's bytes with some replaced by others of the same length.
fn bent(tbs: &[u8], last: bool, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut places = (0..tbs.len()).filter(|at| tbs[*at..].starts_with(from));
    let at = if last { places.next_back() } else { places.next() };
    let at = at.unwrap_or_else(|| panic!("{} is not there", hex::encode(from)));
    let mut out = tbs.to_vec();
    out[at..at + to.len()].copy_from_slice(to);
    out
}

#[test]
fn each_rule_of_mail_is_broken_by_some_certificate() {
    let ground = Ground::new("mail-rules");
    let seen = [
        bent_subjects(&ground),
        bent_extensions(&ground),
        bent_mailbox_leaves(&ground),
        other_names(&ground),
    ]
    .concat();
    let of_mail = RULES.iter().filter(|rule| rule.of == Of::Mail).map(|rule| rule.name);
    let unbroken: Vec<&str> = of_mail.filter(|name| !seen.contains(name)).collect();
    assert!(unbroken.is_empty(), "{unbroken:?}");
}

fn bent_subjects(ground: &Ground) -> Vec<&'static str> {
    let umlaut = "\u{fc}n@example.com".as_bytes();
    let identifier = b"NTRGB-12345678";
    let bends: [Bend<'_>; 8] = [
        (&["mail_common_name"], LAST, b"Example Ltd", b"Exemple Ltd"),
        (&["subject_mailboxes"], FIRST, b"ann@example.com", b"eve@example.com"),
        (&["values", "subject_mailboxes"], FIRST, b"ann@example.com", umlaut),
        (&["values"], FIRST, b"\x16\x0fann@", b"\x0c\x0fann@"),
        (&["organization_identifier"], FIRST, identifier, b"NTRDE-12345678"),
        (&["organization_identifier"], FIRST, identifier, b"ABCGB-12345678"),
        (&["organization_identifier"], FIRST, identifier, b"LEIXG-12345678"),
        (&["country", "organization_identifier"], LAST, b"\x02GB", b"\x02ZZ"),
    ];
    ground.bend(&ground.full_leaf(&profile("ov-multi")), &bends)
}

fn bent_extensions(ground: &Ground) -> Vec<&'static str> {
    let key_id = spki::key_identifier_sha1(&ground.key.spki).unwrap();
    let mut other_key_id = key_id;
    other_key_id[7] ^= 1;
    let [email, client] = [oid::EMAIL_PROTECTION, oid::CLIENT_AUTH];
    let code_signing = [0x2b, 6, 1, 5, 5, 7, 3, 3];
    let bends: [Bend<'_>; 11] = [
        (&["key_identifier"], FIRST, &key_id, &other_key_id),
        (&["extensions", "key_identifier"], FIRST, &[0x55, 0x1d, 14], &[0x55, 0x1d, 16]),
        (&["mail_key_usage"], FIRST, &[3, 2, 3, 0x88], &[3, 2, 3, 0xc8]),
        (&["mail_key_usage"], FIRST, &[3, 2, 3, 0x88], &[3, 2, 5, 0xa0]),
        (&["email_protection"], FIRST, email, oid::SERVER_AUTH),
        (&["email_protection"], FIRST, client, &code_signing),
        (&["email_protection"], FIRST, client, oid::SERVER_AUTH),
        (&["subject_mailboxes", "mailboxes_form"], LAST, b"\x81\x0fann@", b"\x82\x0fann@"),
        (&["subject_mailboxes", "mailboxes_form"], LAST, b"ann@example.com", b"ann@Example.com"),
        (&["template"], LAST, &[6, 3, 0x2a, 3, 4], &[4, 3, 0x2a, 3, 4]),
        (&["extensions"], LAST, oid::MS_TEMPLATE, &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, 8]),
    ];
    ground.bend(&ground.full_leaf(&profile("ov-multi")), &bends)
}

fn bent_mailbox_leaves(ground: &Ground) -> Vec<&'static str> {
    let bends: [Bend<'_>; 3] = [
        (&["mail_common_name"], FIRST, b"ann@example.com", b"ann.example.com"),
        (&["mail_common_name", "subject_mailboxes"], FIRST, b"ann@example.com", b"eve@example.com"),
        (&["attributes", "values"], LAST, oid::COMMON_NAME, oid::ORGANIZATIONAL_UNIT),
    ];
    let rsa = key(&ground.dir, "r2", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let of_rsa: [Bend<'_>; 2] = [
        (&["mail_key_usage"], FIRST, &[3, 2, 5, 0xa0], &[3, 2, 3, 0x88]),
        (&["mail_key_usage"], FIRST, &[3, 2, 5, 0xa0], &[3, 2, 5, 0x20]),
    ];
    let strict: [Bend<'_>; 1] =
        [(&["email_protection"], FIRST, oid::EMAIL_PROTECTION, oid::CLIENT_AUTH)];
    let (multi_profile, strict_profile) = (profile("mv-multi"), profile("mv-strict"));
    [
        ground.bend(&ground.leaf(&multi_profile, &ground.key), &bends),
        ground.bend(&ground.leaf(&multi_profile, &rsa), &of_rsa),
        ground.bend(&ground.leaf(&strict_profile, &ground.key), &strict),
    ]
    .concat()
}

fn other_names(ground: &Ground) -> Vec<&'static str> {
    let profile = profile("mv-multi");
    let mut seen = Vec::new();
    for (name, rule) in [
        ("ann@example.test", "mailboxes_public"),
        ("ann@mail.example.local", "mailboxes_public"),
        ("example.com", "mailboxes_form"),
        ("192.0.2.7", "mailboxes_form"),
    ] {
        let list = names(&[name]);
        let leaf = ground.leaf(&profile, &ground.key);
        let leaf = LeafRequest { names: &list, common_name: None, ..leaf };
        let found = broken(&leaf, &ground.rules(&ground.leaf(&profile, &ground.key)));
        assert_eq!(found.first(), Some(&rule), "{found:?}");
        seen.extend(found);
    }
    seen
}

#[test]
fn an_organisation_that_is_called_like_a_mailbox_proves_none() {
    let ground = Ground::new("mail-called");
    let called: Vec<_> = subject(false)
        .into_iter()
        .map(|(a, text)| (a, text.replace(ORGANIZATION, "eve@example.com")))
        .collect();
    let profile = profile("ov-multi");
    let leaf = LeafRequest { subject: &called, ..ground.full_leaf(&profile) };
    assert_eq!(broken(&leaf, &ground.rules(&ground.full_leaf(&profile))), ["subject_mailboxes"]);
    let leaf = LeafRequest { common_name: None, ..leaf };
    assert!(lint(prepare(&leaf).unwrap(), &ground.rules(&ground.full_leaf(&profile))).is_ok());
}

#[test]
fn rules_of_every_leaf_bind_those_of_mail() {
    let ground = Ground::new("mail-all");
    let (multi, strict, dv) = (profile("mv-multi"), profile("mv-strict"), profile("dv"));
    let good = ground.leaf(&multi, &ground.key);
    let mut long = good;
    long.validity.not_after = term_end(now(), 825);
    assert!(lint(prepare(&long).unwrap(), &ground.rules(&long)).is_ok());
    long.validity.not_after = long.validity.not_after.plus(SECOND);
    assert_eq!(ground.broken(&long), ["validity"]);
    long.validity.not_before = now().plus(-3 * DAY);
    assert_eq!(ground.broken(&long), ["not_before", "validity", "nesting"]);
    let https = LeafRequest { crl_url: "https://pki.example.org/a.crl", ..good };
    assert_eq!(ground.broken(&https), ["crl_url"]);
    let rules = ground.rules(&good);
    let found = broken(&good, &Rules { profile: &strict, ..rules });
    assert_eq!(found, ["email_protection", "policy", "hierarchy"]);
    assert_eq!(broken(&good, &Rules { test: true, ..rules }), ["hierarchy"]);
    let found = broken(&good, &Rules { profile: &dv, ..rules });
    assert!(["server_auth", "names_form"].iter().all(|rule| found.contains(rule)), "{found:?}");
}
