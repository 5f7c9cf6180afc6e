use issuance::lint::{Rules, resume};

use crate::support::*;

const CA: &str = include_str!("golden/ca.hex");
const TBS: &str = include_str!("golden/tbs.hex");

/// A leaf's bytes must change only when somebody means it: `GOLDEN=write` writes them anew.
#[test]
fn a_leaf_is_made_of_the_same_bytes_as_ever() {
    use domain::certificate::CaId;
    use issuance::ca::{CaCertificate, CaRole, CaSlot};
    use issuance::profile::{Hierarchy, ValidationKind};
    let write = std::env::var("GOLDEN").is_ok_and(|v| v == "write");
    let slot = CaSlot {
        hierarchy: Hierarchy::Public,
        test: false,
        role: CaRole::Issuing { kind: ValidationKind::Dv, rsa: false },
    };
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden");
    if write {
        let dir = Dir::new("golden");
        let der = cas(&dir.0).at(slot).unwrap().certificate.der.clone();
        std::fs::write(format!("{home}/ca.hex"), hex(&der) + "\n").unwrap();
        return std::fs::write(
            format!("{home}/tbs.hex"),
            hex(&leaf(&CaCertificate::read(CaId(6), slot, der).unwrap())) + "\n",
        )
        .unwrap();
    }
    let ca = CaCertificate::read(CaId(6), slot, unhex(CA)).unwrap();
    let made = leaf(&ca);
    assert_eq!(hex(&made), TBS.trim());
    let (dv, policy) = (profile("dv"), policy());
    let rules = Rules { profile: &dv, ca: &ca, test: false, policy: &policy, now: now() };
    assert!(resume(&made, &rules).is_ok());
}

fn leaf(ca: &issuance::ca::CaCertificate) -> Vec<u8> {
    use issuance::leaf::{LeafRequest, prepare};
    let point = unhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    );
    let spki = issuance::spki::write_ec(issuance::spki::P256_ALGORITHM, &point).unwrap();
    let key = domain::csr::PublicKey {
        kind: domain::csr::KeyKind::P256,
        spki_sha256: issuance::spki::sha256(&spki),
        spki,
    };
    let (dv, list) = (profile("dv"), names(&["www.example.com", "example.com", "8.8.8.8"]));
    let request = LeafRequest {
        profile: &dv,
        ca,
        serial: domain::certificate::Serial::from_random(*b"0123456789abcdef").unwrap(),
        validity: policy().tls_validity(now(), domain::policy::term_end(now(), 365)).unwrap(),
        key: &key,
        names: &list,
        common_name: list.first(),
        subject: &[],
        crl_url: "http://pki.example.org/crl/public-dv-ec/7.crl",
        issuer_url: "http://pki.example.org/crt/public-dv-ec.crt",
    };
    prepare(&request).unwrap().tbs().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
