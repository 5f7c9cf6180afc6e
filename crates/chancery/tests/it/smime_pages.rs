//! The pages of S/MIME orders in a real browser: the code of the mailbox, and the collection page, where the key is made.

use thirtyfour::prelude::*;

use crate::browser::{Browser, fits, says};
use crate::kit::{Form, Sandbox};
use crate::on_both;
use crate::smime_steps::{
    any_key, ask, collected, fresh_mailbox, mail_about, order_for, place, prove, verification,
};
use crate::tools::{Folder, openssl, openssl_ok};

on_both!(a_key_is_made_in_the_browser, what_the_page_says, scripts_are_scripts);

fn link(mail: &serde_json::Value) -> String {
    mail["links"][0].as_str().expect("a link").to_owned()
}

/// The mailbox is confirmed, the key is made and the certificate issued, all on the two pages; what is saved at the end is a
/// PKCS #12 that openssl reads, with the very key of the certificate.
fn a_key_is_made_in_the_browser(sandbox: &Sandbox) {
    let browser = Browser::start();
    for (product, kind) in [(794, "rsa2048"), (795, "p256"), (795, "p384")] {
        let mailbox = fresh_mailbox("browser");
        let order = place(sandbox, &order_for(product, &mailbox));
        let confirm = link(&verification(sandbox, &order, &mailbox));
        browser.visit(|window| async move {
            window.goto(&confirm).await?;
            fits(&window).await?;
            window.find(By::Css("button")).await?.click().await?;
            says(&window, "h1", "is confirmed").await?;
            fits(&window).await
        });
        let page = link(&mail_about(sandbox, &mailbox, "Collect your"));
        let saved = browser.visit(|window| {
            let (browser, page) = (&browser, page.clone());
            async move {
                window.goto(&page).await?;
                fits(&window).await?;
                let choose = format!("#key option[value={kind}]");
                window.find(By::Css(choose)).await?.click().await?;
                let fill = async |name: &str, value: &str| {
                    let field = window.find(By::Id(name)).await?;
                    field.clear().await?;
                    field.send_keys(value).await
                };
                let press = async || window.find(By::Css("#make button")).await?.click().await;
                fill("password", "long enough \u{e9}").await?;
                fill("again", "something else").await?;
                press().await?;
                says(&window, "#progress", "The two passwords are not the same.").await?;
                fill("again", "long enough \u{e9}").await?;
                press().await?;
                let saved = browser.downloaded(".p12").await;
                says(&window, "#progress", "Done.").await?;
                fits(&window).await?;
                Ok(saved)
            }
        });
        let file = saved.display().to_string();
        let all =
            openssl_ok(&["pkcs12", "-in", &file, "-passin", "pass:long enough \u{e9}", "-nodes"]);
        assert!(!openssl(&["pkcs12", "-in", &file, "-passin", "pass:wrong", "-nodes"]).0);
        let chain = collected(sandbox, &order);
        for certificate in &chain {
            assert!(all.contains(certificate.as_str()), "{all}");
        }
        let folder = Folder::new();
        let (key, leaf) = (folder.write("all.pem", &all), folder.write("leaf.pem", &chain[2]));
        let public = openssl_ok(&["pkey", "-in", &key, "-pubout"]);
        assert_eq!(public, openssl_ok(&["x509", "-in", &leaf, "-noout", "-pubkey"]));
        std::fs::remove_file(&saved).expect("it is there");
        // The page goes on to hand the certificate out.
        browser.visit(|window| {
            let (browser, page) = (&browser, page.clone());
            async move {
                window.goto(&page).await?;
                says(&window, "main", "The certificate has been issued.").await?;
                window.find(By::Css("a[href$='as=p7b']")).await?.click().await?;
                let saved = browser.downloaded(".p7b").await;
                let file = saved.display().to_string();
                let read = openssl_ok(&["pkcs7", "-inform", "DER", "-print_certs", "-in", &file]);
                assert_eq!(read.matches("BEGIN CERTIFICATE").count(), 3);
                std::fs::remove_file(&saved).expect("it is there");
                fits(&window).await
            }
        });
    }
}

/// The key is asked for only when everything else is done.
fn what_the_page_says(sandbox: &Sandbox) {
    let get = |url: &str| {
        let page = sandbox.http().get(url).send().expect("a page");
        (page.status().as_u16(), page.text().expect("text"))
    };
    let mailbox = fresh_mailbox("says");
    let answer =
        sandbox.call("!AutoApplyOrder", &order_for(794, &mailbox).set("showCollectionCode", "Y"));
    let (order, code) = (answer.order_number(), answer.get("collectionCode").to_owned());
    let url = format!("{}/products/SMIMECollection?code={code}", sandbox.at("api"));
    let (status, page) = get(&url);
    assert_eq!(status, 200);
    assert!(
        page.contains("The mailbox is not confirmed yet.") && !page.contains("<form"),
        "{page}"
    );
    // Nobody has been here yet: the script's own call is refused too.
    let bring = |csr: &str| {
        let url = format!("{}/products/SMIMECollectionKey", sandbox.at("api"));
        let form = [("code", code.as_str()), ("csr", csr)];
        sandbox.http().post(url).form(&form).send().expect("an answer").text().expect("text")
    };
    assert!(bring(&any_key().pem).starts_with("{\"error\":"));
    assert_eq!(sandbox.request_column(&order, "state"), "awaiting_csr");
    prove(sandbox, &order, &mailbox);
    sandbox.wait_for("the form", || get(&url).1.contains("<form id=\"make\"").then_some(()));
    assert!(bring("no request").starts_with("{\"error\":"));
    let csr = any_key();
    let first = bring(&csr.pem);
    assert!(first.starts_with("{\"certificates\":[\""), "{first}");
    assert_eq!(bring(&csr.pem), first, "a lost answer is given again");
    assert!(bring(&any_key().pem).starts_with("{\"error\":"), "to nobody else's request");
    assert!(get(&url).1.contains("The certificate has been issued."));
    let (status, page) =
        get(&format!("{}/products/SMIMECollection?code=AAAAAAAAAAAAAAAA", sandbox.at("api")));
    assert_eq!(status, 404);
    assert!(page.contains("This link does not work"), "{page}");
    assert_eq!(ask(sandbox, &order, &[("queryType", "0")]), "1\n");
}

/// What comes as JavaScript is run as such.
fn scripts_are_scripts(sandbox: &Sandbox) {
    let mailbox = fresh_mailbox("script");
    let order = place(sandbox, &order_for(795, &mailbox).set("csr", &any_key().pem));
    prove(sandbox, &order, &mailbox);
    let chain = collected(sandbox, &order);
    let script = |order: &str, query: &str| {
        let form =
            Form::new(&[("orderNumber", order), ("queryType", query), ("responseEncoding", "2")]);
        sandbox.post("download/RequestAndCollectSMIME", &form.login(sandbox, "reseller"))
    };
    let (good, bad) = (script(&order, "1"), script("99999999", "0"));
    Browser::start().visit(|window| async move {
        let good = format!("{good} return [g_errorCode, g_ccc]");
        let (code, text): (i64, String) = window.execute(good, Vec::new()).await?.convert()?;
        assert_eq!((code, text), (2, chain.concat()));
        let bad = format!("{bad} return [g_errorCode, g_errorMessage]");
        let (code, text): (i64, String) = window.execute(bad, Vec::new()).await?.convert()?;
        let expected = "The value of the 'orderNumber' argument is invalid!".to_owned();
        assert_eq!((code, text), (-4, expected));
        Ok(())
    });
}
