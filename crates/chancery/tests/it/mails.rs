//! The mail that brings a certificate.

use crate::kit::{Csr, Form, Sandbox, fresh_name};
use crate::on_both;
use crate::steps::{issued, place, settled};
use crate::tools::{self, Folder, python};

on_both!(a_certificate_comes_by_mail, nobody_gets_a_mail_who_wants_none);

fn a_certificate_comes_by_mail(sandbox: &Sandbox) {
    let name = fresh_name("letter");
    let address = format!("owner@{name}");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let form = Form::order(488, &csr).set("emailAddress", &address);
    let order = place(sandbox, &form);
    let leaf = issued(sandbox, &order, "by mail");
    let mail = sandbox.wait_for("the mail", || sandbox.mailbox(&address).first().cloned());
    let subject = mail["subject"].as_str().expect("a subject");
    assert!(subject.starts_with(&format!("ORDER #{order} - Your ")), "{subject}");
    assert!(subject.ends_with(&format!("Certificate for {name}")), "{subject}");
    // What programs look for: the PEM in the text, and the sentence.
    let text = mail["text"].as_str().expect("text").replace('\r', "");
    assert!(text.contains(tools::pem("CERTIFICATE", &leaf).trim_end()), "{text}");
    let program = "import re,sys\n\
        m=re.search(r'Your [a-zA-Z ]* Certificate for (\\S+) is attached!', sys.argv[1])\n\
        print(m.group(1)); print(re.search(r'.*ORDER #([0-9]+).*', sys.argv[2]).group(1))";
    assert_eq!(python(program, &[&text, subject]), format!("{name}\n{order}\n"));
    assert!(mail["html"].as_str().is_some_and(|html| html.contains(&name)));
    assert_eq!(mail["codes"], serde_json::json!([]), "a certificate is no code");
    let attachments = mail["attachments"].as_array().expect("attachments");
    assert_eq!(attachments.len(), 1, "{attachments:?}");
    let base = name.replace('.', "_");
    assert_eq!(attachments[0]["name"], format!("{base}.zip").as_str());
    assert_eq!(attachments[0]["type"], "application/zip");
    let zip = tools::unbase64(attachments[0]["base64"].as_str().expect("Base64"));
    let folder = Folder::new();
    let file = folder.write("mail.zip", zip);
    let program = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        print(*z.namelist()); print(z.read(z.namelist()[1]).decode(), end='')";
    let read = python(program, &[&file]);
    let wanted = format!("{base}.ca-bundle {base}.crt\n{}", tools::pem("CERTIFICATE", &leaf));
    assert_eq!(read, wanted);
    assert_eq!(sandbox.mailbox(&address).len(), 1, "one mail");
}

/// emailAddress=none, in any case; and no emailAddress: the account's contact gets it.
fn nobody_gets_a_mail_who_wants_none(sandbox: &Sandbox) {
    for none in ["none", "NONE", "None"] {
        let name = fresh_name("letter");
        let csr = Csr::new(&name);
        sandbox.publish_cname(&csr, &name, None);
        let form = Form::order(488, &csr).set("emailAddress", none);
        let order = place(sandbox, &form);
        issued(sandbox, &order, none);
        settled(sandbox);
        let all = sandbox.control_get("/mailbox");
        let about = |mail: &&serde_json::Value| {
            mail["subject"].as_str().is_some_and(|s| s.contains(&format!("#{order} ")))
        };
        assert_eq!(all.as_array().expect("mails").iter().filter(about).count(), 0, "{none}");
    }
}
