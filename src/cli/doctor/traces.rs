//! Whether the collector of traces takes them.

use super::findings::Findings;
use crate::{cli::traces, config::Config};

const TRACES: &str = "traces";

/// Says nothing where traces are off.
pub(super) async fn look(config: &Config, findings: &mut Findings) {
    let Some(endpoint) = &config.traces.endpoint else { return };
    match traces::reach(config, endpoint).await {
        Ok(()) => findings.good(TRACES, format!("the collector at {endpoint} takes them")),
        Err(problem) => findings.warn(
            TRACES,
            format!("the collector at {endpoint} {problem}"),
            "look at traces.endpoint and traces.headers, or OTEL_EXPORTER_OTLP_…; until then they are \
             lost, and nothing else is",
        ),
    }
}
