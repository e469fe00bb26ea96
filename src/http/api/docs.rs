//! The contract as OpenAPI, made from the code, and a page to try it on.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use super::{history, leave, letting_in, login, messages, registration, seat};

/// The API door's description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "duet",
        description = "A private chat between two people who share a link. Every body is \
                       `{\"data\": {…}}`; in requests the bare inner object is accepted as well.",
    ),
    paths(
        registration::reserve, registration::register, registration::user1, registration::user2,
        login::login, letting_in::ask, letting_in::state, letting_in::answer,
        seat::device, seat::return_code, seat::sessions, seat::end_session,
        messages::send, messages::receipt, messages::typing, history::messages, history::stream,
        leave::logout_get, leave::logout, leave::end_get, leave::end,
    ),
    modifiers(&Bearer),
    tags(
        (name = "registration", description = "Making chats"),
        (name = "login", description = "Sitting down, and letting in"),
        (name = "chat", description = "Talking"),
        (name = "seat", description = "One's own seat"),
        (name = "leave", description = "Going, and ending"),
    )
)]
pub struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = &mut openapi.components {
            let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
            components.add_security_scheme("bearer", scheme);
        }
    }
}
