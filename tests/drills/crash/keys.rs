//! API keys that are made and deleted.

use std::net::SocketAddr;

use bench_support::{Result, http::Request};
use serde_json::json;

use super::Storm;
use crate::{
    reply::{Reply, ask, demand, must},
    site::Site,
};

/// How many of the newest are looked at after each crash.
const LOOKED_AT: usize = 20;

/// How many live ones a storm has.
const KEPT: usize = 4;

struct Key {
    id: String,
    raw: String,
}

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Vec<Key>,
    /// Their deletion was sent, and nobody heard the answer.
    unheard: Option<Key>,
    /// Their deletion was acknowledged.
    pub(crate) deleted: Vec<String>,
    pub(crate) created: usize,
}

impl Keys {
    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        while storm.goes_on() {
            let body = json!({
                "name": format!("Storm {}", self.created),
                "ownerPrincipalType": "service_account",
                "scopes": ["leads:read"],
            });
            let request = Request::json("POST", "/api/api-keys", &body).bearer(storm.key);
            let Some(reply) = ask(storm.address, request).await else { break };
            self.kept.push(created(&reply)?);
            self.created += 1;
            // some are kept for the crash; a workspace has room for a hundred
            if self.kept.len() > KEPT {
                let key = self.kept.remove(0);
                match ask(storm.address, deletion(storm.key, &key.id)).await {
                    None => self.unheard = Some(key),
                    Some(reply) => {
                        demand(reply.status == 204, || reply.text.clone())?;
                        self.deleted.push(key.raw);
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn check(&mut self, site: &Site, address: SocketAddr) -> Result<()> {
        if let Some(key) = self.unheard.take() {
            // whether it was deleted or not, it is deletable to the end
            let reply = ask(address, deletion(&site.key, &key.id)).await;
            let status = reply.map_or(0, |reply| reply.status);
            demand([204, 404].contains(&status), || format!("a deletion again: {status}"))?;
            self.deleted.push(key.raw);
        }
        for key in &self.kept {
            must(address, verification(&key.raw), 204).await?;
        }
        for raw in self.deleted.iter().rev().take(LOOKED_AT) {
            must(address, verification(raw), 401).await?;
        }
        // rows that nobody heard of count for the plan; the next round begins with room
        let list = must(address, Request::get("/api/api-keys").bearer(&site.key), 200).await?;
        let known: Vec<_> = self.kept.iter().map(|key| key.id.clone()).collect();
        for listed in list.body["apiKeys"].as_array().into_iter().flatten() {
            let id = listed["id"].as_str().unwrap_or_default();
            let is_of_the_storm =
                listed["name"].as_str().is_some_and(|name| name.starts_with("Storm"));
            if is_of_the_storm && !known.iter().any(|known| known == id) {
                must(address, deletion(&site.key, id), 204).await?;
            }
        }
        Ok(())
    }
}

fn created(reply: &Reply) -> Result<Key> {
    demand(reply.status == 201, || format!("a key: {} {}", reply.status, reply.text))?;
    let id = reply.body["apiKey"]["id"].as_str().unwrap_or_default().to_owned();
    Ok(Key { id, raw: reply.member("rawKey")? })
}

fn deletion(key: &str, id: &str) -> Request {
    Request::bare("DELETE", &format!("/api/api-keys/{id}")).bearer(key)
}

fn verification(key: &str) -> Request {
    Request::get("/api/v1/verify").bearer(key)
}
