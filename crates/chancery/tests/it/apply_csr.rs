//! CSRs in every form that programs send, of every key, and broken in every way.

use std::sync::OnceLock;

use num_bigint::BigUint;

use crate::apply_kit::{
    APPLY, RSA, any_csr, bits, int, nothing_stored, organization, prime, request, rsa_signed, seq,
    tlv,
};
use crate::kit::{Csr, Form, Sandbox, base64, fresh_name};
use crate::{on_both, on_both_refusing, tools};

on_both!(
    forms_of_one_request,
    keys_and_signatures,
    subjects_of_odd_shape,
    subjects_are_as_they_may_be_certified,
);
on_both_refusing!(broken_requests);

/// A fresh P-256 request whose Base64 has a `+` at least.
fn with_plus(name: &str) -> Csr {
    loop {
        let csr = Csr::new(name);
        if base64(&csr.der).contains('+') {
            return csr;
        }
    }
}

/// A subject that is longer than certificates take it is cut as parameters are, and what says nothing is left out.
fn subjects_are_as_they_may_be_certified(sandbox: &Sandbox) {
    let name = fresh_name("subject");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in [
        (rcgen::DnType::CommonName, name.clone()),
        (rcgen::DnType::OrganizationName, "O".repeat(100)),
        (rcgen::DnType::LocalityName, "L".repeat(300)),
        (rcgen::DnType::StateOrProvinceName, ".".to_owned()),
    ] {
        params.distinguished_name.push(kind, rcgen::DnValue::Utf8String(value));
    }
    let key = crate::kit::Key::P256.pair();
    let csr = Csr::from_der(params.serialize_request(&key).expect("a request").der().to_vec());
    let form = organization(Form::order(24, &csr));
    let subject = |form: &Form| -> serde_json::Value {
        let order = sandbox.call(APPLY, form).order_number();
        serde_json::from_str(&sandbox.request_column(&order, "subject")).expect("JSON")
    };
    let by_csr = subject(&form.clone().set("prioritiseCSRValues", "Y"));
    assert_eq!(by_csr["organization"], "O".repeat(64));
    assert_eq!(by_csr["locality"], "L".repeat(128));
    assert_eq!(by_csr["state"], serde_json::Value::Null);
    let state = subject(&form.clone().set("stateOrProvinceName", "Bavaria"));
    assert_eq!(state["state"], "Bavaria", "the CSR says nothing");
    let none = subject(&form.set("prioritiseCSRValues", "N").set("stateOrProvinceName", "-"));
    assert_eq!(none["state"], serde_json::Value::Null);
    assert_eq!(none["locality"], "Berlin");
}

fn forms_of_one_request(sandbox: &Sandbox) {
    let name = fresh_name("form");
    let csr = with_plus(&name);
    let pem = csr.pem.as_str();
    let bare = base64(&csr.der);
    let lines: String = pem.lines().filter(|l| !l.starts_with("--")).collect::<Vec<_>>().join("\n");
    let lost = |text: &str| text.replace('+', " ");
    for (what, text) in [
        ("PEM", pem.to_owned()),
        ("PEM, the other label", pem.replace(" CERTIFICATE REQ", " NEW CERTIFICATE REQ")),
        ("PEM, any label", pem.replace("CERTIFICATE REQUEST", "FOO")),
        ("PEM, a certificate's label", pem.replace("CERTIFICATE REQUEST", "CERTIFICATE")),
        ("another block before it", format!("{}{pem}", tools::pem("EC PARAMETERS", &[6, 1, 0]))),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("no last line end", pem.trim_end().to_owned()),
        ("blank lines around", format!("\n \n{pem}\n\n")),
        ("a byte order mark", format!("\u{feff}{pem}")),
        ("words before it", format!("Certificate Request:\n    Data:\n{pem}")),
        ("bare, one line", bare.clone()),
        ("bare, lines", lines.clone()),
        ("bare, without padding", bare.trim_end_matches('=').to_owned()),
        ("PEM on one line", pem.replace('\n', "")),
        ("line ends turned to blanks", pem.replace('\n', " ")),
        ("CRLF turned to blanks", pem.replace('\n', "  ")),
        ("plus signs lost", lost(pem)),
        ("bare, plus signs lost", lost(&bare)),
        ("bare lines, plus signs lost", lost(&lines)),
        ("CRLF, plus signs lost", lost(&pem.replace('\n', "\r\n"))),
        ("both lost", lost(&pem.replace('\n', " "))),
        ("line ends turned to plus signs lost", lost(&lines.replace('\n', " "))),
        ("tabs before lines", pem.replace('\n', "\n\t")),
    ] {
        let form = Form::order(488, &csr).set("csr", &text);
        let answer = sandbox.call(APPLY, &form);
        assert_eq!(answer.get("errorCode"), "0", "{what}: {}", answer.raw);
        let kept = format!(
            "SELECT {} FROM certificate_requests WHERE order_number = {}",
            hex_of(sandbox, "csr_sha256"),
            answer.order_number()
        );
        assert_eq!(sandbox.value(&kept).to_lowercase(), csr.sha256, "{what}");
    }
}

