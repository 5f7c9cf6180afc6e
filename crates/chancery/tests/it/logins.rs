//! Logins under attack: many guesses at once, callers who wait, and what the clock tells a stranger.

use std::time::{Duration, Instant};

use crate::kit::{Answer, Form, Sandbox, fresh_name};
use crate::on_both;

on_both!(
    guesses_at_the_same_time_lock_as_those_in_turn,
    the_right_password_at_the_same_time_is_checked_once,
    those_who_cannot_enter_learn_nothing_from_the_clock,
);

/// An account of a story's own, and its password.
fn account(sandbox: &Sandbox) -> (String, String) {
    let name = fresh_name("login");
    let made = sandbox.operator(&["account", "create", &name]);
    (name, made["password"].as_str().expect("a password").to_owned())
}

/// The code of a call with that login: -4 (no such order) for who is let in.
fn enter(sandbox: &Sandbox, name: &str, password: &str) -> String {
    let form = Form::new(&[
        ("loginName", name),
        ("loginPassword", password),
        ("orderNumber", "1"),
        ("queryType", "1"),
        ("responseFormat", "1"),
    ]);
    Answer::read(&sandbox.post("download/CollectSSL", &form)).get("errorCode").to_owned()
}

fn guesses_at_the_same_time_lock_as_those_in_turn(sandbox: &Sandbox) {
    let (name, password) = account(sandbox);
    let (told, answers) = std::sync::mpsc::channel();
    let (right, codes) = std::thread::scope(|scope| {
        for guess in 0..60 {
            let (told, name) = (told.clone(), &name);
            scope.spawn(move || told.send(enter(sandbox, name, &format!("guess {guess}"))));
        }
        drop(told);
        // Once one is sent away, ten wait to be checked: enough to lock the account. The right one comes behind them.
        let mut codes: Vec<String> = Vec::new();
        while codes.last().is_none_or(|code| code != "-42") {
            codes.push(answers.recv().expect("-42 to one of them"));
        }
        let right = enter(sandbox, &name, &password);
        codes.extend(answers);
        (right, codes)
    });
    assert!(codes.iter().all(|code| code == "-16" || code == "-42"), "{codes:?}");
    assert!(right == "-16" || right == "-42", "{right}");
    assert_eq!(enter(sandbox, &name, &password), "-16");
    assert_eq!(sandbox.operator(&["account", "show", &name])["state"], "locked");
    sandbox.operator(&["account", "unlock", &name]);
    assert_eq!(enter(sandbox, &name, &password), "-4");
}

fn the_right_password_at_the_same_time_is_checked_once(sandbox: &Sandbox) {
    let (name, password) = account(sandbox);
    let told: Vec<String> = std::thread::scope(|scope| {
        let call = || enter(sandbox, &name, &password);
        let calls: Vec<_> = (0..40).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    assert!(told.iter().all(|code| code == "-4"), "{told:?}");
}

fn those_who_cannot_enter_learn_nothing_from_the_clock(sandbox: &Sandbox) {
    let (closed, password) = account(sandbox);
    sandbox.operator(&["account", "close", &closed]);
    let (elsewhere, its_password) = account(sandbox);
    sandbox.operator(&["account", "set", &elsewhere, "--allowed-ips", "192.0.2.0/24"]);
    let nobody = fresh_name("nobody");
    let names = [(&nobody, "secret"), (&closed, &password), (&elsewhere, &its_password)];
    // The fastest of some, in turns: what the work takes, without what other stories take.
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..8 {
        for ((name, password), fastest) in names.iter().zip(&mut fastest) {
            let start = Instant::now();
            assert_eq!(enter(sandbox, name, password), "-16");
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let [nobody, others @ ..] = fastest;
    assert!(others.iter().all(|took| *took > nobody / 3), "{others:?}, and {nobody:?} for no name");
}
