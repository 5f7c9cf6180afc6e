//! Climbing, aliases, failure and memory of CAA sets.

use std::time::Duration;

use domain::time::{DAY, HOUR};

use crate::fake_dns::Fault;
use crate::world::{NOW, World, impatient, name};

#[tokio::test]
async fn climbs_to_the_top() {
    let world = World::new().await;
    let evidence = world.asker.caa(&name("a.b.example.com"), NOW).await;
    assert_eq!((evidence.found_at, evidence.failed), (None, None));
    assert_eq!(evidence.usable_until, NOW.plus(8 * HOUR));
    let asked = world.dns.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked.last().unwrap(), "udp com CAA");
}

#[tokio::test]
async fn the_nearest_set_counts() {
    let world = World::new().await;
    world.dns.ttl(86_400);
    world.dns.caa("example.com", false, "issue", "sectigo.com; policy=ev");
    world.dns.caa("example.com", true, "future", "x");
    world.dns.caa("com", false, "issue", ";");
    let evidence = world.asker.caa(&name("www.example.com"), NOW).await;
    assert_eq!(evidence.found_at.as_deref(), Some("example.com"));
    let read: Vec<_> =
        evidence.records.iter().map(|r| (r.critical, r.tag.as_str(), r.value.as_str())).collect();
    assert_eq!(read, [(false, "issue", "sectigo.com; policy=ev"), (true, "future", "x")]);
    assert_eq!(evidence.usable_until, NOW.plus(DAY));
}

/// What forbids may stand at the end of a set: one that is too large to be read whole is a failure.
#[tokio::test]
async fn a_set_is_read_whole_or_not_at_all() {
    let world = World::new().await;
    world.dns.fault("example.com", Fault::Truncated);
    for n in 0..255 {
        world.dns.caa("example.com", false, "iodef", &format!("mailto:{n}@example.com"));
    }
    world.dns.caa("example.com", false, "issue", ";");
    let evidence = world.asker.caa(&name("example.com"), NOW).await;
    assert_eq!((evidence.records.len(), evidence.failed), (256, None));
    assert_eq!(evidence.records[255].value, ";");
    world.dns.caa("example.com", false, "issue", ";");
    let evidence = world.asker.caa(&name("example.com"), NOW).await;
    assert_eq!(evidence.records, []);
    assert!(evidence.failed.expect("a failure").contains("257 records are too many"));
}

#[tokio::test]
async fn aliases_lead_to_the_set_of_their_target() {
    let world = World::new().await;
    world.dns.cname("www.example.com", "host.example.net");
    world.dns.caa("host.example.net", false, "issue", "other.example");
    world.dns.caa("example.net", false, "issue", ";");
    let evidence = world.asker.caa(&name("www.example.com"), NOW).await;
    assert_eq!(evidence.found_at.as_deref(), Some("www.example.com"));
    assert_eq!(evidence.records[0].value, "other.example");
    // Without a set at the target the climb goes on from the alias' owner, not from the target.
    world.dns.remove("host.example.net");
    world.dns.address("host.example.net", "192.0.2.1");
    let evidence = world.asker.caa(&name("www.example.com"), NOW).await;
    assert_eq!((evidence.found_at, evidence.failed), (None, None));
}

#[tokio::test]
async fn failure_anywhere_on_the_way_is_recorded_after_a_second_try() {
    for fault in [Fault::ServFail, Fault::Silent, Fault::Referral, Fault::OddCode] {
        let world = World::with(impatient).await;
        world.dns.fault("example.com", fault);
        let evidence = world.asker.caa(&name("www.example.com"), NOW).await;
        assert!(evidence.failed.is_some(), "{fault:?}");
        assert!(evidence.records.is_empty());
        let tries = world.dns.asked().iter().filter(|q| *q == "udp example.com CAA").count();
        assert!(tries >= 2, "{fault:?}: {tries}");
    }
}

