//! Bodies in, answers out, and one form for every refusal.

use axum::{
    Json,
    body::{Bytes, HttpBody},
    extract::{FromRequest, OptionalFromRequest, Request},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A refusal: `{"error": …}`, a sentence that says what to do.
#[derive(Debug)]
pub(super) struct Wrong(pub(super) StatusCode, pub(super) String);

/// What a call answers.
pub(super) type Answer = Result<Json<Value>, Wrong>;

/// A JSON body, whatever its content type is called.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

pub(super) fn done() -> Answer {
    Ok(Json(json!({})))
}

/// The caller's mistake.
pub(super) fn wrong(error: impl ToString) -> Wrong {
    Wrong(StatusCode::BAD_REQUEST, error.to_string())
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Wrong;

    async fn from_request(request: Request, state: &S) -> Result<Self, Wrong> {
        parse(&bytes(request, state).await?)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Body<T> {
    type Rejection = Wrong;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Wrong> {
        let body = bytes(request, state).await?;
        if body.trim_ascii().is_empty() { Ok(None) } else { parse(&body).map(Some) }
    }
}

pub(super) async fn no_such_call(method: Method, uri: Uri) -> Wrong {
    let text = format!("there is no {method} {}; GET / lists the calls", uri.path());
    Wrong(StatusCode::NOT_FOUND, text)
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Wrong {
    let text = format!("{} does not take {method}; GET / lists the calls", uri.path());
    Wrong(StatusCode::METHOD_NOT_ALLOWED, text)
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Wrong> {
    // What announces itself as too large is not waited for.
    if request.body().size_hint().lower() > super::MAX_BODY as u64 {
        let text = "the body is larger than 64 MB; split it over several calls".to_owned();
        return Err(Wrong(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| Wrong(rejection.status(), rejection.body_text()))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Body<T>, Wrong> {
    serde_json::from_slice(body).map(Body).map_err(|error| {
        wrong(format!("the body is not what this call takes: {error}; GET / shows its form"))
    })
}
