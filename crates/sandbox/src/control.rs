//! The control API: how a script fills the fake world and turns its clock.

mod dns;
mod guard;
mod outside;
mod reply;
mod server;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Mutex};

use crate::{
    house::House,
    task::{Stop, each_connection},
    world::World,
};

/// What every call can reach.
#[derive(Clone)]
struct Desk {
    world: Arc<World>,
    house: Arc<dyn House>,
    /// Turning the clock and resetting take their turns.
    turn: Arc<Mutex<()>>,
}

pub(crate) async fn serve(
    listener: TcpListener,
    world: Arc<World>,
    house: Arc<dyn House>,
    stop: Stop,
) {
    let router = router(Desk { world, house, turn: Arc::default() });
    each_connection(listener, MAX_CONNECTIONS, stop, move |stream, peer| {
        let router = router.clone();
        async move {
            // The listener is on loopback, so this is only the second lock on the door.
            if !peer.ip().is_loopback() || stream.set_nodelay(true).is_err() {
                return;
            }
            let mut server = auto::Builder::new(TokioExecutor::new());
            server.http1().timer(TokioTimer::new());
            server.http2().timer(TokioTimer::new());
            let service = TowerToHyperService::new(router);
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(error, "sandbox control: connection ended");
            }
        }
    })
    .await;
}

fn router(desk: Desk) -> Router {
    Router::new()
        .route("/", get(async || PAGE))
        .route("/healthz", get(async || "ok\n"))
        .merge(dns::routes().route_layer(middleware::from_fn_with_state(desk.clone(), then_forget)))
        .route("/add-file", post(outside::add_file))
        .route("/del-file", post(outside::del_file))
        .route("/codes", post(outside::codes))
        .route("/mailbox", get(outside::mails).delete(outside::delete_mails))
        .route("/refuse-mail", post(outside::refuse_mail))
        .route("/accept-mail", post(outside::accept_mail))
        .route("/dns-request-history", post(outside::dns_history))
        .route("/http-request-history", post(outside::http_history))
        .route("/clear-request-history", post(outside::clear_history))
        .route("/clock", get(server::clock).post(server::turn_clock))
        .route("/requests", get(server::requests).delete(server::clear_requests))
        .route("/settle", post(server::settle))
        .route("/faults", get(server::faults).post(server::set_faults).delete(server::clear_faults))
        .route("/reset", post(server::reset))
        .fallback(reply::no_such_call)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(guard::check))
        .with_state(desk)
}

/// After a change of the fake DNS the house must not answer from memory.
async fn then_forget(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    desk.house.dns_changed();
    response
}

const MAX_BODY: usize = 64 << 20;
const MAX_CONNECTIONS: usize = 256;
const PAGE: &str = include_str!("control/calls.txt");
