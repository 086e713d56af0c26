//! A server that actors can reach: one in this process, or the built program.

use super::{Node, World};

/// Where actors send their requests.
pub trait Site {
    /// The URL of a path on it.
    fn url(&self, path: &str) -> String;

    /// What requests are sent with: no cookies, no redirects, no proxies.
    fn http(&self) -> &reqwest::Client;
}

impl Site for World {
    fn url(&self, path: &str) -> String {
        (**self).url(path)
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

impl Site for Node {
    fn url(&self, path: &str) -> String {
        self.url(path)
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }
}
