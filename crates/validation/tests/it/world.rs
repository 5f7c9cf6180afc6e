//! A fake outside: one name server, a plain and a TLS web server behind 192.0.2.1.

use std::collections::HashMap;
use std::time::Duration;

use domain::evidence::{Answer, Evidence, FetchedFile, Question, Scheme};
use domain::names::DnsName;
use domain::time::Time;
use validation::{Asker, HttpLimits, Reach, Settings};

use crate::fake_dns::FakeDns;
use crate::fake_web::FakeWeb;

pub const NOW: Time = Time::from_secs(1_800_000_000);
pub const FILE: &str = "/.well-known/pki-validation/A.txt";

pub struct World {
    pub dns: FakeDns,
    pub web: FakeWeb,
    pub tls: FakeWeb,
    pub asker: Asker,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dns = FakeDns::start().await;
        let web = FakeWeb::start(false).await;
        let tls = FakeWeb::start(true).await;
        let overrides = HashMap::from([
            ("192.0.2.1:80".parse().unwrap(), web.address),
            ("192.0.2.1:443".parse().unwrap(), tls.address),
        ]);
        let mut settings = Settings {
            nameservers: vec![dns.address],
            reach: Reach { allowed: Vec::new(), overrides },
            ..Settings::default()
        };
        change(&mut settings);
        let asker = Asker::new(settings).unwrap();
        Self { dns, web, tls, asker }
    }

    pub async fn cname(&self, owner: &str) -> Evidence {
        let question = Question::Cname { owner: owner.into(), adn: name("example.com") };
        self.asker.ask(&question, NOW).await
    }

    pub async fn txt(&self, owner: &str) -> Answer {
        let question = Question::Txt { owner: owner.into(), adn: name("example.com") };
        self.asker.ask(&question, NOW).await.answer
    }

    pub async fn fetch(&self, scheme: Scheme, host: &str) -> Evidence {
        let question =
            Question::File { scheme, host: host.parse().unwrap(), path: FILE.to_owned() };
        self.asker.ask(&question, NOW).await
    }

    pub async fn file(&self, scheme: Scheme, host: &str) -> FetchedFile {
        match self.fetch(scheme, host).await.answer {
            Answer::File(file) => file,
            other => panic!("no file: {other:?}"),
        }
    }

    pub async fn failure(&self, scheme: Scheme, host: &str) -> String {
        match self.fetch(scheme, host).await.answer {
            Answer::Failed(why) => why,
            other => panic!("no failure: {other:?}"),
        }
    }
}

pub fn name(text: &str) -> DnsName {
    text.parse().unwrap()
}

/// Time-outs short enough for tests of servers that never answer.
pub fn impatient(settings: &mut Settings) {
    settings.dns_timeout = Duration::from_millis(150);
    settings.http = HttpLimits {
        total: Duration::from_millis(400),
        connect: Duration::from_millis(200),
        ..HttpLimits::default()
    };
}
