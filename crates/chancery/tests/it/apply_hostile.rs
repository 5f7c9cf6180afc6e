//! Any octets at all: an answer with a code of the specification, HTTP status 200, nothing stored, the process alive.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::apply_kit::{APPLY, ERRORS, PARAMETERS, any_csr, nothing_stored, spec_rows};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both_refusing!(
    random_octets,
    random_values_in_an_order,
    great_sizes,
    great_request_lines,
    broken_http,
    broken_forms,
    heads_alone,
);
on_both!(odd_but_right);

fn url(sandbox: &Sandbox) -> String {
    format!("{}/products/{APPLY}", sandbox.at("api"))
}

/// The code of an answer in either format, which must be one of the specification's and no success.
fn code(kind: &str, body: &str) -> Result<String, String> {
    let code = match kind {
        "application/x-www-form-urlencoded" => Answer::read(body).get("errorCode").to_owned(),
        _ => body.lines().next().unwrap_or_default().to_owned(),
    };
    let listed = spec_rows(ERRORS).iter().any(|row| row[0] == code);
    // The call limit belongs to every endpoint (D20).
    if listed || code == "-42" { Ok(code) } else { Err(format!("{kind}: {body}")) }
}

fn answered(request: reqwest::blocking::RequestBuilder) -> Result<String, TestCaseError> {
    let response = request.send().map_err(|e| TestCaseError::fail(e.to_string()))?;
    if response.status() != 200 {
        return Err(TestCaseError::fail(response.status().to_string()));
    }
    let kind = response.headers()["content-type"].to_str().expect("ASCII").to_owned();
    let kind = kind.split(';').next().unwrap_or_default().to_owned();
    let body = response.text().map_err(|e| TestCaseError::fail(e.to_string()))?;
    code(&kind, &body).map_err(TestCaseError::fail)
}

/// What curl is told, with this at its standard input, and after it the HTTP version and status.
fn curl(sandbox: &Sandbox, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-m", "60", "-w", "%{http_version} %{http_code}"])
        .args(["--cacert", &sandbox.at("tls_ca")])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl (apt-get install curl)");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("output");
    let _ = writing.join();
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() })
}

fn random_octets(sandbox: &Sandbox) {
    let octets = proptest::collection::vec(any::<u8>(), 0..2_000);
    let kinds = prop_oneof![
        Just(None),
        Just(Some("application/x-www-form-urlencoded")),
        Just(Some("multipart/form-data; boundary=x")),
        Just(Some("multipart/form-data")),
        Just(Some("application/json")),
        Just(Some("\u{ff}")),
    ];
    let forms = "[a-zA-Z=&%+;,.0-9\\x00-\\x20-]{0,400}";
    let strategy = (octets, kinds, forms);
    let result = runner().run(&strategy, |(octets, kind, query)| {
        let send = |body: Vec<u8>| {
            let request = sandbox.http().post(url(sandbox)).body(body);
            match kind {
                Some(kind) => answered(request.header("content-type", kind.as_bytes())),
                None => answered(request),
            }
        };
        send(octets.clone())?;
        send(query.clone().into_bytes())?;
        let delimited = [b"--x\r\nContent-Disposition: form-data; name=\"", &octets[..]].concat();
        send(delimited)?;
        Ok(())
    });
    result.expect("every answer is one of the list");
    nothing_stored(sandbox);
}

fn random_values_in_an_order(sandbox: &Sandbox) {
    let names: Vec<String> = spec_rows(PARAMETERS).iter().map(|row| row[0].clone()).collect();
    // test=Y is free: the one thing that an account without credit could order.
    let names: Vec<String> = names.into_iter().filter(|n| n != "test" && n != "product").collect();
    let value = prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,40}",
        "-?[0-9]{1,25}",
        "[YNPC01a-z]",
        "([a-z*.-]{1,12}[., \n]){0,9}com",
        "[A-Za-z0-9+/=\n -]{0,300}",
    ];
    let strategy = proptest::collection::vec((proptest::sample::select(names), value), 1..6);
    let result = runner().run(&strategy, |pairs| {
        let form = Form::order(488, any_csr()).login(sandbox, "poor");
        let form = pairs.iter().fold(form, |form, (name, value)| form.set(name, value));
        answered(sandbox.http().post(url(sandbox)).form(&form.0))?;
        Ok(())
    });
    result.expect("every answer is one of the list");
    nothing_stored(sandbox);
}

