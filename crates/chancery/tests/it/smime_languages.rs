//! An S/MIME order in each of the specification's languages: every mail and both pages are in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::dcv_mail::code;
use crate::kit::{Csr, Form, Key, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    any_key, collected, enter, fresh_mailbox, order_for, place, verification,
};

on_both!(from_the_first_mail_to_the_last, a_replacement_has_a_language_of_its_own);

const LANGUAGES: [&str; 14] =
    ["en", "zh", "da", "nl", "fr", "de", "it", "ja", "ko", "pt", "ru", "es", "sv", "tr"];

/// Words of ours that no other language has; the names of products and brands are not ours.
const ENGLISH: [&str; 7] = [" the ", " your ", " has ", "Please", " mailbox ", "Your ", "The "];

struct Heard<'a> {
    language: &'a str,
    /// What was told, by mail or page.
    told: Vec<String>,
}

impl Heard<'_> {
    fn page(&mut self, html: &str) {
        let lang = format!("<html lang=\"{}\"", self.language);
        assert!(html.contains(&lang), "{}: {html}", self.language);
        let body = html.split_once("<body").expect("a body").1;
        self.is_its_own(body);
        let heading = body.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
        self.told.push(heading.expect("a heading").0.to_owned());
    }

    fn mail(&mut self, mail: &Value) {
        let html = mail["html"].as_str().expect("HTML");
        assert!(html.contains(&format!("<html lang=\"{}\"", self.language)), "{html}");
        for part in ["subject", "text"] {
            self.is_its_own(mail[part].as_str().expect("text"));
        }
        self.is_its_own(html.split_once("<body").expect("a body").1);
        let subject = mail["subject"].as_str().expect("a subject");
        self.told.push(subject.split_once(" - ").expect("the order's number").1.to_owned());
    }

    fn is_its_own(&self, text: &str) {
        if self.language != "en" {
            let found = ENGLISH.into_iter().find(|word| text.contains(word));
            assert_eq!(found, None, "{}: {text}", self.language);
        }
    }
}

/// All mails of an order, oldest first, once there are so many.
fn mails(sandbox: &Sandbox, mailbox: &str, count: usize) -> Vec<Value> {
    let mut mails = sandbox.wait_for(&format!("{count} mails to {mailbox}"), || {
        Some(sandbox.mailbox(mailbox)).filter(|mails| mails.len() >= count)
    });
    assert_eq!(mails.len(), count, "{mails:#?}");
    mails.sort_by_key(|mail| mail["id"].as_u64());
    mails
}

fn from_the_first_mail_to_the_last(sandbox: &Sandbox) {
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut count = 0;
    for language in LANGUAGES {
        // Nothing that the asserts could take for English of ours.
        let mailbox = fresh_mailbox("x");
        let form = order_for(794, &mailbox).set("languageName", language);
        let order = place(sandbox, &form);
        let mut heard = Heard { language, told: Vec::new() };
        let get = |url: &str| sandbox.http().get(url).send().expect("a page").text().expect("text");
        let link = |mail: &Value| mail["links"][0].as_str().expect("a link").to_owned();
        let first = mails(sandbox, &mailbox, 2);
        first.iter().for_each(|mail| heard.mail(mail));
        let asked = verification(sandbox, &order, &mailbox);
        let told = first.iter().find(|mail| mail["id"] != asked["id"]).expect("another mail");
        let page = get(&link(&asked));
        if language != "en" {
            let field = format!("name=\"languageName\" value=\"{language}\"");
            assert!(page.contains(&field), "{page}");
        }
        heard.page(&page);
        heard.page(&get(&link(told)));
        // The form brings its language along.
        let form = [("orderNumber", order.as_str()), ("code", "wrong"), ("languageName", language)];
        let url = format!("{}/products/EnterSMIMECode", sandbox.at("api"));
        let page = sandbox.http().post(url).form(&form).send().expect("a page");
        heard.page(&page.text().expect("text"));
        heard.page(&enter(sandbox, &order, &code(&asked)));
        heard.mail(&mails(sandbox, &mailbox, 3)[2]);
        heard.page(&get(&link(told)));
        for what in heard.told {
            let same = what.replace(&mailbox, "MAILBOX");
            all.insert(format!("{language} {same}"));
            count += 1;
        }
    }
    assert!(all.len() * 14 >= count * 12, "each says something of its own: {all:#?}");
    for language in LANGUAGES {
        let of = |code: &str| -> BTreeSet<String> {
            let mine = all.iter().filter_map(|text| text.strip_prefix(code));
            mine.map(str::to_owned).collect()
        };
        if language != "en" {
            let shared: Vec<_> = of(language).intersection(&of("en")).cloned().collect();
            assert!(shared.iter().all(|text| text.trim() == "MAILBOX"), "{language}: {shared:?}");
        }
    }
}

fn a_replacement_has_a_language_of_its_own(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("x");
    let form = order_for(794, &mailbox).set("languageName", "de").set("csr", &any_key().pem);
    let order = place(sandbox, &form);
    enter(sandbox, &order, &code(&verification(sandbox, &order, &mailbox)));
    collected(sandbox, &order);
    assert_eq!(mails(sandbox, &mailbox, 2).len(), 2);
    let replace = |language: Option<&str>, order: &str| {
        let csr = Csr::of(Key::P256, "anything", &[]);
        let form = Form::new(&[("orderNumber", order), ("csr", &csr.pem), ("responseFormat", "1")]);
        let form = language.iter().fold(form, |form, code| form.set("languageName", code));
        let answer = sandbox.call("!AutoReplaceSMIME", &form);
        answer.get("newOrderNumber").to_owned()
    };
    let next = replace(Some("ja"), &order);
    collected(sandbox, &next);
    let mut heard = Heard { language: "ja", told: Vec::new() };
    heard.mail(&mails(sandbox, &mailbox, 3)[2]);
    let last = replace(None, &next);
    collected(sandbox, &last);
    // Who says nothing of it keeps it.
    heard.mail(&mails(sandbox, &mailbox, 4)[3]);
}
