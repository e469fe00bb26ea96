//! The doors: the URL tables, and what every request passes on its way in and out.

mod actions;
mod answers;
pub mod api;
pub mod body;
mod connection;
mod device;
mod door;
pub mod envelope;
mod field;
mod h1;
mod h2;
mod integers;
#[cfg(test)]
mod layout;
mod limits;
mod low_priority;
mod observe;
mod ops;
mod origin;
mod pages;
pub mod problem;
mod reads;
pub mod schema;
mod security_txt;
mod session;
mod stream;
pub mod tls;
pub mod wire;

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use actix::ArbiterHandle;
use actix_web::{
    App, HttpRequest, Resource, Route, guard,
    middleware::{Compress, from_fn},
    web,
};
use actors::{PairRegistry, domain::PairHash, ports::Clock};
use prometheus::Registry;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::{
    config::{Contact, CustomHashes, Role, Settings},
    shutdown::Readiness,
};

pub use connection::Server;
pub use origin::{base_url, scheme};

use answers::Answers;
use limits::{AddressLimits, OneOpen};
use observe::HttpMetrics;
use origin::Origin;
use problem::Problem;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Which doors a socket opens.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// `/demo/chat/…`.
    pub pages: bool,
    /// `/chat-server/…`.
    pub api: bool,
    /// Health and metrics.
    pub ops: bool,
}

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

/// The content of [`State`].
pub struct Inner {
    pairs: PairRegistry,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    registry: Registry,
    metrics: HttpMetrics,
    limits: AddressLimits,
    answers: Answers,
    requests_waiting: Arc<Semaphore>,
    origin: Origin,
    security_contact: Option<Contact>,
    custom_hashes: CustomHashes,
    ttl_hours: i64,
    request_deadline: Duration,
    stream_buffer_bytes: usize,
}

impl Deref for State {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl State {
    /// From the settings, the address of the pages and what lies behind the doors.
    pub fn new(
        settings: &Settings,
        bound: SocketAddr,
        pairs: PairRegistry,
        clock: Arc<dyn Clock>,
        registry: Registry,
        readiness: Readiness,
    ) -> Self {
        Self(Arc::new(Inner {
            pairs,
            clock,
            readiness,
            metrics: HttpMetrics::register(&registry),
            registry,
            limits: AddressLimits::new(settings),
            answers: Answers::new(settings.limits.answers_waiting_mib),
            requests_waiting: Arc::new(Semaphore::new(settings.limits.requests_waiting)),
            security_contact: settings.server.security_contact.clone(),
            origin: Origin::new(settings, bound),
            custom_hashes: settings.custom_hashes(),
            ttl_hours: settings.links.ttl_hours,
            request_deadline: Duration::from_secs(settings.limits.request_seconds),
            stream_buffer_bytes: settings.limits.stream_buffer_kib * 1024,
        }))
    }

    /// Counts a connection while the answer lives; nothing where its address has too many.
    fn admit(&self, peer: IpAddr) -> Option<OneOpen> {
        let admitted = self.limits.connection(peer);
        if admitted.is_none() {
            self.metrics.refuse_connection();
        }
        admitted
    }

    /// Forgets addresses that have been quiet.
    pub fn forget_quiet_addresses(&self) {
        self.limits.forget_quiet();
    }

    /// The link to share.
    fn link(&self, request: &HttpRequest, hash: &PairHash) -> String {
        format!(
            "{}{}",
            self.origin.of(request),
            views::address::login(hash.as_str())
        )
    }
}

/// Opens a socket, so that a port which is taken is known before anything else is done.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Serves the doors of a socket on the arbiters, by TLS where there is an acceptor.
///
/// # Errors
/// What the system says.
pub fn server(
    listener: TcpListener,
    settings: &Settings,
    acceptor: Option<TlsAcceptor>,
    doors: Doors,
    state: &State,
    arbiters: &[ArbiterHandle],
) -> io::Result<Server> {
    let data = web::Data::new(state.clone());
    let role = settings.server.role;
    connection::serve(listener, settings, acceptor, state, arbiters, move || {
        App::new()
            .app_data(data.clone())
            .app_data(doors)
            .app_data(web::QueryConfig::default().error_handler(|_, _| {
                let message = "The part of the address behind \"?\" cannot be read.";
                Problem::Malformed(message.into()).into()
            }))
            .wrap(from_fn(observe::request))
            .configure(move |config| routes(config, doors, role))
            .default_service(web::to(move |request: HttpRequest| {
                let problem = nothing_at(request.path(), role);
                async move { Err::<&str, _>(problem) }
            }))
    })
}

/// The URL table.
fn routes(config: &mut web::ServiceConfig, doors: Doors, role: Role) {
    // On every socket: whoever checks an instance asks where it is used.
    config
        .service(look("/health/live", web::route().to(ops::live)))
        .service(look("/health/ready", web::route().to(ops::ready)));
    if doors.ops {
        config.service(look("/metrics", web::route().to(ops::metrics)));
    }
    if doors.api {
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
    if doors.pages {
        config.service(look(
            "/.well-known/security.txt",
            web::route().to(security_txt::show),
        ));
        if role.registers() {
            let first = || async { web::Redirect::to(views::address::REGISTER).see_other() };
            config.service(look("/", web::route().to(first)));
        }
        config.service(
            web::scope(views::address::BASE)
                .wrap(Compress::default())
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

/// An address that is looked at, by GET or by HEAD.
fn look(path: &str, route: Route) -> Resource {
    let by_either = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path)
        .route(route.guard(by_either))
        .default_service(only("GET, HEAD"))
}

/// What an address answers to methods it does not take.
fn only(allow: &'static str) -> Route {
    web::to(move || async move { Err::<&str, _>(Problem::Method(allow)) })
}

/// Why there is nothing at an address: it may be served by the other one of two services.
fn nothing_at(path: &str, role: Role) -> Problem {
    let chats = ["/chat-server/user/", "/demo/chat/user/"];
    let registers = [
        "/",
        views::address::REGISTER,
        "/chat-server/hash",
        "/chat-server/register",
        "/chat-server/user1",
        "/chat-server/user2",
    ];
    match role {
        Role::Registration if chats.iter().any(|begin| path.starts_with(begin)) => {
            Problem::OtherService {
                here: role,
                there: Role::Chat,
            }
        }
        Role::Chat if registers.contains(&path) => Problem::OtherService {
            here: role,
            there: Role::Registration,
        },
        _ => Problem::NoSuchPage,
    }
}
