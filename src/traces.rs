//! Spans of OpenTelemetry, where the operator has said where they go; without that none is made, and
//! asking whether costs one look at memory.
//!
//! A request has one span, and what it waits for has spans below it. What a span says is a fixed name, a
//! number, a route as the program writes it or the name that the request has in the log: never anything
//! that a caller has sent, so that no secret can be among it. Spans of libraries are not exported.

use std::sync::{
    OnceLock,
    atomic::{
        AtomicU64,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use futures_util::future::Either;
use opentelemetry::{
    Context, KeyValue,
    context::FutureExt,
    propagation::{Extractor, TextMapPropagator},
    trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{SdkTracer, Span},
};

/// The header in which a caller names the trace that it works on (W3C Trace Context §3.2).
pub const PARENT: &str = "traceparent";

/// Spans that may wait for the collector; more are dropped, and counted.
const MAX_WAITING: u64 = 2048;

/// Who makes spans, once somebody has said where they go.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

static WAITING: AtomicU64 = AtomicU64::new(0);
static EXPORTED: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// What became of spans, in numbers of spans since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by the collector.
    pub exported: u64,
    /// Dropped, because too many waited.
    pub dropped: u64,
    /// Lost, because the collector did not take them.
    pub refused: u64,
}

/// What a request, or a job, waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A password is hashed, after a wait for its turn.
    Password,
    /// The database answers; the embedded one is only waited for to write.
    Database,
    /// A document is fetched from somebody else's server, or something is told to it.
    Outbound,
    /// A letter leaves.
    Letter,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password hash",
            Self::Database => "database",
            Self::Outbound => "outbound request",
            Self::Letter => "letter",
        }
    }

    fn kind(self) -> SpanKind {
        match self {
            Self::Password => SpanKind::Internal,
            Self::Database | Self::Outbound | Self::Letter => SpanKind::Client,
        }
    }
}

/// Has spans made from now on; only the first call in a process counts.
pub fn begin(tracer: SdkTracer) {
    let _ = TRACER.set(tracer);
}

/// Whether spans are made.
#[must_use]
pub fn are_on() -> bool {
    TRACER.get().is_some()
}

/// The span of a request that is being answered.
#[must_use]
pub struct Answering {
    context: Context,
    method: &'static str,
}

/// What is said of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The route as the program writes it, with the names of its parameters.
    pub route: Option<&'a str>,
    /// The status.
    pub status: u16,
    /// The name that the request has in the log.
    pub request_id: Option<&'a str>,
}

impl Answering {
    /// Begins the span of a request, or `None` where no spans are made. `parent` is the caller's
    /// `traceparent`, from a caller that is trusted to choose the trace and whether it is kept.
    #[must_use]
    pub fn begin(method: &'static str, parent: Option<&str>) -> Option<Self> {
        let tracer = TRACER.get()?;
        let parent = parent.map_or_else(Context::new, |parent| {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(parent))
        });
        let span = tracer
            .span_builder(method)
            .with_kind(SpanKind::Server)
            .with_attributes([KeyValue::new("http.request.method", method)])
            .start_with_context(tracer, &parent);
        // the caller's own context, with what else it may have brought, ends here
        Some(Self { context: Context::new().with_span(span), method })
    }

    /// What is done within the span.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        work.with_context(self.context.clone()).await
    }

    /// Ends the span.
    pub fn end(self, answered: Answered<'_>) {
        let span = self.context.span();
        if let Some(route) = answered.route {
            span.update_name(format!("{} {route}", self.method));
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        if let Some(id) = answered.request_id {
            span.set_attribute(KeyValue::new("request.id", id.to_owned()));
        }
        let status = i64::from(answered.status);
        span.set_attribute(KeyValue::new("http.response.status_code", status));
        if answered.status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// `traceparent` and nothing else: `tracestate` may say whatever somebody wanted.
struct Parent<'p>(&'p str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == PARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![PARENT]
    }
}

/// The span of a step, from here until it is dropped; of nothing where no spans are made.
#[must_use]
pub struct Stepping(Option<Box<Span>>);

impl Stepping {
    /// Says whether the step has failed, and gives back what came of it.
    ///
    /// # Errors
    /// The step's own.
    pub fn ended<T, E>(mut self, outcome: Result<T, E>) -> Result<T, E> {
        if let (Err(_), Some(span)) = (&outcome, &mut self.0) {
            span.set_status(Status::error(""));
        }
        outcome
    }
}

/// Begins a step of the request that is being answered; outside of one there is no span.
pub fn step(step: Step) -> Stepping {
    let here = |tracer: &SdkTracer| {
        let context = Context::current();
        context.span().is_recording().then(|| span(tracer, step, &context))
    };
    Stepping(TRACER.get().and_then(here))
}

/// Begins something that belongs to no request, and is a trace of its own.
pub fn alone(step: Step) -> Stepping {
    Stepping(TRACER.get().map(|tracer| span(tracer, step, &Context::new())))
}

fn span(tracer: &SdkTracer, step: Step, context: &Context) -> Box<Span> {
    let span = tracer.span_builder(step.name()).with_kind(step.kind());
    Box::new(span.start_with_context(tracer, context))
}

/// `work`, which is about to be given to another task, as a part of the request that is being answered.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    if are_on() { Either::Left(work.with_current_context()) } else { Either::Right(work) }
}

/// Whether one more span may wait for the collector; it is counted either way.
pub fn admit() -> bool {
    let more = |waiting| (waiting < MAX_WAITING).then_some(waiting + 1);
    let is_admitted = WAITING.fetch_update(AcqRel, Acquire, more).is_ok();
    if !is_admitted {
        DROPPED.fetch_add(1, Relaxed);
    }
    is_admitted
}

/// Spans no longer wait: they are on their way.
pub fn sent(spans: u64) {
    // none that was not admitted
    let _ = WAITING.fetch_update(AcqRel, Acquire, |it| Some(it.saturating_sub(spans)));
}

/// What came of spans that were on their way.
pub fn delivered(spans: u64, is_taken: bool) {
    let counted = if is_taken { &EXPORTED } else { &REFUSED };
    counted.fetch_add(spans, Relaxed);
}

/// What became of spans so far; `None` where none are made.
#[must_use]
pub fn counts() -> Option<Counts> {
    let read = |it: &AtomicU64| it.load(Relaxed);
    are_on().then(|| Counts {
        exported: read(&EXPORTED),
        dropped: read(&DROPPED),
        refused: read(&REFUSED),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_made_where_nobody_has_said_where_it_goes() {
        assert!(Answering::begin("GET", None).is_none());
        assert!(step(Step::Database).0.is_none() && alone(Step::Letter).0.is_none());
        assert_eq!(carried(async { 7 }).await, 7);
        assert_eq!(counts(), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let admitted = (0..MAX_WAITING + 5).filter(|_| admit()).count() as u64;

        assert_eq!((admitted, DROPPED.load(Relaxed)), (MAX_WAITING, 5));
        sent(2);
        assert!(admit() && admit() && !admit());
        sent(u64::MAX);
        assert!(admit());
    }
}
