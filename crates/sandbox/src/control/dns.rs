//! The DNS calls, with the names and bodies of challtestsrv.

use std::{
    future::{Ready, ready},
    net::{Ipv4Addr, Ipv6Addr},
};

use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::json;

use super::{
    Desk,
    reply::{Answer, Body, done, wrong},
};
use crate::dns::{Caa, Dns, NameError};

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/set-default-ipv4", post(default_v4))
        .route("/set-default-ipv6", post(default_v6))
        .route("/add-a", post(call(|dns, b: Ipv4s| dns.add_a(&b.host, &b.addresses))))
        .route("/clear-a", post(call(|dns, b: Host| dns.clear_a(&b.host))))
        .route("/add-aaaa", post(call(|dns, b: Ipv6s| dns.add_aaaa(&b.host, &b.addresses))))
        .route("/clear-aaaa", post(call(|dns, b: Host| dns.clear_aaaa(&b.host))))
        .route("/add-caa", post(call(|dns, b: Policies| dns.add_caa(&b.host, &b.policies))))
        .route("/clear-caa", post(call(|dns, b: Host| dns.clear_caa(&b.host))))
        .route("/set-txt", post(call(|dns, b: Text| dns.set_txt(&b.host, &b.value))))
        .route("/clear-txt", post(call(|dns, b: Host| dns.clear_txt(&b.host))))
        .route("/set-cname", post(call(|dns, b: Alias| dns.set_cname(&b.host, &b.target))))
        .route("/clear-cname", post(call(|dns, b: Host| dns.clear_cname(&b.host))))
        .route("/set-cnames", post(set_cnames))
        .route("/set-servfail", post(call(|dns, b: Host| dns.set_servfail(&b.host, true))))
        .route("/clear-servfail", post(call(|dns, b: Host| dns.set_servfail(&b.host, false))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    host: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ipv4s {
    host: String,
    addresses: Vec<Ipv4Addr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ipv6s {
    host: String,
    addresses: Vec<Ipv6Addr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    host: String,
    policies: Vec<Caa>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    host: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    host: String,
    target: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ip {
    ip: String,
}

/// A handler that hands its body to one method of [`Dns`].
fn call<T>(
    act: impl Fn(&Dns, T) -> Result<(), NameError> + Clone,
) -> impl Fn(State<Desk>, Body<T>) -> Ready<Answer> + Clone {
    move |State(desk), Body(body)| {
        ready(act(desk.world.dns(), body).map_err(wrong).and_then(|()| done()))
    }
}

async fn default_v4(State(desk): State<Desk>, Body(Ip { ip }): Body<Ip>) -> Answer {
    desk.world.dns().set_default_ipv4(address(&ip, "an IPv4 address like 192.0.2.1")?);
    done()
}

async fn default_v6(State(desk): State<Desk>, Body(Ip { ip }): Body<Ip>) -> Answer {
    desk.world.dns().set_default_ipv6(address(&ip, "an IPv6 address like 2001:db8::1")?);
    done()
}

async fn set_cnames(State(desk): State<Desk>, Body(aliases): Body<Vec<Alias>>) -> Answer {
    // Hundreds of thousands of names take a while: not on a thread that serves others.
    let set = tokio::task::spawn_blocking(move || {
        let pairs = aliases.iter().map(|alias| (alias.host.as_str(), alias.target.as_str()));
        desk.world.dns().set_cnames(pairs)
    });
    match set.await.map_err(wrong)? {
        Ok(set) => Ok(Json(json!({"set": set}))),
        Err((index, error)) => Err(wrong(format!("entry {index}: {error}; nothing was set"))),
    }
}

fn address<T: std::str::FromStr>(ip: &str, like: &str) -> Result<Option<T>, super::reply::Wrong> {
    if ip.is_empty() {
        return Ok(None);
    }
    let wrong = |_| wrong(format!("\"ip\" must be {like}, or \"\" for no default"));
    ip.parse().map(Some).map_err(wrong)
}
