//! CNAME and TXT questions, and what counts as an answer.

use domain::dcv::AddressSource;
use domain::evidence::{Answer, Question};
use validation::{Dnssec, Transport};

use crate::fake_dns::Fault;
use crate::world::{NOW, World, impatient, name};

#[tokio::test]
async fn cname_at_the_owner_itself() {
    let world = World::new().await;
    world.dns.cname("_a.example.com", "Target.example.net");
    world.dns.cname("target.example.net", "further.example.net");
    let evidence = world.cname("_A.example.com").await;
    assert_eq!(evidence.answer, Answer::Cname(vec!["Target.example.net".into()]));
    assert_eq!(evidence.at, NOW);
    assert_eq!(evidence.via, format!("dns {}", world.dns.address));
    assert_eq!(world.dns.asked(), ["udp _a.example.com CNAME"]);
}

#[tokio::test]
async fn what_the_resolver_authenticated_is_marked() {
    for (dnssec, marked) in [(Dnssec::Upstream, true), (Dnssec::Off, false)] {
        let world = World::with(|s| s.dnssec = dnssec).await;
        world.dns.cname("_a.example.com", "x.example");
        world.dns.authenticate();
        let evidence = world.cname("_a.example.com").await;
        assert_eq!(evidence.via.ends_with(", authenticated"), marked, "{}", evidence.via);
    }
}

#[tokio::test]
async fn absence_is_an_answer() {
    let world = World::new().await;
    world.dns.txt("_b.example.com", &["x"]);
    assert_eq!(world.cname("_a.example.com").await.answer, Answer::NotThere);
    assert_eq!(world.cname("_b.example.com").await.answer, Answer::NotThere);
    assert_eq!(world.txt("_a.example.com").await, Answer::NotThere);
}

#[tokio::test]
async fn nothing_is_remembered() {
    let world = World::new().await;
    assert_eq!(world.cname("_a.example.com").await.answer, Answer::NotThere);
    world.dns.cname("_a.example.com", "x.example");
    assert_eq!(world.cname("_a.example.com").await.answer, Answer::Cname(vec!["x.example".into()]));
    world.dns.remove("_a.example.com");
    assert_eq!(world.cname("_a.example.com").await.answer, Answer::NotThere);
}

#[tokio::test]
async fn failures_are_no_absence() {
    let world = World::with(impatient).await;
    for fault in [
        Fault::ServFail,
        Fault::Refused,
        Fault::OddCode,
        Fault::Silent,
        Fault::Referral,
        Fault::OtherQuestion,
        Fault::Garbage,
    ] {
        world.dns.fault("_a.example.com", fault);
        let answer = world.cname("_a.example.com").await.answer;
        assert!(matches!(answer, Answer::Failed(_)), "{fault:?}: {answer:?}");
        let answer = world.txt("_a.example.com").await;
        assert!(matches!(answer, Answer::Failed(_)), "{fault:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_failure_is_tried_again() {
    let world = World::new().await;
    world.dns.cname("_a.example.com", "x.example");
    world.dns.fault("_a.example.com", Fault::ServFailOnce);
    assert_eq!(world.cname("_a.example.com").await.answer, Answer::Cname(vec!["x.example".into()]));
    assert_eq!(world.dns.asked().len(), 2);
}

#[tokio::test]
async fn truncated_answers_are_fetched_by_tcp() {
    let world = World::new().await;
    world.dns.txt("_t.example.com", &["whole"]);
    world.dns.fault("_t.example.com", Fault::Truncated);
    assert_eq!(world.txt("_t.example.com").await, Answer::Txt(vec!["whole".into()]));
    assert_eq!(world.dns.asked(), ["udp _t.example.com TXT", "tcp _t.example.com TXT"]);
}

#[tokio::test]
async fn tcp_from_the_start() {
    let world = World::with(|s| s.transport = Transport::Tcp).await;
    world.dns.txt("_t.example.com", &["x"]);
    assert_eq!(world.txt("_t.example.com").await, Answer::Txt(vec!["x".into()]));
    world.dns.fault("_t.example.com", Fault::OtherQuestion);
    assert!(matches!(world.txt("_t.example.com").await, Answer::Failed(_)));
    assert!(world.dns.asked().iter().all(|q| q.starts_with("tcp ")));
}

#[tokio::test]
async fn txt_strings_are_joined_and_aliases_followed() {
    let world = World::new().await;
    world.dns.cname("_t.example.com", "alias.example.net");
    world.dns.txt("alias.example.net", &["ab", "cd"]);
    world.dns.txt("alias.example.net", &["second"]);
    let wanted = Answer::Txt(vec!["abcd".into(), "second".into()]);
    assert_eq!(world.txt("_t.example.com").await, wanted);
    assert_eq!(world.dns.asked().len(), 1);
    world.dns.stop_chasing();
    assert_eq!(world.txt("_t.example.com").await, wanted);
    assert_eq!(world.dns.asked().len(), 2);
}

#[tokio::test]
async fn the_way_over_aliases_is_told() {
    let world = World::new().await;
    world.dns.cname("_t.example.com", "one.example.net");
    world.dns.cname("one.example.net", "two.example.org");
    world.dns.txt("two.example.org", &["x"]);
    let question = Question::Txt { owner: "_t.example.com".into(), adn: name("example.com") };
    let way =
        format!("dns {}, alias of one.example.net, alias of two.example.org", world.dns.address);
    assert_eq!(world.asker.ask(&question, NOW).await.via, way);
    world.dns.stop_chasing();
    assert_eq!(world.asker.ask(&question, NOW).await.via, way);
}

#[tokio::test]
async fn alias_loops_end() {
    let world = World::new().await;
    world.dns.cname("a.example.com", "b.example.com");
    world.dns.cname("b.example.com", "a.example.com");
    assert!(matches!(world.txt("a.example.com").await, Answer::Failed(_)));
    world.dns.stop_chasing();
    assert!(matches!(world.txt("a.example.com").await, Answer::Failed(_)));
}

#[tokio::test]
async fn names_that_are_none_fail() {
    let world = World::new().await;
    for owner in ["", ".", "a..b", &"x".repeat(64), &"x.".repeat(200), "\u{0}", "ü.example"] {
        let answer = world.txt(owner).await;
        assert!(!matches!(answer, Answer::Txt(_)), "{owner:?}: {answer:?}");
    }
    let code = Question::Code { adn: name("example.com"), source: AddressSource::Caa };
    assert!(matches!(world.asker.ask(&code, NOW).await.answer, Answer::Failed(_)));
}
