//! Mail that was acknowledged leaves, whatever happens in between.

use std::{collections::HashMap, fs, time::Duration};

use bench_support::{Result, http::Request};
use serde_json::json;

use super::Storm;
use crate::{
    reply::{ask, demand, until},
    site::Site,
};

/// After it every letter has left.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Letters {
    /// Their subjects.
    pub(crate) acknowledged: Vec<String>,
    asked: usize,
    /// How many letters left more than once; a mailbox can tell by their message id.
    pub(crate) twice: usize,
}

impl Letters {
    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        while storm.goes_on() {
            self.asked += 1;
            let subject = format!("drill-{}", self.asked);
            let body = json!({ "to": "reader@example.com", "subject": subject, "text": "Hello" });
            let request = Request::json("POST", "/api/v1/emails/send", &body).bearer(storm.key);
            let Some(reply) = ask(storm.address, request).await else { break };
            demand(reply.status == 202, || format!("{}: {}", reply.status, reply.text))?;
            self.acknowledged.push(subject);
        }
        Ok(())
    }

    /// Waits until all of them have left.
    pub(crate) async fn arrive(&mut self, site: &Site) -> Result<()> {
        let mut sent = HashMap::new();
        let what = format!("{} letters have left", self.acknowledged.len());
        until(PATIENCE, &what, async || {
            sent = subjects(site);
            self.acknowledged.iter().all(|subject| sent.contains_key(subject))
        })
        .await?;
        self.twice = sent.values().filter(|count| **count > 1).count();
        Ok(())
    }
}

/// How often each subject was sent.
fn subjects(site: &Site) -> HashMap<String, usize> {
    let mut subjects = HashMap::new();
    let files = fs::read_dir(site.installation.data_dir().join("mail")).into_iter().flatten();
    for file in files.flatten() {
        let letter = fs::read_to_string(file.path()).unwrap_or_default();
        let subject = letter.lines().find_map(|line| line.strip_prefix("Subject: "));
        if let Some(subject) = subject {
            *subjects.entry(subject.trim().to_owned()).or_default() += 1;
        }
    }
    subjects
}
