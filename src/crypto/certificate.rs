//! The certificate that the listener shows, with its key: two PEM files, read and compared.

mod chain;

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;
use tokio_rustls::rustls::{
    Error as TlsError,
    client::verify_server_name,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer, prelude::X509Certificate};
use zeroize::Zeroizing;

pub use self::chain::{Authorities, Way};

/// The setting that names the file with the certificates.
const CERTIFICATES: &str = "http.tls_cert_file";
/// The setting that names the file with the key.
const KEY: &str = "http.tls_key_file";
/// How long before its end a certificate should have been replaced.
const LATE: TimeDelta = TimeDelta::days(7);

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub struct PemFiles {
    /// The certificate, then those that lead from it to an authority.
    pub certificates: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// What the two files say, byte for byte; the key is erased when it goes.
#[derive(PartialEq, Eq)]
pub struct Pem {
    certificates: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// A certificate that belongs to its key.
#[derive(Debug)]
pub struct Certificate {
    /// What rustls shows and signs with.
    pub shown: Arc<CertifiedKey>,
    /// From when it is good.
    pub not_before: DateTime<Utc>,
    /// Until when it is good.
    pub not_after: DateTime<Utc>,
    /// The names and addresses that it is for, as it writes them.
    pub names: Vec<String>,
}

/// Why two files are no certificate with its key. Names the setting and the file, never what is in
/// them.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{setting} {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{setting} {} {problem}", path.display())]
    Unusable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// The key is another certificate's.
    #[error(
        "{KEY} {} is not the key of the first certificate in {CERTIFICATES} {}",
        key.display(), certificates.display()
    )]
    Mismatch {
        /// The file with the certificates.
        certificates: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The library cannot work with what it was built with.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] TlsError),
}

/// What TLS is made of, here as in the rest of the house.
#[must_use]
pub fn provider() -> CryptoProvider {
    ring::default_provider()
}

impl PemFiles {
    /// What the files say now.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(&self) -> Result<Pem, CertificateError> {
        let read = |setting, path: &Path| {
            fs::read(path).map_err(|source| CertificateError::Unreadable {
                setting,
                path: path.to_owned(),
                source,
            })
        };
        Ok(Pem {
            certificates: read(CERTIFICATES, &self.certificates)?,
            key: Zeroizing::new(read(KEY, &self.key)?),
        })
    }

    /// The certificate and the key that these are.
    ///
    /// # Errors
    /// When there is none, or they do not belong together.
    pub fn certificate(&self, pem: &Pem) -> Result<Certificate, CertificateError> {
        let chain = self.chain(&pem.certificates)?;
        let key = PrivateKeyDer::from_pem_slice(&pem.key)
            .map_err(|_| self.unusable_key("holds no private key in PEM"))?;
        let shown = CertifiedKey::from_der(chain.clone(), key, &provider());
        let shown = Arc::new(shown.map_err(|error| self.refused(&error))?);
        let unreadable = || self.unusable("holds a certificate that cannot be read");
        let parsed: Result<Vec<_>, _> =
            chain.iter().map(|it| X509Certificate::from_der(it).map(|(_, it)| it)).collect();
        let all = parsed.map_err(|_| unreadable())?;
        let parsed = all.first().ok_or_else(unreadable)?;
        let (not_before, not_after) = validity(parsed);
        Ok(Certificate { shown, not_before, not_after, names: names(parsed) })
    }

    fn chain(&self, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match chain {
            Ok(chain) if !chain.is_empty() => Ok(chain),
            Ok(_) => Err(self.unusable("holds no certificate in PEM")),
            Err(_) => Err(self.unusable("is no PEM")),
        }
    }

    fn refused(&self, error: &TlsError) -> CertificateError {
        match error {
            TlsError::InconsistentKeys(_) => CertificateError::Mismatch {
                certificates: self.certificates.clone(),
                key: self.key.clone(),
            },
            TlsError::InvalidCertificate(_) => {
                self.unusable("holds a certificate that cannot be used")
            }
            _ => self.unusable_key("holds a private key of a kind that cannot be used"),
        }
    }

    fn unusable(&self, problem: &'static str) -> CertificateError {
        let path = self.certificates.clone();
        CertificateError::Unusable { setting: CERTIFICATES, path, problem }
    }

    fn unusable_key(&self, problem: &'static str) -> CertificateError {
        CertificateError::Unusable { setting: KEY, path: self.key.clone(), problem }
    }
}

impl Certificate {
    /// Whether it is for this host: a name, or an address without brackets (RFC 9525).
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        let first = self.shown.end_entity_cert();
        let parsed = first.and_then(ParsedCertificate::try_from);
        parsed.is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// What is wrong with its time, in words; `None` while it is good for a week or more.
    #[must_use]
    pub fn untimely(&self, now: DateTime<Utc>) -> Option<String> {
        outlived((self.not_before, self.not_after), now).or_else(|| {
            (self.not_after - now < LATE).then(|| format!("expires soon, on {}", self.not_after))
        })
    }
}

/// From when and until when a certificate is good.
fn validity(certificate: &X509Certificate<'_>) -> (DateTime<Utc>, DateTime<Utc>) {
    let validity = certificate.validity();
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    (at(validity.not_before.timestamp()), at(validity.not_after.timestamp()))
}

/// Why it is not good now, in words.
fn outlived(
    (not_before, not_after): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Option<String> {
    if now < not_before {
        return Some(format!("is not valid before {not_before}"));
    }
    (now >= not_after).then(|| format!("has expired on {not_after}"))
}

/// Where a certificate may stand (RFC 5280 §4.2.1.6).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    alternative.value.general_names.iter().filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
