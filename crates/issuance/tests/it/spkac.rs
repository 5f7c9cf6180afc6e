//! SPKACs as `openssl` makes them, and what is made of them by hand.

use domain::csr::{Csr, CsrError, CsrSubject, KeyKind, RequestSignature};
use issuance::csr::{self, spkac};
use issuance::signer::{CaSigner, KeyChoice, SignatureAlgorithm, SoftwareKey};
use issuance::weak_keys::WeakKeys;
use issuance::{collect, oid, spki};

use crate::asn1::{bit_string, oid as put_oid, seq, tlv};
use crate::requests::Odd;
use crate::support::*;

/// The parts, each replaceable by something odd.
struct Made {
    key: SoftwareKey,
    spki: Vec<u8>,
    challenge: Vec<u8>,
    algorithm: Vec<u8>,
}

impl Made {
    fn new(choice: KeyChoice) -> Self {
        let (key, _) = SoftwareKey::generate(choice).unwrap();
        let algorithm = key.algorithm().der().to_vec();
        Self { spki: key.spki().to_vec(), challenge: tlv(0x16, &[b"abc"]), algorithm, key }
    }

    fn content(&self) -> Vec<u8> {
        seq(&[&self.spki, &self.challenge])
    }

    fn der(&self) -> Vec<u8> {
        let content = self.content();
        let signature = self.key.sign(&content).unwrap();
        seq(&[&content, &self.algorithm, &bit_string(&signature)])
    }
}

fn read(text: &str) -> Result<Csr, CsrError> {
    let weak = WeakKeys::without_lists();
    let one = spkac::read(text, &weak);
    assert_eq!(csr::read_either(text, &weak), one, "{text}");
    one
}

fn read_der(der: &[u8]) -> Result<Csr, CsrError> {
    let weak = WeakKeys::without_lists();
    let one = spkac::read_der(der, &weak);
    assert_eq!(csr::read_either_der(der, &weak).is_ok(), one.is_ok());
    one
}

/// `openssl spkac` with these further arguments: what it writes, one line with `SPKAC=`.
fn by_openssl(dir: &Dir, algorithm: &[&str], more: &[&str]) -> String {
    openssl(dir, &[&["genpkey", "-out", "k"], algorithm].concat());
    openssl(dir, &[&["spkac", "-key", "k", "-out", "s"], more].concat());
    std::fs::read_to_string(dir.0.join("s")).unwrap().trim().to_owned()
}

const RSA: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const P256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];

#[test]
fn those_of_openssl_are_read() {
    let dir = Dir::new("spkac");
    let table: [(&[&str], &[&str], KeyKind, RequestSignature); 6] = [
        (&RSA, &["-challenge", "abc"], KeyKind::Rsa(2048), RequestSignature::Md5),
        (&RSA, &[], KeyKind::Rsa(2048), RequestSignature::Md5),
        (&RSA, &["-digest", "sha1"], KeyKind::Rsa(2048), RequestSignature::Sha1),
        (&RSA, &["-digest", "sha512"], KeyKind::Rsa(2048), RequestSignature::Sha2),
        (&P256, &["-digest", "sha256", "-challenge", "x"], KeyKind::P256, RequestSignature::Sha2),
        (&P384, &["-digest", "sha1"], KeyKind::P384, RequestSignature::Sha1),
    ];
    for (algorithm, more, kind, signature) in table {
        let csr = read(&by_openssl(&dir, algorithm, more)).unwrap();
        assert_eq!((csr.key.kind, csr.signature), (kind, signature));
        assert_eq!(csr.subject, CsrSubject::default());
        assert!(csr.san_dns.is_empty() && csr.san_ips.is_empty());
        assert_eq!(csr.digests, csr::digests(&csr.der));
        assert_eq!(csr.microsoft_template, None);
        assert_eq!(csr::microsoft_template(&csr.der), None);
        assert_eq!(read_der(&csr.der), Ok(csr.clone()));
        openssl(&dir, &["pkey", "-in", "k", "-pubout", "-outform", "DER", "-out", "public"]);
        assert_eq!(std::fs::read(dir.0.join("public")).unwrap(), csr.key.spki);
    }
}

