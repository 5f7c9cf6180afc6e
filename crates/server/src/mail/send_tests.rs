//! Sending, against a small mail server that refuses by the recipient's name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    mails: Mutex<Vec<String>>,
}

/// `500`, `550`, `451` … before the @ of a recipient are answered by that code; `silence` by nothing; `hangup` closes.
async fn server(seen: Arc<Seen>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let now = seen.at_once.fetch_add(1, Ordering::SeqCst) + 1;
                seen.most_at_once.fetch_max(now, Ordering::SeqCst);
                let _ = conversation(stream, &seen).await;
                seen.at_once.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    port
}

async fn conversation(stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hello\r\n").await?;
    loop {
        let mut text = String::new();
        if stream.read_line(&mut text).await? == 0 {
            return Ok(());
        }
        let verb = text.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let local = text.split(['<', '@']).nth(1).unwrap_or_default();
        let answer = match verb.as_str() {
            "EHLO" => "250-here\r\n250 8BITMIME\r\n".to_owned(),
            "RCPT" if local == "silence" => std::future::pending().await,
            "RCPT" if local == "hangup" => return Ok(()),
            "RCPT" if local.parse::<u16>().is_ok() => format!("{local} no\r\n"),
            "DATA" => {
                stream.write_all(b"354 go\r\n").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail).await?;
                }
                seen.mails.lock().unwrap().push(mail);
                "250 taken\r\n".to_owned()
            }
            _ => "250 ok\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        tls_ca: None,
        credentials: None,
        hello_name: "ca.example.net".to_owned(),
        pool_size: 3,
        timeout: Duration::from_secs(2),
    }
}

fn to(local: &str) -> Outgoing {
    Outgoing {
        id: 1,
        sender: "noreply@ca.example.net".to_owned(),
        recipient: format!("{local}@example.com"),
        message: b"Subject: x\r\n\r\nline\r\n.dot\r\n".to_vec(),
    }
}

#[tokio::test]
async fn mails_go_out_as_stored_over_few_connections() {
    let seen = Arc::new(Seen::default());
    let sender = Arc::new(Sender::new(&settings(server(Arc::clone(&seen)).await)).unwrap());
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let sender = Arc::clone(&sender);
        tasks.spawn(async move { sender.send(&to("a")).await });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap(), Ok(()));
    }
    println!("100 mails in {:?}", started.elapsed());
    let mails = seen.mails.lock().unwrap();
    assert_eq!(mails.len(), 100);
    assert!(
        mails.iter().all(|m| m == "Subject: x\r\n\r\nline\r\n..dot\r\n.\r\n"),
        "{:?}",
        mails[0]
    );
    assert!(seen.most_at_once.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let seen = Arc::new(Seen::default());
    let sender = Sender::new(&settings(server(Arc::clone(&seen)).await)).unwrap();
    for (local, permanent) in [
        ("550", true),
        ("501", true),
        ("554", true),
        ("451", false),
        ("421", false),
        ("530", false),
        ("502", false),
        ("hangup", false),
    ] {
        let error = sender.send(&to(local)).await.unwrap_err();
        assert_eq!(error.is_permanent(), permanent, "{local}: {error}");
        assert_eq!(sender.send(&to("after")).await, Ok(()), "after {local}");
    }
}

#[tokio::test]
async fn silence_ends_and_its_connection_is_not_used_again() {
    let seen = Arc::new(Seen::default());
    let mut settings = settings(server(Arc::clone(&seen)).await);
    settings.timeout = Duration::from_millis(200);
    settings.pool_size = 1;
    let sender = Sender::new(&settings).unwrap();
    assert_eq!(sender.send(&to("a")).await, Ok(()));
    assert!(!sender.send(&to("silence")).await.unwrap_err().is_permanent());
    assert_eq!(sender.send(&to("b")).await, Ok(()));
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_wait_for_a_connection_counts() {
    let seen = Arc::new(Seen::default());
    let mut settings = settings(server(Arc::clone(&seen)).await);
    settings.timeout = Duration::from_millis(400);
    settings.pool_size = 1;
    let sender = Sender::new(&settings).unwrap();
    let (first, second) = (to("silence"), to("silence"));
    let started = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        sender.send(&second).await
    };
    let (a, b) = futures_util::join!(sender.send(&first), later);
    assert!(a.is_err() && b.is_err());
    assert!(started.elapsed() < Duration::from_millis(650), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_is_away_is_no_fault_of_the_mail_s() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let sender = Sender::new(&settings(port)).unwrap();
    assert!(!sender.send(&to("a")).await.unwrap_err().is_permanent());
    let mut bad = to("a");
    bad.recipient = "a@b\r\nRCPT TO:<c@d.example>".to_owned();
    assert!(sender.send(&bad).await.unwrap_err().is_permanent());
}

#[tokio::test]
async fn tls_is_demanded_when_it_was_asked_for() {
    let seen = Arc::new(Seen::default());
    let mut settings = settings(server(Arc::clone(&seen)).await);
    settings.tls = SmtpTls::StartTls;
    let sender = Sender::new(&settings).unwrap();
    assert!(!sender.send(&to("a")).await.unwrap_err().is_permanent());
    assert!(seen.mails.lock().unwrap().is_empty());
}

#[test]
fn passwords_do_not_travel_in_the_clear() {
    let mut settings = settings(25);
    settings.credentials = Some(("user".to_owned(), "secret".to_owned()));
    let sender = Sender::new(&settings).unwrap();
    assert!(!format!("{settings:?}{sender:?}").contains("secret"));
    settings.host = "mail.example.com".to_owned();
    assert_eq!(Sender::new(&settings).err(), Some(BadSettings::PasswordInTheClear));
    settings.tls = SmtpTls::StartTls;
    assert!(Sender::new(&settings).is_ok());
    settings.tls_ca = Some("nonsense".to_owned());
    assert!(Sender::new(&settings).is_err());
}
