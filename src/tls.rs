//! TLS connections to PostgreSQL and Redis.

use std::{io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::files;

/// How a server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Not at all: protects against eavesdropping only.
    Nothing,
    /// Its issuer must be trusted; any name will do.
    Issuer,
    /// Its issuer must be trusted, and its name be the one connected to.
    Name,
}

/// TLS cannot be used with these settings.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// A client configuration that trusts the issuers in the PEM file `issuers`, or by default the system's.
///
/// # Errors
/// [`TlsError`] when issuers are needed and none are found.
pub fn client(check: Check, issuers: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let wrong = |error: &dyn std::fmt::Display| TlsError(format!("TLS cannot be used: {error}"));
    let issuer_check = match check {
        Check::Nothing => None,
        Check::Issuer | Check::Name => {
            let roots = Arc::new(issuers.map_or_else(of_the_system, in_file)?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
            Some(verifier.build().map_err(|error| wrong(&error))?)
        }
    };
    let verifier: Arc<dyn ServerCertVerifier> = match (check, issuer_check) {
        (Check::Name, Some(verifier)) => verifier,
        (_, issuer_check) => Arc::new(AnyName {
            issuer_check,
            provider: provider.clone(),
        }),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn in_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let wrong = |error: &dyn std::fmt::Display| {
        let path = path.display();
        TlsError(format!("{path} holds no certificates to trust: {error}"))
    };
    let mut roots = RootCertStore::empty();
    files::check(path).map_err(|error| wrong(&error))?;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    match roots.is_empty() {
        true => Err(wrong(&"there is no BEGIN CERTIFICATE in it")),
        false => Ok(roots),
    }
}

fn of_the_system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(TlsError(
            "this system trusts no certificates: install its package of them (ca-certificates), \
             or name a file"
                .into(),
        )),
        false => Ok(roots),
    }
}

/// The reason, if an error is about a refused certificate.
pub fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let refused = inner.and_then(|inner| inner.downcast_ref::<Error>());
        if let Some(Error::InvalidCertificate(why)) = refused {
            return Some(match why {
                CertificateError::UnknownIssuer => {
                    "its certificate comes from nobody we trust".into()
                }
                why => format!("its certificate is refused: {why}"),
            });
        }
        cause = error.source();
    }
    None
}

/// Accepts certificates for any name, and without `issuer_check` from any issuer. That the server has the
/// certificate's key is checked in any case.
#[derive(Debug)]
struct AnyName {
    issuer_check: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(check) = &self.issuer_check else {
            return Ok(ServerCertVerified::assertion());
        };
        match check.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // The name is checked last, so everything else is right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
