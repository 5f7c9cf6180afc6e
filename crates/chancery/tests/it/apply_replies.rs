//! Answers to the octet, and every way in which a call may arrive.

use reqwest::header::CONTENT_TYPE;

use crate::apply_kit::{APPLY, any_csr, complete, nothing_stored};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both!(
    lines_in_the_documented_order,
    pairs_in_the_documented_order,
    the_specifications_sample,
    every_way_in,
);
on_both_refusing!(wrong_ways_in, errors_in_both_formats);

fn dv(word: &str) -> (Form, Csr) {
    let csr = Csr::new(&fresh_name(word));
    (Form::order(488, &csr), csr)
}

struct Got {
    kind: String,
    body: String,
}

fn send(request: reqwest::blocking::RequestBuilder) -> Got {
    let response = request.send().expect("an answer");
    assert_eq!(response.status(), 200);
    let kind = response.headers()[CONTENT_TYPE].to_str().expect("ASCII").to_owned();
    Got { kind, body: response.text().expect("text") }
}

fn url(sandbox: &Sandbox) -> String {
    format!("{}/products/{APPLY}", sandbox.at("api"))
}

fn post(sandbox: &Sandbox, form: &Form) -> Got {
    send(sandbox.http().post(url(sandbox)).form(&form.clone().login(sandbox, "reseller").0))
}

/// The order that was placed last by a CSR: its number and certificate request.
fn placed(sandbox: &Sandbox, name: &str) -> (String, String) {
    let rows = sandbox.rows(&format!(
        "SELECT CAST(order_number AS TEXT), CAST(certificate_id AS TEXT) FROM certificate_requests \
         WHERE common_name = '{name}' ORDER BY order_number DESC"
    ));
    (rows[0][0].clone(), rows[0][1].clone())
}

fn lines_in_the_documented_order(sandbox: &Sandbox) {
    let name = fresh_name("lines");
    let form = |more: &[(&str, &str)]| {
        let form = Form::order(488, &Csr::new(&name)).without("responseFormat");
        more.iter().fold(form, |form, (k, v)| form.set(k, v))
    };
    let (id, state, unique) =
        (("showCertificateID", "Y"), ("showCertificateState", "y"), ("uniqueValue", "Uv1"));
    for (more, shape) in [
        (&[][..], "0\nN\n79.00\n1\n"),
        (&[("responseFormat", "0")], "0\nN\n79.00\n1\n"),
        (&[id], "0\nN\n79.00\n1\nC\n"),
        (&[state], "0\nN\n79.00\n1\nAwaiting Validation\n"),
        (&[unique], "0\nN\n79.00\n1\nUv1\n"),
        (&[id, state], "0\nN\n79.00\n1\nC\nAwaiting Validation\n"),
        (&[id, unique], "0\nN\n79.00\n1\nC\nUv1\n"),
        (&[state, unique], "0\nN\n79.00\n1\nAwaiting Validation\nUv1\n"),
        (&[id, state, unique], "0\nN\n79.00\n1\nC\nAwaiting Validation\nUv1\n"),
    ] {
        let got = post(sandbox, &form(more));
        let (order, certificate) = placed(sandbox, &name);
        assert_eq!(got.body, shape.replace('N', &order).replace('C', &certificate));
        assert_eq!(got.kind, "text/plain; charset=utf-8");
        assert!(order.len() >= 8 && order.bytes().all(|b| b.is_ascii_digit()), "{order}");
        assert!((1..=16).contains(&certificate.len()));
    }
}

fn pairs_in_the_documented_order(sandbox: &Sandbox) {
    let name = fresh_name("pairs");
    let form = |more: &[(&str, &str)]| {
        more.iter().fold(Form::order(488, &Csr::new(&name)), |form, (k, v)| form.set(k, v))
    };
    let (id, state, unique) =
        (("showCertificateID", "Y"), ("showCertificateState", "Y"), ("uniqueValue", "Uv1"));
    let head = "errorCode=0&orderNumber=#&totalCost=79.00&expectedDeliveryTime=1";
    for (more, tail) in [
        (&[][..], ""),
        (&[id], "&certificateID=@"),
        (&[state], "&certificateStatus=Awaiting+Validation"),
        (&[unique], "&uniqueValue=Uv1"),
        (&[id, unique], "&certificateID=@&uniqueValue=Uv1"),
        (
            &[id, state, unique],
            "&certificateID=@&certificateStatus=Awaiting+Validation&uniqueValue=Uv1",
        ),
    ] {
        let got = post(sandbox, &form(more));
        let (order, certificate) = placed(sandbox, &name);
        let expected = format!("{head}{tail}").replace('#', &order).replace('@', &certificate);
        assert_eq!(got.body, expected);
        assert_eq!(got.kind, "application/x-www-form-urlencoded");
    }
}

