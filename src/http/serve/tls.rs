//! TLS without a proxy. The certificate can be replaced while the server runs.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, CertificateError, ServerConfig,
        crypto::ring,
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject},
        },
        server::{ClientHello, ParsedCertificate, ResolvesServerCert},
        sign::CertifiedKey,
    },
};
use tracing::{info, warn};

use crate::{
    config::{ConfigError, Settings},
    files,
};

/// HTTP/2's name in ALPN.
pub const H2: &[u8] = b"h2";

/// The TLS acceptor and its certificate, if the settings name one.
///
/// # Errors
/// [`ConfigError`] says which file is not what it should be.
pub fn acceptor(settings: &Settings) -> Result<Option<(TlsAcceptor, Arc<Identity>)>, ConfigError> {
    let Some(identity) = Identity::of(settings)? else {
        return Ok(None);
    };
    let identity = Arc::new(identity);
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("the provider has what these versions need")
        .with_no_client_auth()
        .with_cert_resolver(identity.clone());
    config.alpn_protocols = vec![H2.into(), b"http/1.1".into()];
    Ok(Some((Arc::new(config).into(), identity)))
}

/// The certificate and its key, and where they came from.
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    fn of(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let server = &settings.server;
        let (Some(certificate), Some(key)) = (&server.tls_cert, &server.tls_key) else {
            return Ok(None);
        };
        let (certificate, key) = (certificate.clone(), key.clone());
        let current = RwLock::new(read(&certificate, &key)?.into());
        Ok(Some(Self {
            certificate,
            key,
            current,
        }))
    }

    /// Reads the files again. Where they cannot be used the old certificate stays.
    pub fn reload(&self) {
        match read(&self.certificate, &self.key) {
            Ok(read) => {
                *self.current.write() = read.into();
                info!("the certificate was read again");
            }
            Err(wrong) => warn!(%wrong, "the old certificate stays in use"),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.certificate.display())
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().clone())
    }
}

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<CertifiedKey, ConfigError> {
    let unreadable = |what: &str, path: &Path, fault: &str| {
        ConfigError(format!(
            "server.tls_{what}: {} cannot be read: {fault}. It must be a PEM file.",
            path.display()
        ))
    };
    for (what, path) in [("cert", certificate), ("key", key)] {
        files::check(path).map_err(|error| unreadable(what, path, &error.to_string()))?;
    }
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("cert", certificate, &fault_of(error)))?;
    if let Some(damaged) = chain.iter().position(is_damaged) {
        let which = format!("certificate {} in it is damaged", damaged + 1);
        return Err(unreadable("cert", certificate, &which));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        let fault = match fs::read_to_string(key) {
            Ok(text) if text.contains("ENCRYPTED") => {
                "it is locked with a passphrase, and `openssl pkey -in FILE -out NEW` unlocks it"
                    .into()
            }
            _ => fault_of(error),
        };
        unreadable("key", key, &fault)
    })?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
        let fault = match error {
            rustls::Error::InconsistentKeys(_) => "the key is not the certificate's".into(),
            rustls::Error::NoCertificatesPresented => "there is no certificate in it".into(),
            other => other.to_string(),
        };
        ConfigError(format!(
            "server.tls_cert and server.tls_key, {} and {}, cannot be used: {fault}.",
            certificate.display(),
            key.display()
        ))
    })
}

/// What is wrong with a PEM file. The library's message would show lines as lists of bytes.
fn fault_of(error: pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is none in it".into(),
        pem::Error::MissingSectionEnd { .. } => "it is cut off".into(),
        pem::Error::IllegalSectionStart { .. } => {
            "one of its lines that begin with ----- is damaged".into()
        }
        other => other.to_string(),
    }
}

/// Whether a certificate of the chain cannot be parsed. rustls sends those after the first as they are, and
/// clients would break off. What a certificate may be used for is for clients to judge.
fn is_damaged(certificate: &CertificateDer<'_>) -> bool {
    let damaged = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    ParsedCertificate::try_from(certificate).err() == Some(damaged)
}
