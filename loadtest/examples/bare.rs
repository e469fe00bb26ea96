//! The floor under duet's figures: an actix-web server that does nothing but hold streams open. It speaks as much of the
//! API as `loadtest idle` needs, with the same answer for everybody, so the same command measures it.
//!
//! ```sh
//! cargo run --release -p loadtest --example bare -- 127.0.0.1:8090
//! loadtest idle --api http://127.0.0.1:8090 --pid $(pidof bare) --streams 10000
//! ```

use std::{io, time::Duration};

use actix::{Actor, AsyncContext};
use actix_web::{App, HttpResponse, HttpServer, web};
use actix_web_actors::HttpContext;
use bytes::Bytes;

/// As often as duet gives a sign of life.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(15);

struct Stream;

impl Actor for Stream {
    type Context = HttpContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.write(Bytes::from_static(
            b"retry: 1000\n\nevent: hello\nid: 0\ndata: {}\n\n",
        ));
        ctx.run_interval(SIGN_OF_LIFE_EVERY, |_, ctx| {
            ctx.write(Bytes::from_static(b":\n\n"));
        });
    }
}

async fn trivial() -> &'static str {
    "ok"
}

async fn register() -> HttpResponse {
    json(r#"{"data":{"status":"OK","code":200,"hash":"nobody"}}"#)
}

async fn login() -> HttpResponse {
    json(
        r#"{"data":{"status":"OK","code":200,"token":"nobody","seat":1,"peer":"Anny","lastSeq":0}}"#,
    )
}

async fn stream() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(HttpContext::create(Stream))
}

fn json(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(body)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let routes = || {
        App::new()
            .route("/", web::get().to(trivial))
            .route("/chat-server/register", web::post().to(register))
            .route("/chat-server/user/{name}/login", web::post().to(login))
            .route("/chat-server/user/{hash}/stream", web::get().to(stream))
    };
    HttpServer::new(routes)
        .backlog(4096)
        .bind_auto_h2c(address)?
        .run()
        .await
}
