//! A private certificate authority and the servers it vouches for, for whatever speaks TLS.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{StartError, folder};

/// A certificate authority that nobody knows, with its files in a folder of its own.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, as PEM files. They go with their [`Authority`].
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key, which its owner alone can read.
    pub key: PathBuf,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    /// [`StartError`] when its files cannot be written.
    pub fn new() -> Result<Self, StartError> {
        let mut params = CertificateParams::default();
        // Of its own, as with real ones: by its name a certificate's issuer is found.
        let name = format!("duet's private authority {}", Uuid::new_v4());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        let authority = Self {
            folder: folder("certificates")?,
            issuer: Issuer::new(params, key),
        };
        write(&authority.certificate(), &certificate.pem())?;
        Ok(authority)
    }

    /// Its own certificate, for those who should trust it: a PEM file.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a server of these names or addresses.
    ///
    /// # Errors
    /// [`StartError`] when its files cannot be written.
    pub fn issue(&self, names: &[&str]) -> Result<Identity, StartError> {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let mut params = CertificateParams::new(names).map_err(failed)?;
        // The nodes of a Redis Cluster show theirs to each other on both sides.
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let name = Uuid::new_v4();
        let identity = Identity {
            certificate: self.folder.path().join(format!("{name}.pem")),
            key: self.folder.path().join(format!("{name}.key")),
        };
        write(&identity.certificate, &certificate.pem())?;
        write(&identity.key, &key.serialize_pem())?;
        Ok(identity)
    }
}

fn failed(error: rcgen::Error) -> StartError {
    StartError(format!("no certificate can be made: {error}"))
}

/// Servers refuse a key that others can read.
fn write(path: &Path, pem: &str) -> Result<(), StartError> {
    let file = fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(pem.as_bytes()))
        .map_err(StartError::from_io("a certificate cannot be written"))
}
