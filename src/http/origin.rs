//! Where duet is reached, and whether a request comes from its own pages.

use std::net::SocketAddr;

use actix_web::{
    HttpRequest,
    http::header::{HOST, ORIGIN},
};
use url::Url;

use super::{Doors, envelope::Problem};
use crate::config::{Settings, is_local};

/// The address people use.
#[derive(Debug, Clone)]
pub struct Origin {
    /// As set; otherwise duet listens on this machine alone.
    public: Option<String>,
    scheme: &'static str,
    /// Where the pages are listened on.
    bound: SocketAddr,
}

impl Origin {
    /// From the settings and the address that is listened on.
    pub fn new(settings: &Settings, bound: SocketAddr) -> Self {
        let public = settings.server.public_url.as_ref().map(origin);
        Self {
            public,
            scheme: scheme(settings),
            bound,
        }
    }

    /// Whether people use https.
    pub fn is_https(&self) -> bool {
        match &self.public {
            Some(public) => public.starts_with("https://"),
            None => self.scheme == "https",
        }
    }

    /// Scheme, host and port, as they stand in a link. The `Host` of a request decides only where
    /// nothing is set and it names this machine.
    pub fn of(&self, request: &HttpRequest) -> String {
        match &self.public {
            Some(public) => public.clone(),
            None => self
                .local(request)
                .unwrap_or_else(|| format!("{}://{}", self.scheme, self.bound)),
        }
    }

    /// The `Host` of a request, where it came in by the socket of the pages and names this machine.
    fn local(&self, request: &HttpRequest) -> Option<String> {
        if !request.app_data::<Doors>().is_some_and(|doors| doors.pages) {
            return None;
        }
        let host = request
            .uri()
            .authority()
            .map(|authority| authority.as_str());
        let host = host.or_else(|| request.headers().get(HOST)?.to_str().ok())?;
        let url = Url::parse(&format!("{}://{host}", self.scheme)).ok()?;
        is_local(&url).then(|| origin(&url))
    }

    /// Lets a request pass only when it comes from a page of ours, from no page, or from no
    /// browser at all. Another site may link to a page, and nothing else.
    ///
    /// # Errors
    /// [`Problem`] 403 when another site sent it.
    pub fn check(&self, request: &HttpRequest) -> Result<(), Problem> {
        let ours = match request.method().is_safe() {
            true => is_own_or_link(request),
            false => self.is_own(request),
        };
        match ours {
            true => Ok(()),
            false => Err(Problem::cross_site()),
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

/// Reading changes nothing, and no other site can read what it fetches. But it could open streams
/// or load a page into a frame with the cookies of whoever visits it, where it counts as the same
/// site: another port of the host, or a sister domain.
/// <https://web.dev/articles/fetch-metadata>
fn is_own_or_link(request: &HttpRequest) -> bool {
    let is = |name: &str, wanted: &[&str]| match request.headers().get(name) {
        Some(value) => wanted.iter().any(|wanted| value == wanted),
        None => true,
    };
    is("sec-fetch-site", &["same-origin", "none"])
        || is("sec-fetch-mode", &["navigate"]) && is("sec-fetch-dest", &["document"])
}

/// Scheme, host and port without a closing slash.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// How the pages and the API are spoken to.
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
