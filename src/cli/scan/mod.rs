//! `latchkey scan`: reads an OpenAPI description, says what is wanting in it, and submits both to
//! `POST /api/scans/ingest` (Reqflo's CLI).

mod canonical;
mod description;
mod findings;
mod operations;
mod parameters;
mod payload;
mod references;
mod submit;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;

use self::{description::Description, payload::Payload, submit::Target};
use super::{Failure, output};
use crate::config;

const DEFAULT_API_URL: &str = "http://127.0.0.1:8080";
const KEY_VARIABLES: [&str; 2] = ["LATCHKEY_API_KEY", "REQFLO_API_KEY"];
const URL_VARIABLES: [&str; 3] = ["LATCHKEY_API_URL", "REQFLO_API_URL", "REQFLO_BASE_URL"];

const KEY_REQUIRED: &str = "API key required: pass --api-key or set REQFLO_API_KEY. \
    LATCHKEY_API_KEY does as well.";
const SPEC_REQUIRED: &str = "--spec is required: provide a local OpenAPI JSON or YAML file.";
const SERVICE_REQUIRED: &str = "--service is required: name the service to create or update.";

/// Submit an OpenAPI description (3.0, 3.1 or Swagger 2; JSON or YAML)
#[derive(Args)]
pub(super) struct Scan {
    /// Service name to create or update
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Local OpenAPI JSON or YAML file to scan, at most 10 MB
    #[arg(long, value_name = "PATH")]
    spec: Option<PathBuf>,
    /// Scoped API key; also `LATCHKEY_API_KEY` or `REQFLO_API_KEY`, which others on this machine do
    /// not see in the list of processes
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        help = "Backend URL; also LATCHKEY_API_URL, REQFLO_API_URL or REQFLO_BASE_URL \
                [default: http://127.0.0.1:8080]"
    )]
    api_url: Option<String>,
}

/// Scans and submits; what the server made of it goes to standard output.
pub(super) async fn run(scan: Scan) -> Result<(), Failure> {
    let environment = config::environment();
    let key = given(scan.api_key, &environment, &KEY_VARIABLES);
    let key = key.ok_or_else(|| Failure::said(KEY_REQUIRED))?;
    let path = scan.spec.filter(|path| !path.as_os_str().is_empty());
    let path = path.ok_or_else(|| Failure::said(SPEC_REQUIRED))?;
    let service = scan.service.filter(|name| !name.trim().is_empty());
    let service = service.ok_or_else(|| Failure::said(SERVICE_REQUIRED))?;
    let url = given(scan.api_url, &environment, &URL_VARIABLES);
    let target = Target::new(url.as_deref().unwrap_or(DEFAULT_API_URL), key)?;

    let description = Description::read(&path)?;
    let payload = Payload::of(&service, &description)?;
    progress(&format!(
        "Scanning {}: {}, {} endpoints; sending to {}",
        path.display(),
        description.kind(),
        payload.endpoint_count(),
        target.url()
    ));
    let ingested = submit::submit(&target, &payload).await?;

    output::line(&format!("Scan ingested: {}", ingested.scan_id))?;
    output::line(&format!("Result URL: {}/scan-runs/{}", target.url(), ingested.scan_id))?;
    let (endpoints, findings) = (ingested.endpoint_count, ingested.finding_count);
    output::line(&format!("Endpoints: {endpoints}; findings: {findings}"))
}

/// What would be submitted of a description that stands in `text`, as JSON.
///
/// # Errors
/// Why it is no description that can be scanned.
pub fn payload_of(text: &str, is_json: bool) -> Result<serde_json::Value, String> {
    let description = Description::parse(text, is_json)?;
    let payload = Payload::of("service", &description).map_err(|failure| failure.line())?;
    serde_json::to_value(&payload).map_err(|error| error.to_string())
}

/// A flag, or the first of the variables that is set; an empty one is not.
fn given(
    flag: Option<String>,
    environment: &[(String, String)],
    variables: &[&str],
) -> Option<String> {
    let variable = |name: &&str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.trim().is_empty())
    };
    flag.filter(|value| !value.trim().is_empty())
        .or_else(|| variables.iter().find_map(variable))
        .map(|value| value.trim().to_owned())
}

/// Says what goes on, beside the answer.
fn progress(line: &str) {
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    // whoever started us does not read it: there is nobody else to tell
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_variables_and_empty_ones_are_not_there() {
        let environment = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let both = environment(&[("REQFLO_API_KEY", "b"), ("LATCHKEY_API_KEY", "a")]);
        let one = environment(&[("REQFLO_API_KEY", " b\n"), ("LATCHKEY_API_KEY", "")]);

        assert_eq!(given(Some("c".into()), &both, &KEY_VARIABLES).as_deref(), Some("c"));
        assert_eq!(given(None, &both, &KEY_VARIABLES).as_deref(), Some("a"));
        assert_eq!(given(Some(String::new()), &one, &KEY_VARIABLES).as_deref(), Some("b"));
        assert_eq!(given(None, &[], &KEY_VARIABLES), None);
        let url = environment(&[("REQFLO_BASE_URL", "http://b")]);
        assert_eq!(given(None, &url, &URL_VARIABLES).as_deref(), Some("http://b"));
    }
}
