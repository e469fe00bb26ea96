//! A site behind a proxy by TLS, and its clients.

use std::{net::SocketAddr, path::Path};

use harness::servers::{Authority, Kind, Shape, Site, free_port};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Api, eventually, raw, server, tls};

/// A running cluster; it ends with the test.
pub struct Cluster {
    /// What it consists of.
    pub site: Site,
    port: u16,
    authority: Authority,
}

impl Cluster {
    /// Starts one with these settings for every instance.
    pub fn start(kind: Kind, shape: Shape, settings: &[(&str, &str)]) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_duet"));
        let authority = Authority::new().unwrap();
        let identity = authority.issue(&["localhost"]).unwrap();
        let port = free_port().unwrap();
        let identity = Some(&identity);
        Self {
            site: Site::start(program, 1, (kind, shape), port, identity, settings).unwrap(),
            port,
            authority,
        }
    }

    /// A client that comes by TLS, as people do.
    pub fn api(&self) -> Api {
        Api::trusting(&format!("https://localhost:{}", self.port), &self.authority)
    }

    /// A bare connection to the proxy inside TLS, on which this protocol is spoken.
    pub async fn wire(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let name = "localhost".try_into().unwrap();
        let connector = tls::connector(&self.authority, protocol);
        connector
            .connect(name, raw::connect(address).await)
            .await
            .unwrap()
    }

    /// A client on the internal network.
    pub fn internal_api(&self) -> Api {
        let port = self.site.balancer.internal_port();
        Api::at(([127, 0, 0, 1], port).into())
    }

    /// A metric of one instance, all series of the name added up.
    pub async fn metric(&self, instance: usize, name: &str) -> f64 {
        server::metric(&self.instance(instance), name).await
    }

    /// A client of one instance, as operators have it.
    pub fn instance(&self, instance: usize) -> Api {
        let port = self.site.instances[instance].port();
        Api::at(([127, 0, 0, 1], port).into())
    }

    /// Waits until an instance that was started again is sent requests by the proxy.
    pub async fn until_used(&self, instance: usize) {
        eventually("the proxy uses the instance again", async || {
            self.api().get("/demo/chat/register").await;
            let accepted = self.metric(instance, "duet_messages_accepted_total").await;
            (accepted > 0.0).then_some(())
        })
        .await;
    }
}
