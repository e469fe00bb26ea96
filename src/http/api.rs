//! The API door: `/chat-server/…`, by bearer token, a file per resource.
//!
//! What a resource does is a function over a [`Caller`](super::session::Caller) and a body; the
//! pages door calls the same ones.

pub mod docs;
pub mod history;
pub mod leave;
pub mod letting_in;
pub mod login;
pub mod messages;
pub mod registration;
pub mod seat;

use actix_web::{Resource, web};

use super::only;

/// Everything that makes chats.
pub fn registration(config: &mut web::ServiceConfig) {
    config
        .service(post("/hash").route(web::post().to(registration::reserve)))
        .service(post("/register").route(web::post().to(registration::register)))
        .service(post("/user1").route(web::post().to(registration::user1)))
        .service(post("/user2").route(web::post().to(registration::user2)));
}

/// Everything under `/user/`, looked through from the top: what is asked for most comes first.
pub fn chat(config: &mut web::ServiceConfig) {
    config
        .service(post("/user/{hash}/message_send").route(web::post().to(messages::send)))
        .service(get("/user/{hash}/messages").route(web::get().to(history::messages)))
        .service(get("/user/{hash}/stream").route(web::get().to(history::stream)))
        .service(post("/user/{hash}/receipt").route(web::post().to(messages::receipt)))
        .service(post("/user/{hash}/typing").route(web::post().to(messages::typing)))
        .service(
            either("/user/logout")
                .route(web::get().to(leave::logout_get))
                .route(web::post().to(leave::logout)),
        )
        .service(
            either("/user/endchat")
                .route(web::get().to(leave::end_get))
                .route(web::post().to(leave::end)),
        )
        .service(post("/user/{username}/login").route(web::post().to(login::login)))
        .service(post("/user/{username}/login/ask").route(web::post().to(letting_in::ask)))
        .service(get("/user/{username}/login/ask/{ask_id}").route(web::get().to(letting_in::state)))
        .service(post("/user/{hash}/answer").route(web::post().to(letting_in::answer)))
        .service(post("/user/{hash}/device").route(web::post().to(seat::device)))
        .service(post("/user/{hash}/return_code").route(web::post().to(seat::return_code)))
        .service(get("/user/{hash}/sessions").route(web::get().to(seat::sessions)))
        .service(post("/user/{hash}/sessions/end").route(web::post().to(seat::end_session)));
}

/// The description of all this, and a page to try it on.
pub fn description(config: &mut web::ServiceConfig) {
    let page = || async { web::Redirect::to("/chat-server/docs/").see_other() };
    config
        .service(get("/openapi.json").route(web::get().to(docs::openapi)))
        .service(web::resource("/docs").route(web::get().to(page)))
        .service(get("/docs/{file:.*}").route(web::get().to(docs::show)));
}

fn get(path: &str) -> Resource {
    web::resource(path).default_service(only("GET"))
}

fn post(path: &str) -> Resource {
    web::resource(path).default_service(only("POST"))
}

fn either(path: &str) -> Resource {
    web::resource(path).default_service(only("GET, POST"))
}
