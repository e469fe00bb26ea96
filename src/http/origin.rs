//! The public address, and whether a request comes from our own pages.

use std::{borrow::Cow, net::SocketAddr};

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{HOST, ORIGIN},
    },
};
use url::Url;
use views::address::BASE;

use super::{Problem, Result, RouteSet, header};
use crate::config::{Settings, is_local};

/// Whether a path is one of the pages.
pub fn is_page(path: &str) -> bool {
    path == "/" || path.strip_prefix(BASE).is_some_and(is_below)
}

/// Whether a path is called by programs: the API, health, metrics.
pub fn is_api(path: &str) -> bool {
    ["/chat-server", "/health", "/metrics"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(is_below))
}

fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The address people use.
#[derive(Debug, Clone)]
pub struct Origin {
    /// From `server.public_url`. Without it duet is reachable from this machine only.
    public: Option<String>,
    /// Its host, which requests for pages must name.
    public_host: Option<String>,
    /// Whether requests may name the host as `localhost` or a loopback address.
    is_local: bool,
    scheme: &'static str,
    /// The address that the pages are served on.
    bound: SocketAddr,
}

impl Origin {
    /// From the settings and the address that is listened on.
    pub fn new(settings: &Settings, bound: SocketAddr) -> Self {
        let url = settings.server.public_url.as_ref();
        Self {
            public: url.map(origin),
            public_host: url.and_then(|url| Some(url.host_str()?.to_owned())),
            is_local: bound.ip().is_loopback() || url.is_some_and(is_local),
            scheme: scheme(settings),
            bound,
        }
    }

    /// The address people use, where it is set.
    pub fn public(&self) -> Option<&str> {
        self.public.as_deref()
    }

    /// Whether people use https.
    pub fn is_https(&self) -> bool {
        match &self.public {
            Some(public) => public.starts_with("https://"),
            None => self.scheme == "https",
        }
    }

    /// Scheme, host and port for links. The `Host` of a request is used only where nothing is set
    /// and it names this machine.
    pub fn of(&self, request: &HttpRequest) -> String {
        match &self.public {
            Some(public) => public.clone(),
            None => self
                .local(request)
                .unwrap_or_else(|| format!("{}://{}", self.scheme, self.bound)),
        }
    }

    /// The `Host` of a request that came through the pages' socket, if it names this machine.
    fn local(&self, request: &HttpRequest) -> Option<String> {
        let routes = request.app_data::<RouteSet>();
        routes.filter(|routes| routes.pages)?;
        let url = asked_url(request, self.scheme)?;
        is_local(&url).then(|| origin(&url))
    }

    /// Whether a request names a host of ours. This stops DNS rebinding, where another site's name resolves to
    /// this machine so that its pages pass for ours. A request without a host is not from a browser.
    pub fn is_our_host(&self, request: &HttpRequest) -> bool {
        let in_address = request.uri().authority();
        let in_address = in_address.map(|host| Cow::from(host.as_str()));
        let in_headers = request.headers().get_all(HOST);
        let in_headers = in_headers.map(|host| String::from_utf8_lossy(host.as_bytes()));
        in_address.into_iter().chain(in_headers).all(|host| {
            let url = Url::parse(&format!("http://{host}/")).ok();
            let url = url.filter(|_| !host.contains(['@', '/', '\\', '?', '#']));
            url.is_some_and(|url| {
                self.is_local && is_local(&url)
                    || url.host_str().is_some() && url.host_str() == self.public_host.as_deref()
            })
        })
    }

    /// Refuses a request to the API, health or metrics that a page of another site made a browser send. Any
    /// host is accepted, since programs call these by internal names.
    ///
    /// # Errors
    /// [`Problem`] 403 when another site sent it.
    pub fn check_api(&self, request: &HttpRequest) -> Result<()> {
        let takes_it = matches!(*request.method(), Method::GET | Method::HEAD | Method::POST);
        let headers = request.headers();
        let from_page = headers.get(ORIGIN).is_none_or(|origin| {
            let origin = origin.to_str();
            origin.is_ok_and(|origin| self.is_of_api(request, origin))
        });
        let site = headers.get("sec-fetch-site");
        let from_here = match request.method().is_safe() {
            true => is_own_or_link(request),
            false => site.is_none_or(|site| site == "same-origin"),
        };
        let from_here = from_here && from_page;
        match takes_it && !from_here {
            true => Err(Problem::CrossSite),
            false => Ok(()),
        }
    }

    /// Whether an `Origin` is ours, or that of the host which the request names.
    fn is_of_api(&self, request: &HttpRequest, origin: &str) -> bool {
        if self.public.as_deref() == Some(origin) {
            return true;
        }
        let Ok(origin) = Url::parse(origin) else {
            return false;
        };
        asked_url(request, origin.scheme()).is_some_and(|asked| {
            asked.origin() == origin.origin()
                && (!self.bound.ip().is_loopback() || is_local(&asked))
        })
    }

    /// Refuses a request to a page that another site made a browser send. Other sites may only link to pages.
    ///
    /// # Errors
    /// [`Problem`] 403 when another site sent it.
    pub fn check(&self, request: &HttpRequest) -> Result<()> {
        let ours = match request.method().is_safe() {
            true => is_own_or_link(request),
            false => self.is_own(request),
        };
        match ours {
            true => Ok(()),
            false => Err(Problem::CrossSite),
        }
    }

    fn is_own(&self, request: &HttpRequest) -> bool {
        let header = |name: &str| request.headers().get(name);
        match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin
                .to_str()
                .is_ok_and(|origin| origin == self.of(request)),
            (None, None) => true,
        }
    }
}

/// Whether a GET comes from our own pages or is a plain link. A page of the same site, such as another port of
/// the host or a sibling domain, could otherwise open streams or frames with the visitor's cookies.
/// <https://web.dev/articles/fetch-metadata>
fn is_own_or_link(request: &HttpRequest) -> bool {
    let is = |name: &str, wanted: &[&str]| match request.headers().get(name) {
        Some(value) => wanted.iter().any(|wanted| value == wanted),
        None => true,
    };
    is("sec-fetch-site", &["same-origin", "none"])
        || is("sec-fetch-mode", &["navigate"]) && is("sec-fetch-dest", &["document"])
}

/// The host that a request names, with this scheme.
fn asked_url(request: &HttpRequest, scheme: &str) -> Option<Url> {
    let host = request.uri().authority().map(|host| host.as_str());
    let host = host.or_else(|| header(request, HOST))?;
    Url::parse(&format!("{scheme}://{host}")).ok()
}

/// Scheme, host and port without a trailing slash.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The scheme of the pages and the API.
pub fn scheme(settings: &Settings) -> &'static str {
    match settings.server.tls_cert {
        Some(_) => "https",
        None => "http",
    }
}

/// The address to open, as it is printed at the start.
pub fn base_url(settings: &Settings, bound: SocketAddr) -> String {
    let origin = Origin::new(settings, bound);
    let own = format!("{}://{bound}", origin.scheme);
    format!("{}/", origin.public.unwrap_or(own))
}
