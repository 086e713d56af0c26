//! `demo.json`: what the demo made, secrets included, for whoever runs it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use entity::{enterprise, workspace};
use serde::Serialize;

use super::Failure;

const NAME: &str = "demo.json";

/// The whole document, in the order in which it is documented.
#[derive(Serialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    pub(super) admin: Admin,
    pub(super) enterprise: Enterprise,
    pub(super) users: Vec<User>,
    pub(super) workspaces: BTreeMap<String, Workspace>,
    pub(super) clients: Clients,
    pub(super) api_keys: ApiKeys,
    pub(super) subscription_keys: SubscriptionKeys,
    pub(super) registration_token: String,
}

#[derive(Serialize)]
pub(super) struct Admin {
    pub(super) username: String,
    pub(super) password: String,
}

#[derive(Serialize)]
pub(super) struct Enterprise {
    pin: String,
    name: String,
}

impl From<enterprise::Model> for Enterprise {
    fn from(row: enterprise::Model) -> Self {
        Self { pin: row.pin, name: row.name }
    }
}

#[derive(Serialize)]
pub(super) struct User {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) totp_secret: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Workspace {
    id: String,
    slug: String,
}

impl Workspace {
    pub(super) fn named(row: workspace::Model) -> (String, Self) {
        (row.slug.clone(), Self { id: row.id.to_string(), slug: row.slug })
    }
}

#[derive(Serialize)]
pub(super) struct Clients {
    pub(super) script: Registered,
    pub(super) web: Registered,
    pub(super) spa: Registered,
    pub(super) service: Registered,
}

#[derive(Default, Serialize)]
pub(super) struct Registered {
    pub(super) client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) grant_types: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) introspection: bool,
}

#[derive(Serialize)]
pub(super) struct ApiKeys {
    pub(super) live: String,
    pub(super) test: String,
    pub(super) read_only: String,
    pub(super) flowestate: String,
    pub(super) subworkflow: String,
    pub(super) subscribeflow_live: String,
    pub(super) subscribeflow_test: String,
    pub(super) reqflo_live: String,
}

#[derive(Serialize)]
pub(super) struct SubscriptionKeys {
    pub(super) acme: String,
    pub(super) joe: String,
}

impl Document {
    /// Writes the document where only its owner can read it, in place of an older one.
    pub(super) fn write(&self, directory: &Path) -> Result<PathBuf, Failure> {
        let (path, draft) = (directory.join(NAME), directory.join(".demo.json.tmp"));
        let failed = |error: io::Error| {
            Failure::new(format!("{} cannot be written: {error}", path.display()))
        };
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let written = write_draft(&draft, &text).and_then(|()| fs::rename(&draft, &path));
        written.map_err(failed)?;
        Ok(path)
    }
}

fn write_draft(draft: &Path, text: &[u8]) -> io::Result<()> {
    // an older draft may have another mode
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text)?;
    file.sync_all()
}
