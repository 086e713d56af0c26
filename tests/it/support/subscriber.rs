//! Whoever calls the gated routes: a credential and, in a header of its own, a subscription key.

use latchkey::{
    audit::Actor,
    workspaces::{self, Account},
};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Answer, World};

const HEADER: &str = "Ocp-Apim-Subscription-Key";

/// A caller with a bearer credential and any number of subscription keys.
#[derive(Clone, Debug)]
pub struct Subscriber {
    http: reqwest::Client,
    server: String,
    bearer: String,
    keys: Vec<String>,
}

impl Subscriber {
    /// A caller with both.
    pub fn new(world: &World, bearer: &str, key: &str) -> Self {
        let keys = vec![key.to_owned()];
        Self { http: world.http.clone(), server: world.url(""), bearer: bearer.to_owned(), keys }
    }

    /// The same caller with these subscription keys instead.
    pub fn with_keys(&self, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Self { keys, ..self.clone() }
    }

    /// The same caller with another credential.
    pub fn with_bearer(&self, bearer: &str) -> Self {
        Self { bearer: bearer.to_owned(), ..self.clone() }
    }

    /// A request, to be sent or to be changed first.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.server);
        let request = self.http.request(method, url).bearer_auth(&self.bearer);
        self.keys.iter().fold(request, |request, key| request.header(HEADER, key))
    }

    /// A GET.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// A POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }
}

impl World {
    /// Enables an account for API access, and answers its subscription key.
    pub async fn subscription(&self, account: Account) -> String {
        let opened = workspaces::open_subscription(&self.app, Actor::Operator, account).await;
        opened.unwrap().unwrap().key.reveal().to_owned()
    }

    /// Puts an account on the allow-list of the Comms API.
    pub async fn allow_comms(&self, account: Account) {
        assert!(workspaces::allow_comms(&self.app, Actor::Operator, account).await.unwrap());
    }
}
