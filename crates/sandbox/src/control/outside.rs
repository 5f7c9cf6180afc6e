//! The calls about web files, mails and what was asked.

use std::net::Ipv6Addr;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, StatusCode},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Desk,
    reply::{Answer, Body, Wrong, done, wrong},
};
use crate::{
    dns,
    history::Kind,
    mail::Refusal,
    web::{File, Schemes},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddFile {
    scheme: Schemes,
    host: String,
    path: String,
    content: String,
    status: Option<u16>,
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DelFile {
    #[serde(default)]
    scheme: Schemes,
    host: String,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refuse {
    to: String,
    code: Option<u16>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    host: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClearHistory {
    host: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    after: u64,
}

type ToQuery = Result<Query<To>, QueryRejection>;

pub(super) async fn add_file(State(desk): State<Desk>, Body(body): Body<AddFile>) -> Answer {
    check_path(&body.host, &body.path)?;
    let status = body.status.unwrap_or(if body.location.is_some() { 302 } else { 200 });
    if !(200..=599).contains(&status) {
        return Err(wrong("\"status\" must be from 200 to 599"));
    }
    if body.location.as_deref().is_some_and(|text| HeaderValue::from_str(text).is_err()) {
        return Err(wrong("\"location\" must be a URL without control characters"));
    }
    let file = File { content: Bytes::from(body.content), status, location: body.location };
    desk.world.files().add(body.scheme, &body.host, &body.path, &file).map_err(wrong)?;
    done()
}

pub(super) async fn del_file(State(desk): State<Desk>, Body(body): Body<DelFile>) -> Answer {
    check_path(&body.host, &body.path)?;
    let deleted = desk.world.files().remove(body.scheme, &body.host, &body.path);
    Ok(Json(json!({"deleted": deleted})))
}

pub(super) async fn mails(State(desk): State<Desk>, query: ToQuery) -> Answer {
    let to = recipient(query)?;
    let mails = desk.world.mailbox().mails(to.as_deref());
    let mails = mails.iter().map(|mail| serde_json::to_value(&**mail));
    let mails = mails.collect::<Result<Vec<Value>, _>>();
    let mails = mails.map_err(|e| Wrong(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    Ok(Json(Value::Array(mails)))
}

pub(super) async fn codes(State(desk): State<Desk>, Body(body): Body<After>) -> Answer {
    let (last, codes) = desk.world.mailbox().codes_after(body.after);
    Ok(Json(json!({ "last": last, "codes": codes })))
}

pub(super) async fn delete_mails(State(desk): State<Desk>, query: ToQuery) -> Answer {
    let to = recipient(query)?;
    let deleted = desk.world.mailbox().clear(to.as_deref());
    Ok(Json(json!({"deleted": deleted})))
}

pub(super) async fn refuse_mail(State(desk): State<Desk>, Body(body): Body<Refuse>) -> Answer {
    let code = body.code.unwrap_or(550);
    if !(400..=599).contains(&code) {
        return Err(wrong("\"code\" must be 4xx (try later) or 5xx (never)"));
    }
    let text = body.text.unwrap_or_else(|| "no such mailbox".to_owned());
    if text.len() > 400 || text.chars().any(char::is_control) {
        return Err(wrong("\"text\" must be one line of at most 400 bytes"));
    }
    desk.world.mailbox().refuse(&body.to, Some(Refusal { code, text }));
    done()
}

pub(super) async fn accept_mail(State(desk): State<Desk>, Body(body): Body<Accept>) -> Answer {
    desk.world.mailbox().refuse(&body.to, None);
    done()
}

pub(super) async fn dns_history(State(desk): State<Desk>, Body(body): Body<Host>) -> Answer {
    let host = dns::host(&body.host).map_err(wrong)?;
    Ok(Json(Value::Array(desk.world.history().of(Kind::Dns, &host))))
}

pub(super) async fn http_history(State(desk): State<Desk>, Body(body): Body<Host>) -> Answer {
    let host = dns::host(&body.host).map_err(wrong)?;
    Ok(Json(Value::Array(desk.world.history().of(Kind::Http, &host))))
}

pub(super) async fn clear_history(
    State(desk): State<Desk>,
    Body(body): Body<ClearHistory>,
) -> Answer {
    let host = dns::host(&body.host).map_err(wrong)?;
    let kind = match body.kind.as_str() {
        "dns" => Kind::Dns,
        "http" => Kind::Http,
        _ => return Err(wrong("\"type\" must be \"dns\" or \"http\"")),
    };
    desk.world.history().clear(kind, &host);
    done()
}

fn recipient(query: ToQuery) -> Result<Option<String>, Wrong> {
    query
        .map(|Query(to)| to.to)
        .map_err(|error| wrong(format!("{}; only ?to=ADDRESS is known", error.body_text())))
}

fn check_path(host: &str, path: &str) -> Result<(), Wrong> {
    let is_ipv6 = host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    if host.is_empty() || (!is_ipv6 && host.contains(['/', ':', ' '])) {
        return Err(wrong("\"host\" must be a bare name such as www.example.com, or an address"));
    }
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(wrong("\"path\" must begin with / and have no query"));
    }
    Ok(())
}
