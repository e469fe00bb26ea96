//! The API: `/chat-server/…`, by bearer token, a file per resource.
//!
//! A handler parses the request, calls an [action](super::actions), and writes the response.

pub mod asks;
mod chat_request;
pub mod docs;
pub mod history;
pub mod leave;
pub mod login;
pub mod messages;
pub mod registration;
pub mod seat;

use actix_web::{http::Method, web};
use actors::domain::Activity;
use utoipa::OpenApi;

use super::{GET, POST, method_not_allowed, only, refuse_body};

/// Declares operations once: a function for each group of routes, and [`Operations`] for the description. A line is
/// `path => METHOD handler` with as many methods as the path takes.
macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $vis:vis fn $group:ident {
            $($path:literal =>
                $method:ident $module:ident::$handler:ident
                $(, $more_method:ident $more_module:ident::$more_handler:ident)*;
            )+
        }
    )+) => {
        $(
            $(#[$doc])*
            $vis fn $group(config: &mut web::ServiceConfig) {
                $({
                    const ALLOW: &str =
                        concat!(stringify!($method) $(, ", ", stringify!($more_method))*);
                    let resource = web::resource($path)
                        .route(refuse_body(ALLOW))
                        .route(web::method(Method::$method).to($module::$handler))
                        $(.route(web::method(Method::$more_method).to($more_module::$more_handler)))*
                        .default_service(method_not_allowed(ALLOW));
                    config.service(resource);
                })+
            }
        )+

        /// All operations, for the description.
        #[derive(OpenApi)]
        #[openapi(paths($($(
            $module::$handler,
            $($more_module::$more_handler,)*
        )+)+))]
        struct Operations;
    };
}

operations! {
    /// The routes that make chats.
    pub fn registration {
        "/hash" => POST registration::reserve;
        "/register" => POST registration::register;
        "/user1" => POST registration::user1;
        "/user2" => POST registration::user2;
    }

    fn leaving {
        "/user/logout" => GET leave::logout_get, POST leave::logout;
        "/user/endchat" => GET leave::end_get, POST leave::end;
    }

    /// The router tries resources in order, so the most requested come first.
    fn in_a_chat {
        "/message_send" => POST messages::send;
        "/messages" => GET history::messages;
        "/stream" => GET history::stream;
        "/receipt" => POST messages::receipt;
        "/login" => POST login::login;
        "/login/ask" => POST asks::ask;
        "/login/ask/{ask_id}" => GET asks::state;
        "/answer" => POST asks::answer;
        "/device" => POST seat::device;
        "/return_code" => POST seat::return_code;
        "/sessions" => GET seat::sessions;
        "/sessions/end" => POST seat::end_session;
    }
}

fn activities(config: &mut web::ServiceConfig) {
    for activity in Activity::ALL {
        let path = format!("/{}", activity.word());
        let notify = move |at, body| messages::notify(activity, at, body);
        config.service(only(POST, &path, notify));
    }
}

/// Everything under `/user/`. The segment after it is the link's hash, or the user's name for a login.
pub fn chat(config: &mut web::ServiceConfig) {
    leaving(config);
    let chats = web::scope("/user/{hash}");
    config.service(chats.configure(in_a_chat).configure(activities));
}

/// The OpenAPI description, and Swagger UI.
pub fn description(config: &mut web::ServiceConfig) {
    let page = || async { web::Redirect::to("/chat-server/docs/").see_other() };
    config
        .service(only(GET, "/openapi.json", docs::openapi))
        .service(only(GET, "/docs", page))
        .service(only(GET, "/docs/{file:.*}", docs::show));
}
