//! Traces of `latchkey serve`: from spans to the collector (OTLP over HTTP, protobuf). No request waits
//! for it: spans go into a queue that has an end, and a thread of its own sends them in batches.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry::{Context, Key, KeyValue, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData,
        SpanExporter, SpanProcessor,
    },
};
use reqwest::{Certificate, Client, header::CONTENT_TYPE, redirect::Policy};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::Failure;
use crate::{
    config::{Config, Endpoint, TracesConfig, TracesSampler},
    traces,
};

const NAME: &str = "latchkey";
const CONNECT: Duration = Duration::from_secs(3);
/// For one attempt.
const DEADLINE: Duration = Duration::from_secs(5);
/// For a batch, with its attempts.
const BATCH: Duration = Duration::from_secs(10);
/// What the last spans have at the end.
const END: Duration = Duration::from_secs(3);
/// Spans are counted before they come here (`traces.rs`): this is more than there can be.
const QUEUE: usize = 4096;
/// An answer of a collector says little; what is longer is not read.
const MAX_ANSWER: usize = 64 * 1024;

/// The way to the collector.
pub(super) struct Traces(SdkTracerProvider);

/// Has spans made and sent, if the configuration says where to.
pub(super) fn begin(config: &Config) -> Result<Option<Traces>, Failure> {
    let settings = &config.traces;
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let exporter =
        Counted { otlp: exporter(config, endpoint)?, is_failing: AtomicBool::new(false) };
    let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
    let processor = BatchSpanProcessor::new(exporter, batches);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Bounded(processor))
        .with_sampler(sampler(settings))
        .with_resource(resource(settings))
        .build();
    traces::begin(provider.tracer(NAME));
    tracing::info!("traces go to {endpoint}");
    Ok(Some(Traces(provider)))
}

/// Sends what waits, if the collector takes it soon.
pub(super) async fn end(traces: Option<Traces>) {
    let Some(Traces(provider)) = traces else { return };
    let ended = spawn_blocking(move || provider.shutdown_with_timeout(END)).await;
    if !matches!(ended, Ok(Ok(()))) {
        tracing::warn!("the last spans were not taken by the collector in time");
    }
}

/// Sends no spans at all, which every collector takes (OTLP 1.0 §OTLP/HTTP).
///
/// # Errors
/// What is wrong with the collector, or with the way to it.
pub(super) async fn reach(config: &Config, endpoint: &Endpoint) -> Result<(), String> {
    let client = client(config).map_err(|failure| failure.line())?;
    let mut request = client.post(endpoint.as_str()).header(CONTENT_TYPE, "application/x-protobuf");
    for (name, value) in config.traces.headers.pairs() {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answers with status {}", answer.status().as_u16())),
        Err(_) => Err("cannot be reached".to_owned()),
    }
}

fn exporter(config: &Config, endpoint: &Endpoint) -> Result<Otlp, Failure> {
    let headers: HashMap<_, _> = config.traces.headers.pairs().collect();
    Otlp::builder()
        .with_http()
        .with_http_client(Courier { client: client(config)?, runtime: Handle::current() })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .with_headers(headers)
        .with_timeout(BATCH)
        .build()
        .map_err(|error| Failure::field("traces.endpoint", &error.to_string()))
}

fn client(config: &Config) -> Result<Client, Failure> {
    let mut client = Client::builder()
        .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(DEADLINE);
    if let Some(path) = &config.http.extra_ca_file {
        let unreadable = || Failure::field("http.extra_ca_file", "cannot be read");
        let pem = fs::read(path).map_err(|_| unreadable())?;
        for authority in Certificate::from_pem_bundle(&pem).map_err(|_| unreadable())? {
            client = client.add_root_certificate(authority);
        }
    }
    client.build().map_err(|error| Failure::new(error.to_string()))
}

/// Which traces are kept. A parent is there only if somebody trusted has sent it.
fn sampler(settings: &TracesConfig) -> Sampler {
    let ratio = || Sampler::TraceIdRatioBased(settings.sampler_arg.get());
    let by_parent = |root| Sampler::ParentBased(Box::new(root));
    match settings.sampler {
        TracesSampler::AlwaysOn => Sampler::AlwaysOn,
        TracesSampler::AlwaysOff => Sampler::AlwaysOff,
        TracesSampler::Ratio => ratio(),
        TracesSampler::ParentOrOn => by_parent(Sampler::AlwaysOn),
        TracesSampler::ParentOrOff => by_parent(Sampler::AlwaysOff),
        TracesSampler::ParentOrRatio => by_parent(ratio()),
    }
}

/// Who this is: what `OTEL_RESOURCE_ATTRIBUTES` says, and name and version.
fn resource(settings: &TracesConfig) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let told = Resource::builder().build();
    // without a name the library makes one up
    let named = told.get(&Key::from_static_str("service.name")).map(|name| name.to_string());
    let named = named.filter(|name| !name.starts_with("unknown_service"));
    let name = settings.service_name.clone().or(named).unwrap_or_else(|| NAME.to_owned());
    Resource::builder().with_attribute(version).with_service_name(name).build()
}

/// Lets no more spans wait than there may.
#[derive(Debug)]
struct Bounded(BatchSpanProcessor);

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if traces::admit() {
            self.0.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Counts what the collector takes, and says when it no longer does and when it does again.
#[derive(Debug)]
struct Counted {
    otlp: Otlp,
    is_failing: AtomicBool,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        traces::sent(spans);
        let taken = self.otlp.export(batch).await;
        traces::delivered(spans, taken.is_ok());
        let was_failing = self.is_failing.swap(taken.is_err(), Relaxed);
        match &taken {
            Err(error) if !was_failing => {
                tracing::warn!(%error, "the collector of traces does not take spans: they are lost");
            }
            Ok(()) if was_failing => tracing::info!("the collector of traces takes spans again"),
            _ => {}
        }
        taken
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.otlp.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

/// Carries batches from the exporter's thread, which has no runtime, by this house's HTTP client.
#[derive(Debug)]
struct Courier {
    client: Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        self.runtime.spawn(async move { carry(&client, request).await }).await?
    }
}

async fn carry(client: &Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    // an error of the client would quote the URL
    let lost = |error: reqwest::Error| Box::<dyn Error + Send + Sync>::from(error.without_url());
    let mut answer = client.execute(request).await.map_err(lost)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.into())?)
}
