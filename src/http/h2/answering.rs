//! From a request over HTTP/2 to its answer.

use std::{future::poll_fn, net::SocketAddr, rc::Rc};

use actix_http::{
    Request, Response,
    body::{BoxBody, MessageBody},
};
use actix_service::Service;
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
    writing::Part,
};
use crate::http::answers::Room;

/// A request that was accepted. As many of them as a connection may open wait for their turn, so it
/// holds no more than was sent.
pub struct Accepted {
    pub head: Box<Parts>,
    pub body: RecvStream,
    pub respond: SendResponse<Part>,
    pub unanswered: Unanswered,
}

/// A request whose turn it is.
pub struct Called {
    head: Box<Parts>,
    body: Body,
    respond: SendResponse<Part>,
    unanswered: Unanswered,
    turn: OwnedSemaphorePermit,
}

/// What a request is answered, and how.
pub struct Answer {
    pub response: Response<BoxBody>,
    pub respond: SendResponse<Part>,
    /// Its request was a HEAD.
    pub bare: bool,
    pub room: Option<Room>,
    /// The place and the turn of its request.
    pub held: (Unanswered, OwnedSemaphorePermit),
}

impl Accepted {
    /// Waits for the request's body and its turn; nothing when its client takes it back.
    pub async fn called(mut self, shared: &Shared) -> Option<Called> {
        let head = &self.head;
        let stream = self.body;
        let whole = async {
            // A body comes first: those that nobody reads would fill the connection's window, and
            // what waits for a turn must not keep those that have one from coming to their end.
            let body = match stream.is_end_stream() {
                true => Body::default(),
                false => {
                    let deadline = shared.terms.deadline;
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
        self.unanswered.waits_no_more();
        Some(Called {
            head: self.head,
            body,
            respond: self.respond,
            unanswered: self.unanswered,
            turn,
        })
    }
}

impl Called {
    /// The answer. A client that goes away takes its request with it, as on HTTP/1.1.
    pub async fn answer<S, B>(mut self, service: &S, shared: &Shared) -> Option<Answer>
    where
        S: Service<Request>,
        S::Response: Into<Response<B>>,
        S::Error: Into<Response<BoxBody>>,
        B: MessageBody + 'static,
    {
        let bare = self.head.method == http::Method::HEAD;
        let Some(mut request) = read(&self.head, self.body, shared.peer) else {
            self.respond.send_reset(Reason::PROTOCOL_ERROR);
            return None;
        };
        drop(self.head);
        let answered = async {
            // Who waits for room must not hold a turn that others could use.
            let room = shared
                .terms
                .answers
                .room_for(&mut request, shared.is_crowded());
            let room = room.await;
            let reads = shared.terms.turn_for(&mut request, shared.untaken()).await;
            let response = match service.call(request).await {
                Ok(response) => response.into().map_into_boxed_body(),
                Err(error) => error.into(),
            };
            drop(reads);
            let room = room.and_then(|room| room.fit(&response));
            (response, room)
        };
        let (response, room) = tokio::select! {
            answered = answered => answered,
            _ = poll_fn(|cx| self.respond.poll_reset(cx)) => return None,
        };
        Some(Answer {
            response,
            respond: self.respond,
            bare,
            room,
            held: (self.unanswered, self.turn),
        })
    }
}

/// A request as actix has it, which keeps to an older version of the same types; `None` where that
/// does not take what the newer one took.
fn read(parts: &Parts, body: Body, peer: Option<SocketAddr>) -> Option<Request> {
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

/// Answers a request and writes the answer.
pub async fn serve<S, B>(accepted: Accepted, service: Rc<S>, shared: Rc<Shared>)
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let Some(called) = accepted.called(&shared).await else {
        return;
    };
    // Boxed one by one, so that what answering and writing need is not part of every request that waits,
    // nor what answering needs of every open stream.
    let Some(answer) = Box::pin(called.answer(&*service, &shared)).await else {
        return;
    };
    drop(service);
    if let Err(error) = Box::pin(answer.write(&shared)).await {
        tracing::debug!(%error, "a response was not taken to its end");
    }
}
