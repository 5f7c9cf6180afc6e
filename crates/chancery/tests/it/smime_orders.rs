//! Orders of S/MIME certificates, and of server certificates by the same endpoint: forms of requests, names, money, mails, CAA,
//! and the specification's own samples.

use serde_json::json;

use crate::apply_kit::any_csr;
use crate::dcv_mail::code;
use crate::kit::{Answer, Csr, Form, Key, Sandbox, fresh_name};
use crate::on_both;
use crate::smime_steps::{
    any_key, ask, collected, enter, fresh_mailbox, key_of, mail_about, order_for,
    organization_order, place, prove, settle_organization, template, verification,
};
use crate::tools::{Folder, openssl_ok};

on_both!(
    the_specifications_own_samples,
    server_certificates_are_ordered_here_too,
    spkac_is_taken,
    spkac_that_is_none,
    subjects,
    caa_for_mail,
    mails_are_sent_again,
    templates_and_languages,
    mails_that_the_account_forwards,
    the_end_customer_pays_first,
    only_those_who_may,
    nothing_of_an_order_gets_into_headers,
    other_endpoints_know_no_mail,
    a_test_order,
    the_same_number_once,
);

const APPLY: &str = "!AutoApplyOrder";

/// The request, the collection and the replacement that the documents show, with a real CSR, account and addresses put in.
fn the_specifications_own_samples(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("sample");
    let form = Form::new(&[
        ("product", "796"),
        ("days", "365"),
        ("csr", &any_key().pem),
        ("sanEmailAddress", &mailbox),
        ("stateOrProvinceName", "CA"),
        ("countryName", "US"),
        ("organizationName", "Company Custom 2280295"),
        ("appRepForename", "John"),
        ("appRepSurname", "Doe"),
        ("organizationIdentifier", "COMPANY-123456789"),
        ("appRepTelephone", "+18882666361"),
        ("callbackMethod", "T"),
        ("appRepEmailAddress", "john.doe@example.com"),
        ("isCustomerValidated", "N"),
        ("streetAddress1", "Elm Street 12"),
    ]);
    let lines = sandbox.post(APPLY, &form.login(sandbox, "reseller"));
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!([lines[0], lines[2], lines[3]], ["0", "49.00", "48"]);
    // An identifier that no rule knows is the validation desk's to replace: the order is held, not refused.
    let order = lines[1].to_owned();
    prove(sandbox, &order, &mailbox);
    settle_organization(sandbox, &order);
    let why = sandbox.wait_for("a reason", || {
        let shown = sandbox.operator(&["order", "show", &order]);
        shown["why"].as_str().filter(|why| why.contains("lacks")).map(str::to_owned)
    });
    assert_eq!(why, "the subject lacks organizationIdentifier");

    let mailbox = fresh_mailbox("sample");
    let order = place(sandbox, &order_for(794, &mailbox).set("csr", &any_key().pem));
    prove(sandbox, &order, &mailbox);
    collected(sandbox, &order);
    let form = Form::new(&[
        ("orderNumber", &order),
        ("queryType", "1"),
        ("returnCertificate", "Y"),
        ("responseType", "2"),
        ("responseEncoding", "0"),
        ("responseMimeType", "application/x-x509-user-cert"),
    ]);
    let answer = sandbox.post("download/RequestAndCollectSMIME", &form.login(sandbox, "reseller"));
    assert!(answer.starts_with("2\nMII"), "{answer}");
    let form = Form::new(&[
        ("orderNumber", &order),
        ("csr", &any_key().pem),
        ("responseFormat", "2"),
        ("REVOKEOLDORDER", "Y"),
    ]);
    let answer = sandbox.post("!AutoReplaceSMIME", &form.login(sandbox, "reseller"));
    assert!(answer.starts_with("{\"errorCode\":0"), "{answer}");
}

