//! Bare sockets inside TLS, for what no HTTP client does; and a server whose certificate is renewed.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use harness::servers::Authority;
use reqwest::Method;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject},
    },
};

use super::{Api, Server, Setup, eventually};

/// A server that needs no proxy, and the files of its certificate.
pub struct Renewable {
    pub server: Server,
    folder: TempDir,
}

impl Renewable {
    /// With a certificate of this authority.
    pub async fn start(authority: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = files(&folder);
        issue(&folder, authority);
        let server = Setup::new()
            .set("server.tls_cert", certificate.display())
            .set("server.tls_key", key.display())
            .start()
            .await;
        Self { server, folder }
    }

    /// Puts a certificate of another authority, with its key, in the place of the one before.
    pub fn renew(&self, authority: &Authority) {
        issue(&self.folder, authority);
    }

    /// Leaves something that is no certificate.
    pub fn spoil(&self) {
        fs::write(&files(&self.folder)[0], "not a certificate").unwrap();
    }

    /// A client that trusts this authority alone.
    pub fn trusting(&self, authority: &Authority) -> Api {
        Api::trusting(&format!("https://{}", self.server.address), authority)
    }

    /// Whether a new connection is served by a certificate of this authority.
    pub async fn is_by(&self, authority: &Authority) -> bool {
        let call = self.trusting(authority).call(Method::GET, "/health/live");
        call.try_send().await.is_some()
    }

    /// Waits until it is.
    pub async fn becomes(&self, authority: &Authority) {
        eventually("the renewed certificate is in use", async || {
            self.is_by(authority).await.then_some(())
        })
        .await;
    }
}

fn files(folder: &TempDir) -> [PathBuf; 2] {
    ["duet.pem", "duet.key"].map(|name| folder.path().join(name))
}

fn issue(folder: &TempDir, authority: &Authority) {
    let identity = authority.issue(&["127.0.0.1"]).unwrap();
    let [certificate, key] = files(folder);
    fs::copy(identity.certificate, certificate).unwrap();
    fs::copy(identity.key, key).unwrap();
}

/// Who trusts this authority alone, and speaks this protocol.
pub fn connector(authority: &Authority, protocol: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(authority.certificate()).unwrap();
    roots.add(trusted).unwrap();
    let mut config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Sends a request on a connection that takes little, and reads nothing.
pub async fn ask(
    address: SocketAddr,
    authority: &Authority,
    request: &str,
) -> TlsStream<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = TcpStream::from_std(socket.into()).unwrap();
    let mut stream = connector(authority, b"http/1.1")
        .connect(address.ip().into(), socket)
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}
