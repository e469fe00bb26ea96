//! From an HTTP/2 request to its response.

use std::{future::poll_fn, io, net::SocketAddr, rc::Rc};

use actix_http::{Request, Response, body::BoxBody, error::PayloadError};
use actix_web::http::{
    Method, Version,
    header::{HeaderName, HeaderValue},
};
use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{
    header::{CONTENT_LENGTH, EXPECT},
    request::Parts,
};
use tokio::sync::OwnedSemaphorePermit;

use super::{Shared, Unanswered, responses::Part};
use crate::http::serve::{
    App,
    body::{self, Body},
    response_memory::Reservation,
};

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
    /// The permits for the memory of its body.
    _body_kib: Option<OwnedSemaphorePermit>,
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
        let mut body_kib = None;
        let length_max = length_max(&self.head);
        if !self.body.is_end_stream() && length_max.is_some() && is_kept_back(&self.head) {
            let mut go_on = http::Response::new(());
            *go_on.status_mut() = http::StatusCode::CONTINUE;
            // Fails when the client is gone, which is noticed below.
            let _ = self.respond.send_informational(go_on);
        }
        let mut stream = self.body;
        let whole = async {
            // The body first: unread bodies would fill the connection's flow-control window, and requests
            // that wait for a turn must not block those that have one.
            let body = match length_max {
                _ if stream.is_end_stream() => Body::default(),
                None => Body::unread(),
                Some(bytes) => {
                    let next = async || {
                        if body_kib.is_none() {
                            let free = shared.bodies_kib.clone();
                            let kib = bytes.div_ceil(1_024) as u32;
                            body_kib = free.acquire_many_owned(kib).await.ok();
                        }
                        next_part(&mut stream).await
                    };
                    Box::pin(body::collect(next, shared.context.deadline)).await
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
            _body_kib: body_kib,
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
        let Some(request) = to_actix(&self.head, self.body, shared.peer) else {
            self.respond.send_reset(Reason::PROTOCOL_ERROR);
            return None;
        };
        drop(self.head);
        let context = &shared.context;
        let answered = context.answer(request, app, shared.is_crowded(), shared.untaken());
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

/// The most bytes that are read of a request's body; `None` if it is left unread.
fn length_max(head: &Parts) -> Option<usize> {
    let announced = head.headers.get(CONTENT_LENGTH);
    body::length_max(
        head.method.as_str(),
        announced.map(http::HeaderValue::as_bytes),
    )
}

/// Whether the client waits for a 100 before it sends the body (RFC 9110, 10.1.1).
fn is_kept_back(head: &Parts) -> bool {
    let expected = head.headers.get(EXPECT).map(http::HeaderValue::as_bytes);
    expected.is_some_and(|text| text.eq_ignore_ascii_case(b"100-continue"))
}

/// The next part of a body, after which the client may send as much again.
async fn next_part(stream: &mut RecvStream) -> Option<Result<Bytes, PayloadError>> {
    let part = stream.data().await?.and_then(|part| {
        stream.flow_control().release_capacity(part.len())?;
        Ok(part)
    });
    Some(part.map_err(|error| PayloadError::Io(io::Error::other(error))))
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
