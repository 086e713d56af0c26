//! `[traces]`: where OpenTelemetry traces go, if anywhere. Also by the standard variables `OTEL_…`, which
//! win over the file and give way to `LATCHKEY_TRACES__…`.

use std::{collections::BTreeMap, fmt};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, de::Error};
use toml::{Table, Value};
use url::{Host, Url};

use super::ConfigError;

const SECTION: &str = "traces";
const ENDPOINT: &str = "endpoint";
/// What the path of a collector's address is, unless it is given whole (OTLP 1.0 §OTLP/HTTP).
const SIGNAL_PATH: &str = "/v1/traces";
/// All that this server speaks.
const PROTOCOL: &str = "http/protobuf";

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const BASE_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const WHOLE_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Traces: off without an endpoint.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TracesConfig {
    /// Where spans are sent by OTLP over HTTP, with its path (`/v1/traces`); absent or empty means that
    /// there are none.
    #[serde(deserialize_with = "endpoint")]
    pub endpoint: Option<Endpoint>,
    /// What the collector demands in headers. Holds passwords.
    pub headers: Headers,
    /// What this server is called in traces; `latchkey` by default.
    pub service_name: Option<String>,
    /// Which traces are kept.
    pub sampler: TracesSampler,
    /// Of how many, where [`Self::sampler`] is a ratio.
    pub sampler_arg: Ratio,
    /// Whether a trace that a trusted proxy (`http.trusted_proxies`) names goes on here, and with a
    /// `parentbased_…` sampler is kept if the proxy says so. Only for proxies that name traces of their
    /// own and pass on nobody else's `traceparent`: whoever chooses it chooses what is kept.
    pub from_proxies: bool,
}

impl TracesConfig {
    /// Whether what the collector demands goes to another machine without TLS.
    #[must_use]
    pub fn tells_secrets(&self) -> bool {
        let is_here = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_plain = |Endpoint(url): &Endpoint| url.scheme() == "http" && !is_here(url);
        self.endpoint.as_ref().is_some_and(is_plain) && self.headers != Headers::default()
    }
}

/// Which traces are kept, by the names that `OTEL_TRACES_SAMPLER` has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TracesSampler {
    /// Every one.
    #[serde(rename = "always_on")]
    AlwaysOn,
    /// None.
    #[serde(rename = "always_off")]
    AlwaysOff,
    /// Some, by chance.
    #[serde(rename = "traceidratio")]
    Ratio,
    /// As whoever has begun it says; every one that begins here.
    #[default]
    #[serde(rename = "parentbased_always_on")]
    ParentOrOn,
    /// As whoever has begun it says; none that begins here.
    #[serde(rename = "parentbased_always_off")]
    ParentOrOff,
    /// As whoever has begun it says; some that begin here, by chance.
    #[serde(rename = "parentbased_traceidratio")]
    ParentOrRatio,
}

/// The address of a collector. Its path may be a secret, and is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_fine = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        is_fine.then_some(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Endpoint>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    // the value is not quoted: it may be a password under the wrong key
    Endpoint::parse(&text).map(Some).ok_or_else(|| {
        D::Error::custom(
            "must be an http or https URL without user name, password, query or fragment",
        )
    })
}

/// Headers by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// Names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone()))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut headers = BTreeMap::new();
        let table = Value::deserialize(deserializer)?;
        let wrong = || D::Error::custom("must be a table of header names and strings");
        for (name, value) in table.as_table().ok_or_else(wrong)? {
            let value = value.as_str().filter(|value| is_header(name, value)).ok_or_else(wrong)?;
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        Ok(Self(headers))
    }
}

/// RFC 9110 §5.1, §5.5.
fn is_header(name: &str, value: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_shown = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_shown)
}

/// From nothing (0) to all (1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(f64);

