//! The API door: `/chat-server/…`, by bearer token, a file per resource.
//!
//! A handler parses its request into what an [action](super::actions) takes, and writes what comes out.

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

/// Everything under `/user/`, looked through from the top: what is asked for most comes first. The
/// part behind it is the link's hash, or for a login the user's name; it is understood once for all.
pub fn chat(config: &mut web::ServiceConfig) {
    config
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
        .service(web::scope("/user/{hash}").configure(of_user));
}

fn of_user(config: &mut web::ServiceConfig) {
    config
        .service(post("/message_send").route(web::post().to(messages::send)))
        .service(get("/messages").route(web::get().to(history::messages)))
        .service(get("/stream").route(web::get().to(history::stream)))
        .service(post("/receipt").route(web::post().to(messages::receipt)))
        .service(post("/typing").route(web::post().to(messages::typing)))
        .service(post("/login").route(web::post().to(login::login)))
        .service(post("/login/ask").route(web::post().to(letting_in::ask)))
        .service(get("/login/ask/{ask_id}").route(web::get().to(letting_in::state)))
        .service(post("/answer").route(web::post().to(letting_in::answer)))
        .service(post("/device").route(web::post().to(seat::device)))
        .service(post("/return_code").route(web::post().to(seat::return_code)))
        .service(get("/sessions").route(web::get().to(seat::sessions)))
        .service(post("/sessions/end").route(web::post().to(seat::end_session)));
}

/// The description of all this, and a page to try it on.
pub fn description(config: &mut web::ServiceConfig) {
    let page = || async { web::Redirect::to("/chat-server/docs/").see_other() };
    config
        .service(get("/openapi.json").route(web::get().to(docs::openapi)))
        .service(get("/docs").route(web::get().to(page)))
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
