//! How a sandbox starts, and what it says when it cannot.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use store::Database;
use store::testing::TestDb;

use crate::tools::Folder;
use crate::with_each;

fn sandbox(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(["sandbox", "--until-eof", "--dir"]).arg(dir).args(more);
    command.env("CHANCERY_LOG", "warn").stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

fn failed(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it started: {error}");
    for word in words {
        assert!(error.contains(word), "{word} in {error}");
    }
}

/// The ready line, if it comes.
fn ready(child: &mut Child) -> Option<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

#[test]
fn of_two_with_one_new_folder_one_starts_and_the_folder_stays_whole() {
    for _ in 0..3 {
        let folder = Folder::new();
        let dir = folder.0.join("new");
        let mut both = [0, 1].map(|_| sandbox(&dir, &[]).spawn().expect("the program starts"));
        let lines: Vec<Option<String>> = both.iter_mut().map(ready).collect();
        assert_eq!(lines.iter().flatten().count(), 1, "{lines:?}");
        for (child, line) in both.into_iter().zip(&lines) {
            // Its standard input ends here.
            let output = child.wait_with_output().expect("an end");
            match line {
                Some(_) => assert!(output.status.success()),
                None => failed(&output, &["another sandbox is running with the folder", "--dir"]),
            }
        }
        let mut again = sandbox(&dir, &[]).spawn().expect("the program starts");
        assert_eq!(ready(&mut again), lines.into_iter().flatten().next(), "all is as it was");
        assert!(again.wait_with_output().expect("an end").status.success());
    }
}

#[test]
fn a_taken_port_is_told_with_a_way_out() {
    let folder = Folder::new();
    let mut first = sandbox(&folder.0, &[]).spawn().expect("the program starts");
    let line: Value = serde_json::from_str(&ready(&mut first).expect("a line")).expect("JSON");
    first.wait_with_output().expect("an end");
    for role in ["web", "smtp", "control"] {
        let at = line[role].as_str().expect("an address").replace("localhost", "127.0.0.1");
        let at = at.split("//").last().expect("an address").to_owned();
        let taken = TcpListener::bind(&at).expect("the port is free");
        let output = sandbox(&folder.0, &[]).output().expect("an end");
        failed(&output, &[&format!("{role} cannot listen on {at}"), "ports.json"]);
        drop(taken);
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = taken.local_addr().expect("a port").to_string();
    let output = sandbox(&folder.0, &["--listen", &at]).output().expect("an end");
    failed(&output, &[&format!("api cannot listen on {at}"), "another with --listen"]);
}

#[test]
fn an_address_of_the_network_is_refused_before_anything_is_made() {
    let folder = Folder::new();
    let dir = folder.0.join("never");
    let output = sandbox(&dir, &["--listen", "0.0.0.0:0"]).output().expect("an end");
    failed(&output, &["must be a loopback address"]);
    assert!(!dir.exists());
}

#[test]
fn who_does_not_read_the_ready_line_is_served_all_the_same() {
    let folder = Folder::new();
    let mut child = sandbox(&folder.0, &[]).spawn().expect("the program starts");
    drop(child.stdout.take());
    let ports = folder.0.join("store.sqlite");
    while !ports.exists() {
        std::thread::yield_now();
    }
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_ready_line_has_its_keys_in_order() {
    let folder = Folder::new();
    let mut child = sandbox(&folder.0, &[]).spawn().expect("the program starts");
    let line = ready(&mut child).expect("a line");
    let keys = ["loginName", "loginPassword", "role", "brand"];
    let places: Vec<Option<usize>> = keys.iter().map(|k| line.find(&format!("\"{k}\":"))).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{line}");
    child.wait_with_output().expect("an end");
}

/// Copies the database of one folder over that of another.
fn move_database(from: &Path, to: &Path) {
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        match from.exists() {
            true => std::fs::copy(from, to).map(drop).expect("a copy"),
            false => drop(std::fs::remove_file(to)),
        }
    }
}

with_each!(a_database_is_opened_with_its_own_cas_alone);

fn a_database_is_opened_with_its_own_cas_alone(which: Database) {
    let folder = Folder::new();
    let dirs = ["first", "second", "third"].map(|name| folder.0.join(name));
    let [first, second, third] = &dirs;
    let shared = TestDb::new(which);
    let started = |dir: &Path, database: &TestDb| match which {
        Database::Sqlite => sandbox(dir, &[]),
        Database::Postgres => sandbox(dir, &["--database", &database.address()]),
    };
    for (dir, database) in [(first, &shared), (second, &TestDb::new(which))] {
        let child = started(dir, database).spawn().expect("the program starts");
        assert!(child.wait_with_output().expect("an end").status.success());
    }
    let moved = |to: &Path| {
        if which == Database::Sqlite {
            move_database(first, to);
        }
    };
    moved(second);
    let output = started(second, &shared).output().expect("an end");
    failed(&output, &["belongs to the CA number 1 (public-root", "another in its place", "backup"]);

    std::fs::create_dir_all(third).expect("a folder");
    moved(third);
    let output = started(third, &shared).output().expect("an end");
    failed(&output, &["lacks it", "an empty database"]);
    assert!(!third.join("keys").exists(), "made, though it was refused");

    let mut again = started(first, &shared).spawn().expect("the program starts");
    assert!(ready(&mut again).is_some(), "with its own it starts");
    assert!(again.wait_with_output().expect("an end").status.success());
}
