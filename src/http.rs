//! The HTTP server: the URL tables of the API and the pages, and the middleware around every request.

mod actions;
mod admission;
pub mod api;
pub mod body;
mod compression;
mod device;
pub mod envelope;
mod field;
mod integers;
#[cfg(test)]
mod layout;
mod limits;
mod observe;
mod ops;
mod origin;
mod pages;
pub mod problem;
pub mod schema;
mod security_txt;
mod serve;
mod session;
mod stream;
pub mod wire;

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
};

use actix::ArbiterHandle;
use actix_web::{
    App, FromRequest, Handler, HttpMessage, HttpRequest, Resource, Responder, Route,
    guard::{self, GuardContext},
    http::header::AsHeaderName,
    middleware::from_fn,
    web,
};
use actors::{PairRegistry, domain::PairHash, ports::Clock};
use prometheus::Registry;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use url::form_urlencoded;

use crate::{
    config::{Contact, CustomHashes, Role, Settings},
    shutdown::Readiness,
};

pub use origin::{base_url, scheme};
pub use serve::{Server, tls};

use admission::UnexpectedBody;
use limits::{AddressLimits, OpenGuard};
use observe::HttpMetrics;
use origin::Origin;
use problem::{Problem, Result};
use serve::response_memory::ResponseMemory;

/// How many connections the kernel queues before they are accepted.
const BACKLOG: i32 = 4_096;

/// Which routes a socket serves.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteSet {
    /// `/demo/chat/…`.
    pub pages: bool,
    /// `/chat-server/…`.
    pub api: bool,
    /// Health and metrics.
    pub ops: bool,
}

/// The application state that every handler gets.
pub struct State {
    pairs: PairRegistry,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    registry: Registry,
    metrics: HttpMetrics,
    limits: AddressLimits,
    response_memory: ResponseMemory,
    requests_waiting: Arc<Semaphore>,
    origin: Origin,
    security_contact: Option<Contact>,
    custom_hashes: CustomHashes,
    ttl_hours: i64,
    stream_buffer_bytes: usize,
}

impl State {
    /// `bound` is the address that the pages are served on.
    pub fn new(
        settings: &Settings,
        bound: SocketAddr,
        pairs: PairRegistry,
        clock: Arc<dyn Clock>,
        registry: Registry,
        readiness: Readiness,
    ) -> Self {
        Self {
            pairs,
            clock,
            readiness,
            metrics: HttpMetrics::register(&registry),
            registry,
            limits: AddressLimits::new(settings),
            response_memory: ResponseMemory::new(settings.limits.answers_waiting_mib),
            requests_waiting: Arc::new(Semaphore::new(settings.limits.requests_waiting)),
            security_contact: settings.server.security_contact.clone(),
            origin: Origin::new(settings, bound),
            custom_hashes: settings.custom_hashes(),
            ttl_hours: settings.links.ttl_hours,
            stream_buffer_bytes: settings.limits.stream_buffer_kib * 1024,
        }
    }

    /// Counts a connection until the guard is dropped; `None` when its address has too many.
    fn admit(&self, peer: IpAddr) -> Option<OpenGuard> {
        let admitted = self.limits.count_connection(peer);
        if admitted.is_none() {
            self.metrics.count_rejected("too_many_connections");
        }
        admitted
    }

    /// Drops the counters of addresses whose quota is full again.
    pub fn forget_quiet_addresses(&self) {
        self.limits.forget_quiet();
    }

    /// The link to share.
    fn link(&self, request: &HttpRequest, hash: &PairHash) -> String {
        self.origin.of(request) + &views::address::login(hash.as_str())
    }
}