/// The same parameters, the same engine, the same answer: only the path is another.
fn server_certificates_are_ordered_here_too(sandbox: &Sandbox) {
    let name = fresh_name("ssl");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let form = Form::order(488, &csr)
        .set("isCustomerValidated", "N")
        .set("showCertificateID", "Y")
        .set("showCertificateState", "Y")
        .set("uniqueValue", "Abc123");
    let here = sandbox.call(APPLY, &form.clone().set("uniqueValue", ""));
    let there = sandbox.call("!AutoApplySSL", &form);
    assert_eq!(
        here.keys(),
        there.keys()[..6].to_vec(),
        "the second has a unique value: its CSR was seen before"
    );
    assert_eq!(here.get("totalCost"), there.get("totalCost"));
    let collected = sandbox.collect(&here.order_number());
    assert_eq!(collected.get("errorCode"), "2", "{}", collected.raw);
    // What is long is cut here as there, and years are taken.
    let long = "x".repeat(70);
    let form = crate::apply_kit::complete(24, any_csr(), &fresh_name("ov"))
        .without("days")
        .set("years", "1")
        .set("organizationName", &long)
        .set("isCustomerValidated", "N");
    let order = sandbox.call(APPLY, &form).order_number();
    assert_eq!(sandbox.parameter(&order, "organizationName"), "x".repeat(64));
    // What is S/MIME's own is none of theirs.
    let odd = form.set("sanEmailAddress", "someone@example.com");
    sandbox
        .call(APPLY, &odd)
        .refused(-161, "Parameter 'sanEmailAddress' is not applicable to this type of product!");
}

fn spkac(folder: &Folder, arguments: &[&str]) -> String {
    let key = folder.write("key.pem", "");
    openssl_ok(&[&["genpkey", "-out", &key], arguments].concat());
    let digest = if arguments.contains(&"EC") { "sha256" } else { "md5" };
    let made = openssl_ok(&["spkac", "-key", &key, "-challenge", "hello", "-digest", digest]);
    made.trim().to_owned()
}

fn spkac_is_taken(sandbox: &Sandbox) {
    let folder = Folder::new();
    let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let ec = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    for arguments in [&rsa, &ec] {
        let whole = spkac(&folder, arguments);
        let bare = whole.strip_prefix("SPKAC=").expect("openssl's form").to_owned();
        let wrapped: Vec<&str> =
            bare.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).expect("ASCII")).collect();
        for form in [whole.clone(), bare.clone(), wrapped.join("\r\n")] {
            let mailbox = fresh_mailbox("spkac");
            let order = place(sandbox, &order_for(794, &mailbox).set("csr", &form));
            prove(sandbox, &order, &mailbox);
            let leaf = collected(sandbox, &order).pop().expect("a certificate");
            let key = folder.0.join("key.pem").display().to_string();
            assert_eq!(key_of(&leaf), openssl_ok(&["pkey", "-in", &key, "-pubout"]));
        }
    }
    // Elsewhere it is no request.
    let spkac = spkac(&folder, &ec);
    let mailbox = fresh_mailbox("spkac");
    let order = place(sandbox, &order_for(794, &mailbox));
    let told = ask(sandbox, &order, &[("queryType", "0"), ("csr", &spkac)]);
    assert!(told.starts_with("-9\n") || told.starts_with("-10\n"), "{told}");
    let server = Form::order(488, any_csr()).set("csr", &spkac).set("isCustomerValidated", "N");
    assert!(["-9", "-10"].contains(&sandbox.call(APPLY, &server).get("errorCode")));
}

