//! The certificate of the listener, or who else is to speak TLS.

use std::{fs, os::unix::fs::PermissionsExt};

use chrono::{DateTime, Utc};
use url::{Host, Url};

use super::findings::Findings;
use crate::{
    cli::certificate,
    config::Config,
    crypto::certificate::{Authorities, Certificate, Way},
};

const TLS: &str = "tls";
const KEY: &str = "tls key";
const NAMES: &str = "tls names";
const CHAIN: &str = "tls chain";

pub(super) fn look(config: &Config, now: DateTime<Utc>, findings: &mut Findings) {
    let is_https = config.issuer.starts_with("https://");
    let Some(files) = certificate::files(config) else {
        let found = match (is_https, config.listen.ip().is_loopback()) {
            (true, true) => "none here: a proxy on this machine is to speak it",
            (true, false) => {
                let advice = "set http.tls_cert_file, or make sure that only the proxy reaches it";
                let found = format!("none, and {} is open to other machines", config.listen);
                return findings.warn(TLS, found, advice);
            }
            (false, _) => "none: the issuer is on this machine",
        };
        return findings.good(TLS, found);
    };
    if !is_https {
        let advice = "set issuer to https://…, as browsers and clients reach this server";
        findings.bad(
            TLS,
            format!("the listener speaks it, and issuer is {}", config.issuer),
            advice,
        );
    }
    let certificate = files.read().and_then(|pem| files.certificate(&pem));
    match certificate {
        Ok(certificate) => sound(config, &certificate, now, findings),
        Err(error) => {
            findings.bad(TLS, error.to_string(), "the server does not start until it is mended");
        }
    }
    let mode = fs::metadata(&files.key).map(|found| found.permissions().mode() & 0o7777);
    match mode {
        Ok(mode) if mode & 0o007 != 0 => {
            let found =
                format!("{} has mode {mode:04o}: everybody may read it", files.key.display());
            findings.bad(KEY, found, format!("chmod 600 {}", files.key.display()));
        }
        Ok(_) => findings.good(KEY, "is not everybody's"),
        // told above
        Err(_) => {}
    }
}

fn sound(config: &Config, certificate: &Certificate, now: DateTime<Utc>, findings: &mut Findings) {
    let names = certificate.names.join(", ");
    match certificate.untimely(now) {
        None => {
            findings.good(TLS, format!("the certificate is good until {}", certificate.not_after));
        }
        Some(problem) if now < certificate.not_after && now >= certificate.not_before => {
            findings.warn(TLS, format!("the certificate {problem}"), "renew it");
        }
        Some(problem) => findings.bad(TLS, format!("the certificate {problem}"), "renew it"),
    }
    match host(&config.issuer) {
        Some(host) if certificate.is_for(&host) => {
            findings.good(NAMES, format!("the certificate is for {host}"));
        }
        host => findings.bad(
            NAMES,
            format!("the certificate is for {names}, and not for {}", host.unwrap_or_default()),
            "get one for the host of issuer, or mend issuer",
        ),
    }
    let authorities = Authorities::of_machine(config.http.extra_ca_file.as_deref());
    chain(certificate.way(&authorities, now), findings);
}

fn chain(way: Way, findings: &mut Findings) {
    let advice = "append the certificates that your authority sends along, in order, each signed by the \
                  next";
    match way {
        Way::Known => findings.good(CHAIN, "leads to an authority that this machine knows"),
        Way::Stumbling(problem) => {
            let found = format!("leads to an authority that this machine knows, but {problem}");
            findings.warn(CHAIN, found, advice);
        }
        Way::Private(authority) => findings.good(
            CHAIN,
            format!("leads to {authority}, which this machine does not know: clients must be told"),
        ),
        Way::Itself => {
            let advice = "get one from an authority that clients know";
            findings.warn(CHAIN, "the certificate vouches for itself", advice);
        }
        Way::Cut(issuer) => {
            let found = format!(
                "the file holds nothing of {issuer}, who issued the certificate and whom this machine \
                 does not know"
            );
            findings.warn(CHAIN, found, advice);
        }
        Way::Wrong(problem) => findings.bad(CHAIN, problem, advice),
    }
}

/// The host of a URL as certificates name it: addresses without brackets.
fn host(url: &str) -> Option<String> {
    match Url::parse(url).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}
