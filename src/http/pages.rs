//! The pages door: `/demo/chat/…`, for browsers, a file per page.
//!
//! Every action is a form that is posted, answered with 303, and shown by a GET which changes
//! nothing. Asked with `Accept: application/json`, the same address answers the envelope.

mod asking;
mod assets;
mod chat;
mod download;
mod flash;
mod holder;
mod invite;
mod leave;
mod login;
mod preferences;
mod register;
mod seat;
mod talk;
mod transcript;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    http::{StatusCode, header},
    web,
};
use actors::Refusal;
use maud::Markup;
use serde::Serialize;
use views::page::{Frame, Theme};

use super::{State, envelope::ok, observe, only, problem::Problem, session::cookie};

/// The page where chats are made.
pub fn registration(config: &mut web::ServiceConfig) {
    config.service(
        page("/register")
            .route(web::post().to(register::submit))
            .default_service(only("GET, HEAD, POST"))
            .route(web::get().to(register::show))
            .route(web::head().to(register::show)),
    );
    // The keys of an encrypted chat depend on its hash, so its page needs one ahead of the form.
    config.service(act("/register/hash").route(web::post().to(register::reserve)));
}

/// What every instance serves.
pub fn everywhere(config: &mut web::ServiceConfig) {
    config
        .service(show(
            "/assets/{digest}/{name}",
            web::get().to(assets::show),
            web::head().to(assets::show),
        ))
        .service(act("/preferences").route(web::post().to(preferences::set)));
}

/// Everything under `/user/`.
pub fn chat(config: &mut web::ServiceConfig) {
    config.service(web::scope("/user/{hash}").configure(of_chat));
}

fn of_chat(config: &mut web::ServiceConfig) {
    config
        .service(show(
            "",
            web::get().to(login::show),
            web::head().to(login::show),
        ))
        .service(act("/login").route(web::post().to(login::submit)))
        .service(act("/login/ask").route(web::post().to(asking::submit)))
        .service(show(
            "/login/ask/{ask_id}",
            web::get().to(asking::show),
            web::head().to(asking::show),
        ))
        .service(web::scope("/{seat}").configure(at_seat));
}

fn at_seat(config: &mut web::ServiceConfig) {
    config
        .service(show(
            "",
            web::get().to(chat::show),
            web::head().to(chat::show),
        ))
        .service(show(
            "/invite",
            web::get().to(invite::show),
            web::head().to(invite::show),
        ))
        .service(show(
            "/download",
            web::get().to(download::show),
            web::head().to(download::show),
        ))
        .service(
            page("/stream")
                .route(web::get().to(talk::stream))
                .default_service(only("GET")),
        )
        .service(
            page("/messages")
                .route(web::get().to(talk::messages))
                .default_service(only("GET")),
        )
        .service(act("/message_send").route(web::post().to(talk::send)))
        .service(act("/receipt").route(web::post().to(talk::receipt)))
        .service(act("/typing").route(web::post().to(talk::typing)))
        .service(act("/answer").route(web::post().to(talk::answer)))
        .service(
            page("/device")
                .route(web::get().to(seat::device))
                .route(web::head().to(seat::device))
                .route(web::post().to(seat::make_device))
                .default_service(only("GET, HEAD, POST")),
        )
        .service(
            page("/return_code")
                .route(web::get().to(seat::return_code))
                .route(web::head().to(seat::return_code))
                .route(web::post().to(seat::make_return_code))
                .default_service(only("GET, HEAD, POST")),
        )
        .service(act("/return_code/saved").route(web::post().to(seat::saved)))
        .service(show(
            "/sessions",
            web::get().to(seat::sessions),
            web::head().to(seat::sessions),
        ))
        .service(act("/sessions/end").route(web::post().to(seat::end_session)))
        .service(
            page("/logout")
                .route(web::get().to(leave::ask_logout))
                .route(web::head().to(leave::ask_logout))
                .route(web::post().to(leave::logout))
                .default_service(only("GET, HEAD, POST")),
        )
        .service(
            page("/endchat")
                .route(web::get().to(leave::ask_end))
                .route(web::head().to(leave::ask_end))
                .route(web::post().to(leave::end))
                .default_service(only("GET, HEAD, POST")),
        );
}

