//! S/MIME: ordered, the mailbox proven, the certificate collected.

use crate::dcv_mail::code;
use crate::kit::{Csr, Key, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    any_key, ask, collected, enter, fresh_mailbox, mail_about, order_for, organization_order,
    place, prove, settle_organization, verification,
};

on_both!(an_order_with_its_csr, an_order_whose_csr_comes_later, an_organisation);

fn an_order_with_its_csr(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("alice");
    let form = order_for(794, &mailbox)
        .set("csr", &any_key().pem)
        .set("showCertificateID", "Y")
        .set("showCertificateState", "Y")
        .set("showCollectionCode", "Y");
    let answer = sandbox.call("!AutoApplyOrder", &form);
    let order = answer.order_number();
    assert_eq!(
        answer.keys(),
        [
            "errorCode",
            "orderNumber",
            "totalCost",
            "expectedDeliveryTime",
            "certificateID",
            "certificateStatus",
            "collectionCode"
        ]
    );
    assert_eq!(
        ["totalCost", "expectedDeliveryTime", "certificateStatus"].map(|key| answer.get(key)),
        ["19.00", "0", "Awaiting Validation"]
    );
    let collection_code = answer.get("collectionCode");
    assert!(
        collection_code.len() == 16 && collection_code.bytes().all(|b| b.is_ascii_alphanumeric())
    );

    assert_eq!(ask(sandbox, &order, &[("queryType", "0")]), "0\n");
    let unproven = "-154\nEmail verification not yet completed!\n";
    assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), unproven);

    let mail = verification(sandbox, &order, &mailbox);
    let link = mail["links"][0].as_str().expect("a link");
    assert!(link.contains("/products/EnterSMIMECode?orderNumber="), "{link}");
    let form = sandbox.http().get(link).send().expect("a page").text().expect("text");
    assert!(form.contains(&format!("value=\"{}\"", code(&mail))), "{form}");
    assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), unproven, "a GET settles nothing");
    assert!(enter(sandbox, &order, "wrong").contains("This code is not right"));
    prove(sandbox, &order, &mailbox);

    let chain = collected(sandbox, &order);
    assert_eq!(chain.len(), 3, "root, issuing CA, certificate");
    let status = ask(sandbox, &order, &[("queryType", "0"), ("showValidityPeriod", "Y")]);
    assert!(status.starts_with("1\n") && status.lines().count() == 2, "{status}");
    let mail = mail_about(sandbox, &mailbox, "Collect your");
    assert!(mail["text"].as_str().expect("text").contains("has been issued"), "{mail}");
}

fn an_order_whose_csr_comes_later(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("bob");
    let form = order_for(795, &mailbox).set("showCertificateState", "Y");
    let answer = sandbox.call("!AutoApplyOrder", &form);
    let order = answer.order_number();
    assert_eq!(answer.get("certificateStatus"), "Awaiting CSR");
    let mail = mail_about(sandbox, &mailbox, "has been ordered");
    assert!(
        mail["links"][0].as_str().is_some_and(|l| l.contains("/products/SMIMECollection?code="))
    );
    prove(sandbox, &order, &mailbox);
    mail_about(sandbox, &mailbox, "Collect your");

    let csr = any_key();
    let bring = |more: &[(&str, &str)]| {
        let mut pairs = vec![("csr", csr.pem.as_str())];
        pairs.extend(more);
        ask(sandbox, &order, &pairs)
    };
    assert_eq!(bring(&[("queryType", "0")]), "0\n");
    assert_eq!(bring(&[("queryType", "0")]), "-18\nA CSR has already been provided.\n");
    assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), "0\n", "nobody has asked for it");
    let text = ask(sandbox, &order, &[("queryType", "1"), ("returnCertificate", "Y")]);
    assert!(text.starts_with("2\n-----BEGIN CERTIFICATE-----\n"), "{text}");
}

fn an_organisation(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("office");
    let csr = Csr::of(Key::P384, "anything", &[]);
    let form = organization_order(&mailbox).set("csr", &csr.pem).set("smimeSubjectCN", "Y");
    let order = place(sandbox, &form);
    prove(sandbox, &order, &mailbox);
    assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), "0\n", "others have to look");
    settle_organization(sandbox, &order);
    assert_eq!(collected(sandbox, &order).len(), 3);
}
