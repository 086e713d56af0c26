//! Whoever calls the sibling API.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, Site};

/// A caller with one credential, or none.
#[derive(Clone, Debug)]
pub struct ApiCaller {
    http: reqwest::Client,
    server: String,
    header: Option<(&'static str, String)>,
}

impl ApiCaller {
    fn new(site: &impl Site, header: Option<(&'static str, String)>) -> Self {
        Self { http: site.http().clone(), server: site.url(""), header }
    }

    /// The same caller, speaking to another node.
    pub fn at(&self, node: &impl Site) -> Self {
        Self { server: node.url(""), ..self.clone() }
    }

    /// One without a credential.
    pub fn anonymous(site: &impl Site) -> Self {
        Self::new(site, None)
    }

    /// `Authorization: Bearer`, with an access token or a key.
    pub fn bearer(site: &impl Site, credential: &str) -> Self {
        Self::new(site, Some(("authorization", format!("Bearer {credential}"))))
    }

    /// `X-API-Key`.
    pub fn key(site: &impl Site, key: &str) -> Self {
        Self::new(site, Some(("x-api-key", key.to_owned())))
    }

    /// A GET, to be sent or to be changed first.
    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.with_method(Method::GET, path)
    }

    /// A GET.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(path)).await
    }

    /// A request with any method, to be sent or to be changed first.
    pub fn with_method(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.server));
        match &self.header {
            Some((name, value)) => request.header(*name, value),
            None => request,
        }
    }

    /// A POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.with_method(Method::POST, path).json(body)).await
    }

    /// A PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.with_method(Method::PATCH, path).json(body)).await
    }

    /// A DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.with_method(Method::DELETE, path)).await
    }

    /// A POST of these bytes, said to be of this type.
    pub async fn post_bytes(&self, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
        let request = self.with_method(Method::POST, path).header("content-type", media_type);
        Answer::to(request.body(body)).await
    }

    /// `GET /api/v1/me`.
    pub async fn me(&self) -> Answer {
        self.get("/api/v1/me").await
    }
}
