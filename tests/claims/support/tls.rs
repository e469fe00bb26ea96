//! Bare sockets inside TLS, for what no HTTP client does.

use std::{net::SocketAddr, sync::Arc};

use loadtest::servers::Authority;
use socket2::{Domain, Socket, Type};
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