#[test]
fn texts_as_forms_and_files_have_them() {
    for choice in [KeyChoice::P256, KeyChoice::Rsa2048] {
        let der = Made::new(choice).der();
        let bare = collect::bare_base64(&der);
        let lines: Vec<String> =
            bare.as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
        let lines = lines.join("\n");
        for text in [
            bare.clone(),
            lines.clone(),
            lines.replace('\n', "\r\n"),
            bare.replace('+', " "),
            format!("SPKAC={bare}"),
            format!("SPKAC={bare}\n"),
            format!("\u{feff}SPKAC={lines}\n"),
            format!("SPKAC={bare}\nCN=ann@example.com\nO=Example Ltd\n"),
            format!("SPKAC={}\r\nCN=Ann\r\n", lines.replace('\n', "\r\n")),
            format!("C=GB\nCN=Ann\nSPKAC={lines}\nemailAddress=ann@example.com"),
            format!("SPKAC=\n{lines}"),
            format!("SPKAC={}", bare.replace('+', " ")),
            format!("SPKAC={}", bare.trim_end_matches('=')),
        ] {
            assert_eq!(read(&text).map(|csr| csr.der), Ok(der.clone()), "{text}");
        }
    }
    for bad in ["", "SPKAC=", "SPKAC=§§§", "SPKAC=\nCN=Ann"] {
        assert_eq!(read(bad), Err(CsrError::Base64), "{bad}");
    }
    for bad in ["SPKAC=AAAA", "AAAA", "MAA="] {
        assert_eq!(read(bad), Err(CsrError::Decode), "{bad}");
    }
}

#[test]
fn requests_are_told_apart() {
    let weak = WeakKeys::without_lists();
    let request = Odd::new().der();
    let bare = collect::bare_base64(&request);
    for text in [collect::pem("NEW CERTIFICATE REQUEST", &request), bare.clone()] {
        assert_eq!(csr::read_either(&text, &weak), csr::read(&text, &weak));
        assert!(csr::read_either(&text, &weak).is_ok());
        assert_eq!(spkac::read(&text, &weak), Err(CsrError::Decode));
    }
    assert_eq!(csr::read_either_der(&request, &weak), csr::read_der(&request, &weak));
    let claims = csr::read_either(&format!("SPKAC={bare}"), &weak);
    assert_eq!(claims, Err(CsrError::Decode));
    let der = Made::new(KeyChoice::P256).der();
    assert_eq!(csr::read(&collect::bare_base64(&der), &weak), Err(CsrError::Decode));
}

#[test]
fn what_is_not_strict_der_is_refused() {
    let made = Made::new(KeyChoice::P256);
    let (der, content) = (made.der(), made.content());
    assert!(read_der(&der).is_ok());
    for tail in [&[0][..], b"\n", &der] {
        assert_eq!(read_der(&[&der, tail].concat()), Err(CsrError::Decode));
    }
    let inside = &der[if der[1] < 0x80 { 2 } else { 3 }..];
    let endless = [&[0x30, 0x80][..], inside, &[0, 0]].concat();
    let long = [&[0x30, 0x82, 0][..], &[u8::try_from(inside.len()).unwrap()], inside].concat();
    let signature = bit_string(&made.key.sign(&content).unwrap());
    let more_inside = seq(&[&made.spki, &made.challenge, &[5, 0]]);
    let more_signature = bit_string(&made.key.sign(&more_inside).unwrap());
    for bad in [
        endless,
        long,
        seq(&[&content, &made.algorithm, &signature, &[5, 0]]),
        seq(&[&content, &made.algorithm]),
        seq(&[&more_inside, &made.algorithm, &more_signature]),
        Made { challenge: tlv(0x0c, &[b"abc"]), ..Made::new(KeyChoice::P256) }.der(),
        Made { challenge: tlv(0x16, &[&[0xe9]]), ..Made::new(KeyChoice::P256) }.der(),
        Made { challenge: Vec::new(), ..Made::new(KeyChoice::P256) }.der(),
        Made {
            challenge: tlv(0x16, &[&vec![b'a'; csr::MAX_OCTETS]]),
            ..Made::new(KeyChoice::P256)
        }
        .der(),
        Vec::new(),
    ] {
        assert_eq!(read_der(&bad), Err(CsrError::Decode), "{}", hex::encode(bad));
    }
    let empty = Made { challenge: vec![0x16, 0], ..Made::new(KeyChoice::P256) };
    assert!(read_der(&empty.der()).is_ok());
}

