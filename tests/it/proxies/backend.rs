//! The API behind a gateway: it says what has reached it.

use std::net::SocketAddr;

use latchkey::web::listener::{Limits, serve};
use poem::{Endpoint, Request, Response, Result};
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running API; it ends when dropped.
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

impl Backend {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = std::future::pending();
        let server = tokio::spawn(serve(listener, Echo, Limits::default(), never));
        Self { address, server }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Echo;

impl Endpoint for Echo {
    type Output = Response;

    /// Method, path with query, headers and body of the request, as JSON.
    async fn call(&self, mut request: Request) -> Result<Response> {
        let body = request.take_body().into_string().await.unwrap();
        let headers: Map<String, Value> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect();
        let seen = json!({
            "method": request.method().as_str(),
            "uri": request.uri().to_string(),
            "headers": headers,
            "body": body,
        });
        Ok(Response::builder().content_type("application/json").body(seen.to_string()))
    }
}
