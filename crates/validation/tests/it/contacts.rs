//! Published mail addresses.

use std::time::{Duration, Instant};

use validation::Contacts;

use crate::fake_dns::Fault;
use crate::world::{NOW, World, name};

const LIMIT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn both_sources_and_only_addresses() {
    let world = World::new().await;
    world.dns.caa("example.com", false, "contactemail", "sec@example.com");
    world.dns.caa("example.com", false, "contactemail", "not an address");
    world.dns.caa("example.com", false, "contactemail", "sec@example.com");
    world.dns.caa("example.com", false, "issue", "sectigo.com");
    world.dns.txt("_validation-contactemail.www.example.com", &["txt@", "example.org"]);
    world.dns.txt("_validation-contactemail.www.example.com", &["a@b.example\r\nBcc: x@y.example"]);
    let found = world.asker.contact_addresses(&name("www.example.com"), NOW, LIMIT).await;
    let text = |list: &[domain::mail_address::MailAddress]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&found.caa), ["sec@example.com"]);
    assert_eq!(text(&found.txt), ["txt@example.org"]);
}

#[tokio::test]
async fn failures_are_quiet_and_within_time() {
    let world = World::new().await;
    world.dns.caa("example.com", false, "contactemail", "sec@example.com");
    world.dns.fault("_validation-contactemail.example.com", Fault::Silent);
    let start = Instant::now();
    let limit = Duration::from_millis(300);
    let found = world.asker.contact_addresses(&name("example.com"), NOW, limit).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!((found.caa.len(), found.txt.len()), (1, 0));
    world.dns.fault("example.com", Fault::ServFail);
    let found = world.asker.contact_addresses(&name("example.com"), NOW, limit).await;
    assert_eq!(found, Contacts::default());
}
