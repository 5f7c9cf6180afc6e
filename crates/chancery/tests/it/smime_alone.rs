//! Stories about S/MIME in a house of their own: the clock is turned, or limits are used up.

use serde_json::json;

use crate::alone_on_both;
use crate::dcv_mail::code;
use crate::kit::{Form, Sandbox};
use crate::smime_steps::{
    any_key, ask, collected, enter, fresh_mailbox, order_for, place, prove, verification,
};

alone_on_both!(codes_cannot_be_tried_without_end, codes_and_proofs_grow_old);

/// A code is used so often a minute, and nobody may go through codes.
fn codes_cannot_be_tried_without_end(sandbox: &Sandbox) {
    let limit = "-42\nCall limit reached! Please try again later\n";
    let wrong = "-4\nThe value of the 'collectionCode' argument is invalid!\n";
    let post = |code: &str| {
        let form = Form::new(&[("collectionCode", code), ("queryType", "0")]);
        sandbox.post("download/RequestAndCollectSMIME", &form)
    };
    let one: Vec<String> = (0..1_000).map(|_| post("BBBBBBBBBBBBBBBB")).collect();
    assert!(one.iter().filter(|told| *told == wrong).count() < 200);
    assert_eq!(one.last().map(String::as_str), Some(limit));
    let many: Vec<String> = (0..100).map(|n| post(&format!("CCCCCCCCCCCCC{n:03}"))).collect();
    assert!(many.iter().filter(|told| *told == limit).count() > 30, "{many:?}");
}

/// A code works for a day; what it has proven counts for other orders of the account for thirty.
fn codes_and_proofs_grow_old(sandbox: &Sandbox) {
    let turn = |by: &str| sandbox.control("/clock", &json!({ "advance": by }));
    let mailbox = fresh_mailbox("old");
    let unproven = "-154\nEmail verification not yet completed!\n";
    let order = place(sandbox, &order_for(794, &mailbox).set("csr", &any_key().pem));
    let old = code(&verification(sandbox, &order, &mailbox));
    turn("24h");
    turn("1s");
    let page = enter(sandbox, &order, &old);
    assert!(page.contains("This code is too old"), "{page}");
    assert_eq!(ask(sandbox, &order, &[("queryType", "1")]), unproven);
    let again = Form::new(&[("orderNumber", &order)]).login(sandbox, "reseller");
    assert_eq!(sandbox.post("!ResendVerificationEmailSMIME", &again), "0\n");
    let new = sandbox.wait_for("a new code", || {
        Some(code(&verification(sandbox, &order, &mailbox))).filter(|new| *new != old)
    });
    assert!(enter(sandbox, &order, &old).contains("This code is not right"));
    assert!(enter(sandbox, &order, &new).contains("is confirmed"));
    collected(sandbox, &order);

    turn("29d");
    let mails = sandbox.mailbox(&mailbox).len();
    let second = place(sandbox, &order_for(795, &mailbox).set("csr", &any_key().pem));
    collected(sandbox, &second);
    // Another account has proven nothing.
    let foreign = order_for(795, &mailbox).set("csr", &any_key().pem).login(sandbox, "webhost");
    let foreign = sandbox.post("!AutoApplyOrder", &foreign);
    assert!(foreign.contains("errorCode=0"), "{foreign}");
    sandbox.wait_for("its verification mail, and the collection mail", || {
        (sandbox.mailbox(&mailbox).len() == mails + 2).then_some(())
    });

    turn("2d");
    let third = place(sandbox, &order_for(795, &mailbox).set("csr", &any_key().pem));
    assert_eq!(ask(sandbox, &third, &[("queryType", "1")]), unproven, "older than thirty days");
    prove(sandbox, &third, &mailbox);
    collected(sandbox, &third);
}
