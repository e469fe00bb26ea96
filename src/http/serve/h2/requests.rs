//! From an HTTP/2 request to its response.

use std::{future::poll_fn, net::SocketAddr, rc::Rc};

use actix_http::{Request, Response, body::BoxBody};
use actix_web::http::{
    Method, Version,
    header::{HeaderName, HeaderValue},
};
use h2::{Reason, RecvStream, server::SendResponse};
use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Shared, Unanswered,
    body::{self, Body},
    responses::Part,
};
use crate::http::serve::{App, response_memory::Reservation};

/// A request that waits for its turn. A connection may have as many of these as it may open streams, so it holds
/// no more than what the client sent.
pub struct WaitingRequest {
    pub head: Box<Parts>,
    pub body: RecvStream,
    pub respond: SendResponse<Part>,
    pub unanswered: Unanswered,
}

/// A request whose body has arrived and whose turn it is.
pub struct ReadyRequest {
    head: Box<Parts>,
    body: Body,
    respond: SendResponse<Part>,
    unanswered: Unanswered,
    turn: OwnedSemaphorePermit,
}

/// A response, and what is needed to send it.
pub struct PendingResponse {
    pub response: Response<BoxBody>,
    pub respond: SendResponse<Part>,
    /// Its request was a HEAD, so it has no body.
    pub is_head: bool,
    pub reservation: Option<Reservation>,
    /// Held until the client has taken the response.
    pub held: (Unanswered, OwnedSemaphorePermit),
}

impl WaitingRequest {
    /// Waits for the request's body and its turn; `None` when the client cancels it.
    pub async fn ready(mut self, shared: &Shared) -> Option<ReadyRequest> {
        let head = &self.head;
        let stream = self.body;
        if !stream.is_end_stream() && body::is_kept_back(head) {
            let mut go_on = http::Response::new(());
            *go_on.status_mut() = http::StatusCode::CONTINUE;
            // Fails when the client is gone, which is noticed below.
            let _ = self.respond.send_informational(go_on);
        }
        let whole = async {
            // The body first: unread bodies would fill the connection's flow-control window, and requests
            // that wait for a turn must not block those that have one.
            let body = match stream.is_end_stream() {
                true => Body::default(),
                false => {
                    let deadline = shared.context.deadline;
                    let collected = body::collect(head, stream, &shared.bodies_kib, deadline);
                    Box::pin(collected).await
                }
            };
            let turn = shared.turns.clone().acquire_owned().await.ok()?;
            Some((body, turn))
        };
        let (body, turn) = tokio::select! {
            whole = whole => whole?,
            _ = poll_fn(|cx| self.respond.poll_reset(cx)) => return None,
        };
        self.unanswered.release_waiting();
        Some(ReadyRequest {
            head: self.head,
            body,
            respond: self.respond,
            unanswered: self.unanswered,
            turn,
        })
    }
}

impl ReadyRequest {
    /// Calls the app. A request whose client goes away is cancelled, as on HTTP/1.1.
    pub async fn call(mut self, app: &impl App, shared: &Shared) -> Option<PendingResponse> {
        let is_head = self.head.method == http::Method::HEAD;
        let Some(mut request) = to_actix(&self.head, self.body, shared.peer) else {
            self.respond.send_reset(Reason::PROTOCOL_ERROR);
            return None;
        };
        drop(self.head);
        let answered = async {
            // Memory before the read turn: a request that waits for memory must not hold a turn.
            let context = &shared.context;
            let reservation = context
                .response_memory
                .reserve(&mut request, shared.is_crowded());
            let reservation = reservation.await;
            let read_turn = context.read_turn(&mut request, shared.untaken()).await;
            let response = app(request).await;
            drop(read_turn);
            let reservation = reservation.and_then(|reservation| reservation.shrink_to(&response));
            (response, reservation)
        };
        let (response, reservation) = tokio::select! {
            answered = answered => answered,
            _ = poll_fn(|cx| self.respond.poll_reset(cx)) => return None,
        };
        Some(PendingResponse {
            response,
            respond: self.respond,
            is_head,
            reservation,
            held: (self.unanswered, self.turn),
        })
    }
}

/// Converts a request to actix's types, which are those of an older version of the `http` crate; `None` where
/// the older version does not accept what the newer one did.
fn to_actix(parts: &Parts, body: Body, peer: Option<SocketAddr>) -> Option<Request> {
    let mut request = Request::with_payload(body.into_payload());
    let head = request.head_mut();
    head.uri = parts.uri.to_string().parse().ok()?;
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.version = Version::HTTP_2;
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        head.headers.append(name, value);
    }
    head.peer_addr = peer;
    Some(request)
}

/// Serves one request, from waiting for its turn to writing the response.
pub async fn serve(request: WaitingRequest, app: Rc<impl App>, shared: Rc<Shared>) {
    // Boxed one by one: otherwise each step's size would be part of every waiting request and of every open event
    // stream.
    let Some(request) = Box::pin(request.ready(&shared)).await else {
        return;
    };
    let Some(response) = Box::pin(request.call(&*app, &shared)).await else {
        return;
    };
    drop(app);
    if let Err(error) = response.write(&shared).await {
        tracing::debug!(%error, "a response was not taken to its end");
    }
}