#[test]
fn signatures_and_keys_are_judged_as_those_of_requests() {
    let mut der = Made::new(KeyChoice::P256).der();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(read_der(&der), Err(CsrError::Signature));

    // Another's key, though the challenge is the same.
    let (mine, theirs) = (Made::new(KeyChoice::Rsa2048), Made::new(KeyChoice::Rsa2048));
    assert_eq!(read_der(&Made { spki: theirs.spki, ..mine }.der()), Err(CsrError::Signature));

    for (choice, algorithm) in [
        (KeyChoice::P256, SignatureAlgorithm::RsaSha256.der().to_vec()),
        (KeyChoice::Rsa2048, SignatureAlgorithm::EcdsaSha256.der().to_vec()),
        (KeyChoice::Rsa2048, seq(&[&put_oid(oid::RSA_ENCRYPTION), &[5, 0]])),
    ] {
        let der = Made { algorithm, ..Made::new(choice) }.der();
        assert_eq!(read_der(&der), Err(CsrError::Algorithm));
    }

    let with = |spki: der::Result<Vec<u8>>| {
        let spki = spki.unwrap();
        read_der(&Made { spki, ..Made::new(KeyChoice::Rsa2048) }.der())
    };
    assert_eq!(with(spki::write_rsa(&[0xff; 128], &[3])), Err(CsrError::KeySize));
    assert_eq!(with(spki::write_rsa(&[0xff; 256], &[1])), Err(CsrError::InvalidKey));
    let point = spki::key_bits(&Made::new(KeyChoice::P256).spki).unwrap().to_vec();
    let mut off = point;
    off[64] ^= 1;
    assert_eq!(with(spki::write_ec(spki::P256_ALGORITHM, &off)), Err(CsrError::InvalidKey));
    let ed25519 = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    assert_eq!(with(spki::write_ec(&ed25519, &[7; 32])), Err(CsrError::Algorithm));
}

#[test]
fn weak_keys_are_refused() {
    for choice in [KeyChoice::P256, KeyChoice::Rsa2048] {
        let made = Made::new(choice);
        let mut weak = WeakKeys::without_lists();
        weak.add_spki_list(&hex::encode(spki::sha256(&made.spki))).unwrap();
        let mut der = made.der();
        assert_eq!(csr::read_either_der(&der, &weak), Err(CsrError::Compromised));
        let text = format!("SPKAC={}", collect::bare_base64(&der));
        assert_eq!(csr::read_either(&text, &weak), Err(CsrError::Compromised));
        *der.last_mut().unwrap() ^= 1;
        assert_eq!(csr::read_either_der(&der, &weak), Err(CsrError::Signature));
    }
}

/// Every truncation and every changed octet: nothing panics, and what is taken has the same key and the same signed part.
#[test]
fn bent_ones_are_never_taken_for_another_key() {
    for choice in [KeyChoice::P256, KeyChoice::Rsa2048] {
        let made = Made::new(choice);
        let (der, content, key) = (made.der(), made.content(), made.key.spki());
        let text = format!("SPKAC={}\nCN=Ann\n", collect::bare_base64(&der));
        let weak = WeakKeys::without_lists();
        let same = |result: Result<Csr, CsrError>| {
            if let Ok(csr) = result {
                assert_eq!(csr.key.spki, key);
                assert_eq!(csr::normalise::first_inside(&csr.der), Ok(content.as_slice()));
            }
        };
        for at in 0..der.len() {
            assert!(csr::read_either_der(&der[..at], &weak).is_err());
            for by in [1, 0x20, 0x80, 0xff] {
                let mut bent = der.clone();
                bent[at] ^= by;
                same(csr::read_either_der(&bent, &weak));
            }
        }
        for at in 0..text.len() {
            same(csr::read_either(&text[..at], &weak));
            for by in [1, 0x20] {
                let mut bent = text.clone().into_bytes();
                bent[at] ^= by;
                same(csr::read_either(&String::from_utf8_lossy(&bent), &weak));
            }
        }
    }
}

#[test]
fn a_template_is_read_again_from_a_kept_request() {
    let weak = WeakKeys::without_lists();
    let dir = Dir::new("template");
    dir.put(
        "c",
        "[req]\ndistinguished_name=d\nreq_extensions=e\n[d]\n[e]\n1.3.6.1.4.1.311.20.2=ASN1:BMP:User\n",
    );
    openssl(&dir, &[&["genpkey", "-out", "k"], &P256[..]].concat());
    openssl(&dir, &["req", "-new", "-key", "k", "-config", "c", "-subj", "/CN=Ann", "-out", "r"]);
    let csr = csr::read_either(&std::fs::read_to_string(dir.0.join("r")).unwrap(), &weak).unwrap();
    let template = csr.microsoft_template.clone().unwrap();
    assert_eq!(csr::microsoft_template(&csr.der), Some(template.clone()));
    assert!(issuance::leaf::Template::read(&template).is_some());
    assert_eq!(csr::microsoft_template(&Odd::new().der()), None);
    for at in 0..csr.der.len() {
        let _ = csr::microsoft_template(&csr.der[..at]);
    }
}