/// The sample of the specification, with a CSR, credentials and addresses of our own where the text hides them.
fn the_specifications_sample(sandbox: &Sandbox) {
    let csr = Csr::openssl(&[
        "-newkey",
        "rsa:2048",
        "-subj",
        "/CN=*.example.net/emailAddress=admin@example.net/O=example/OU=IT/L=City/ST=State/C=US",
    ]);
    let form = Form::new(&[
        ("csr", csr.pem.as_str()),
        ("product", "732"),
        ("days", "365"),
        ("appRepForename", "John"),
        ("appRepSurname", "Doe"),
        ("appRepEmailAddress", "john.doe@example.com"),
        ("appRepTelephone", "201-123-1233"),
        ("organizationName", "organizational_name"),
        ("appRepTitle", "title"),
        ("streetAddress1", "Lincoln Road 50"),
        ("localityName", "Houston"),
        ("stateOrProvinceName", "TX"),
        ("postalCode", "12345"),
        ("countryName", "US"),
        ("prioritiseCSRValues", "N"),
        ("joiCountryName", "US"),
        ("dcvEmailAddresses", "admin@example.net,admin@example.org"),
        ("domainNames", "example.net,example.org"),
        ("primaryDomainName", "example.net"),
        ("serverSoftware", "31"),
        ("isCustomerValidated", "N"),
        ("responseFormat", "1"),
    ]);
    let answer = sandbox.call(APPLY, &form);
    let order = answer.order_number();
    assert_eq!(
        answer.raw,
        format!("errorCode=0&orderNumber={order}&totalCost=499.00&expectedDeliveryTime=240")
    );
    assert_eq!(sandbox.request_column(&order, "common_name"), "example.net");
    // With its stub order it needs one.
    let stub = form.set("stubOrderNumber", "1234567");
    sandbox
        .call(APPLY, &stub)
        .refused(-4, "The value of the 'stubOrderNumber' argument is invalid!");
}

fn every_way_in(sandbox: &Sandbox) {
    let http = sandbox.http();
    let body = |word: &str| dv(word).0.login(sandbox, "reseller").0;
    let taken = |got: Got| {
        let answer = Answer::read(&got.body);
        assert!(!answer.order_number().is_empty());
    };
    // Everything in the query, no body at all.
    taken(send(http.post(url(sandbox)).query(&body("query"))));
    // The same with a content type for no body.
    let json = http.post(url(sandbox)).header(CONTENT_TYPE, "application/json");
    taken(send(json.query(&body("json"))));
    let octets = http.post(url(sandbox)).header(CONTENT_TYPE, "application/octet-stream");
    taken(send(octets.query(&body("octets"))));
    // Half here, half there.
    let (query, rest) =
        body("halves").into_iter().partition::<Vec<_>, _>(|(k, _)| k < &"l".to_owned());
    taken(send(http.post(url(sandbox)).query(&query).form(&rest)));
    // multipart/form-data.
    let parts = body("parts")
        .into_iter()
        .fold(reqwest::blocking::multipart::Form::new(), |form, (k, v)| form.text(k, v));
    taken(send(http.post(url(sandbox)).multipart(parts)));
    // A body without content type, or with one that says something else.
    let raw = |word: &str| {
        let url = reqwest::Url::parse_with_params("http://x/", body(word)).expect("pairs");
        url.query().expect("a query").to_owned()
    };
    taken(send(http.post(url(sandbox)).body(raw("none"))));
    taken(send(http.post(url(sandbox)).header(CONTENT_TYPE, "text/plain").body(raw("text"))));
    let charset = "Application/X-WWW-Form-URLEncoded; charset=ISO-8859-1";
    taken(send(http.post(url(sandbox)).header(CONTENT_TYPE, charset).body(raw("charset"))));
    // Nothing encoded: blanks, line breaks and plus signs of the CSR as they are.
    let plain = body("plain").iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&");
    taken(send(http.post(url(sandbox)).body(plain)));
    // Other spellings of the path.
    for path in [
        "/products/%21AutoApplySSL",
        "/products/!autoapplyssl",
        "/PRODUCTS/!AUTOAPPLYSSL",
        "/products/!AutoApplySSL/",
        "/products/download/!AutoApplySSL",
    ] {
        let got = send(http.post(format!("{}{path}", sandbox.at("api"))).form(&body("path")));
        taken(got);
    }
}

