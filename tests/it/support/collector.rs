//! Somebody's collector of OpenTelemetry traces, which takes OTLP over HTTP.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::Span,
};
use parking_lot::Mutex;
use prost::Message;

/// One request that came.
#[derive(Clone, Debug)]
struct Delivery {
    head: String,
    body: Vec<u8>,
}

/// A collector on this machine, on threads of its own: it is there while a test waits for a program.
pub struct Collector {
    /// Where it is, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
    pub url: String,
    address: SocketAddr,
    deliveries: Deliveries,
    is_over: Arc<AtomicBool>,
}

type Deliveries = Arc<Mutex<Vec<Delivery>>>;

/// A span as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The span.
    pub span: Span,
    /// Who has sent it.
    pub resource: Vec<KeyValue>,
}

impl Collector {
    /// One that takes everything.
    pub fn start() -> Self {
        Self::that(true)
    }

    /// One that hears and never answers.
    pub fn that_hangs() -> Self {
        Self::that(false)
    }

    fn that(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (deliveries, is_over) = (Deliveries::default(), Arc::new(AtomicBool::new(false)));
        let (into, ends) = (Arc::clone(&deliveries), Arc::clone(&is_over));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let stream = take(stream.unwrap(), &into, answers);
                silent.extend(stream.filter(|_| !answers));
            }
        });
        Self { url: format!("http://{address}"), address, deliveries, is_over }
    }

    /// Whether anybody has come.
    pub fn was_found(&self) -> bool {
        !self.deliveries.lock().is_empty()
    }

    /// The heads of all requests: address and headers.
    pub fn heads(&self) -> Vec<String> {
        self.deliveries.lock().iter().map(|delivery| delivery.head.clone()).collect()
    }

    /// The bodies of all requests, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.deliveries.lock().iter().flat_map(|delivery| delivery.body.clone()).collect()
    }

    /// All spans.
    pub fn spans(&self) -> Vec<Seen> {
        let deliveries = self.deliveries.lock();
        let decoded = deliveries
            .iter()
            .map(|delivery| ExportTraceServiceRequest::decode(&*delivery.body).unwrap());
        decoded
            .flat_map(|request| request.resource_spans)
            .flat_map(|group| {
                let resource = group.resource.unwrap_or_default().attributes;
                let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.map(move |span| Seen { span, resource: resource.clone() })
            })
            .collect()
    }

    /// The spans of this name.
    pub fn named(&self, name: &str) -> Vec<Seen> {
        self.spans().into_iter().filter(|seen| seen.span.name == name).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // so that it looks
        let _ = TcpStream::connect(self.address);
    }
}

impl Seen {
    /// An attribute as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        text(&self.span.attributes, name)
    }

    /// An attribute of who has sent it, as text.
    pub fn sender(&self, name: &str) -> Option<String> {
        text(&self.resource, name)
    }
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    let Some(AnyValue { value: Some(value) }) = &found.value else { return None };
    Some(match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

/// Reads one request, and answers it if it is to; the connection, unless it has broken.
fn take(mut stream: TcpStream, into: &Deliveries, answers: bool) -> Option<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).ok()?;
    into.lock().push(Delivery { head, body });
    if answers {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
            content-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).ok()?;
    }
    Some(stream)
}