fn spkac_that_is_none(sandbox: &Sandbox) {
    let folder = Folder::new();
    let whole = spkac(&folder, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let der = crate::tools::unbase64(whole.strip_prefix("SPKAC=").expect("openssl's form"));
    let order = |der: &[u8]| {
        let form = order_for(794, "someone@example.com").set("csr", &crate::kit::base64(der));
        sandbox.call(APPLY, &form).get("errorCode").to_owned()
    };
    let mut trailing = der.clone();
    trailing.extend([0, 0]);
    assert_eq!(order(&trailing), "-10");
    let mut signature = der.clone();
    *signature.last_mut().expect("a byte") ^= 1;
    assert!(["-12", "-10"].contains(&order(&signature).as_str()));
    let mut challenge = der.clone();
    let at = challenge.windows(5).position(|w| w == b"hello").expect("the challenge");
    challenge[at] = b'j';
    assert_eq!(order(&challenge), "-12");
    assert_eq!(order(&der[..der.len() - 1]), "-10");
    let small = spkac(&folder, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    let form = order_for(794, "someone@example.com").set("csr", &small);
    sandbox.call(APPLY, &form).refused(-13, "The CSR uses an unsupported key size!");
}

fn subject_of(sandbox: &Sandbox, form: &Form, settle: bool) -> String {
    let mailbox = form.0.iter().find(|(k, _)| k == "sanEmailAddress").expect("a mailbox").1.clone();
    let order = place(sandbox, form);
    prove(sandbox, &order, &mailbox);
    if settle {
        settle_organization(sandbox, &order);
    }
    let folder = Folder::new();
    let leaf = folder.write("leaf.pem", collected(sandbox, &order).pop().expect("a certificate"));
    let shown =
        openssl_ok(&["x509", "-in", &leaf, "-noout", "-subject", "-nameopt", "RFC2253,utf8"]);
    shown.trim().trim_start_matches("subject=").replace(&mailbox, "MAILBOX")
}

fn subjects(sandbox: &Sandbox) {
    let mail = |product| {
        let mailbox = fresh_mailbox("subject");
        (order_for(product, &mailbox).set("csr", &any_key().pem), mailbox)
    };
    let (form, _) = mail(794);
    // What is said of an organisation is kept and never certified.
    let form = form.set("organizationName", "Nobody Ltd").set("countryName", "not looked at");
    assert_eq!(subject_of(sandbox, &form, false), "CN=MAILBOX");
    let (form, mailbox) = mail(795);
    let form = form.set("smimeSubjectEmail", &mailbox);
    assert_eq!(subject_of(sandbox, &form, false), "emailAddress=MAILBOX,CN=MAILBOX");
    let office = |more: &[(&str, &str)]| {
        let mailbox = fresh_mailbox("subject");
        let form = organization_order(&mailbox).set("csr", &any_key().pem);
        more.iter().fold(form, |form, (name, value)| form.set(name, value))
    };
    assert_eq!(
        subject_of(sandbox, &office(&[]), true),
        "organizationIdentifier=NTRGB-12345678,O=Example Widgets Ltd,L=London,C=GB"
    );
    assert_eq!(
        subject_of(
            sandbox,
            &office(&[
                ("smimeSubjectCN", "Y"),
                ("organizationIdentifier", "LEIXG-5493001KJTIIGC8Y1R12")
            ]),
            true
        ),
        "organizationIdentifier=LEIXG-5493001KJTIIGC8Y1R12,CN=Example Widgets Ltd,O=Example Widgets Ltd,L=London,C=GB"
    );
    // Without an identifier it is made of the company's number.
    let derived = office(&[("organizationIdentifier", ""), ("companyNumber", "00000001")]);
    assert_eq!(
        subject_of(sandbox, &derived, true),
        "organizationIdentifier=NTRGB-00000001,O=Example Widgets Ltd,L=London,C=GB"
    );
    // The request's own subject counts where the parameters say nothing, or before them.
    let csr = Csr::openssl(&["-newkey", "rsa:2048", "-subj", "/C=GB/L=Leeds/O=Other Widgets Ltd"]);
    let form = office(&[("csr", &csr.pem)]);
    assert!(subject_of(sandbox, &form, true).ends_with("O=Other Widgets Ltd,L=Leeds,C=GB"));
    let form = office(&[("csr", &csr.pem), ("prioritiseCSRValues", "N")]);
    assert!(subject_of(sandbox, &form, true).ends_with("O=Example Widgets Ltd,L=London,C=GB"));
    // The mailbox of the subject is the one that is proven.
    let (form, _) = mail(794);
    sandbox
        .call(APPLY, &form.set("smimeSubjectEmail", "other@example.com"))
        .refused(-4, "The value of the 'smimeSubjectEmail' argument is invalid!");
}

fn caa_for_mail(sandbox: &Sandbox) {
    type Records<'a> = &'a [(&'a str, &'a str)];
    let table: [(Records<'_>, bool); 6] = [
        (&[("issuemail", ";")], false),
        (&[("issuemail", "ca.example.net")], false),
        (&[("issuemail", "sectigo.com")], true),
        (&[("issuemail", "ca.example.net"), ("issuemail", "sectigo.com")], true),
        // Those are for servers.
        (&[("issue", ";"), ("issuewild", ";")], true),
        (&[("issue", "sectigo.com"), ("issuemail", ";")], false),
    ];
    for (records, permitted) in table {
        let domain = fresh_name("caamail");
        let mailbox = format!("someone@{domain}");
        let policies: Vec<_> = records
            .iter()
            .map(|(tag, value)| json!({ "tag": tag, "value": value, "critical": false }))
            .collect();
        sandbox.control("/add-caa", &json!({ "host": domain, "policies": policies }));
        let order = place(sandbox, &order_for(795, &mailbox).set("csr", &any_key().pem));
        prove(sandbox, &order, &mailbox);
        if permitted {
            collected(sandbox, &order);
            continue;
        }
        let why = sandbox.wait_for("a reason", || {
            let shown = sandbox.operator(&["order", "show", &order]);
            shown["why"].as_str().filter(|why| why.contains("CAA")).map(str::to_owned)
        });
        assert_eq!(why, format!("CAA: Not authorized to issue for {domain}"));
        assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), "0\n");
    }
}

fn again(sandbox: &Sandbox, what: &str, order: &str, more: &[(&str, &str)]) -> String {
    let form = Form::new(&[("orderNumber", order)]);
    let form = more.iter().fold(form, |form, (name, value)| form.set(name, value));
    sandbox.post(&format!("!Resend{what}EmailSMIME"), &form.login(sandbox, "reseller"))
}

fn mails_are_sent_again(sandbox: &Sandbox) {
    let invalid = |name: &str| format!("-4\nThe value of the '{name}' argument is invalid!\n");
    let mailbox = fresh_mailbox("again");
    let order = place(sandbox, &order_for(794, &mailbox));
    let first = code(&verification(sandbox, &order, &mailbox));
    assert_eq!(
        again(sandbox, "Collection", &order, &[]),
        invalid("orderNumber"),
        "nothing to collect"
    );
    let loud = mailbox.to_uppercase();
    for more in [&[][..], &[("emailAddress", loud.as_str())]] {
        assert_eq!(again(sandbox, "Verification", &order, more), "0\n");
    }
    let mails = sandbox.wait_for("three mails", || {
        let mails = sandbox.mailbox(&mailbox).into_iter();
        let asked: Vec<_> = mails
            .filter(|m| m["subject"].as_str().is_some_and(|s| s.contains("confirm")))
            .collect();
        (asked.len() == 3).then_some(asked)
    });
    assert!(mails.iter().all(|mail| code(mail) == first), "while it is fresh the code stays");
    let foreign = format!("{mailbox},other@example.com");
    assert_eq!(
        again(sandbox, "Verification", &order, &[("emailAddress", &foreign)]),
        invalid("emailAddress")
    );
    assert_eq!(again(sandbox, "Verification", "99999999", &[]), invalid("orderNumber"));
    // So many a day, and no more.
    let told: Vec<String> = (0..10).map(|_| again(sandbox, "Verification", &order, &[])).collect();
    assert_eq!(told.iter().filter(|told| *told == "0\n").count(), 7);
    assert_eq!(told.last(), Some(&invalid("orderNumber")));
    assert!(enter(sandbox, &order, &first).contains("is confirmed"));
    assert_eq!(again(sandbox, "Verification", &order, &[]), invalid("orderNumber"), "it is proven");
    mail_about(sandbox, &mailbox, "Collect your");
    let count = sandbox.mailbox(&mailbox).len();
    assert_eq!(again(sandbox, "Collection", &order, &[]), "0\n");
    sandbox.wait_for("one more", || (sandbox.mailbox(&mailbox).len() == count + 1).then_some(()));
}

/// A template stands for its own kind of mail, the language for the others.
fn templates_and_languages(sandbox: &Sandbox) {
    let invalid = |name: &str| format!("The value of the '{name}' argument is invalid!");
    let mailbox = fresh_mailbox("words");
    let mine = template(sandbox, "smime_request", "Ordered for {{ mailbox }}", "See {{ link }}");
    let form =
        order_for(794, &mailbox).set("SMIMERequestTemplateID", &mine).set("languageName", "en");
    let order = place(sandbox, &form);
    let mail = mail_about(sandbox, &mailbox, "Ordered for");
    assert_eq!(mail["subject"], format!("Ordered for {mailbox}").as_str());
    verification(sandbox, &order, &mailbox);
    for name in [
        "SMIMEVerificationTemplateID",
        "SMIMERequestTemplateID",
        "SMIMECollectionTemplateID",
        "callBackTemplateID",
        "maCreationTemplateID",
        "shippingTemplateID",
        "agreementTemplateID",
    ] {
        let form = order_for(794, &mailbox);
        sandbox.call(APPLY, &form.clone().set(name, "999999")).refused(-4, &invalid(name));
        // Of another kind, and another account's.
        if name != "SMIMERequestTemplateID" {
            sandbox.call(APPLY, &form.clone().set(name, &mine)).refused(-4, &invalid(name));
        }
        let foreign = form.set(name, &mine).login(sandbox, "webhost");
        Answer::read(&sandbox.post(APPLY, &foreign)).refused(-4, &invalid(name));
    }
}

/// With validationEmailAddress the account forwards what the customer is to read; the mailbox is asked all the same.
fn mails_that_the_account_forwards(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("forward");
    let contact = fresh_mailbox("contact");
    let name = format!("forwarder{}", std::process::id());
    let made = sandbox.operator(&[
        "account",
        "create",
        &name,
        "--brand",
        "Forwarder",
        "--contact",
        &contact,
        "--credit-limit",
        "100.00",
    ]);
    let password = made["loginPassword"].as_str().or(made["password"].as_str());
    let form = order_for(794, &mailbox)
        .set("validationEmailAddress", "customer@example.com")
        .set("loginName", &name)
        .set("loginPassword", password.expect("a password"));
    let order = Answer::read(&sandbox.post(APPLY, &form)).order_number();
    mail_about(sandbox, &contact, "has been ordered");
    prove(sandbox, &order, &mailbox);
    mail_about(sandbox, &contact, "Collect your");
    assert_eq!(sandbox.mailbox(&mailbox).len(), 1, "its own code and nothing else");
}

fn the_end_customer_pays_first(sandbox: &Sandbox) {
    let name = format!("payer{}", std::process::id());
    let made = sandbox.operator(&[
        "account",
        "create",
        &name,
        "--brand",
        "Payer",
        "--payment",
        "customer",
    ]);
    let password =
        made["loginPassword"].as_str().or(made["password"].as_str()).expect("a password");
    let by = |form: Form| form.set("loginName", &name).set("loginPassword", password);
    let mailbox = fresh_mailbox("pays");
    let answer = sandbox.post(APPLY, &by(order_for(794, &mailbox)));
    assert!(answer.starts_with("errorCode=1&"), "{answer}");
    let order = Answer::read(&answer).get("orderNumber").to_owned();
    let form = by(Form::new(&[("orderNumber", &order), ("queryType", "0")]));
    let told = sandbox.post("download/RequestAndCollectSMIME", &form);
    assert_eq!(told, "-22\nStill awaiting payment!\n");
    assert!(
        enter(sandbox, &order, &code(&verification(sandbox, &order, &mailbox)))
            .contains("is confirmed")
    );
    let number: i64 = order.parse().expect("a number");
    sandbox.control(
        "/settle",
        &json!({ "orderNumber": number, "check": "payment", "result": "pass" }),
    );
    assert_eq!(sandbox.request_column(&order, "state"), "awaiting_csr");
    mail_about(sandbox, &mailbox, "Collect your");
    let form = form.set("csr", &any_key().pem).set("returnCertificate", "Y").set("queryType", "2");
    assert!(sandbox.post("download/RequestAndCollectSMIME", &form).starts_with("2\n"));
}

/// An account may be kept from this endpoint, and orders by !AutoApplySSL all the same.
fn only_those_who_may(sandbox: &Sandbox) {
    let name = format!("sslonly{}", std::process::id());
    let made = sandbox.operator(&[
        "account",
        "create",
        &name,
        "--brand",
        "Only",
        "--privileges",
        "ssl-only",
    ]);
    let password =
        made["loginPassword"].as_str().or(made["password"].as_str()).expect("a password");
    let by = |form: Form| form.set("loginName", &name).set("loginPassword", password);
    let denied = "Permission denied! Contact Sectigo Support to have your account enabled for the !AutoApplyOrder API.";
    for form in [
        order_for(794, "someone@example.com"),
        Form::order(488, any_csr()),
        Form::default().set("responseFormat", "1"),
    ] {
        Answer::read(&sandbox.post(APPLY, &by(form))).refused(-16, denied);
    }
    let wrong = by(order_for(794, "someone@example.com")).set("loginPassword", "wrong");
    let login = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";
    Answer::read(&sandbox.post(APPLY, &wrong)).refused(-16, login);
    let answer = sandbox.post("!AutoApplySSL", &by(Form::order(488, any_csr())));
    Answer::read(&answer).refused(-15, "Not enough credit!");
}

fn nothing_of_an_order_gets_into_headers(sandbox: &Sandbox) {
    let mail = "Invalid Email Address!";
    for bad in [
        "a@x.example.com\r\nBcc: b@example.com",
        "\"quoted\"@example.com",
        "a b@example.com",
        "a@example.com,b@example.com",
        "J\u{f6}rg@example.com",
        "a@[192.0.2.1]",
        "a@localhost",
        "a@example.nosuchtld",
        "@example.com",
        "a@",
        "a\0@example.com",
        &format!("{}@example.com", "a".repeat(65)),
    ] {
        for name in ["sanEmailAddress", "smimeSubjectEmail"] {
            let form = order_for(794, "someone@example.com").set(name, bad);
            sandbox.call(APPLY, &form).refused(-70, mail);
        }
    }
    let long = format!("a@{}.example.com", "b".repeat(250));
    let invalid = "The value of the 'sanEmailAddress' argument is invalid!";
    sandbox.call(APPLY, &order_for(794, &long)).refused(-4, invalid);
    // A U-label is certified as the A-label that it is.
    let name = fresh_name("idn");
    let mailbox = format!("someone@xn--bcher-kva.{name}");
    let form = order_for(795, &format!("someone@b\u{fc}cher.{name}")).set("csr", &any_key().pem);
    let order = place(sandbox, &form);
    prove(sandbox, &order, &mailbox);
    let folder = Folder::new();
    let leaf = folder.write("leaf.pem", collected(sandbox, &order).pop().expect("a certificate"));
    let shown = openssl_ok(&["x509", "-in", &leaf, "-noout", "-ext", "subjectAltName"]);
    assert!(shown.contains(&format!("email:{mailbox}")), "{shown}");
    // Texts with lines or with characters that turn text.
    for (name, value) in [
        ("organizationName", "Example\r\nBcc: x@example.com"),
        ("organizationName", "Example \u{202e} Ltd"),
        ("appRepForename", "a\nb"),
        ("signerTitle", "a\tb"),
    ] {
        let form = organization_order("someone@example.com").set(name, value);
        sandbox
            .call(APPLY, &form)
            .refused(-4, &format!("The value of the '{name}' argument is invalid!"));
    }
    // Over-long values are refused, not cut (D15).
    let form = organization_order("someone@example.com").set("organizationName", &"x".repeat(65));
    sandbox
        .call(APPLY, &form)
        .refused(-4, "The value of the 'organizationName' argument is invalid!");
}

/// What is for server certificates alone finds no S/MIME order, and the other way round.
fn other_endpoints_know_no_mail(sandbox: &Sandbox) {
    let order = place(sandbox, &order_for(794, &fresh_mailbox("other")).set("csr", &any_key().pem));
    let invalid = "The value of the 'orderNumber' argument is invalid!";
    let number = Form::new(&[("orderNumber", &order), ("responseFormat", "1")]);
    for (path, form) in [
        ("!AutoReplaceSSL", number.clone().set("csr", &any_csr().pem)),
        ("!AutoUpdateDCV", Form::new(&[("orderNumber", &order), ("newMethod", "CNAME_CSR_HASH")])),
        ("!ResendDCVEmail", Form::new(&[("orderNumber", &order)])),
        ("!GetMDCDomainDetails", number.clone()),
        ("download/CollectSSL", number.set("queryType", "0")),
    ] {
        let answer = sandbox.call(path, &form);
        assert_eq!(
            (answer.get("errorCode"), answer.get("errorMessage")),
            ("-4", invalid),
            "{path}"
        );
    }
    for what in ["Verification", "Collection"] {
        let csr = Csr::new(&fresh_name("server"));
        let server = sandbox.call("!AutoApplySSL", &Form::order(488, &csr)).order_number();
        let told = again(sandbox, what, &server, &[]);
        assert_eq!(told, format!("-4\n{invalid}\n"));
    }
    let server = sandbox.call("!AutoApplySSL", &Form::order(794, any_csr()));
    server.refused(-4, "The value of the 'product' argument is invalid!");
}

fn a_test_order(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("test");
    let form = order_for(794, &mailbox).set("csr", &any_key().pem).set("test", "Y");
    let answer = sandbox.call(APPLY, &form);
    assert_eq!(answer.get("totalCost"), "0.00");
    let order = answer.order_number();
    prove(sandbox, &order, &mailbox);
    let folder = Folder::new();
    let leaf = folder.write("leaf.pem", collected(sandbox, &order).pop().expect("a certificate"));
    let issuer = openssl_ok(&["x509", "-in", &leaf, "-noout", "-issuer"]);
    assert!(issuer.contains("Untrusted Test"), "{issuer}");
    let foreign = order_for(794, &mailbox).set("test", "Y").login(sandbox, "webhost");
    let told = Answer::read(&sandbox.post(APPLY, &foreign));
    let invalid = "The value of the 'test' argument is invalid!";
    assert!(told.get("errorCode") == "0" || told.get("errorMessage") == invalid, "{}", told.raw);
}

fn the_same_number_once(sandbox: &Sandbox) {
    let number = fresh_name("number");
    let form = |key: Key| {
        order_for(794, &fresh_mailbox("once"))
            .set("csr", &Csr::of(key, "x", &[]).pem)
            .set("foreignOrderNumber", &number)
            .set("checkFONIsUnique", "Y")
    };
    sandbox.call(APPLY, &form(Key::P256)).order_number();
    let invalid = "The value of the 'foreignOrderNumber' argument is invalid!";
    sandbox.call(APPLY, &form(Key::P384)).refused(-4, invalid);
}
