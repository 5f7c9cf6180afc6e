use domain::csr::{CsrError, KeyKind, RequestSignature};
use issuance::signer::{CaSigner, KeyChoice, SignatureAlgorithm, SoftwareKey};
use issuance::weak_keys::WeakKeys;
use issuance::{csr, oid, spki};

use crate::asn1::{bit_string, oid as put_oid, seq, tlv};
use crate::support::*;

/// The parts of a request, each replaceable by something odd.
pub struct Odd {
    version: u8,
    subject: Vec<u8>,
    attributes: Vec<u8>,
    key: SoftwareKey,
    spki: Vec<u8>,
    algorithm: Vec<u8>,
}

impl Odd {
    pub fn new() -> Self {
        let (key, _) = SoftwareKey::generate(KeyChoice::P256).unwrap();
        Self {
            version: 0,
            subject: name(&[rdn(&[(oid::COMMON_NAME, 0x0c, b"www.example.com")])]),
            attributes: vec![0xa0, 0],
            spki: key.spki().to_vec(),
            algorithm: SignatureAlgorithm::EcdsaSha256.der().to_vec(),
            key,
        }
    }

    pub fn info(&self) -> Vec<u8> {
        seq(&[&[2, 1, self.version], &self.subject, &self.spki, &self.attributes])
    }

    pub fn der(&self) -> Vec<u8> {
        let info = self.info();
        let signature = self.key.sign(&info).unwrap();
        seq(&[&info, &self.algorithm, &bit_string(&signature)])
    }
}

fn rdn(pairs: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let pairs: Vec<u8> = pairs
        .iter()
        .flat_map(|(kind, tag, value)| seq(&[&put_oid(kind), &tlv(*tag, &[value])]))
        .collect();
    tlv(0x31, &[&pairs])
}

fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
    seq(&rdns.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// An attribute with extensions, of which one is a subjectAltName with these contents.
fn names_wish(attribute: &[u8], general_names: &[u8], more: &[u8]) -> Vec<u8> {
    let san = seq(&[&put_oid(oid::SUBJECT_ALT_NAME), &tlv(4, &[&seq(&[general_names])])]);
    let list = seq(&[&san, more]);
    let attribute = seq(&[&put_oid(attribute), &tlv(0x31, &[&list])]);
    tlv(0xa0, &[&attribute])
}

fn read(der: &[u8]) -> Result<domain::csr::Csr, CsrError> {
    csr::read_der(der, &WeakKeys::without_lists())
}

#[test]
fn strings_of_every_kind() {
    let table: [(u8, &[u8], &str); 8] = [
        (0x13, b"*.example.com", "*.example.com"),
        (0x13, b"a_b & c@d", "a_b & c@d"),
        (0x14, b"B\xfccher", "Bücher"),
        (0x16, b"ia5", "ia5"),
        (0x0c, "日本".as_bytes(), "日本"),
        (0x1e, b"\0B\0\xfc", "Bü"),
        (0x1c, b"\0\0\0B\0\0\0\xfc", "Bü"),
        (0x0c, b" padded ", " padded "),
    ];
    for (tag, octets, text) in table {
        let mut odd = Odd::new();
        odd.subject = name(&[rdn(&[(oid::ORGANIZATION, tag, octets)])]);
        let read = read(&odd.der()).unwrap();
        assert_eq!(read.subject.organization.as_deref(), Some(text));
        assert_eq!(read.subject.common_name, None);
    }
    for (tag, octets) in [
        (0x0c, &b"a\0b"[..]),
        (0x0c, b"\xff"),
        (0x0c, b"a\nb"),
        (0x0c, "a\u{202e}b".as_bytes()),
        (0x0c, "a\u{200b}b".as_bytes()),
        (0x1e, b"\0"),
        (0x1e, b"\xd8\0"),
        (0x1c, b"\0\x11\0\0"),
        (0x04, b"octets"),
    ] {
        let mut odd = Odd::new();
        odd.subject = name(&[rdn(&[(oid::ORGANIZATION, tag, octets)])]);
        assert_eq!(read(&odd.der()), Err(CsrError::Decode), "{tag} {octets:?}");
    }
}

#[test]
fn subjects_of_odd_shape() {
    let mut odd = Odd::new();
    odd.subject = vec![0x30, 0];
    assert_eq!(read(&odd.der()).unwrap().subject, Default::default());
    odd.subject = name(&[
        rdn(&[(oid::COUNTRY, 0x13, b""), (oid::STATE, 0x0c, b" ")]),
        rdn(&[(oid::COMMON_NAME, 0x0c, b"first.example.com"), (oid::STREET, 0x0c, b"one")]),
        rdn(&[(oid::COMMON_NAME, 0x0c, b"second.example.com")]),
        rdn(&[(oid::STREET, 0x0c, b"two"), (oid::STREET, 0x0c, b"three")]),
        rdn(&[(oid::STREET, 0x0c, b"four")]),
        rdn(&[(&[0x55, 4, 99], 0x04, b"\0 of no interest")]),
    ]);
    let subject = read(&odd.der()).unwrap().subject;
    assert_eq!(subject.common_name.as_deref(), Some("first.example.com"));
    assert_eq!(subject.streets, ["one", "two", "three"]);
    assert_eq!((subject.country, subject.state), (None, None));
}

#[test]
fn versions_and_attributes() {
    for version in [0, 1, 2] {
        assert!(read(&Odd { version, ..Odd::new() }.der()).is_ok());
    }
    assert_eq!(read(&Odd { version: 3, ..Odd::new() }.der()), Err(CsrError::Decode));
    assert!(read(&Odd { attributes: vec![], ..Odd::new() }.der()).is_ok());

    let general = [
        &tlv(0x82, &[b"*.example.com"])[..],
        &tlv(0x81, &[b"a@example.com"]),
        &tlv(0x87, &[&[192, 0, 2, 1]]),
        &tlv(0x87, &[&[0; 16]]),
        &tlv(0xa0, &[&put_oid(oid::SHA256)]),
    ]
    .concat();
    let template = seq(&[&put_oid(oid::MS_TEMPLATE), &tlv(4, &[&[0x30, 0]])]);
    for attribute in [oid::EXTENSION_REQUEST, oid::MS_EXTENSION_REQUEST] {
        let attributes = names_wish(attribute, &general, &template);
        let csr = read(&Odd { attributes, ..Odd::new() }.der()).unwrap();
        assert_eq!(csr.san_dns, ["*.example.com"]);
        assert_eq!(csr.san_ips.len(), 2);
        assert_eq!(csr.microsoft_template.as_deref(), Some(template.as_slice()));
    }
    let many = tlv(0x82, &[b"a.example.com"]).repeat(2_000);
    let attributes = names_wish(oid::EXTENSION_REQUEST, &many, &[]);
    assert!(
        attributes.len() < csr::MAX_OCTETS && read(&Odd { attributes, ..Odd::new() }.der()).is_ok()
    );
    let many = tlv(0x82, &[b"a.de"]).repeat(2_001);
    for bad in [many, tlv(0x87, &[&[1, 2, 3, 4, 5]]), tlv(0x82, &[b"a\0.example.com"])] {
        let attributes = names_wish(oid::EXTENSION_REQUEST, &bad, &[]);
        assert_eq!(read(&Odd { attributes, ..Odd::new() }.der()), Err(CsrError::Decode));
    }
}

#[test]
fn null_may_be_missing_or_too_much() {
    let null = [5, 0];
    let with = |id: &[u8], parameters: &[u8]| seq(&[&put_oid(id), parameters]);
    let algorithm = with(oid::ECDSA_SHA256, &null);
    assert!(read(&Odd { algorithm, ..Odd::new() }.der()).is_ok());
    let two = with(oid::ECDSA_SHA256, &null.repeat(2));
    assert_eq!(read(&Odd { algorithm: two, ..Odd::new() }.der()), Err(CsrError::Decode));

    let mut odd = Odd::new();
    (odd.key, _) = SoftwareKey::generate(KeyChoice::Rsa2048).unwrap();
    let full = odd.key.spki().to_vec();
    let bits = spki::key_bits(&full).unwrap();
    for in_key in [&[][..], &null] {
        odd.spki = seq(&[&with(oid::RSA_ENCRYPTION, in_key), &bit_string(bits)]);
        for in_signature in [&[][..], &null] {
            odd.algorithm = with(oid::SHA256_WITH_RSA, in_signature);
            assert_eq!(read(&odd.der()).unwrap().key.spki, full);
        }
    }
    odd.spki = seq(&[&with(oid::RSA_ENCRYPTION, &[0x30, 0]), &bit_string(bits)]);
    assert_eq!(read(&odd.der()), Err(CsrError::Decode));
}

#[test]
fn flags_in_every_form() {
    let template = |flag: &[u8]| seq(&[&put_oid(oid::MS_TEMPLATE), flag, &tlv(4, &[&[0x30, 0]])]);
    let name = tlv(0x82, &[b"a.example.com"]);
    for (written, der) in [
        (&[][..], &[][..]),
        (&[1, 1, 0], &[]),
        (&[1, 1, 1], &[1, 1, 0xff]),
        (&[1, 1, 0xff], &[1, 1, 0xff]),
    ] {
        let attributes = names_wish(oid::EXTENSION_REQUEST, &name, &template(written));
        let csr = read(&Odd { attributes, ..Odd::new() }.der()).unwrap();
        assert_eq!(csr.san_dns, ["a.example.com"]);
        assert_eq!(csr.microsoft_template, Some(template(der)));
    }
}

/// See `csr::normalise` for why.
#[test]
fn strings_in_segments_are_refused() {
    let segments = [tlv(0x0c, &[b"Exam"]), tlv(0x0c, &[b"ple"])].concat();
    let subject = name(&[rdn(&[(oid::ORGANIZATION, 0x2c, &segments)])]);
    assert_eq!(read(&Odd { subject, ..Odd::new() }.der()), Err(CsrError::Decode));
    let value = tlv(0x24, &[&tlv(4, &[&[0x30]]), &tlv(4, &[&[0]])]);
    let template = seq(&[&put_oid(oid::MS_TEMPLATE), &value]);
    let attributes = names_wish(oid::EXTENSION_REQUEST, &[], &template);
    assert_eq!(read(&Odd { attributes, ..Odd::new() }.der()), Err(CsrError::Decode));
}

#[test]
fn compressed_points_are_written_in_full() {
    let dir = Dir::new("compressed");
    let weak = WeakKeys::without_lists();
    for curve in ["P-256", "P-384", "P-521"] {
        let option = format!("ec_paramgen_curve:{curve}");
        openssl(&dir, &["genpkey", "-algorithm", "EC", "-pkeyopt", &option, "-out", "full"]);
        openssl(&dir, &["ec", "-in", "full", "-conv_form", "compressed", "-out", "short"]);
        let keys = ["full", "short"].map(|key| {
            let csr = ["req", "-new", "-key", key, "-subj", "/CN=a.example.com", "-out", "r"];
            openssl(&dir, &csr);
            let text = std::fs::read_to_string(dir.0.join("r")).unwrap();
            (text.len(), csr::read(&text, &weak).unwrap().key)
        });
        assert!(keys[1].0 + 30 < keys[0].0);
        assert_eq!(keys[0].1, keys[1].1);
    }
}

#[test]
fn lengths_of_ber_and_trailing_octets() {
    let odd = Odd::new();
    let der = odd.der();
    let plain = read(&der).unwrap();
    for tail in [&b"\n"[..], b"\r\n", b"\0\0\0", b"rubbish"] {
        let trailed = [&der, tail].concat();
        assert_eq!(read(&trailed).unwrap().digests, plain.digests);
    }
    assert_eq!(read(&der[..der.len() - 1]), Err(CsrError::Decode));

    let info = odd.info();
    let inside = &info[2..];
    assert!(info[0] == 0x30 && info[1] < 0x80);
    let long = [&[0x30, 0x83, 0, 0, u8::try_from(inside.len()).unwrap()][..], inside].concat();
    let endless = [&[0x30, 0x80][..], inside, &[0, 0]].concat();
    for info in [long, endless] {
        let signature = odd.key.sign(&info).unwrap();
        let body = [&info[..], &odd.algorithm, &bit_string(&signature)].concat();
        for whole in [seq(&[&body]), [&[0x30, 0x80][..], &body, &[0, 0]].concat()] {
            let csr = read(&whole).unwrap();
            assert_eq!(csr.der, whole);
            assert_eq!(csr.digests, csr::digests(&whole));
        }
    }
}

#[test]
fn keys_that_are_refused() {
    let with = |spki: Vec<u8>| read(&Odd { spki, ..Odd::new() }.der());
    let point = |odd: &Odd| spki::key_bits(&odd.spki).unwrap().to_vec();
    let odd = Odd::new();
    let good = point(&odd);
    let mut off = good.clone();
    off[64] ^= 1;
    assert_eq!(
        with(spki::write_ec(spki::P256_ALGORITHM, &off).unwrap()),
        Err(CsrError::InvalidKey)
    );
    let weak = WeakKeys::without_lists();
    let decoded = |spki: Vec<u8>| csr::decode_der(&Odd { spki, ..Odd::new() }.der(), &weak);
    for bad in [off, vec![0]] {
        let spki = spki::write_ec(spki::P256_ALGORITHM, &bad).unwrap();
        assert_eq!(decoded(spki).unwrap().key, Err(CsrError::InvalidKey));
    }
    assert_eq!(
        with(spki::write_ec(spki::P256_ALGORITHM, &good[..60]).unwrap()),
        Err(CsrError::Decode)
    );

    let algorithm = |parameters: &[u8]| seq(&[&put_oid(oid::EC_PUBLIC_KEY), parameters]);
    let secp256k1 = algorithm(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a]);
    assert_eq!(with(spki::write_ec(&secp256k1, &good).unwrap()), Err(CsrError::KeySize));
    assert_eq!(
        with(spki::write_ec(&algorithm(&[0x30, 0]), &good).unwrap()),
        Err(CsrError::Algorithm)
    );
    let ed25519 = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    assert_eq!(with(spki::write_ec(&ed25519, &[7; 32]).unwrap()), Err(CsrError::Algorithm));

    let rsa = |bits: usize, e: &[u8]| {
        decoded(spki::write_rsa(&vec![0xff; bits / 8], e).unwrap()).unwrap().key
    };
    assert_eq!(rsa(1_024, &[3]), Err(CsrError::KeySize));
    assert_eq!(rsa(8_200, &[3]), Err(CsrError::KeySize));
    for exponent in [&[1][..], &[0], &[4], &[0x55; 33]] {
        assert_eq!(rsa(2_048, exponent), Err(CsrError::InvalidKey), "{exponent:?}");
    }
    assert_eq!(rsa(2_048, &[3]), Err(CsrError::Compromised));

    let mut odd = Odd::new();
    let y_is_odd = good_tail_is_odd(&point(&odd));
    let full = odd.spki.clone();
    let short = [&[if y_is_odd { 3 } else { 2 }][..], &point(&odd)[1..33]].concat();
    odd.spki = spki::write_ec(spki::P256_ALGORITHM, &short).unwrap();
    assert_eq!(read(&odd.der()).unwrap().key.spki, full);
}

