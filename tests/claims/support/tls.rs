//! A bare socket inside TLS, for what no HTTP client does.

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

/// Sends a request on a connection that takes little, and reads nothing.
pub async fn ask(
    address: SocketAddr,
    authority: &Authority,
    request: &str,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(authority.certificate()).unwrap();
    roots.add(trusted).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = TcpStream::from_std(socket.into()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector
        .connect(address.ip().into(), socket)
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}
