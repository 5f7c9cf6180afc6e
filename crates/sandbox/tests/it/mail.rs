use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::kit::{Kit, start};

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(kit: &Kit) -> Self {
        let stream = TcpStream::connect(kit.at.smtp).await.expect("SMTP");
        let mut client = Self(BufReader::new(stream));
        assert!(client.hear().await.starts_with("220 "));
        client
    }

    /// The last line of a reply.
    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.expect("a reply");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    async fn say(&mut self, line: &str, code: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.expect("sent");
        let reply = self.hear().await;
        assert!(reply.starts_with(code), "{line}: {reply}");
    }

    async fn send(&mut self, to: &[&str], message: &str) {
        self.say("MAIL FROM:<bounce@example.org> SIZE=1000 BODY=8BITMIME", "250").await;
        for to in to {
            self.say(&format!("RCPT TO:<{to}>"), "250").await;
        }
        self.say("DATA", "354").await;
        self.say(&format!("{message}\r\n."), "250").await;
    }
}

const MESSAGE: &str = "From: Desk <desk@example.org>\r\nSubject: =?utf-8?q?Pr=C3=BCfung?=\r\n\
MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n\
--c\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
Go to https://ca.example.org/v?a=1.\r\n\r\naBcDeFgH12345678*-Zz\r\n\r\n..dotted\r\n\
--c\r\nContent-Type: text/html\r\n\r\n<a href=\"https://ca.example.org/h?a=1&amp;b=2\">x</a>\r\n\
--c--\r\n--b\r\nContent-Type: application/zip; name=c.zip\r\n\
Content-Disposition: attachment; filename=c.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n\
UEsDBA==\r\n--b--";

#[tokio::test]
async fn a_mail_is_taken_apart() {
    let kit = start();
    let mut client = Client::connect(&kit).await;
    client.say("EHLO me", "250").await;
    client.send(&["Admin@example.com", "b@example.com"], MESSAGE).await;
    client.say("QUIT", "221").await;
    let mails = kit.get("/mailbox?to=admin@example.com").await;
    let mail = &mails[0];
    assert_eq!(mails.as_array().map(Vec::len), Some(1));
    assert_eq!(mail["to"], "Admin@example.com");
    assert_eq!(mail["from"], "desk@example.org");
    assert_eq!(mail["subject"], "Prüfung");
    assert!(mail["text"].as_str().is_some_and(|text| text.contains("\n.dotted")), "{mail}");
    assert_eq!(
        mail["links"],
        json!(["https://ca.example.org/v?a=1", "https://ca.example.org/h?a=1&b=2"])
    );
    assert_eq!(mail["codes"], json!(["aBcDeFgH12345678*-Zz"]));
    assert_eq!(
        mail["attachments"],
        json!([{"name": "c.zip", "type": "application/zip", "base64": "UEsDBA=="}])
    );
    assert_eq!(mail["at"], "2027-01-15T08:00:00Z");
    assert!(mail["html"].is_string());
}

#[tokio::test]
async fn newest_first_and_deleted_by_recipient() {
    let kit = start();
    let mut client = Client::connect(&kit).await;
    client.say("HELO me", "250").await;
    for subject in ["one", "two"] {
        client.send(&["a@example.com"], &format!("Subject: {subject}\r\n\r\nhi")).await;
    }
    client.send(&["b@example.com"], "no header at all").await;
    let subjects = |mails: Value| -> Vec<Value> {
        mails.as_array().expect("a list").iter().map(|mail| mail["subject"].clone()).collect()
    };
    assert_eq!(subjects(kit.get("/mailbox?to=a%40example.com").await), ["two", "one"]);
    let mails = kit.get("/mailbox").await;
    assert_eq!(mails[0]["from"], "bounce@example.org");
    assert_eq!(mails[0]["html"], Value::Null);
    assert_eq!(kit.call("DELETE", "/mailbox?to=A@example.com", "").await.1, json!({"deleted": 2}));
    assert_eq!(kit.call("DELETE", "/mailbox", "").await.1, json!({"deleted": 1}));
    assert_eq!(kit.get("/mailbox").await, json!([]));
    assert_eq!(kit.call("GET", "/mailbox?from=x", "").await.0, 400);
}

#[tokio::test]
async fn a_client_out_of_step_is_told_so() {
    let kit = start();
    kit.post("/refuse-mail", json!({"to": "No@example.com", "code": 450, "text": "later"})).await;
    let mut client = Client::connect(&kit).await;
    client.say("DATA", "503").await;
    client.say("RCPT TO:<a@example.com>", "503").await;
    client.say("MAIL FROM:a@example.com", "501").await;
    client.say("MAIL FROM:<> SIZE=99999999", "552").await;
    client.say("mail from:<>", "250").await;
    client.say("RCPT TO:<no@example.com>", "450 later").await;
    client.say("RCPT TO:<>", "501").await;
    client.say("RSET", "250").await;
    client.say("NOOP", "250").await;
    client.say("HELP me", "500").await;
    client.say(&"x".repeat(10_000), "500 line").await;
    kit.post("/accept-mail", json!({"to": "no@example.com"})).await;
    client.send(&["no@example.com"], "hi").await;
    // Pipelined: everything in one write, replies in order.
    let all = "MAIL FROM:<>\r\nRCPT TO:<p@example.com>\r\nDATA\r\n";
    client.0.get_mut().write_all(all.as_bytes()).await.expect("sent");
    for code in ["250", "250", "354"] {
        assert!(client.hear().await.starts_with(code));
    }
    client.say(&format!("{}\r\n.", "y".repeat(2 << 20)), "552").await;
    client.say("QUIT", "221").await;
    assert_eq!(kit.get("/mailbox").await.as_array().map(Vec::len), Some(1));
}
