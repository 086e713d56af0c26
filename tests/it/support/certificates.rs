//! Certificates that nobody trusts who is not told to, and a web server that has one of them.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A certificate authority of the test's own, and a certificate for this machine.
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// New ones.
    pub fn make() -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap() };
        let path = |name| made.path(name);
        openssl(&[], "/CN=Authority of the tests", &["basicConstraints=critical,CA:TRUE"])
            .arg("-out")
            .arg(path("ca.pem"))
            .arg("-keyout")
            .arg(path("ca.key"))
            .succeed();
        let names = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "basicConstraints=CA:FALSE"];
        openssl(&[("-CA", path("ca.pem")), ("-CAkey", path("ca.key"))], "/CN=localhost", &names)
            .arg("-out")
            .arg(path("server.pem"))
            .arg("-keyout")
            .arg(path("server.key"))
            .succeed();
        made
    }

    /// A certificate `{name}.pem` and its key, good for so many days and signed with the key of `by`.
    pub fn issue(&self, name: &str, (by, days): (&str, u32), subject: &str, extensions: &[&str]) {
        let file = |name: &str, kind: &str| self.path(&format!("{name}.{kind}"));
        let signer = [("-CA", file(by, "pem")), ("-CAkey", file(by, "key"))];
        openssl(&signer, subject, extensions)
            .args(["-days", &days.to_string()])
            .arg("-out")
            .arg(file(name, "pem"))
            .arg("-keyout")
            .arg(file(name, "key"))
            .succeed();
    }

    /// What a client is to trust.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The settings of `tests/smtp_server.py` with such a certificate.
    pub fn settings(&self, tls: &str) -> Value {
        json!({ "tls": tls, "cert": self.path("server.pem"), "key": self.path("server.key") })
    }

    /// A file of these.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

trait Succeed {
    fn succeed(&mut self);
}

impl Succeed for Command {
    fn succeed(&mut self) {
        let done = self.output().expect("openssl is not installed: let tests/run do it");
        assert!(done.status.success(), "{done:?}");
    }
}

fn openssl(signer: &[(&str, PathBuf)], subject: &str, extensions: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "30", "-subj", subject]);
    for (name, path) in signer {
        command.arg(name).arg(path);
    }
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    command
}

/// A web server behind TLS: OpenSSL's, which says the same to whoever asks.
pub struct SecureHost {
    /// Its port on this machine.
    pub port: u16,
    process: Child,
    _directory: TempDir,
}

impl SecureHost {
    /// One that answers a GET of `/document.json` with this body.
    pub fn start(certificates: &Certificates, body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n"
        );
        fs::write(directory.path().join("document.json"), head + body).unwrap();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-HTTP"]);
        command.arg("-cert").arg(certificates.path("server.pem"));
        command.arg("-key").arg(certificates.path("server.key"));
        command.current_dir(directory.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut lines = stdout.lines().map_while(Result::ok);
        let accept = lines.find(|line| line.starts_with("ACCEPT ")).expect("it does not listen");
        let port = accept.rsplit(':').next().unwrap().parse().unwrap();
        // what it goes on to say is read, so that it never waits for that
        std::thread::spawn(move || lines.for_each(drop));
        Self { port, process, _directory: directory }
    }
}

impl Drop for SecureHost {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