fn good_tail_is_odd(point: &[u8]) -> bool {
    point.last().is_some_and(|b| b % 2 == 1)
}

#[test]
fn requests_of_openssl_with_every_digest() {
    let dir = Dir::new("digests");
    let weak = WeakKeys::without_lists();
    let make = |algorithm: &str, option: &str, digest: &[&str]| {
        openssl(&dir, &["genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", "k"]);
        let base = ["req", "-new", "-key", "k", "-subj", "/CN=a.example.com", "-out", "r"];
        openssl(&dir, &[&base[..], digest].concat());
        let text = std::fs::read_to_string(dir.0.join("r")).unwrap();
        let csr = csr::read(&text, &weak).unwrap();
        let mut bent = csr.der.clone();
        *bent.last_mut().unwrap() ^= 1;
        let bent = csr::read_der(&bent, &weak);
        assert!(matches!(bent, Err(CsrError::Signature)), "{algorithm} {option} {digest:?}");
        (csr.key.kind, csr.signature)
    };
    let rsa = "rsa_keygen_bits:2048";
    assert_eq!(make("RSA", rsa, &["-md5"]), (KeyKind::Rsa(2_048), RequestSignature::Md5));
    assert_eq!(make("RSA", rsa, &["-sha1"]), (KeyKind::Rsa(2_048), RequestSignature::Sha1));
    for digest in ["-sha256", "-sha384", "-sha512"] {
        assert_eq!(make("RSA", rsa, &[digest]).1, RequestSignature::Sha2);
        let pss = [digest, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
        assert_eq!(make("RSA", rsa, &pss).1, RequestSignature::Sha2);
    }
    // Public exponents of more than 33 bits, which the crypto library does not take (up to 256 bits: BR 6.1.6).
    for exponent in ["4294967297", "1099511627791"] {
        let option = format!("rsa_keygen_pubexp:{exponent}");
        for (digest, signature) in [
            ("-md5", RequestSignature::Md5),
            ("-sha1", RequestSignature::Sha1),
            ("-sha256", RequestSignature::Sha2),
            ("-sha384", RequestSignature::Sha2),
            ("-sha512", RequestSignature::Sha2),
        ] {
            assert_eq!(make("RSA", &option, &[digest]), (KeyKind::Rsa(2_048), signature));
        }
    }
    for (curve, kind) in [("256", KeyKind::P256), ("384", KeyKind::P384), ("521", KeyKind::P521)] {
        let option = format!("ec_paramgen_curve:P-{curve}");
        assert_eq!(make("EC", &option, &["-sha1"]), (kind, RequestSignature::Sha1));
        for digest in ["-sha256", "-sha384", "-sha512"] {
            assert_eq!(make("EC", &option, &[digest]), (kind, RequestSignature::Sha2));
        }
    }
}

#[test]
fn texts_as_forms_deliver_them() {
    let weak = WeakKeys::without_lists();
    let mut seen_plus = 0;
    let ends_in_plus =
        |der: &Vec<u8>| der.len().is_multiple_of(3) && der.last().is_some_and(|o| o & 63 == 62);
    let one_in_192 = std::iter::repeat_with(|| Odd::new().der()).find(ends_in_plus).unwrap();
    for der in std::iter::repeat_with(|| Odd::new().der()).take(12).chain([one_in_192]) {
        for label in ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", "FOO"] {
            let pem = issuance::collect::pem(label, &der);
            let bare = issuance::collect::bare_base64(&der);
            seen_plus += bare.matches('+').count();
            let body: String =
                pem.lines().filter(|l| !l.starts_with('-')).collect::<Vec<_>>().join("\n");
            let blanks = |text: &str| text.replace('+', " ");
            let texts = [
                pem.clone(),
                pem.replace('\n', "\r\n"),
                pem.replace('\n', " "),
                pem.replace('\n', "\n  "),
                pem.replace('\n', "\\n").replace("\\n", "\r"),
                blanks(&pem),
                blanks(&pem).replace('\n', " "),
                blanks(&pem).replace('\n', "\r\n"),
                blanks(&pem).replace('\n', "  "),
                format!("\u{feff}\n\n{pem}\n"),
                format!("Some words before\n{pem}"),
                format!("{pem}{}", issuance::collect::pem("SOMETHING ELSE", b"and its octets")),
                bare.clone(),
                blanks(&bare),
                bare.trim_end_matches('=').to_owned(),
                body.clone(),
                blanks(&body),
                pem.split("-----END").next().unwrap().to_owned(),
            ];
            for text in texts {
                assert_eq!(csr::read(&text, &weak).map(|c| c.der), Ok(der.clone()), "{text:?}");
            }
        }
    }
    assert!(seen_plus > 0);
    for bad in
        ["", " ", "§§§", "-----BEGIN", "not base 64!", "please sign this, it is my key!", "MI~A"]
    {
        assert_eq!(csr::read(bad, &weak), Err(CsrError::Base64), "{bad}");
    }
    for bad in ["AAAA", "MAA=", "MIIBCgKCAQEA", "-----BEGIN CERTIFICATE-----\nAAAA"] {
        assert_eq!(csr::read(bad, &weak), Err(CsrError::Decode), "{bad}");
    }
}
