use domain::certificate::{CaId, Serial};
use domain::csr::{KeyKind, PublicKey};
use issuance::ca::{CaCertificate, CaRole, CaSlot};
use issuance::leaf::{CommonName, LeafRequest, prepare};
use issuance::lint::{Rules, resume};
use issuance::profile::{Hierarchy, ValidationKind};
use issuance::spki;

use crate::support::*;

/// A leaf whose bytes are kept: what is signed, and the certificate of the CA that signs.
struct Golden {
    /// The file of what is signed.
    leaf: &'static str,
    /// The file of the CA's certificate.
    ca: &'static str,
    /// Both keys are RSA, or both are on P-256.
    rsa: bool,
    /// Whether the first name stands in the subject; without it the subject is empty.
    common_name: bool,
}

const GOLDEN: [Golden; 4] = [
    Golden { leaf: "tbs", ca: "ca", rsa: false, common_name: true },
    Golden { leaf: "tbs-empty-subject", ca: "ca", rsa: false, common_name: false },
    Golden { leaf: "tbs-rsa", ca: "ca-rsa", rsa: true, common_name: true },
    Golden { leaf: "tbs-rsa-empty-subject", ca: "ca-rsa", rsa: true, common_name: false },
];

/// A leaf's bytes must change only when somebody means it: who does, removes its file and calls this with `GOLDEN=write`,
/// which writes what is not there.
#[test]
fn a_leaf_is_made_of_the_same_bytes_as_ever() {
    let write = std::env::var("GOLDEN").is_ok_and(|v| v == "write");
    for one in &GOLDEN {
        let role = CaRole::Issuing { kind: ValidationKind::Dv, rsa: one.rsa };
        let slot = CaSlot { hierarchy: Hierarchy::Public, test: false, role };
        let der = kept(one.ca, write, || {
            let dir = Dir::new("golden");
            cas(&dir.0).at(slot).unwrap().certificate.der.clone()
        });
        let ca = CaCertificate::read(CaId(6), slot, der).unwrap();
        let made = leaf(&ca, one);
        assert_eq!(hex::encode(&made), hex::encode(kept(one.leaf, write, || made.clone())));
        let (dv, policy) = (profile("dv"), policy());
        let rules = Rules { profile: &dv, ca: &ca, test: false, policy: &policy, now: now() };
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

fn leaf(ca: &CaCertificate, one: &Golden) -> Vec<u8> {
    let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                 4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let (kind, spki) = if one.rsa {
        let modulus = kept("modulus", false, Vec::new);
        (KeyKind::Rsa(2048), spki::write_rsa(&modulus, &[1, 0, 1]).unwrap())
    } else {
        let point = hex::decode(point).unwrap();
        (KeyKind::P256, spki::write_ec(spki::P256_ALGORITHM, &point).unwrap())
    };
    let key = PublicKey { kind, spki_sha256: spki::sha256(&spki), spki };
    let (dv, list) = (profile("dv"), names(&["www.example.com", "example.com", "8.8.8.8"]));
    let slug = ca.slot.slug();
    let request = LeafRequest {
        profile: &dv,
        ca,
        serial: Serial::from_random(*b"0123456789abcdef").unwrap(),
        validity: policy().tls_validity(now(), domain::policy::term_end(now(), 365)).unwrap(),
        key: &key,
        names: &list,
        common_name: list.first().filter(|_| one.common_name).map(CommonName::Name),
        subject: &[],
        crl_url: &format!("http://pki.example.org/crl/{slug}/7.crl"),
        issuer_url: &format!("http://pki.example.org/crt/{slug}.crt"),
        template: None,
    };
    prepare(&request).unwrap().tbs().to_vec()
}