fn page(path: &str) -> Resource {
    web::resource(path)
}

fn show(path: &str, get: actix_web::Route, head: actix_web::Route) -> Resource {
    page(path)
        .route(get)
        .route(head)
        .default_service(only("GET, HEAD"))
}

fn act(path: &str) -> Resource {
    page(path).default_service(only("POST"))
}

pub use leave::forget_seat;

/// What every page must know of its request.
fn frame(request: &HttpRequest) -> Frame {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    let language = cookie(request, preferences::LANGUAGE_COOKIE);
    let theme = cookie(request, preferences::THEME_COOKIE);
    let here = request
        .uri()
        .path_and_query()
        .map_or("/", |here| here.as_str());
    Frame {
        text: views::text::choose(
            language.as_ref().map(|cookie| cookie.value()),
            header(header::ACCEPT_LANGUAGE),
        ),
        theme: theme.map_or(Theme::Auto, |cookie| Theme::parse(cookie.value())),
        here: match request.method().is_safe() {
            true => here.to_owned(),
            false => came_from(request),
        },
        now_ms: now_ms(request),
    }
}

/// A page that a form answered with cannot be come back to; the page with the form can.
fn came_from(request: &HttpRequest) -> String {
    match views::address::place(request.path()) {
        (Some(hash), Some(seat)) => views::address::chat(hash, seat),
        (Some(hash), None) => views::address::login(hash),
        (None, _) => views::address::REGISTER.to_owned(),
    }
}

fn now_ms(request: &HttpRequest) -> i64 {
    let state = request.app_data::<web::Data<State>>();
    state.map_or(0, |state| state.clock.now().unix_ms())
}

/// A page with its status.
fn html(status: StatusCode, markup: Markup) -> HttpResponse {
    let mut page = markup.into_string();
    // It grew by doubling, and may wait long until its client takes it.
    page.shrink_to_fit();
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page)
}

/// A failure as a page.
pub fn problem(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    // By the path itself: what another site sent is turned away before it is routed.
    let (hash, seat) = views::address::place(request.path());
    let told = views::error::Error {
        status: problem.status().as_u16(),
        hash: hash.map(str::to_owned),
        seat,
        retry_after_s: problem.retry_after().map(super::problem::whole_seconds),
        cross_site: matches!(problem, Problem::CrossSite),
        encrypted: matches!(problem, Problem::Refused(Refusal::LinkIncomplete)),
        reference: problem
            .reference()
            .map(str::to_owned)
            .or_else(observe::request_id),
        replaced: login::replaced(problem),
    };
    let mut response = HttpResponse::build(problem.status());
    problem.write_headers(&mut response);
    response
        .content_type("text/html; charset=utf-8")
        .body(views::error::page(&frame(request), &told).into_string())
}

/// Whether a success is wanted as the envelope.
fn wants_json(request: &HttpRequest) -> bool {
    accepts(request, "application/json") && !accepts(request, "text/html")
}

/// Whether a failure is best told as a page.
pub fn wants_page(request: &HttpRequest) -> bool {
    accepts(request, "text/html")
}

fn accepts(request: &HttpRequest, kind: &str) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains(kind))
}

/// Where to go after an action. An address that no header can hold leads nowhere.
fn see_other(to: &str) -> HttpResponse {
    let Ok(to) = header::HeaderValue::from_str(to) else {
        return Problem::Malformed("That is no address.".into()).respond("FAIL");
    };
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// An action was carried out: the envelope for a script, the next page for a browser.
fn done(request: &HttpRequest, reply: impl Serialize, next: &str) -> HttpResponse {
    match wants_json(request) {
        true => ok(reply),
        false => see_other(next),
    }
}

/// Whether a failed action is told as the page it came from, for a browser without scripts.
fn retold(request: &HttpRequest, problem: &Problem) -> bool {
    wants_page(request) && !matches!(problem.status().as_u16(), 404 | 405 | 410 | 500)
}
