use domain::certificate::{CaId, Serial};
use domain::csr::{KeyKind, PublicKey};
use issuance::ca::{CaCertificate, CaRole, CaSlot};
use issuance::leaf::{CommonName, LeafRequest, prepare};
use issuance::lint::{Rules, resume};
use issuance::name::Attribute;
use issuance::profile::{Profile, Purpose};
use issuance::spki;

use crate::support::*;

/// A leaf whose bytes are kept: what is signed, and the certificate of the CA that signs.
struct Golden {
    /// The file of what is signed.
    leaf: &'static str,
    /// The file of the CA's certificate.
    ca: &'static str,
    /// The profile.
    profile: &'static str,
    /// The subject's key; the CA's is RSA with RSA, else on P-256.
    key: Key,
    /// What stands as the common name; without it a subject is empty if nothing else has to be in it.
    common_name: Common,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Rsa,
    P256,
    P384,
}

#[derive(Clone, Copy)]
enum Common {
    None,
    FirstName,
    Organization,
}

const GOLDEN: [Golden; 7] = {
    use Common as C;
    use Key as K;
    const fn row([leaf, ca, profile]: [&'static str; 3], key: Key, common_name: Common) -> Golden {
        Golden { leaf, ca, profile, key, common_name }
    }
    [
        row(["tbs", "ca", "dv"], K::P256, C::FirstName),
        row(["tbs-empty-subject", "ca", "dv"], K::P256, C::None),
        row(["tbs-rsa", "ca-rsa", "dv"], K::Rsa, C::FirstName),
        row(["tbs-rsa-empty-subject", "ca-rsa", "dv"], K::Rsa, C::None),
        row(["tbs-mail-multi-rsa", "ca-mail-multi-rsa", "mv-multi"], K::Rsa, C::FirstName),
        row(["tbs-mail-strict", "ca-mail-strict", "mv-strict"], K::P256, C::None),
        row(["tbs-mail-ov-p384", "ca-mail-ov", "ov-multi"], K::P384, C::Organization),
    ]
};

/// A leaf's bytes must change only when somebody means it: who does, removes its file and calls this with `GOLDEN=write`,
/// which writes what is not there.
#[test]
fn a_leaf_is_made_of_the_same_bytes_as_ever() {
    let write = std::env::var("GOLDEN").is_ok_and(|v| v == "write");
    for one in &GOLDEN {
        let profile = profile(one.profile);
        let role = CaRole::Issuing { kind: profile.kind(), rsa: one.key == Key::Rsa };
        let slot = CaSlot { hierarchy: profile.hierarchy(), test: false, role };
        let der = kept(one.ca, write, || {
            let dir = Dir::new("golden");
            cas(&dir.0).at(slot).unwrap().certificate.der.clone()
        });
        let ca = CaCertificate::read(CaId(6), slot, der).unwrap();
        let made = leaf(&ca, &profile, one);
        assert_eq!(hex::encode(&made), hex::encode(kept(one.leaf, write, || made.clone())));
        let policy = policy();
        let rules = Rules { profile: &profile, ca: &ca, test: false, policy: &policy, now: now() };
        assert!(resume(&made, &rules).is_ok(), "{}", one.leaf);
    }
}

/// The bytes of a file of the folder `golden`; when it is not there and may be written, of what is made for it.
fn kept(name: &str, write: bool, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden");
    let path = format!("{home}/{name}.hex");
    if write && !std::path::Path::new(&path).exists() {
        std::fs::write(&path, hex::encode(make()) + "\n").unwrap();
    }
    hex::decode(std::fs::read_to_string(&path).expect(&path).trim()).expect(&path)
}

fn key(key: Key) -> PublicKey {
    let (kind, spki) = match key {
        Key::Rsa => {
            let modulus = kept("modulus", false, Vec::new);
            (KeyKind::Rsa(2048), spki::write_rsa(&modulus, &[1, 0, 1]).unwrap())
        }
        Key::P256 => {
            let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
            let point = hex::decode(point).unwrap();
            (KeyKind::P256, spki::write_ec(spki::P256_ALGORITHM, &point).unwrap())
        }
        Key::P384 => {
            let point = "0448827bca852fc1b34cd4351e7ef843ea436c1f49b56a01d91e81811f09131db9\
                         6b0417d4d4a57d53d1695fc19fddd22bac1ad3a67e412443dfaf4d610e9bbfa221\
                         b3cd7f1bc5fb3624dd42473fb7b29986e4539d764d5e0c52e11b9a21f3adac";
            let point = hex::decode(point).unwrap();
            (KeyKind::P384, spki::write_ec(spki::P384_ALGORITHM, &point).unwrap())
        }
    };
    PublicKey { kind, spki_sha256: spki::sha256(&spki), spki }
}

fn leaf(ca: &CaCertificate, profile: &Profile, one: &Golden) -> Vec<u8> {
    let key = key(one.key);
    let end = domain::policy::term_end(now(), 365);
    let (list, validity) = match profile.purpose() {
        Purpose::Server => {
            (&["www.example.com", "example.com", "8.8.8.8"][..], policy().tls_validity(now(), end))
        }
        Purpose::Mail => (&["ann@example.com"][..], policy().smime_validity(now(), end)),
    };
    let list = names(list);
    let slug = ca.slot.slug();
    let organized = profile.takes(Attribute::Organization);
    let subject = crate::mail::subject(organized);
    let template = crate::mail::template();
    let request = LeafRequest {
        profile,
        ca,
        serial: Serial::from_random(*b"0123456789abcdef").unwrap(),
        validity: validity.unwrap(),
        key: &key,
        names: &list,
        common_name: match one.common_name {
            Common::None => None,
            Common::FirstName => list.first().map(CommonName::Name),
            Common::Organization => Some(CommonName::Organization),
        },
        subject: &subject,
        crl_url: &format!("http://pki.example.org/crl/{slug}/7.crl"),
        issuer_url: &format!("http://pki.example.org/crt/{slug}.crt"),
        template: Some(&template).filter(|_| organized),
    };
    prepare(&request).unwrap().tbs().to_vec()
}
