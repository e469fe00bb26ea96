//! The pages: `/demo/chat/…`, for browsers, a file per page.
//!
//! Every action is a POST of a form, answered with a 303 to a page. With `Accept: application/json` the same
//! address answers with the JSON envelope.

mod asking;
mod assets;
mod chat;
mod conversation;
mod download;
mod flash;
mod holder;
mod invite;
mod leave;
mod login;
mod preferences;
mod register;
mod seat;

use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, HttpResponseBuilder, Resource, Responder,
    http::header, web,
};
use actors::{
    Refusal,
    domain::{Activity, PairHash},
};
use maud::Markup;
use serde::Serialize;
use views::page::{Frame, Theme};

use super::{
    GET, PAGE, POST, State, envelope::ok, method_not_allowed, observe, only, problem::Problem,
    session::cookie,
};
use crate::http;

/// The page where chats are made.
pub fn registration(config: &mut web::ServiceConfig) {
    config.service(form("/register", register::show, register::submit));
    // The keys of an encrypted chat depend on its hash, so the page needs the hash before it sends the form.
    config.service(only(POST, "/register/hash", register::reserve));
}

/// The routes of every role.
pub fn everywhere(config: &mut web::ServiceConfig) {
    config
        .service(only(PAGE, "/assets/{digest}/{name}", assets::show))
        .service(only(POST, "/preferences", preferences::set));
}

/// Everything under `/user/`.
pub fn chat(config: &mut web::ServiceConfig) {
    config.service(web::scope("/user/{hash}").configure(of_chat));
}

fn of_chat(config: &mut web::ServiceConfig) {
    config
        .service(only(PAGE, "", login::show))
        .service(only(POST, "/login", login::submit))
        .service(only(POST, "/login/ask", asking::submit))
        .service(only(PAGE, "/login/ask/{ask_id}", asking::show))
        .service(web::scope("/{seat}").configure(at_seat));
}

fn at_seat(config: &mut web::ServiceConfig) {
    for activity in Activity::ALL {
        let path = format!("/{}", activity.word());
        let notify = move |at, body| conversation::notify(activity, at, body);
        config.service(only(POST, &path, notify));
    }
    config
        .service(only(PAGE, "", chat::show))
        .service(only(PAGE, "/invite", invite::show))
        .service(only(PAGE, "/download", download::show))
        .service(only(GET, "/stream", conversation::stream))
        .service(only(GET, "/messages", conversation::messages))
        .service(only(POST, "/message_send", conversation::send))
        .service(only(POST, "/receipt", conversation::receipt))
        .service(only(POST, "/answer", conversation::answer))
        .service(form("/device", seat::device, seat::make_device))
        .service(form(
            "/return_code",
            seat::return_code,
            seat::make_return_code,
        ))
        .service(only(POST, "/return_code/saved", seat::saved))
        .service(only(PAGE, "/sessions", seat::sessions))
        .service(only(POST, "/sessions/end", seat::end_session))
        .service(form("/logout", leave::ask_logout, leave::logout))
        .service(form("/endchat", leave::ask_end, leave::end));
}

/// A page with a form, which is posted to the same address.
fn form<S, A, P, B>(path: &str, show: S, submit: P) -> Resource
where
    S: Handler<A>,
    S::Output: Responder + 'static,
    A: FromRequest + 'static,
    P: Handler<B>,
    P::Output: Responder + 'static,
    B: FromRequest + 'static,
{
    only(PAGE, path, show)
        .route(web::post().to(submit))
        .default_service(method_not_allowed("GET, HEAD, POST"))
}

pub use leave::forget_chat;

/// What every page needs from its request: language, theme, address, time.
fn frame(request: &HttpRequest) -> Frame {
    let language = cookie(request, preferences::LANGUAGE_COOKIE);
    let theme = cookie(request, preferences::THEME_COOKIE);
    let here = request
        .uri()
        .path_and_query()
        .map_or("/", |here| here.as_str());
    Frame {
        text: views::text::choose(
            language.as_deref(),
            http::header(request, header::ACCEPT_LANGUAGE),
        ),
        theme: theme.map_or(Theme::Auto, |word| Theme::parse(&word)),
        here: match request.method().is_safe() && here.len() <= ADDRESS_BYTES_MAX {
            true => here.to_owned(),
            false => came_from(request),
        },
        now_ms: now_ms(request),
    }
}