fn great_sizes(sandbox: &Sandbox) {
    let form = || Form::order(488, any_csr()).login(sandbox, "poor");
    let post = |form: &Form| Answer::read(&sandbox.post(APPLY, form));
    // Six hundred parameters: the same one over and over, and as many unknown ones.
    let many = (0..600).fold(form(), |form, _| form.add("days", "365"));
    post(&many).refused(-2, "'days' is an unrecognised argument!");
    let many = (0..400).fold(form(), |form, _| form.add("days", "365"));
    post(&many).refused(-15, "Not enough credit!");
    let unknown = (0..600).fold(form(), |form, i| form.add(&format!("x{i}"), "1"));
    post(&unknown).refused(-2, "'x0' is an unrecognised argument!");
    // Values of a megabyte; a body of more than two.
    for name in ["csr", "domainNames", "organizationName", "product", "days", "uniqueValue"] {
        let answer = post(&form().set(name, &"1".repeat(1 << 20)));
        let code = answer.get("errorCode");
        // One is cut, one is for other products.
        let cut = ["organizationName", "domainNames"].contains(&name);
        let expected = if cut { "-15" } else { "-4" };
        assert_eq!(code, expected, "{name}");
    }
    let long = Form::new(&[("loginName", &"a".repeat(1 << 20)), ("loginPassword", "x")]);
    assert!(sandbox.post(APPLY, &long).starts_with("-16\n"));
    let body = vec![b'a'; (2 << 20) + 1];
    let told = answered(sandbox.http().post(url(sandbox)).body(body)).expect("an answer");
    assert_eq!(told, "-14");
    // Over HTTP/2 too.
    let body = vec![b'a'; 40 << 20];
    let told = curl(sandbox, &["--http2", "--data-binary", "@-", &url(sandbox)], &body);
    assert_eq!(told, "-14\nAn unknown error occurred!\n2 200");
    // A long request line with the whole order in it is right.
    let query = form().set("organizationName", &"o".repeat(20_000));
    let told = answered(sandbox.http().post(url(sandbox)).query(&query.0)).expect("an answer");
    assert_eq!(told, "-15");
    nothing_stored(sandbox);
}

