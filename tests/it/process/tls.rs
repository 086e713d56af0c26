//! The listener behind a certificate of its own: what it speaks, and what happens when the certificate
//! is replaced.

use std::{fs, process::Command, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use latchkey::{
    crypto::certificate::PemFiles,
    web::listener::{Limits, Listener, Tls, serve},
};
use poem::{EndpointExt, endpoint::make};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{
    nodes::cluster::within,
    support::{Answer, Certificates, Exit, Installation, Process, finished},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// An installation with certificates of its own.
async fn installed() -> (Installation, Certificates) {
    let (installation, certificates) = (Installation::new().await, Certificates::make());
    for name in ["server.pem", "server.key"] {
        fs::copy(certificates.path(name), installation.directory().join(name)).unwrap();
    }
    let settings = "[http]\ntls_cert_file = \"server.pem\"\ntls_key_file = \"server.key\"\n";
    fs::write(installation.directory().join("latchkey.toml"), settings).unwrap();
    (installation, certificates)
}

/// A client that trusts these certificates, and speaks one protocol or offers none.
fn connector(certificates: &Certificates, protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.authority()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

async fn connected(address: &str, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(address).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), socket).await.unwrap()
}

/// The certificate that a server shows.
async fn shown(server: &Process, certificates: &Certificates) -> Vec<u8> {
    let stream = connected(server.address(), &connector(certificates, &[])).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn issued(certificates: &Certificates) -> Vec<u8> {
    CertificateDer::from_pem_file(certificates.path("server.pem")).unwrap().to_vec()
}

/// Both protocols, as they were negotiated; the issuer and what it is for follows: `https`, cookies that
/// only come back so, and the rule that browsers keep to it.
#[tokio::test]
async fn both_versions_of_http_are_spoken_and_the_issuer_is_https() {
    let (installation, certificates) = installed().await;
    let server = installation.serve(&[]);
    let url = format!("https://{}", server.address());
    assert!(server.printed().ends_with(&format!(" as {url}\n")), "{}", server.printed());

    let authority = fs::read(certificates.authority()).unwrap();
    let client = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&authority).unwrap())
        .no_proxy()
        .build()
        .unwrap();
    let page = Answer::to(client.get(format!("{url}/login"))).await.expect(200);
    let stream = connected(server.address(), &connector(&certificates, &[b"h2"])).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let (mut requests, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get(format!("{url}/.well-known/oauth-authorization-server"));
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let answer = requests.send_request(request).await.unwrap();

    assert_eq!(page.header("strict-transport-security"), Some("max-age=63072000"));
    assert!(page.header("set-cookie").unwrap().contains("; Secure"));
    assert_eq!(
        (answer.status(), answer.version()),
        (200.try_into().unwrap(), hyper::Version::HTTP_2)
    );
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let metadata: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(metadata["issuer"], url);
    // told to go (RFC 9113 §6.8), the client goes, and the server ends at once
    assert_eq!(server.stop().code, Some(0));
    let _ = timeout(PATIENCE, connection).await.unwrap();
}

/// Who offers nothing that is spoken is told so, and who does not speak TLS is not answered.
#[tokio::test]
async fn what_is_not_spoken_is_refused() {
    let (installation, certificates) = installed().await;
    let server = installation.serve(&[]);

    let socket = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let refused = connector(&certificates, &[b"spdy/3"]).connect(name, socket).await;
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer)).await.unwrap();
    let old = finished(openssl_client(server.address(), "-tls1_1"));
    let good = finished(openssl_client(server.address(), "-tls1_2"));

    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_ne!(old.code, Some(0), "{old:?}");
    assert_eq!(good.code, Some(0), "{good:?}");
    assert_eq!(server.stop().code, Some(0));
}

fn openssl_client(address: &str, version: &str) -> Command {
    let mut command = Command::new("sh");
    // OpenSSL itself refuses old versions unless it is told to be lax
    let script = "openssl s_client -connect \"$0\" \"$1\" -cipher DEFAULT@SECLEVEL=0 </dev/null";
    command.args(["-c", script, address, version]);
    command
}