impl Ratio {
    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // a number in the file, and text in a variable
        let number = match Value::deserialize(deserializer)? {
            Value::Float(number) => Some(number),
            Value::Integer(0) => Some(0.0),
            Value::Integer(1) => Some(1.0),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| (0.0..=1.0).contains(number));
        number.map(Self).ok_or_else(|| D::Error::custom("must be a number from 0 to 1"))
    }
}

/// What standard variables say, each with its name, in the order in which they are laid upon each other.
/// Without an endpoint, there or in `settings` or `LATCHKEY_TRACES__ENDPOINT`, none of them is looked at.
///
/// # Errors
/// When one says what this server cannot do; the error names the variable.
pub(super) fn from_variables(
    variables: &[(String, String)],
    settings: &Table,
) -> Result<Vec<(&'static str, Table)>, ConfigError> {
    let told = Told(variables);
    let mut tables = Vec::new();
    if let Some(base) = told.by(BASE_ENDPOINT) {
        let whole = format!("{}{SIGNAL_PATH}", base.trim_end_matches('/'));
        tables.push((BASE_ENDPOINT, table(ENDPOINT, whole)));
    }
    if let Some(whole) = told.by(WHOLE_ENDPOINT) {
        tables = vec![(WHOLE_ENDPOINT, table(ENDPOINT, whole.to_owned()))];
    }
    let is_in_file = settings.get(SECTION).is_some_and(|section| section.get(ENDPOINT).is_some());
    if tables.is_empty() && !is_in_file && told.by("LATCHKEY_TRACES__ENDPOINT").is_none() {
        return Ok(tables);
    }
    if told.by(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || told.by(EXPORTER) == Some("none")
    {
        return Ok(vec![(DISABLED, table(ENDPOINT, String::new()))]);
    }
    told.only(EXPORTER, "otlp")?;
    if let Some(name) = told.first(PROTOCOLS) {
        told.only(name, PROTOCOL)?;
    }
    for (variable, key) in
        [(SERVICE_NAME, "service_name"), (SAMPLER, "sampler"), (SAMPLER_ARG, "sampler_arg")]
    {
        if let Some(value) = told.by(variable) {
            tables.push((variable, table(key, value.to_owned())));
        }
    }
    if let Some(name) = told.first(HEADERS) {
        let headers = told.by(name).and_then(headers).ok_or_else(|| {
            let message = "must be name=value,name=value, special characters percent-encoded";
            ConfigError::invalid(name, message)
        })?;
        tables.push((name, table("headers", headers)));
    }
    Ok(tables)
}

/// Whether a variable is one that [`from_variables`] reads.
pub(super) fn is_variable(name: &str) -> bool {
    let single =
        [DISABLED, EXPORTER, BASE_ENDPOINT, WHOLE_ENDPOINT, SERVICE_NAME, SAMPLER, SAMPLER_ARG];
    single.iter().chain(&PROTOCOLS).chain(&HEADERS).any(|known| *known == name)
}

fn table(key: &str, value: impl Into<Value>) -> Table {
    let section = Table::from_iter([(key.to_owned(), value.into())]);
    Table::from_iter([(SECTION.to_owned(), Value::Table(section))])
}

/// Headers as `OTEL_EXPORTER_OTLP_HEADERS` spells them (W3C Baggage §3.2.1).
fn headers(text: &str) -> Option<Table> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
            let name = name.trim();
            is_header(name, &value).then(|| (name.to_owned(), Value::String(value)))
        })
        .collect()
}

/// What is in the environment.
struct Told<'v>(&'v [(String, String)]);

impl<'v> Told<'v> {
    /// A variable's value; an empty one says nothing.
    fn by(&self, name: &str) -> Option<&'v str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of some that say something.
    fn first(&self, names: [&'static str; 2]) -> Option<&'static str> {
        names.into_iter().find(|name| self.by(name).is_some())
    }

    fn only(&self, name: &str, value: &str) -> Result<(), ConfigError> {
        match self.by(name) {
            Some(said) if said != value => Err(ConfigError::invalid(
                name,
                format!("must be {value}, which is all that this server does"),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
