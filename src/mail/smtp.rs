//! The way to an SMTP server, from the operator's URL.

use std::{fs, path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    transport::smtp::{
        AsyncSmtpTransportBuilder, PoolConfig,
        client::{Certificate, Tls, TlsParameters},
    },
};
use url::Url;

use crate::fault::Fault;

/// For each command of the SMTP dialogue.
const COMMAND: Duration = Duration::from_secs(10);
/// Connections that wait for the next letter, and how long: one is enough for letters that leave one
/// after the other, and servers count how many there are.
const CONNECTIONS: u32 = 2;
const IDLE: Duration = Duration::from_secs(30);

/// What `mail.smtp_url` says, see [`crate::config::MailConfig`]. Certificates of the authorities in
/// `extra_ca_file` are believed beside those of the public ones.
pub(super) fn transport(
    url: &str,
    extra_ca_file: Option<&Path>,
) -> Result<AsyncSmtpTransportBuilder, Fault> {
    // the error is not quoted: it may hold parts of the URL
    let unfit = || Fault::internal("mail.smtp_url cannot be used");
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| unfit())?;
    if let Some(file) = extra_ca_file {
        let url = Url::parse(url).map_err(|_| unfit())?;
        let parameters = parameters(url.host_str().ok_or_else(unfit)?, file)?;
        if let Some(tls) = tls(&url, parameters) {
            builder = builder.tls(tls);
        }
    }
    let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE);
    Ok(builder.timeout(Some(COMMAND)).pool_config(pool))
}

/// What lettre makes of the URL, with other parameters.
fn tls(url: &Url, parameters: TlsParameters) -> Option<Tls> {
    let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
    match (url.scheme(), asked.as_deref()) {
        ("smtps", _) => Some(Tls::Wrapper(parameters)),
        (_, Some("required")) => Some(Tls::Required(parameters)),
        (_, Some("opportunistic")) => Some(Tls::Opportunistic(parameters)),
        _ => None,
    }
}

fn parameters(host: &str, extra_ca_file: &Path) -> Result<TlsParameters, Fault> {
    let unfit = |why: String| Fault::internal(format!("http.extra_ca_file cannot be used: {why}"));
    let pem = fs::read(extra_ca_file).map_err(|error| unfit(error.to_string()))?;
    let authorities = Certificate::from_pem(&pem).map_err(|error| unfit(error.to_string()))?;
    TlsParameters::builder(host.to_owned())
        .add_root_certificate(authorities)
        .build()
        .map_err(|error| unfit(error.to_string()))
}
