//! The way from a certificate to an authority, gone as a client goes it: signatures, validity, order, and
//! who may vouch for whom (RFC 5280 §6, RFC 8446 §4.4.2).

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_rustls::rustls::{
    CertificateError as Refusal, Error as TlsError, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor as verify,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Certificate, outlived, provider, validity};

/// Where the way from a certificate ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// At an authority that this machine knows.
    Known,
    /// There, and something on it makes strict clients stumble: what, in words.
    Stumbling(String),
    /// At this authority, which this machine does not know; so far every step is sound.
    Private(String),
    /// At the certificate itself, which nobody else vouches for.
    Itself,
    /// Nowhere: the file holds nothing of this issuer, whom this machine does not know.
    Cut(String),
    /// A client turns back: why, in words.
    Wrong(String),
}

/// The authorities that a client on this machine trusts.
#[derive(Debug)]
pub struct Authorities(RootCertStore);

impl Authorities {
    /// Those of the system, and those of a file in PEM. What cannot be read of them is not trusted.
    #[must_use]
    pub fn of_machine(more: Option<&Path>) -> Self {
        let mut known = RootCertStore::empty();
        known.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let more = more.and_then(|path| CertificateDer::pem_file_iter(path).ok());
        known.add_parsable_certificates(more.into_iter().flatten().flatten());
        Self(known)
    }
}

impl Certificate {
    /// Goes from the certificate to an authority, as clients do at an instant. Its own end is no part of
    /// that: see [`Certificate::untimely`].
    #[must_use]
    pub fn way(&self, authorities: &Authorities, now: DateTime<Utc>) -> Way {
        let latest = (self.not_after - TimeDelta::seconds(1)).max(self.not_before);
        let chain = Chain { all: &self.shown.cert, at: now.clamp(self.not_before, latest) };
        let parsed: Result<Vec<_>, _> =
            chain.all.iter().map(|it| X509Certificate::from_der(it).map(|(_, it)| it)).collect();
        let Ok(parsed) = parsed else {
            return Way::Wrong("a certificate cannot be read".to_owned());
        };
        let problem = chain.problem(&parsed, now);
        match (chain.trusts(chain.rest(), &authorities.0), problem) {
            (Ok(()), None) => Way::Known,
            (Ok(()), Some(problem)) => Way::Stumbling(problem),
            (Err(_), Some(problem)) => Way::Wrong(problem),
            (Err(error), None) => end(&parsed, &error),
        }
    }
}

/// Where a way ends on which nothing is wrong, and which leads to nobody who is known.
fn end(chain: &[X509Certificate<'_>], error: &TlsError) -> Way {
    let Some(last) = chain.last() else { return Way::Wrong(words(error)) };
    let is_own = last.subject() == last.issuer();
    match chain {
        [_] if is_own => Way::Itself,
        _ if !is_unknown(error) => Way::Wrong(words(error)),
        [_] => Way::Cut(last.issuer().to_string()),
        _ => Way::Private(last.issuer().to_string()),
    }
}

fn is_unknown(error: &TlsError) -> bool {
    matches!(error, TlsError::InvalidCertificate(Refusal::UnknownIssuer))
}

fn words(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(Refusal::BadSignature) => {
            "an authority of that name has another key".to_owned()
        }
        TlsError::InvalidCertificate(why) => format!("clients refuse it: {why}"),
        other => format!("clients refuse it: {other}"),
    }
}

/// What a server sends, and when a client looks at it.
struct Chain<'c> {
    all: &'c [CertificateDer<'static>],
    at: DateTime<Utc>,
}

impl Chain<'_> {
    /// What comes after the certificate.
    fn rest(&self) -> &[CertificateDer<'static>] {
        self.all.get(1..).unwrap_or_default()
    }

    /// What is wrong with the first step that no client should go, in words.
    fn problem(&self, parsed: &[X509Certificate<'_>], now: DateTime<Utc>) -> Option<String> {
        let first = parsed.first()?;
        if first.is_ca() && first.subject() != first.issuer() {
            let subject = first.subject();
            return Some(format!(
                "{subject} is an authority's, which clients take for no server's"
            ));
        }
        parsed.windows(2).enumerate().find_map(|(index, pair)| {
            let (subject, next) = (pair[0].subject(), &pair[1]);
            let by = next.subject();
            if pair[0].issuer() != by {
                let issuer = pair[0].issuer();
                return Some(format!("{subject} was issued by {issuer}, which does not come next"));
            }
            if !next.is_ca() {
                return Some(format!("{by} comes after {subject} and is no authority"));
            }
            if let Some(problem) = outlived(validity(next), now) {
                return Some(format!("{by} vouches for {subject} and {problem}"));
            }
            let error = self.trusts_up_to(index + 1).err()?;
            Some(match error {
                TlsError::InvalidCertificate(Refusal::BadSignature) => {
                    format!("{subject} was signed with another key than that of the {by} that comes next")
                }
                other => format!("{by} cannot vouch for {subject}: {other}"),
            })
        })
    }

    /// Whether a client that trusts the certificate at `place` trusts the first one.
    fn trusts_up_to(&self, place: usize) -> Result<(), TlsError> {
        let mut anchor = RootCertStore::empty();
        if let Some(trusted) = self.all.get(place) {
            anchor.add(trusted.clone())?;
        }
        self.trusts(self.all.get(1..place).unwrap_or_default(), &anchor)
    }

    /// Whether a client with these authorities trusts the first one.
    fn trusts(
        &self,
        between: &[CertificateDer<'_>],
        authorities: &RootCertStore,
    ) -> Result<(), TlsError> {
        let unknown = || TlsError::InvalidCertificate(Refusal::UnknownIssuer);
        let first = ParsedCertificate::try_from(self.all.first().ok_or_else(unknown)?)?;
        let secs = u64::try_from(self.at.timestamp()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
        let algorithms = provider().signature_verification_algorithms.all;
        verify(&first, authorities, between, at, algorithms)
    }
}
