//! Where settings come from, and which of them are unusual.

use super::findings::Findings;
use crate::{
    cli::settings::Settings,
    config::{Config, RegistrationMode, RequirePkce},
};

const UNUSUAL: &str = "unusual settings";
/// An access token that lives longer is hard to take back elsewhere.
const LONG_SECS: i64 = 24 * 3600;

pub(super) fn look(settings: &Settings, config: &Config, findings: &mut Findings) {
    let sources = settings.sources();
    let file = sources
        .file
        .map_or_else(|| "no file".to_owned(), |file| format!("the file {}", file.display()));
    // names alone: their values may be secret
    let variables = match sources.variables.as_slice() {
        [] => "no variables".to_owned(),
        names => format!("the variables {}", names.join(", ")),
    };
    findings.good("configuration", format!("read from {file}, then {variables}, then flags"));
    let before = findings.count();
    for (found, advice) in unusual(config) {
        findings.warn(UNUSUAL, found, advice);
    }
    if findings.count() == before {
        findings.good(UNUSUAL, "none");
    }
}

fn unusual(config: &Config) -> Vec<(&'static str, &'static str)> {
    let is_reached_by_others = config.issuer.starts_with("https://");
    let rules = [
        (
            config.http.allow_private_fetches,
            "http.allow_private_fetches is true",
            "clients can have this server ask addresses of your own network; take it out unless you \
             are testing",
        ),
        (
            config.oauth.registration == RegistrationMode::Open,
            "oauth.registration is \"open\": anybody registers clients",
            "set it to \"initial_access_token\" unless you want that",
        ),
        (
            config.oauth.require_pkce == RequirePkce::Public,
            "oauth.require_pkce is \"public\"",
            "set it to \"all\" as soon as every client sends a challenge (RFC 9700 §2.1.1)",
        ),
        (
            config.oauth.access_token_ttl().num_seconds() > LONG_SECS,
            "oauth.access_token_ttl is more than a day",
            "an hour is enough where clients have refresh tokens",
        ),
        (
            config.accounts.sign_up && config.mail.smtp_url.is_none() && is_reached_by_others,
            "accounts.sign_up is on and letters are only files",
            "set mail.smtp_url: without letters nobody can finish signing up",
        ),
        (
            config.traces.from_proxies && config.http.trusted_proxies.is_empty(),
            "traces.from_proxies is true and there are no http.trusted_proxies",
            "name the proxies that begin traces, or take it out: it does nothing",
        ),
        (
            config.traces.tells_secrets(),
            "traces.headers go over the network in the clear",
            "have traces.endpoint begin with https",
        ),
    ];
    rules
        .into_iter()
        .filter(|(is_so, ..)| *is_so)
        .map(|(_, found, advice)| (found, advice))
        .collect()
}
