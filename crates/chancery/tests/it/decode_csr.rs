//! !DecodeCSR: what a request says, without a login, by GET or POST, over TLS or not.

use crate::kit::{Csr, Form, Key, Sandbox, fresh_name};
use crate::on_both;
use crate::tools::python;

on_both!(
    text_answers,
    hashes_stand_on_known_lines,
    xml_and_json,
    anybody_may_ask_in_any_way,
    what_is_wrong_is_counted,
);

fn decode(sandbox: &Sandbox, csr: &str, more: &[(&str, &str)]) -> String {
    let form = Form::new(&[("csr", csr)]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    sandbox.post("!DecodeCSR", &form)
}

const SUBJECT: &str = "/C=DE/ST=Bavaria/L=Munich/postalCode=80331/street=Main 1/street=Floor 2/\
                       O=Example & Sons/OU=Web/CN=";

fn full(name: &str) -> Csr {
    let san = format!("subjectAltName=DNS:{name},DNS:www.{name}");
    let subject = format!("{SUBJECT}{name}");
    Csr::openssl(&["-newkey", "rsa:2048", "-subj", &subject, "-addext", &san])
}

fn text_answers(sandbox: &Sandbox) {
    let name = fresh_name("decode");
    let csr = full(&name);
    let all = decode(
        sandbox,
        &csr.pem,
        &[
            ("showPublicKey", "Y"),
            ("showKeySize", "Y"),
            ("showSANDNSNames", "Y"),
            ("showSignatureAlgorithm", "Y"),
        ],
    );
    let lines: Vec<&str> = all.split_terminator('\n').collect();
    let cn = format!("CN={name}");
    assert_eq!(
        lines[..13],
        [
            "0",
            &cn,
            "OU=Web",
            "O=Example & Sons",
            "POBox=",
            "STREET=Main 1",
            "STREET=Floor 2",
            "STREET=",
            "L=Munich",
            "S=Bavaria",
            "PostalCode=80331",
            "C=DE",
            "Email=",
        ]
    );
    assert!(lines[14].starts_with("Public Key="), "{all}");
    assert_eq!(lines[15], "Key Size=2048");
    assert_eq!(lines[16], format!("dnsName(s)={name}, www.{name}"));
    // Flags.
    let bare = decode(sandbox, &csr.pem, &[("showFieldNames", "N"), ("showAddress", "N")]);
    assert_eq!(bare, format!("0\n{name}\n"));
    let filled = decode(sandbox, &csr.pem, &[("showEmptyFields", "N"), ("showCN", "N")]);
    assert!(!filled.contains("=\n") && !filled.contains("CN="), "{filled}");
    let whole = decode(sandbox, &csr.pem, &[("showcsr", "y"), ("showAddress", "N")]);
    assert!(whole.contains("CSR=-----BEGIN CERTIFICATE REQUEST-----"), "{whole}");
    let country = decode(sandbox, &csr.pem, &[("countryNameType", "FULL")]);
    assert!(country.contains("\nC=Germany\n"), "{country}");
    let country = decode(sandbox, &csr.pem, &[("countryNameType", "TWOCHAR")]);
    assert!(country.contains("\nC=DE\n"), "{country}");
    // Formats that it does not have, logins, and names nobody knows are overlooked.
    for more in
        [("responseFormat", "N"), ("loginName", "x"), ("whatever", "1"), ("responseFormat", "0")]
    {
        assert!(decode(sandbox, &csr.pem, &[more]).starts_with("0\nCN="), "{more:?}");
    }
}

fn hashes_stand_on_known_lines(sandbox: &Sandbox) {
    let name = fresh_name("decode");
    let csr = full(&name);
    let off = [
        ("showErrorCodes", "N"),
        ("showErrorMessages", "N"),
        ("showFieldNames", "N"),
        ("showEmptyFields", "N"),
        ("showCN", "N"),
        ("showAddress", "N"),
        ("showPublicKey", "N"),
        ("showKeySize", "N"),
        ("showSANDNSNames", "N"),
        ("showCSR", "N"),
    ];
    let two = decode(sandbox, &csr.pem, &[&off[..], &[("showCSRHashes2", "Y")]].concat());
    let lines: Vec<&str> = two.split('\n').collect();
    assert_eq!(lines[0], "0");
    assert_eq!(lines[1], format!("md5={}", csr.md5.to_uppercase()));
    assert!(lines[2].starts_with("sha1=") && lines[2].len() == 45, "{two}");
    assert_eq!(lines[2], lines[2].to_uppercase().replace("SHA1", "sha1"));
    assert_eq!(lines[3], format!("sha256={}", csr.sha256));
    assert_eq!(lines[4..], [""]);
    let one = decode(sandbox, &csr.pem, &[&off[..], &[("showCSRHashes", "Y")]].concat());
    assert_eq!(one.split_terminator('\n').count(), 3, "{one}");
    // Without a request the lines are there, and empty.
    let url =
        format!("{}/products/!DecodeCSR?showCSRHashes=Y&showCN=N&showAddress=N", sandbox.at("api"));
    let none = sandbox.http().get(url).send().expect("an answer").text().expect("text");
    assert_eq!(none, "1\n-3 The 'csr' argument is missing!\nmd5=\nsha1=\n");
    // Also where empty fields are not wanted, and where the request cannot be read.
    let off = Form::new(&[&off[..], &[("showCSRHashes", "Y")]].concat());
    assert_eq!(sandbox.post("!DecodeCSR", &off), "1\nmd5=\nsha1=\n");
    assert_eq!(sandbox.post("!DecodeCSR", &off.set("csr", "AAAA")), "1\nmd5=\nsha1=\n");
}

fn xml_and_json(sandbox: &Sandbox) {
    let name = fresh_name("decode");
    let csr = full(&name);
    let json = decode(sandbox, &csr.pem, &[("responseFormat", "2"), ("showCSRHashes2", "Y")]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["errorCount"], 0);
    assert_eq!(json["fields"]["CN"], name.as_str());
    assert_eq!(json["fields"]["STREET"][1], "Floor 2");
    assert_eq!(json["fields"]["sha256"], csr.sha256.as_str());
    let xml = decode(sandbox, &csr.pem, &[("responseFormat", "1")]);
    let program = "import sys,xml.etree.ElementTree as e\nr=e.fromstring(sys.argv[1].encode())\n\
        print(r.tag, r.find('errorCount').text, \
        {f.get('name'): f.text for f in r.findall('field')}['O'])";
    assert_eq!(python(program, &[&xml]).trim(), "decodeCSR 0 Example & Sons");
    let bad = decode(sandbox, "x", &[("responseFormat", "2")]);
    let bad: serde_json::Value = serde_json::from_str(&bad).expect("JSON");
    assert_eq!(bad["errorCount"], 1);
    assert!(bad["errors"][0]["errorCode"].as_i64().expect("a code") < 0);
}

fn anybody_may_ask_in_any_way(sandbox: &Sandbox) {
    let name = fresh_name("decode");
    let csr = Csr::of(Key::P256, &name, &[]);
    let bare = crate::kit::base64(&csr.der);
    for base in ["api", "http"] {
        for path in ["!DecodeCSR", "%21DecodeCSR", "!decodeCSR"] {
            for text in [&csr.pem, &bare, &bare.replace('+', " "), &csr.pem.replace('\n', "\r\n")] {
                let url = format!("{}/products/{path}", sandbox.at(base));
                let query = [("csr", text.as_str())];
                for request in [
                    sandbox.http().get(&url).query(&query),
                    sandbox.http().post(&url).form(&query),
                    sandbox.http().post(&url).query(&query),
                ] {
                    let response = request.send().expect("an answer");
                    assert_eq!(response.status(), 200);
                    let answer = response.text().expect("text");
                    assert!(
                        answer.starts_with(&format!("0\nCN={name}\n")),
                        "{base} {path}: {answer}"
                    );
                }
            }
        }
    }
    // Over plain http only showCSRHashes is refused.
    let url = format!("{}/products/!DecodeCSR", sandbox.at("http"));
    let ask = |flag: &str| {
        let form = [("csr", csr.pem.as_str()), (flag, "Y")];
        sandbox.http().post(&url).form(&form).send().expect("an answer").text().expect("text")
    };
    assert_eq!(ask("showCSRHashes"), "1\n-1 Request was not made over HTTPS!\n");
    assert!(ask("showCSRHashes2").contains("sha256="));
    assert!(ask("showKeySize").starts_with("0\n"));
}

const CHARACTERS: &str =
    "-25 The CSR's Common Name may only contain letters, digits, hyphens and dots!";

fn what_is_wrong_is_counted(sandbox: &Sandbox) {
    let name = fresh_name("decode");
    let first = |text: &str| text.lines().nth(1).unwrap_or_default().to_owned();
    let mut broken = Csr::new(&name).der;
    let last = broken.len() - 1;
    broken[last] ^= 1;
    type More<'a> = &'a [(&'a str, &'a str)];
    let armour = "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n";
    let cases: [(String, More<'_>, &str); 10] = [
        ("not base64 !!".to_owned(), &[], "-10 "),
        (armour.to_owned(), &[], "-10 "),
        (Csr::new(&format!("a*.{name}")).pem, &[("product", "488")], "-5 "),
        (Csr::new(&format!("a*.{name}")).pem, &[("product", "489")], "-6 "),
        (Csr::new(&format!("a*.{name}")).pem, &[("product", "279")], "-25 "),
        ("AAAA".to_owned(), &[], "-10 "),
        (Csr::from_der(broken).pem, &[], "-12 "),
        (Csr::new(&format!("*.{name}")).pem, &[("product", "488")], "-5 "),
        (Csr::new(&name).pem, &[("product", "489")], "-6 "),
        (Csr::new("8.8.8.8").pem, &[("product", "488")], "-35 "),
    ];
    for (csr, more, code) in cases {
        let answer = decode(sandbox, &csr, more);
        assert!(answer.starts_with("1\n"), "{code}: {answer}");
        assert!(first(&answer).starts_with(code), "{code}: {answer}");
    }
    // Names as no name is written, whatever the product.
    for (cn, message) in [
        (
            "http://example.com",
            "-23 The CSR's Common Name should not include the \"http://\" part!",
        ),
        (
            "HTTPS://example.com",
            "-24 The CSR's Common Name should not include the \"https://\" part!",
        ),
        ("foo bar.com", CHARACTERS),
        ("exa_mple.com", CHARACTERS),
        ("example.com/path", CHARACTERS),
        ("a..example.com", CHARACTERS),
        (&format!("{}.example.com", "a".repeat(64)), CHARACTERS),
        ("xn--a.example.com", CHARACTERS),
        ("1.2.3.4.5", CHARACTERS),
    ] {
        let products = ["488", "489", "279", "287"].map(|code| [("product", code)]);
        for more in std::iter::once(&[][..]).chain(products.iter().map(<[_; 1]>::as_slice)) {
            let answer = decode(sandbox, &Csr::new(cn).pem, more);
            assert!(answer.starts_with(&format!("1\n{message}\nCN={cn}\n")), "{cn}: {answer}");
        }
    }
    for cn in ["b\u{fc}cher.example.com", "*.example.com", "8.8.8.8", "intranet"] {
        let answer = decode(sandbox, &Csr::new(cn).pem, &[]);
        assert!(answer.starts_with("0\n"), "{cn}: {answer}");
    }
    // A point that is not on its curve is no key.
    let mut off = Csr::new(&name).der;
    let point = off.windows(4).position(|w| w == [3, 0x42, 0, 4]).expect("a point") + 4;
    off[point + 40] ^= 1;
    let answer = decode(sandbox, &Csr::from_der(off).pem, &[]);
    assert!(answer.starts_with("1\n-41 The CSR uses an invalid key!\n"), "{answer}");
    let small = Csr::openssl(&["-newkey", "rsa:1024", "-subj", &format!("/CN={name}")]);
    let answer = decode(sandbox, &small.pem, &[("showKeySize", "Y")]);
    assert!(answer.starts_with("1\n-13 "), "{answer}");
    assert!(
        answer.contains(&format!("CN={name}\n")),
        "the fields are there all the same: {answer}"
    );
    assert!(answer.contains("Key Size=1024\n"), "{answer}");
    let quiet = decode(
        sandbox,
        &small.pem,
        &[("showErrorMessages", "N"), ("showCN", "N"), ("showAddress", "N")],
    );
    assert_eq!(quiet, "1\n-13\n");
}
