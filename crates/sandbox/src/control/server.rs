//! The calls that the real server answers.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Desk,
    reply::{Answer, Body, Wrong, done, wrong},
};
use crate::clock as times;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    advance: Option<String>,
    set: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Settle {
    order_number: u64,
    check: String,
    result: String,
}

pub(super) async fn clock(State(desk): State<Desk>) -> Answer {
    Ok(Json(shown(&desk)))
}

pub(super) async fn turn_clock(State(desk): State<Desk>, Body(turn): Body<Turn>) -> Answer {
    let _turn = desk.turn.lock().await;
    let now = desk.house.now();
    let to = match (turn.advance, turn.set) {
        (Some(span), None) => times::span(&span).and_then(|span| times::after(now, span)),
        (None, Some(time)) => times::time(&time),
        _ => Err("give either \"advance\" or \"set\"".to_owned()),
    };
    let to = to.map_err(wrong)?;
    if to < now {
        let (to, now) = (times::text(to), times::text(now));
        return Err(wrong(format!(
            "the clock only goes forward: {to} is before {now}; reset the sandbox to start over"
        )));
    }
    desk.house.advance_to(to).await.map_err(wrong)?;
    Ok(Json(shown(&desk)))
}

pub(super) async fn requests(State(desk): State<Desk>) -> Answer {
    desk.house.requests().await.map(Json).map_err(wrong)
}

pub(super) async fn clear_requests(State(desk): State<Desk>) -> Answer {
    desk.house.clear_requests().await.map_err(wrong)?;
    done()
}

pub(super) async fn settle(State(desk): State<Desk>, Body(body): Body<Settle>) -> Answer {
    let Settle { order_number, check, result } = body;
    desk.house.settle(order_number, check, result).await.map(Json).map_err(wrong)
}

pub(super) async fn faults(State(desk): State<Desk>) -> Answer {
    desk.house.faults().await.map(Json).map_err(wrong)
}

pub(super) async fn set_faults(State(desk): State<Desk>, Body(rules): Body<Value>) -> Answer {
    desk.house.set_faults(rules).await.map(Json).map_err(wrong)
}

pub(super) async fn clear_faults(State(desk): State<Desk>, which: Option<Body<Value>>) -> Answer {
    desk.house.clear_faults(which.map(|Body(which)| which)).await.map(Json).map_err(wrong)
}

pub(super) async fn reset(State(desk): State<Desk>) -> Answer {
    let _turn = desk.turn.lock().await;
    let failed = |error| Wrong(StatusCode::INTERNAL_SERVER_ERROR, error);
    desk.house.reset(&desk.world).await.map_err(failed)?;
    done()
}

fn shown(desk: &Desk) -> Value {
    let (now, offset) = (desk.house.now(), desk.house.offset_seconds());
    json!({"now": times::text(now), "offset_seconds": offset})
}