fn hex_of(sandbox: &Sandbox, column: &str) -> String {
    match sandbox.is_postgres() {
        true => format!("encode({column}, 'hex')"),
        false => format!("hex({column})"),
    }
}

fn keys_and_signatures(sandbox: &Sandbox) {
    for (what, arguments) in [
        ("RSA 2048", &["-newkey", "rsa:2048"][..]),
        ("RSA 3072", &["-newkey", "rsa:3072"]),
        ("RSA 2056", &["-newkey", "rsa:2056"]),
        ("MD5", &["-newkey", "rsa:2048", "-md5"]),
        ("SHA-1", &["-newkey", "rsa:2048", "-sha1"]),
        ("SHA-384", &["-newkey", "rsa:2048", "-sha384"]),
        ("SHA-512", &["-newkey", "rsa:2048", "-sha512"]),
        (
            "PSS",
            &[
                "-newkey",
                "rsa:2048",
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:32",
            ],
        ),
        ("P-256", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("P-256, SHA-1", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha1"]),
        ("P-256, SHA-512", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha512"]),
        ("P-384", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("P-384, SHA-1", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha1"]),
        ("P-521", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512"]),
        ("exponent 3", &["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"]),
    ] {
        let name = fresh_name("key");
        let subject = format!("/CN={name}");
        let csr = Csr::openssl(&[arguments, &["-subj", subject.as_str()]].concat());
        let answer =
            sandbox.call(APPLY, &Form::order(488, &csr).set("signatureHash", "INFER_FROM_CSR"));
        assert_eq!(answer.get("errorCode"), "0", "{what}: {}", answer.raw);
    }
    // The greatest: of eight primes, which are found faster than two.
    let name = fresh_name("key");
    let info = subject(&[(3, 12, name.as_bytes())]);
    let primes: Vec<BigUint> = eight_primes().to_vec();
    let primes: Vec<&BigUint> = primes.iter().collect();
    let csr = rsa_signed(&info, &[0xa0, 0], &primes, 65_537);
    let order = sandbox.call(APPLY, &Form::order(488, &csr)).order_number();
    assert_eq!(sandbox.request_column(&order, "key_kind"), "rsa8192");
}

fn eight_primes() -> &'static [BigUint; 8] {
    static PRIMES: OnceLock<[BigUint; 8]> = OnceLock::new();
    PRIMES.get_or_init(|| {
        let mut primes: [BigUint; 8] =
            std::array::from_fn(|i| prime(if i < 7 { 1_024 } else { 64 }));
        let left = 8_192 - primes[..7].iter().product::<BigUint>().bits();
        let mut sizes = [left, left + 1].into_iter().cycle();
        while primes.iter().product::<BigUint>().bits() != 8_192 {
            primes[7] = prime(u32::try_from(sizes.next().expect("endless")).expect("small"));
        }
        primes
    })
}

fn two_primes() -> &'static [BigUint; 2] {
    static PRIMES: OnceLock<[BigUint; 2]> = OnceLock::new();
    PRIMES.get_or_init(|| [prime(1_024), prime(1_024)])
}

/// A subject of X.520 attributes: number, string type, octets.
fn subject(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let sets: Vec<Vec<u8>> = attributes
        .iter()
        .map(|(number, tag, octets)| {
            tlv(0x31, &[&seq(&[&[6, 3, 0x55, 4, *number], &tlv(*tag, &[octets])])])
        })
        .collect();
    seq(&sets.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn made(subject: &[u8], attributes: &[u8]) -> Csr {
    let [p, q] = two_primes();
    rsa_signed(subject, attributes, &[p, q], 65_537)
}

fn subjects_of_odd_shape(sandbox: &Sandbox) {
    let name = fresh_name("odd");
    let cn = name.as_bytes();
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wider: Vec<u8> = name.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let empty = subject(&[
        (6, 19, b""),
        (8, 12, b""),
        (7, 12, b""),
        (10, 12, b""),
        (11, 12, b""),
        (3, 12, cn),
    ]);
    let (plain, none) = (subject(&[(3, 12, cn)]), &[0xa0, 0][..]);
    for (what, csr) in [
        ("empty attributes", made(&empty, none)),
        ("PrintableString", made(&subject(&[(3, 19, cn)]), none)),
        ("TeletexString", made(&subject(&[(3, 20, cn)]), none)),
        ("IA5String", made(&subject(&[(3, 22, cn)]), none)),
        ("BMPString", made(&subject(&[(3, 30, &wide)]), none)),
        ("UniversalString", made(&subject(&[(3, 28, &wider)]), none)),
        (
            "two common names, the first wins",
            made(&subject(&[(3, 12, cn), (3, 12, b"b.example.com")]), none),
        ),
        ("blanks around", made(&subject(&[(3, 12, format!(" {name} ").as_bytes())]), none)),
        ("no attributes", made(&plain, &[])),
        ("an OU of UTF-8", made(&subject(&[(11, 12, "B\u{fc}ro".as_bytes()), (3, 12, cn)]), none)),
        ("octets after it", {
            let csr = made(&plain, none);
            Csr { pem: base64(&[&csr.der[..], b"\0\0\n"].concat()), ..csr }
        }),
        (
            "mail and address as alternative names",
            Csr::openssl(&[
                "-newkey",
                "rsa:2048",
                "-subj",
                &format!("/CN={name}"),
                "-addext",
                "subjectAltName=email:someone@example.com,DNS:other.example.com,IP:10.0.0.1,URI:http://x/",
            ]),
        ),
        (
            "a challenge password",
            Csr::openssl(&[
                "-newkey",
                "rsa:2048",
                "-subj",
                &format!("/CN={name}/emailAddress=a@example.com"),
                "-addext",
                "keyUsage=digitalSignature",
                "-addext",
                "1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:WebServer",
            ]),
        ),
    ] {
        let answer = sandbox.call(APPLY, &Form::order(488, &csr));
        assert_eq!(answer.get("errorCode"), "0", "{what}: {}", answer.raw);
        let names = sandbox.order_names(&answer.order_number());
        assert_eq!(names[0][0], name, "{what}");
        let kept = format!(
            "SELECT {} FROM certificate_requests WHERE order_number = {}",
            hex_of(sandbox, "csr_sha256"),
            answer.order_number()
        );
        assert_eq!(sandbox.value(&kept).to_lowercase(), csr.sha256, "{what}");
    }
}

/// Something else in PEM: a certificate, a key.
fn made_by_openssl(arguments: &[&str]) -> String {
    let (right, text) = tools::openssl(arguments);
    assert!(right && text.contains("-----BEGIN"), "{text}");
    text
}

fn broken_requests(sandbox: &Sandbox) {
    let good = any_csr();
    let pem = good.pem.as_str();
    let cut = |octets: usize| base64(&good.der[..good.der.len() - octets]);
    let openssl = |arguments: &[&str]| {
        Csr::openssl(&[arguments, &["-subj", "/CN=a.example.com"]].concat()).pem
    };
    let curve =
        |name: &str| openssl(&["-newkey", "ec", "-pkeyopt", &format!("ec_paramgen_curve:{name}")]);
    let changed = |at: usize| {
        let mut der = good.der.clone();
        der[at] ^= 0x01;
        base64(&der)
    };
    let self_signed = made_by_openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=a.example.com",
    ]);
    let plain = subject(&[(3, 12, b"a.example.com")]);
    let unsigned = |algorithm: &[u8], key: &[u8]| {
        let spki = seq(&[algorithm, &bits(key)]);
        let info = seq(&[&[2, 1, 0], &plain, &spki, &[0xa0, 0]]);
        request(
            &info,
            &seq(&[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0]]),
            &[1; 256],
        )
        .pem
    };
    let small = |n: u32| int(&((BigUint::from(1_u8) << n) - 1_u8));
    let e = int(&BigUint::from(65_537_u32));
    for (code, what, text) in [
        (-9, "no Base64", "%$#!".to_owned()),
        (-9, "one letter", "a".to_owned()),
        (-9, "words", "please sign this, it is my key!".to_owned()),
        (-10, "a certificate", self_signed.clone()),
        (-10, "a private key", made_by_openssl(&["genpkey", "-quiet", "-algorithm", "ED25519"])),
        (
            -10,
            "a certificate under the right label",
            self_signed.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
        ),
        (
            -9,
            "armour alone",
            "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----".into(),
        ),
        (
            -9,
            "broken armour",
            pem.replace("-----BEGIN", "-----BEGIN-----").replacen("MII", "M!I", 1),
        ),
        (-9, "a strange letter within", pem.replacen("MI", "M~", 1)),
        (-10, "other octets", base64(b"a text that is not a request, but long enough to be one")),
        (-10, "zeros", base64(&[0; 300])),
        (-10, "cut at the end", cut(1)),
        (-10, "cut in the middle", cut(good.der.len() / 2)),
        (-10, "an empty sequence", base64(&[0x30, 0])),
        (-10, "deep nesting", base64(&(0..200).fold(vec![5, 0], |inner, _| seq(&[&inner])))),
        (-10, "a length beyond the end", base64(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1])),
        (-11, "Ed25519", openssl(&["-newkey", "ed25519"])),
        (-11, "Ed448", openssl(&["-newkey", "ed448"])),
        // OpenSSL's own choice of salt, which the crypto library does not verify.
        (-11, "PSS", openssl(&["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"])),
        (
            -11,
            "PSS with a short salt",
            openssl(&[
                "-newkey",
                "rsa:2048",
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:20",
            ]),
        ),
        (-12, "another signature", changed(good.der.len() - 1)),
        (
            -12,
            "RSA that does not verify",
            unsigned(RSA, &seq(&[&int(&two_primes().iter().product()), &e])),
        ),
        (-13, "RSA 1024", openssl(&["-newkey", "rsa:1024"])),
        (-13, "RSA 2040", openssl(&["-newkey", "rsa:2040"])),
        (-13, "RSA 2047", unsigned(RSA, &seq(&[&small(2_047), &e]))),
        (-13, "RSA 8200", unsigned(RSA, &seq(&[&small(8_200), &e]))),
        (-13, "RSA 16384", unsigned(RSA, &seq(&[&small(16_384), &e]))),
        (-13, "P-224", curve("P-224")),
        (-13, "secp256k1", curve("secp256k1")),
        (-13, "brainpool", curve("brainpoolP256r1")),
        (-8, "no common name", made(&subject(&[(10, 12, b"Nobody")]), &[0xa0, 0]).pem),
        (-8, "an empty common name", made(&subject(&[(3, 12, b"")]), &[0xa0, 0]).pem),
        (-8, "an empty subject", made(&[0x30, 0], &[0xa0, 0]).pem),
    ] {
        let answer = sandbox.apply("poor", &Form::order(488, good).set("csr", &text));
        assert_eq!(answer.get("errorCode"), code.to_string(), "{what}: {}", answer.raw);
    }
    // Wherever a single octet is changed, the answer is one of a few codes, and nothing is stored.
    for at in (0..good.der.len()).step_by(3) {
        let answer = sandbox.apply("poor", &Form::order(488, good).set("csr", &changed(at)));
        let code = answer.get("errorCode");
        assert!(
            ["-8", "-9", "-10", "-11", "-12", "-13", "-40"].contains(&code),
            "{at}: {}",
            answer.raw
        );
    }
    nothing_stored(sandbox);
}
