//! TLS 1.2 and 1.3, with a certificate that can be replaced while connections come in.

use std::{io, sync::Arc};

use parking_lot::{Mutex, RwLock};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
        version::{TLS12, TLS13},
    },
    server::TlsStream,
};

use crate::crypto::certificate::{Certificate, CertificateError, Pem, PemFiles, provider};

/// What is spoken inside (RFC 7301), the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The way in for who speaks TLS.
pub struct Tls {
    files: PemFiles,
    /// What the files said when they were last looked at, sound or not: a broken pair is told of once.
    seen: Mutex<Pem>,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

/// What is shown to whoever connects next.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Tls {
    /// Reads the files, and answers what is in them too.
    ///
    /// # Errors
    /// When they are no certificate with its key.
    pub fn open(files: PemFiles) -> Result<(Self, Certificate), CertificateError> {
        let pem = files.read()?;
        let certificate = files.certificate(&pem)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::clone(&certificate.shown))));
        let acceptor = TlsAcceptor::from(Arc::new(settings(Arc::clone(&shown))?));
        Ok((Self { files, seen: Mutex::new(pem), shown, acceptor }, certificate))
    }

    /// Looks at the files again. From the next connection on, what they say now is shown; `None` if
    /// they say what they said. Connections that are open stay.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer a certificate with its key: the one before goes on.
    pub fn look_again(&self) -> Result<Option<Certificate>, CertificateError> {
        let pem = self.files.read()?;
        if *self.seen.lock() == pem {
            return Ok(None);
        }
        let certificate = self.files.certificate(&pem);
        *self.seen.lock() = pem;
        let certificate = certificate?;
        *self.shown.0.write() = Arc::clone(&certificate.shown);
        Ok(Some(certificate))
    }

    /// Shakes hands; how long that may take is the caller's to say.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(socket).await
    }
}

fn settings(shown: Arc<Shown>) -> Result<ServerConfig, CertificateError> {
    let mut settings = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    settings.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(settings)
}
