//! Files over http and https: what is fetched, from where, and what is refused.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::evidence::{Answer, Scheme};
use tokio::net::TcpListener;

use crate::fake_dns::Fault;
use crate::fake_web::Say;
use crate::world::{FILE, World, impatient};

async fn world() -> World {
    let world = World::new().await;
    world.dns.address("www.example.com", "192.0.2.1");
    world
}

#[tokio::test]
async fn a_file_and_its_circumstances() {
    let world = world().await;
    world.web.page(FILE, 200, "", "token\nsectigo.com\n");
    let evidence = world.fetch(Scheme::Http, "www.example.com").await;
    let Answer::File(file) = evidence.answer else { panic!("{:?}", evidence.answer) };
    assert_eq!((file.status, file.body.as_slice()), (200, &b"token\nsectigo.com\n"[..]));
    assert_eq!(file.urls, [format!("http://www.example.com{FILE}")]);
    assert_eq!(file.from, Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(evidence.via, "http 192.0.2.1:80");
    assert_eq!(world.web.asked(), [format!("www.example.com {FILE}")]);
}

#[tokio::test]
async fn https_takes_any_certificate() {
    let world = world().await;
    world.tls.page(FILE, 200, "", "secret");
    let file = world.file(Scheme::Https, "www.example.com").await;
    assert_eq!(file.body, b"secret");
    assert_eq!(file.urls, [format!("https://www.example.com{FILE}")]);
    assert_eq!((world.web.connections(), world.tls.connections()), (0, 1));
}

#[tokio::test]
async fn other_statuses_are_recorded() {
    let world = world().await;
    assert_eq!(world.file(Scheme::Http, "www.example.com").await.status, 404);
    for status in [204, 300, 303, 304, 403, 500] {
        world.web.redirect(FILE, status, "/elsewhere");
        assert_eq!(world.file(Scheme::Http, "www.example.com").await.status, status);
    }
    assert!(world.web.asked().iter().all(|line| line.ends_with(FILE)));
}

#[tokio::test]
async fn chunked_bodies_and_bodies_until_the_end() {
    let world = world().await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    world.web.say(FILE, Say::Raw(chunked.into_bytes()));
    assert_eq!(world.file(Scheme::Http, "www.example.com").await.body, b"abcde");
    world.web.say(FILE, Say::Raw(b"HTTP/1.0 200 OK\r\n\r\nabc".to_vec()));
    assert_eq!(world.file(Scheme::Http, "www.example.com").await.body, b"abc");
    let broken = format!("{head}3\r\nabc\r\n9\r\nd");
    world.web.say(FILE, Say::Raw(broken.into_bytes()));
    world.failure(Scheme::Http, "www.example.com").await;
}

#[tokio::test]
async fn large_bodies_are_cut() {
    let world = world().await;
    world.web.page(FILE, 200, "", &"x".repeat(10_000_000));
    let evidence = world.fetch(Scheme::Http, "www.example.com").await;
    assert!(evidence.via.ends_with("body cut"), "{}", evidence.via);
    let Answer::File(file) = evidence.answer else { panic!() };
    assert_eq!(file.body.len(), 64 * 1_024);
    world.web.page(FILE, 200, "", &"x".repeat(64 * 1_024));
    let evidence = world.fetch(Scheme::Http, "www.example.com").await;
    assert_eq!(evidence.via, "http 192.0.2.1:80");
}

#[tokio::test]
async fn large_heads_and_nonsense_fail() {
    let world = world().await;
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    for bytes in [huge.as_str(), "", "HELLO\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n", "\0\0\0\0"] {
        world.web.say(FILE, Say::Raw(bytes.as_bytes().to_vec()));
        world.failure(Scheme::Http, "www.example.com").await;
    }
    // Plain text where TLS is expected.
    let world = World::with(|s| {
        let plain = s.reach.overrides[&"192.0.2.1:80".parse().unwrap()];
        s.reach.overrides.insert("192.0.2.1:443".parse().unwrap(), plain);
        impatient(s);
    })
    .await;
    world.dns.address("www.example.com", "192.0.2.1");
    world.failure(Scheme::Https, "www.example.com").await;
}

#[tokio::test]
async fn slow_servers_end_in_time() {
    let world = World::with(impatient).await;
    world.dns.address("www.example.com", "192.0.2.1");
    for start in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"] {
        world.web.say(FILE, Say::Stall(start.as_bytes().to_vec()));
        let began = Instant::now();
        world.failure(Scheme::Http, "www.example.com").await;
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn redirects_are_followed_within_bounds() {
    let world = world().await;
    world.dns.address("other.example.net", "192.0.2.1");
    for status in [301, 302, 307, 308] {
        world.web.redirect(FILE, status, "https://other.example.net:443/x?y=1#frag");
        world.tls.page("/x?y=1", 200, "", "there");
        let file = world.file(Scheme::Http, "www.example.com").await;
        assert_eq!(file.body, b"there");
        let urls =
            [format!("http://www.example.com{FILE}"), "https://other.example.net/x?y=1".into()];
        assert_eq!(file.urls, urls);
    }
    assert!(world.tls.asked().iter().all(|line| line == "other.example.net /x?y=1"));
    world.web.redirect(FILE, 302, "a/b");
    world.web.page("/.well-known/pki-validation/a/b", 200, "", "relative");
    assert_eq!(world.file(Scheme::Http, "www.example.com").await.body, b"relative");
}

#[tokio::test]
async fn redirect_loops_end() {
    let world = world().await;
    world.web.redirect(FILE, 301, FILE);
    let why = world.failure(Scheme::Http, "www.example.com").await;
    assert!(why.contains("too many redirects"), "{why}");
    assert_eq!(world.web.connections(), 6);
}

#[tokio::test]
async fn redirects_to_where_nobody_may_go() {
    let world = world().await;
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inner.local_addr().unwrap().port();
    world.dns.address("inner.example.com", "127.0.0.1");
    for to in [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://localhost/",
        "http://inner.example.com/",
        "https://10.0.0.1/",
        &format!("http://127.0.0.1:{port}/"),
        &format!("http://www.example.com:{port}/"),
        "http://www.example.com:8080/",
        "http://www.example.com:443/",
        "https://www.example.com:80/",
        "http://user:pass@www.example.com/",
        "http://user@www.example.com/",
        "file:///etc/passwd",
        "ftp://www.example.com/",
        "gopher://www.example.com/",
        "javascript:alert(1)",
        "http://",
        "//",
        &format!("http://www.example.com/{}", "x".repeat(5_000)),
    ] {
        world.web.redirect(FILE, 302, to);
        let answer = world.fetch(Scheme::Http, "www.example.com").await.answer;
        assert!(matches!(answer, Answer::Failed(_) | Answer::NotThere), "{to}: {answer:?}");
    }
    world.web.page(FILE, 302, "", "");
    world.failure(Scheme::Http, "www.example.com").await;
    let knock = tokio::time::timeout(Duration::from_millis(50), inner.accept()).await;
    assert!(knock.is_err(), "somebody connected");
    assert!(world.web.asked().iter().all(|line| line.ends_with(FILE)));
    assert_eq!(world.tls.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_listed() {
    let world = World::with(impatient).await;
    for ip in ["127.0.0.1", "10.1.2.3", "192.0.2.2", "169.254.169.254", "::1", "fd00::1"] {
        let host = format!("h{}.example.com", ip.replace([':', '.'], "-"));
        let host = host.replace("--", "-");
        world.dns.address(&host, ip);
        let why = world.failure(Scheme::Http, &host).await;
        assert!(why.contains("may be reached"), "{ip}: {why}");
        let why = world.failure(Scheme::Http, ip).await;
        assert!(why.contains("may be reached"), "{ip}: {why}");
    }
    let open = World::with(|s| {
        s.reach.allowed.push("127.0.0.0/8".parse().unwrap());
        impatient(s);
    })
    .await;
    open.dns.address("inner.example.com", "127.86.75.64");
    // It is dialled; whether anything listens there is another matter.
    let why = open.failure(Scheme::Http, "inner.example.com").await;
    assert!(why.contains("127.86.75.64"), "{why}");
}

#[tokio::test]
async fn a_reachable_address_among_private_ones_is_taken() {
    let world = world().await;
    world.dns.address("www.example.com", "10.0.0.1");
    world.dns.address("www.example.com", "::1");
    world.web.page(FILE, 200, "", "here");
    assert_eq!(world.file(Scheme::Http, "www.example.com").await.body, b"here");
}

#[tokio::test]
async fn ip_hosts() {
    let world = World::with(|s| {
        let plain = s.reach.overrides[&"192.0.2.1:80".parse().unwrap()];
        s.reach.overrides.insert("[2001:db8::1]:80".parse().unwrap(), plain);
    })
    .await;
    world.web.page(FILE, 200, "", "plain");
    world.tls.page(FILE, 200, "", "tls");
    assert_eq!(world.file(Scheme::Http, "192.0.2.1").await.body, b"plain");
    assert_eq!(world.file(Scheme::Https, "192.0.2.1").await.body, b"tls");
    let six = world.file(Scheme::Http, "2001:db8::1").await;
    assert_eq!(six.urls, [format!("http://[2001:db8::1]{FILE}")]);
    let asked = [format!("192.0.2.1 {FILE}"), format!("[2001:db8::1] {FILE}")];
    assert_eq!(world.web.asked(), asked);
    assert!(world.dns.asked().is_empty());
    world.failure(Scheme::Https, "2001:db8::1").await;
}

#[tokio::test]
async fn hosts_without_address_and_hosts_that_fail() {
    let world = World::new().await;
    let answer = world.fetch(Scheme::Http, "none.example.com").await.answer;
    assert_eq!(answer, Answer::NotThere);
    world.dns.fault("bad.example.com", Fault::ServFail);
    world.failure(Scheme::Http, "bad.example.com").await;
    world.failure(Scheme::Http, "*.example.com").await;
}