/// The longest address of a page that is linked or returned to; ours are much shorter.
const ADDRESS_BYTES_MAX: usize = 512;

/// Where to return to from the response to a form: the page that has the form.
fn came_from(request: &HttpRequest) -> String {
    match place(request.path()) {
        (Some(hash), Some(seat)) => views::address::chat(hash, seat),
        (Some(hash), None) => views::address::login(hash),
        (None, _) => views::address::REGISTER.to_owned(),
    }
}

/// The chat and the seat that a path leads to, if they can be.
fn place(path: &str) -> (Option<&str>, Option<u8>) {
    match views::address::place(path) {
        (Some(hash), seat) if PairHash::parse(hash).is_ok() => (Some(hash), seat),
        _ => (None, None),
    }
}

fn now_ms(request: &HttpRequest) -> i64 {
    let state = request.app_data::<web::Data<State>>();
    state.map_or(0, |state| state.clock.now().unix_ms())
}

fn show_page(request: &HttpRequest, page: impl FnOnce(&Frame) -> Markup) -> HttpResponse {
    html(HttpResponse::Ok(), page(&frame(request)))
}

/// A page about a failure, with the failure's status and headers.
fn show_problem(problem: &Problem, page: Markup) -> HttpResponse {
    let mut response = HttpResponse::build(problem.status());
    problem.write_headers(&mut response);
    html(response, page)
}

fn html(mut response: HttpResponseBuilder, markup: Markup) -> HttpResponse {
    let mut page = markup.into_string();
    // Frees the spare capacity: the page may wait long until its client takes it.
    page.shrink_to_fit();
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page)
}

/// What the page about a failure needs from the request, which a handler that panics drops.
pub struct ErrorPage {
    frame: Frame,
    hash: Option<String>,
    seat: Option<u8>,
}

impl ErrorPage {
    /// In the language of this request, with a way back to where it came from.
    pub fn of(request: &HttpRequest) -> Self {
        // From the path itself: a refusal before routing has no path parameters.
        let (hash, seat) = place(request.path());
        Self {
            frame: frame(request),
            hash: hash.map(str::to_owned),
            seat,
        }
    }

    pub fn about(self, problem: &Problem) -> HttpResponse {
        let reference = problem.reference().map(str::to_owned);
        let told = views::error::Error {
            status: problem.status().as_u16(),
            hash: self.hash,
            seat: self.seat,
            retry_after_s: problem.retry_after().map(super::problem::whole_seconds),
            cross_site: matches!(problem, Problem::CrossSite),
            encrypted: matches!(problem, Problem::Refused(Refusal::LinkIncomplete)),
            reference: reference.or_else(observe::request_id),
            replaced: login::replaced(problem),
        };
        show_problem(problem, views::error::page(&self.frame, &told))
    }
}

/// Whether the client wants a success as JSON.
fn wants_json(request: &HttpRequest) -> bool {
    accepts(request, "application/json") && !accepts(request, "text/html")
}

/// Whether the client wants a failure as a page.
pub fn wants_page(request: &HttpRequest) -> bool {
    accepts(request, "text/html")
}

fn accepts(request: &HttpRequest, kind: &str) -> bool {
    http::header(request, header::ACCEPT).is_some_and(|accept| accept.contains(kind))
}

/// The redirect after an action. An address that is not a valid header value is a 400.
fn see_other(to: &str) -> HttpResponse {
    let Ok(to) = header::HeaderValue::from_str(to) else {
        return Problem::Malformed("That is no address.".into()).respond("FAIL");
    };
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// The response to a successful action: JSON for a script, a redirect to `next` for a browser.
fn done(request: &HttpRequest, reply: impl Serialize, next: &str) -> HttpResponse {
    match wants_json(request) {
        true => ok(reply),
        false => see_other(next),
    }
}

/// Whether a failed action shows its form again with the error, for a browser without scripts.
fn shows_form_again(request: &HttpRequest, problem: &Problem) -> bool {
    wants_page(request) && !matches!(problem.status().as_u16(), 404 | 405 | 410 | 500)
}