fn wrong_ways_in(sandbox: &Sandbox) {
    let http = sandbox.http();
    let form = Form::order(488, any_csr()).login(sandbox, "webhost");
    let message = "Request used GET rather than POST!";
    // GET, with parameters and without; the format is read all the same.
    let got = send(http.get(url(sandbox)).query(&form.0));
    assert_eq!(got.body, "errorCode=-17&errorMessage=Request+used+GET+rather+than+POST%21");
    let lines = form.clone().without("responseFormat");
    assert_eq!(send(http.get(url(sandbox)).query(&lines.0)).body, format!("-17\n{message}\n"));
    assert_eq!(send(http.get(url(sandbox))).body, format!("-17\n{message}\n"));
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::PATCH] {
        let got = send(http.request(method, url(sandbox)).query(&lines.0));
        assert_eq!(got.body, format!("-17\n{message}\n"));
    }
    // In the format that is asked for, in the query or in the body.
    let pairs = "errorCode=-17&errorMessage=Request+used+GET+rather+than+POST%21";
    assert_eq!(send(http.put(url(sandbox)).query(&form.0)).body, pairs);
    assert_eq!(send(http.put(url(sandbox)).form(&form.0)).body, pairs);
    let head = http.head(url(sandbox)).send().expect("an answer");
    assert_eq!(head.status(), 200);
    // Plain http, before all else.
    let plain = format!("{}/products/{APPLY}", sandbox.at("http"));
    let got = send(http.post(&plain).form(&form.0));
    assert_eq!(got.body, "errorCode=-1&errorMessage=Request+was+not+made+over+HTTPS%21");
    let text = "-1\nRequest was not made over HTTPS!\n";
    assert_eq!(send(http.post(&plain).form(&lines.0)).body, text);
    assert_eq!(send(http.get(&plain)).body, text);
    let odd = http.post(&plain).header("x-forwarded-proto", "https").form(&lines.0);
    assert_eq!(send(odd).body, text);
    assert_eq!(send(http.put(&plain).form(&lines.0)).body, text);
    assert_eq!(send(http.post(&plain).body(vec![b'a'; 3 << 20])).body, text);
    // JSON as a body is no form: its text is an unknown name.
    let json = http.post(url(sandbox)).json(&serde_json::json!({ "loginName": "webhost" }));
    assert!(send(json).body.starts_with("-2\n"));
    // Nothing at all.
    assert_eq!(send(http.post(url(sandbox))).body, "-3\nThe 'loginName' argument is missing!\n");
    nothing_stored(sandbox);
}

fn errors_in_both_formats(sandbox: &Sandbox) {
    let ov = complete(24, any_csr(), "ov.example.com").login(sandbox, "poor");
    let bad = ov.set("appRepEmailAddress", "someone@example");
    let got = post(sandbox, &bad);
    assert_eq!(
        got.body,
        "errorCode=-4&errorMessage=The+value+of+the+%27appRepEmailAddress%27+argument+is+invalid%21\
         &errorDetail=Invalid+Internet+TLD"
    );
    assert_eq!(got.kind, "application/x-www-form-urlencoded");
    let got = post(sandbox, &bad.without("responseFormat"));
    assert_eq!(got.body, "-4\nThe value of the 'appRepEmailAddress' argument is invalid!\n");
    assert_eq!(got.kind, "text/plain; charset=utf-8");
    nothing_stored(sandbox);
}