/// A new certificate is shown from the next connection on, without a restart; one that is broken is told
/// of by setting and file, and the one before goes on.
#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (installation, certificates) = installed().await;
    let server = installation.serve(&[]);
    assert_eq!(shown(&server, &certificates).await, issued(&certificates));
    let replacement = Certificates::make();
    let put = |from: &Certificates, name: &str| {
        fs::copy(from.path(name), installation.directory().join(name)).unwrap();
    };

    // one file of two: they do not belong together
    put(&replacement, "server.pem");
    server.signal("HUP");
    for _ in 0..20 {
        assert_eq!(shown(&server, &certificates).await, issued(&certificates));
    }
    put(&replacement, "server.key");
    server.signal("HUP");

    within(PATIENCE, async || {
        let socket = TcpStream::connect(server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        connector(&replacement, &[]).connect(name, socket).await.is_ok()
    })
    .await;
    assert_eq!(shown(&server, &replacement).await, issued(&replacement));
    let log = server.stop().stderr;
    let told = "http.tls_key_file server.key is not the key of the first certificate in \
                http.tls_cert_file server.pem";
    assert!(log.contains(told), "{log}");
    assert!(log.contains("a new certificate is shown: for localhost, 127.0.0.1, until "), "{log}");
}

fn refused(installation: &Installation) -> String {
    let Exit { code, stdout, stderr } = installation.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
    stderr
}

/// Before anything is begun: what cannot be used is told by the name of its setting and of its file.
#[tokio::test]
async fn what_is_no_certificate_stops_the_start() {
    let (installation, certificates) = installed().await;
    let file = |name: &str| installation.directory().join(name);
    let key = fs::read(file("server.key")).unwrap();
    let pem = fs::read(file("server.pem")).unwrap();
    let other = fs::read(certificates.path("ca.key")).unwrap();
    for (name, content, told) in [
        ("server.pem", None, "http.tls_cert_file server.pem cannot be read: No such file"),
        ("server.pem", Some(&key), "http.tls_cert_file server.pem holds no certificate in PEM"),
        ("server.pem", Some(&b"-----BEGIN CERTIFICATE-----\n".to_vec()), "server.pem is no PEM"),
        ("server.key", None, "http.tls_key_file server.key cannot be read: No such file"),
        ("server.key", Some(&pem), "http.tls_key_file server.key holds no private key in PEM"),
        ("server.key", Some(&other), "http.tls_key_file server.key is not the key of the first"),
    ] {
        fs::remove_file(file(name)).unwrap();
        if let Some(content) = content {
            fs::write(file(name), content).unwrap();
        }

        let said = refused(&installation);

        assert!(said.contains(told), "{told}: {said}");
        assert!(!installation.data_dir().exists(), "something was begun");
        fs::write(file("server.pem"), &pem).unwrap();
        fs::write(file("server.key"), &key).unwrap();
    }
    let half = "[http]\ntls_cert_file = \"server.pem\"\n";
    fs::write(file("latchkey.toml"), half).unwrap();
    let said = refused(&installation);
    assert!(
        said.contains("http.tls_key_file: must be set, because http.tls_cert_file is"),
        "{said}"
    );
}

/// Hands are shaken within the time for headers, and meanwhile the connection counts as one.
#[tokio::test]
async fn who_does_not_shake_hands_is_cut_off_and_counted() {
    let certificates = Certificates::make();
    let files = PemFiles {
        certificates: certificates.path("server.pem"),
        key: certificates.path("server.key"),
    };
    let (tls, _) = Tls::open(files).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let header_read = Duration::from_millis(300);
    let limits = Limits { header_read, connections: 1, ..Limits::default() };
    let app = make(|_| async { Ok::<_, poem::Error>("here") }).map_to_response();
    let listener = Listener::new(tcp, Some(Arc::new(tls)));
    let server = tokio::spawn(serve(listener, app, limits, std::future::pending()));

    let mut silent = TcpStream::connect(&address).await.unwrap();
    let connector = connector(&certificates, &[b"http/1.1"]);
    // waits for the silent one to be cut off
    let mut stream = timeout(PATIENCE, connected(&address, &connector)).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;

    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, silent.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.abort();
}
