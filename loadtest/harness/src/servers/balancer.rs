//! A private HAProxy, nginx or Caddy with one of the project's own configurations, in which this machine's
//! ports and paths stand for those of the file.

use std::{fs, io, net::TcpStream, path::Path, process::Command};

use tempfile::TempDir;

use super::{Identity, Process, StartError, folder, free_port, require_free};

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HAProxy.
    Haproxy,
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
}

/// What stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Two instances that are the same.
    Alike,
    /// An instance that registers chats and two where people talk; the API is kept internal.
    Split,
}

impl Shape {
    /// The role of each instance.
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Alike => &["all", "all"],
            Self::Split => &["registration", "chat", "chat"],
        }
    }
}

/// A running one.
#[derive(Debug)]
pub struct Balancer {
    folder: TempDir,
    _process: Process,
    internal_port: u16,
}

impl Balancer {
    /// Starts one at this port before instances at these ports, by TLS if there is an identity.
    ///
    /// # Errors
    /// [`StartError`] tells the end of its log.
    pub fn start(
        kind: Kind,
        shape: Shape,
        port: u16,
        identity: Option<&Identity>,
        instances: &[u16],
    ) -> Result<Self, StartError> {
        // Another program that answers there would pass for the balancer.
        require_free(port)?;
        let folder = folder("balancer")?;
        let internal_port = free_port()?;
        let text = configuration(kind, shape).ok_or_else(|| {
            StartError(format!(
                "there is no configuration of {kind:?} for {shape:?}"
            ))
        })?;
        let mut text = text.to_owned();
        let mut put = |place: &str, here: String| text = text.replace(place, &here);
        let path = |name: &str| folder.path().join(name).display().to_string();
        match identity {
            Some(identity) => {
                let pem = path("duet.pem");
                both(identity, pem.as_ref()).map_err(unwritten)?;
                put("/etc/haproxy/duet.pem", pem.clone());
                put("/etc/nginx/duet.pem", pem.clone());
                put("/etc/nginx/duet.key", pem.clone());
                let site =
                    format!("https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {pem}");
                put("{$DUET_DOMAIN} {", site);
            }
            None => {
                put(
                    " ssl crt /etc/haproxy/duet.pem alpn h2,http/1.1",
                    String::new(),
                );
                put(" ssl http2 ", " ".into());
                put("ssl_certificate /etc/nginx/duet.pem;", String::new());
                put("ssl_certificate_key /etc/nginx/duet.key;", String::new());
                let site = format!("http://localhost:{port} {{\n\tbind 127.0.0.1");
                put("{$DUET_DOMAIN} {", site);
            }
        }
        // No port besides, and no certificate but the one given.
        put(
            "{\n\tlog {",
            "{\n\tadmin off\n\tauto_https off\n\tlog {".into(),
        );
        let all = instances.iter().map(|port| format!("127.0.0.1:{port}"));
        put("{$DUET_INSTANCES}", all.collect::<Vec<_>>().join(" "));
        put("/run/nginx.pid", path("pid"));
        put("/var/log/nginx", folder.path().display().to_string());
        put("0.0.0.0:443", format!("127.0.0.1:{port}"));
        put("0.0.0.0:80", format!("127.0.0.1:{}", free_port()?));
        put("10.0.0.10:8000", format!("127.0.0.1:{internal_port}"));
        for (number, port) in (11..).zip(instances) {
            put(
                &format!("10.0.0.{number}:8080"),
                format!("127.0.0.1:{port}"),
            );
        }
        let file = folder.path().join("configuration");
        fs::write(&file, text).map_err(unwritten)?;
        let log = folder.path().join("log");
        let process = Process::start("the balancer", &mut command(kind, &file), &log, |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self {
            folder,
            _process: process,
            internal_port,
        })
    }

    /// Where the API is, where the shape keeps it internal.
    pub fn internal_port(&self) -> u16 {
        self.internal_port
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        ["log", "error.log", "access.log"].map(read).concat()
    }
}

fn configuration(kind: Kind, shape: Shape) -> Option<&'static str> {
    let text = match (kind, shape) {
        (Kind::Haproxy, Shape::Alike) => include_str!("../../../../config/haproxy.cfg"),
        (Kind::Haproxy, Shape::Split) => include_str!("../../../../config/haproxy-split.cfg"),
        (Kind::Nginx, Shape::Alike) => include_str!("../../../../config/nginx.conf"),
        (Kind::Nginx, Shape::Split) => include_str!("../../../../config/nginx-split.conf"),
        (Kind::Caddy, Shape::Alike) => include_str!("../../../../config/Caddyfile"),
        (Kind::Caddy, Shape::Split) => return None,
    };
    Some(text)
}

fn command(kind: Kind, file: &Path) -> Command {
    let mut command;
    match kind {
        Kind::Haproxy => {
            command = Command::new("/usr/sbin/haproxy");
            command.args(["-db", "-f"]);
        }
        Kind::Nginx => {
            command = Command::new("/usr/sbin/nginx");
            command.args(["-g", "daemon off;", "-e", "stderr", "-c"]);
        }
        Kind::Caddy => {
            command = Command::new("/usr/bin/caddy");
            let home = file.parent().unwrap_or(Path::new("/"));
            command
                .env("XDG_DATA_HOME", home)
                .env("XDG_CONFIG_HOME", home);
            command.args(["run", "--adapter", "caddyfile", "--config"]);
        }
    }
    command.arg(file);
    command
}

/// The certificate and its key in one file, as HAProxy wants them.
fn both(identity: &Identity, file: &Path) -> io::Result<()> {
    let mut pem = fs::read(&identity.certificate)?;
    pem.extend(fs::read(&identity.key)?);
    fs::write(file, pem)
}

fn unwritten(error: io::Error) -> StartError {
    StartError(format!("the balancer's files cannot be written: {error}"))
}