/// Opens a listening socket. Done first, so that a port in use is reported before anything else happens.
///
/// # Errors
/// The operating system's error.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Serves a socket's routes on the arbiters, over TLS where there is an acceptor.
///
/// # Errors
/// The operating system's error.
pub fn server(
    listener: TcpListener,
    settings: &Settings,
    acceptor: Option<TlsAcceptor>,
    serves: RouteSet,
    state: &web::Data<State>,
    arbiters: &[ArbiterHandle],
) -> io::Result<Server> {
    let data = state.clone();
    let role = settings.server.role;
    serve::serve(listener, settings, acceptor, state, arbiters, move || {
        App::new()
            .app_data(data.clone())
            .app_data(serves)
            .app_data(web::QueryConfig::default().error_handler(|_, _| {
                let message = "The part of the address behind \"?\" cannot be read.";
                Problem::Malformed(message.into()).into()
            }))
            .wrap(from_fn(observe::request))
            .configure(move |config| routes(config, serves, role))
            .default_service(web::to(move |request: HttpRequest| {
                let problem = match request.extensions().contains::<UnexpectedBody>() {
                    true => Problem::UnexpectedBody,
                    false => not_found(request.path(), role),
                };
                async move { Err::<&str, _>(problem) }
            }))
    })
}

fn routes(config: &mut web::ServiceConfig, serves: RouteSet, role: Role) {
    // On every socket, so that a health check can use the one that it checks.
    config
        .service(only(PAGE, "/health/live", ops::live))
        .service(only(PAGE, "/health/ready", ops::ready));
    if serves.ops {
        config.service(only(PAGE, "/metrics", ops::metrics));
    }
    if serves.api {
        config.service(web::scope("/chat-server").configure(|config| {
            if role.registers() {
                api::registration(config);
            }
            if role.chats() {
                api::chat(config);
            }
            api::description(config);
        }));
    }
    if serves.pages {
        config.service(only(PAGE, "/.well-known/security.txt", security_txt::show));
        if role.registers() {
            let first = || async { web::Redirect::to(views::address::REGISTER).see_other() };
            config.service(only(PAGE, "/", first));
        }
        config.service(
            web::scope(views::address::BASE)
                .wrap(from_fn(compression::compress))
                .wrap(from_fn(observe::page))
                .configure(|config| {
                    pages::everywhere(config);
                    if role.registers() {
                        pages::registration(config);
                    }
                    if role.chats() {
                        pages::chat(config);
                    }
                }),
        );
    }
}

/// A header of a request, where it is ASCII.
fn header(request: &HttpRequest, name: impl AsHeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// Whether the query has a parameter of this name, whatever its value.
fn has_parameter(request: &HttpRequest, name: &str) -> bool {
    let mut parameters = form_urlencoded::parse(request.query_string().as_bytes());
    parameters.any(|(found, _)| found == name)
}

/// The methods of a page, of a request for data, and of an action.
const PAGE: &str = "GET, HEAD";
const GET: &str = "GET";
const POST: &str = "POST";

/// A resource for these methods; others are answered with a 405 that names them.
fn only<F, Args>(methods: &'static str, path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    let route = match methods {
        POST => web::post(),
        GET => web::get(),
        _ => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
    };
    web::resource(path)
        .route(refuse_body(methods))
        .route(route.to(handler))
        .default_service(method_not_allowed(methods))
}

/// Answers 400 to a GET or HEAD with a body, where the address takes these methods.
fn refuse_body(methods: &'static str) -> Route {
    let is_refused = |request: &GuardContext<'_>| {
        request.req_data().contains::<UnexpectedBody>()
            && methods.contains(request.head().method.as_str())
    };
    let refuse = || async { Err::<&str, _>(Problem::UnexpectedBody) };
    web::route().guard(guard::fn_guard(is_refused)).to(refuse)
}

/// Answers 405 with the methods that the address takes.
fn method_not_allowed(allow: &'static str) -> Route {
    web::to(move || async move { Err::<&str, _>(Problem::Method(allow)) })
}

/// The 404 for a path. Where the roles are split, it says if the other service has the path.
fn not_found(path: &str, role: Role) -> Problem {
    let chats = ["/chat-server/user/", "/demo/chat/user/"];
    let registers = [
        "/",
        views::address::REGISTER,
        "/demo/chat/register/hash",
        "/chat-server/hash",
        "/chat-server/register",
        "/chat-server/user1",
        "/chat-server/user2",
    ];
    let there = match role {
        Role::Registration if chats.iter().any(|begin| path.starts_with(begin)) => Role::Chat,
        Role::Chat if registers.contains(&path) => Role::Registration,
        _ => return Problem::NoSuchPage,
    };
    Problem::OtherService { here: role, there }
}
