//! The API door: `/chat-server/…`, by bearer token, a file per resource.
//!
//! A handler parses the request, calls an [action](super::actions), and writes the response.

pub mod asks;
pub mod docs;
pub mod history;
pub mod leave;
pub mod login;
pub mod messages;
pub mod registration;
pub mod seat;

use actix_web::{Resource, web};

use super::{get_only, method_not_allowed, post_only};

/// The routes that make chats.
pub fn registration(config: &mut web::ServiceConfig) {
    config
        .service(post_only("/hash").route(web::post().to(registration::reserve)))
        .service(post_only("/register").route(web::post().to(registration::register)))
        .service(post_only("/user1").route(web::post().to(registration::user1)))
        .service(post_only("/user2").route(web::post().to(registration::user2)));
}

/// Everything under `/user/`. The router tries resources in order, so the most requested come first. The next
/// path segment is the link's hash, or the user's name for a login.
pub fn chat(config: &mut web::ServiceConfig) {
    config
        .service(
            get_or_post("/user/logout")
                .route(web::get().to(leave::logout_get))
                .route(web::post().to(leave::logout)),
        )
        .service(
            get_or_post("/user/endchat")
                .route(web::get().to(leave::end_get))
                .route(web::post().to(leave::end)),
        )
        .service(web::scope("/user/{hash}").configure(of_user));
}

fn of_user(config: &mut web::ServiceConfig) {
    config
        .service(post_only("/message_send").route(web::post().to(messages::send)))
        .service(get_only("/messages").route(web::get().to(history::messages)))
        .service(get_only("/stream").route(web::get().to(history::stream)))
        .service(post_only("/receipt").route(web::post().to(messages::receipt)))
        .service(post_only("/typing").route(web::post().to(messages::typing)))
        .service(post_only("/login").route(web::post().to(login::login)))
        .service(post_only("/login/ask").route(web::post().to(asks::ask)))
        .service(get_only("/login/ask/{ask_id}").route(web::get().to(asks::state)))
        .service(post_only("/answer").route(web::post().to(asks::answer)))
        .service(post_only("/device").route(web::post().to(seat::device)))
        .service(post_only("/return_code").route(web::post().to(seat::return_code)))
        .service(get_only("/sessions").route(web::get().to(seat::sessions)))
        .service(post_only("/sessions/end").route(web::post().to(seat::end_session)));
}

/// The OpenAPI description, and Swagger UI.
pub fn description(config: &mut web::ServiceConfig) {
    let page = || async { web::Redirect::to("/chat-server/docs/").see_other() };
    config
        .service(get_only("/openapi.json").route(web::get().to(docs::openapi)))
        .service(get_only("/docs").route(web::get().to(page)))
        .service(get_only("/docs/{file:.*}").route(web::get().to(docs::show)));
}

fn get_or_post(path: &str) -> Resource {
    web::resource(path).default_service(method_not_allowed("GET, POST"))
}