/// What comes back on a connection of its own.
fn answer_to(address: &str, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.write_all(octets).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Request lines that the HTTP library does not take are answered by the interface all the same.
fn great_request_lines(sandbox: &Sandbox) {
    let raw = |base: &str, head: &str, letters: usize| {
        let target = format!("/products/{APPLY}?responseFormat=1&csr={}", "A".repeat(letters));
        let text = format!("{head} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        answer_to(base, text.as_bytes())
    };
    let plain = sandbox.at("http");
    let plain = plain.trim_start_matches("http://");
    // The library takes 65,534 octets of a request line, and 256 KiB of a head.
    for letters in [70_000, 200_000, 1 << 20] {
        let answer = raw(plain, "POST", letters);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{letters}: {answer}");
        let told = "errorCode=-1&errorMessage=Request+was+not+made+over+HTTPS%21";
        assert!(answer.ends_with(&format!("\r\n\r\n{told}")), "{letters}: {answer}");
    }
    // Heads that are too large, of a request without a query too.
    for target in [format!("/products/{APPLY}"), format!("/products/{APPLY}?responseFormat=0")] {
        let many = "A: b\r\n".repeat(1_000);
        for lines in [many.as_str(), &format!("A: {}\r\n", "a".repeat(300_000))] {
            let text = format!("POST {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
            let answer = answer_to(plain, text.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{target}: {answer}");
            assert!(answer.ends_with("\r\n\r\n-1\nRequest was not made over HTTPS!\n"), "{answer}");
        }
    }
    // What is no HTTP.
    for octets in [&b"a b"[..], b"\t", b"\0", b"\x7f", b"\"", b"<", b"\xff"] {
        let head = format!("POST /products/{APPLY}?responseFormat=1&csr=");
        let text = [head.as_bytes(), octets, b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
        let answer = answer_to(plain, &text);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{octets:?}: {answer}");
        assert!(answer.contains("\r\n\r\nerrorCode=-1&"), "{octets:?}: {answer}");
    }
    let two_lengths = format!(
        "POST /products/{APPLY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
    );
    let answer = answer_to(plain, two_lengths.as_bytes());
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\n\r\n-1\n"),
        "{answer}"
    );
    let lengths = ["-H", "Content-Length: 1", "-H", "Content-Length: 2", "-d", "a"];
    let told = curl(sandbox, &[&["--http1.1", &url(sandbox)][..], &lengths].concat(), b"");
    assert!(told.ends_with("1.1 200"), "{told}");
    // Elsewhere the library's answer stands.
    assert!(answer_to(plain, b"GET /a b HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let letters = "A".repeat(70_000);
    let query = format!("url = \"{}?responseFormat=1&csr={letters}\"", url(sandbox));
    let long = |method: &str| {
        curl(sandbox, &["--http1.1", "-X", method, "--config", "-"], query.as_bytes())
    };
    assert_eq!(
        long("POST"),
        "errorCode=-14&errorMessage=An+unknown+error+occurred%21&errorDetail=The+request+is+too+long1.1 200"
    );
    assert!(long("PUT").starts_with("errorCode=-17&"));
    // After one that was good on the same connection.
    let two = format!("url = \"{}\"\n{query}", url(sandbox));
    let told = curl(sandbox, &["--http1.1", "-X", "POST", "--config", "-"], two.as_bytes());
    assert!(told.starts_with("-3\n") && told.contains("errorCode=-14&"), "{told}");
    // The sandbox tells of these calls too.
    let calls = sandbox.control_get("/requests");
    let calls = calls.as_array().expect("calls");
    for (code, word) in [("-14", "too+long"), ("-17", "GET"), ("-1", "HTTPS")] {
        let told = |answer: &str| {
            answer.starts_with(&format!("errorCode={code}&")) && answer.contains(word)
        };
        assert!(calls.iter().any(|call| call["answer"].as_str().is_some_and(told)), "{code}");
    }
    nothing_stored(sandbox);
}

/// A form of which something is lost is not acted upon: what is lost here says that the order is a test.
fn broken_forms(sandbox: &Sandbox) {
    let order = Form::order(488, any_csr()).login(sandbox, "reseller");
    let part = |name: &str, value: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = order.0.iter().map(|(name, value)| part(name, value)).collect();
    let sent = |last: &str| {
        let request = sandbox.http().post(url(sandbox)).body(format!("{parts}{last}"));
        let request = request.header("content-type", "multipart/form-data; boundary=X");
        Answer::read(&request.send().expect("an answer").text().expect("text"))
    };
    for head in [
        "Content-Disposition: attachment; name=\"test\"",
        "Content-Disposition: form-data; name*=UTF-8''test",
        "Content-Disposition: form-data",
        "Content-Type: text/plain",
        "",
    ] {
        let answer = sent(&format!("--X\r\n{head}\r\n\r\nY\r\n--X--\r\n"));
        answer.refused(-14, "An unknown error occurred!");
        assert_eq!(answer.get("errorDetail"), "The request cannot be read", "{head}");
    }
    sent(part("test", "Y").trim_end()).refused(-14, "An unknown error occurred!");
    // A folded line and line ends of another kind lose nothing.
    let folded = "--X\nContent-Disposition: form-data;\n name=\"test\"\n\nX\n--X--\n";
    sent(folded).refused(-4, "The value of the 'test' argument is invalid!");
    nothing_stored(sandbox);
}

/// HEAD is answered by the head alone; over HTTP/2 a body after it would break the stream.
fn heads_alone(sandbox: &Sandbox) {
    let pki = format!("{}/crl/nobody.crl", sandbox.at("api"));
    let page = format!("{}/", sandbox.at("web"));
    for (address, status) in [(url(sandbox), 200), (pki, 404), (page, 0)] {
        for version in ["--http1.0", "--http1.1", "--http2"] {
            let told = curl(
                sandbox,
                &[version, "-I", "-o", "/dev/null", "-w", "%{http_code} %{exitcode}", &address],
                b"",
            );
            let (code, exit) = told.split_once(' ').expect("two numbers");
            assert!(status == 0 || code == status.to_string(), "{version} {address}: {told}");
            assert_eq!(exit, "0", "{version} {address}: {told}");
        }
    }
}

/// Requests that no client library would send, over plain http, where they are answered before anything is judged.
fn broken_http(sandbox: &Sandbox) {
    let address = sandbox.at("http");
    let address = address.trim_start_matches("http://");
    let path = format!("/products/{APPLY}");
    for text in [
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\r\n\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}".to_owned(),
        format!("POST {path} HTTP/1.1\r\n\r\n"),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
        format!("POST {path}?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20)),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(10_000)),
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort"),
    ] {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).expect("set");
        // It may be hung up on before all is written.
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}");
    }
    let form = Form::order(488, any_csr());
    sandbox.apply("poor", &form).refused(-15, "Not enough credit!");
    nothing_stored(sandbox);
}

/// What looks hostile and is not: kept to the letter, and told back to nobody as code.
fn odd_but_right(sandbox: &Sandbox) {
    let name = fresh_name("odd");
    for (i, text) in [
        "'; DROP TABLE orders; --",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "{{7*7}} %s %n",
        "\u{202e}right to left",
        "\u{1f600}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "a&b=c+d%20",
        "\\\"quoted\\\"",
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("{text}{i}");
        let form = Form::order(488, &Csr::new(&name))
            .set("organizationName", text)
            .set("foreignOrderNumber", &number)
            .set("checkFONIsUnique", "Y");
        let order = sandbox.call(APPLY, &form).order_number();
        let kept = sandbox.order_column(&order, "parameters");
        let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
        assert_eq!(kept["organizationName"], text);
        assert_eq!(sandbox.order_column(&order, "foreign_order_number"), number);
    }
}
