use sandbox::{Addresses, Sockets};
use serde_json::json;

use crate::kit::{DAY, start};

#[tokio::test]
async fn the_clock_goes_forward_only() {
    let kit = start();
    let clock = kit.get("/clock").await;
    assert_eq!(clock, json!({"now": "2027-01-15T08:00:00Z", "offset_seconds": 0}));
    let clock = kit.post("/clock", json!({"advance": "1d12h"})).await;
    assert_eq!(clock, json!({"now": "2027-01-16T20:00:00Z", "offset_seconds": 129_600}));
    kit.post("/clock", json!({"set": "2029-03-16T00:00:00Z"})).await;
    assert!(kit.house.ahead.load(std::sync::atomic::Ordering::SeqCst) > 700 * DAY);
    for body in [
        json!({"set": "2029-03-15T23:59:59Z"}),
        json!({"set": "soon"}),
        json!({"advance": "-1d"}),
        json!({"advance": "9999999d"}),
        json!({"advance": "1d", "set": "2030-01-01T00:00:00Z"}),
        json!({}),
        json!({"advanced": "1d"}),
    ] {
        let (status, reply) = kit.call("POST", "/clock", &body.to_string()).await;
        assert_eq!(status, 400, "{body}");
        assert!(reply["error"].is_string(), "{body}: {reply}");
    }
    assert_eq!(kit.get("/clock").await["now"], "2029-03-16T00:00:00Z");
}

#[tokio::test]
async fn the_servers_own_calls_are_passed_on() {
    let kit = start();
    let pass = json!({"orderNumber": 1, "check": "organization", "result": "pass"});
    assert_eq!(kit.post("/settle", pass).await, json!({"settled": "organization=pass"}));
    let none = json!({"orderNumber": 2, "check": "organization", "result": "pass"});
    let (status, reply) = kit.call("POST", "/settle", &none.to_string()).await;
    assert_eq!((status, reply), (400, json!({"error": "there is no order 2"})));
    assert_eq!(kit.get("/requests").await, json!(["seen"]));
    assert_eq!(kit.call("DELETE", "/requests", "").await.0, 200);
    assert_eq!(kit.get("/faults").await, json!([]));
    assert_eq!(kit.post("/faults", json!({"code": -14})).await, json!({"code": -14}));
    assert_eq!(kit.call("DELETE", "/faults", "").await.1, json!({"which": null}));
    assert_eq!(kit.call("DELETE", "/faults", "{\"id\":1}").await.1, json!({"which": {"id": 1}}));
    assert_eq!(kit.call("POST", "/reset", "").await.0, 200);
    assert_eq!(*kit.house.heard.lock().expect("heard"), ["clear requests", "reset"]);
}

#[tokio::test]
async fn wrong_calls_are_told_what_to_do() {
    let kit = start();
    for (path, body) in [
        ("/set-txt", "{\"host\":\"a.example\",\"valeu\":\"x\"}"),
        ("/set-txt", "not json"),
        ("/set-txt", "{\"host\":\"a..example\",\"value\":\"x\"}"),
        ("/add-a", "{\"host\":\"a.example\",\"addresses\":[\"::1\"]}"),
        ("/set-default-ipv4", "{\"ip\":\"x\"}"),
        ("/add-caa", "{\"host\":\"a.example\",\"policies\":[{\"tag\":\"\",\"value\":\"\"}]}"),
        ("/clear-request-history", "{\"host\":\"a.example\",\"type\":\"x\"}"),
        ("/settle", "{\"orderNumber\":\"x\"}"),
        ("/refuse-mail", "{\"to\":\"a@b\",\"code\":200}"),
    ] {
        let (status, reply) = kit.call("POST", path, body).await;
        assert_eq!(status, 400, "{path} {body}");
        assert!(reply["error"].is_string(), "{reply}");
    }
    let (status, reply) = kit.call("POST", "/set-text", "{}").await;
    assert_eq!((status, reply["error"].is_string()), (404, true));
    let (status, reply) = kit.call("GET", "/set-txt", "").await;
    assert_eq!((status, reply["error"].is_string()), (405, true));
    let host = kit.at.control;
    let huge = format!(
        "POST /set-txt HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999\r\n\
                        Connection: close\r\n\r\n"
    );
    assert_eq!(kit.raw(&huge).await.0, 413);
    let (status, page) = kit.call("GET", "/", "").await;
    assert_eq!(status, 200);
    assert!(page.as_str().is_some_and(|page| page.contains("/set-cnames")));
}

#[tokio::test]
async fn browsers_from_elsewhere_are_kept_out() {
    let kit = start();
    let port = kit.at.control.port();
    let with = async |head: &str| {
        kit.raw(&format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{head}\r\n\r\n")).await.0
    };
    for good in [
        format!("Host: localhost:{port}"),
        format!("Host: [::1]:{port}"),
        "Host: LOCALHOST".to_owned(),
        format!("Host: localhost\r\nOrigin: http://localhost:{port}"),
        "Host: localhost\r\nSec-Fetch-Site: same-origin".to_owned(),
    ] {
        assert_eq!(with(&good).await, 200, "{good}");
    }
    for bad in [
        "Host: rebound.example.com",
        "Host: localhost.example.com",
        "X: y",
        "Host: localhost\r\nOrigin: https://example.com",
        "Host: localhost\r\nOrigin: null",
        "Host: localhost\r\nSec-Fetch-Site: cross-site",
    ] {
        assert_eq!(with(bad).await, 403, "{bad}");
    }
}

#[tokio::test]
async fn only_loopback_and_kept_ports() {
    let any = Addresses { control: ([0, 0, 0, 0], 0).into(), ..Addresses::default() };
    assert!(Sockets::bind(&any).is_err());
    let kit = start();
    let at = kit.at;
    kit.outside.stop();
    let again = std::net::UdpSocket::bind(at.dns).expect("the port is free again");
    drop(again);
}