#[tokio::test]
async fn names_of_one_request_share_answers_and_failures() {
    let world = World::with(impatient).await;
    world.dns.caa("good.example.com", false, "issue", "sectigo.com");
    world.dns.fault("bad.example.com", Fault::ServFail);
    let names: Vec<_> = (0..40)
        .flat_map(|i| [format!("n{i}.bad.example.com"), format!("n{i}.good.example.com")])
        .map(|text| name(&text))
        .collect();
    let sets = world.asker.caa_of(&names.iter().collect::<Vec<_>>(), NOW).await;
    assert_eq!(sets.len(), 80);
    for set in sets {
        let good = set.name.as_str().ends_with("good.example.com");
        assert_eq!(set.failed.is_none(), good, "{set:?}");
        assert_eq!(set.found_at.as_deref(), good.then_some("good.example.com"));
    }
    let asked = world.dns.asked();
    let of_parents = asked.iter().filter(|q| !q.contains(" n")).count();
    assert!(of_parents <= 4, "two parents, one of them twice: {asked:?}");
}

#[tokio::test]
async fn one_servfail_is_forgiven() {
    let world = World::new().await;
    world.dns.caa("example.com", false, "issue", ";");
    world.dns.fault("example.com", Fault::ServFailOnce);
    let evidence = world.asker.caa(&name("example.com"), NOW).await;
    assert_eq!(evidence.failed, None);
    assert_eq!(evidence.found_at.as_deref(), Some("example.com"));
}

#[tokio::test]
async fn parents_are_remembered_and_the_name_is_not() {
    let world = World::with(|s| s.caa_cache = Duration::from_secs(600)).await;
    for host in ["a.example.com", "b.example.com"] {
        world.asker.caa(&name(host), NOW).await;
    }
    assert_eq!(
        world.dns.asked(),
        ["udp a.example.com CAA", "udp example.com CAA", "udp com CAA", "udp b.example.com CAA"]
    );
    world.dns.caa("example.com", false, "issue", ";");
    // The name itself is asked, whatever is remembered of it as a parent.
    let own = world.asker.caa(&name("example.com"), NOW).await;
    assert_eq!(own.found_at.as_deref(), Some("example.com"));
    assert_eq!(world.asker.caa(&name("c.example.com"), NOW).await.found_at, None);
    world.asker.forget();
    let fresh = world.asker.caa(&name("c.example.com"), NOW).await;
    assert_eq!(fresh.found_at.as_deref(), Some("example.com"));
}

#[tokio::test]
async fn memory_ends_with_its_use_by_business_time() {
    let world = World::with(|s| s.caa_cache = Duration::from_secs(600)).await;
    world.dns.caa("example.com", false, "issue", ";");
    let first = world.asker.caa(&name("a.example.com"), NOW).await;
    assert_eq!(first.usable_until, NOW.plus(8 * HOUR));
    // Recalled evidence is not younger than the answer.
    let later = world.asker.caa(&name("a.example.com"), NOW.plus(HOUR)).await;
    assert_eq!((later.at, later.usable_until), (NOW.plus(HOUR), NOW.plus(8 * HOUR)));
    let next_day = world.asker.caa(&name("a.example.com"), NOW.plus(DAY)).await;
    assert_eq!(next_day.usable_until, NOW.plus(DAY + 8 * HOUR));
}

#[tokio::test]
async fn failures_and_answers_without_ttl_are_not_remembered() {
    let world = World::with(|s| s.caa_cache = Duration::from_secs(600)).await;
    world.dns.fault("example.com", Fault::ServFail);
    assert!(world.asker.caa(&name("a.example.com"), NOW).await.failed.is_some());
    world.dns.fault("example.com", Fault::ServFailOnce);
    world.dns.ttl(0);
    assert_eq!(world.asker.caa(&name("a.example.com"), NOW).await.failed, None);
    world.dns.caa("example.com", false, "issue", ";");
    let evidence = world.asker.caa(&name("a.example.com"), NOW).await;
    assert_eq!(evidence.found_at.as_deref(), Some("example.com"));
}
