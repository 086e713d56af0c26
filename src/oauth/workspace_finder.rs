//! How somebody who is in more workspaces than a page offers names another one: by its slug, in a
//! field with a button of its own, so that it works without a script.

use entity::client;
use uuid::Uuid;

use super::consent_page::Sent;
use crate::{
    app::App,
    fault::Fault,
    tokens::{grants, offers::Offers},
    web::csrf::CsrfForm,
};

/// The field.
const FIELD: &str = "other_workspace";

/// The field as a page shows it.
#[derive(Clone, Default)]
pub(super) struct Finder {
    /// Whether there is anything to find.
    pub(super) is_offered: bool,
    /// Whether somebody has asked for a workspace.
    pub(super) is_asked: bool,
    /// What was typed.
    pub(super) typed: String,
    /// Whether that is no workspace of the user's in which the client could act.
    pub(super) is_unknown: bool,
}

impl Finder {
    /// What a form asks for. Who has typed a slug and goes on without pressing the field's own button
    /// is not taken to mean the workspace that was chosen before.
    pub(super) fn of(form: &CsrfForm) -> Self {
        let typed: String = form.text(FIELD).chars().filter(|c| !c.is_control()).collect();
        let typed = typed.trim().to_owned();
        let is_asked = !typed.is_empty() || form.get("decision") == Some("find");
        Self { is_asked, typed, ..Self::default() }
    }

    /// The field on a page that shows these offers.
    pub(super) fn beside(&self, offers: &Offers) -> Self {
        Self { is_offered: offers.has_more || self.is_unknown, ..self.clone() }
    }
}

impl Sent {
    /// The id of the workspace that was chosen.
    pub(super) fn workspace_id(&self) -> Option<Uuid> {
        self.workspace.as_deref().and_then(|id| id.parse().ok())
    }

    /// The same, with the workspace that was asked for chosen; or with what is wrong with it.
    pub(super) async fn found(
        self,
        app: &App,
        client: &client::Model,
        user_id: Uuid,
    ) -> Result<Self, Fault> {
        let found = grants::find_place(app, client, user_id, &self.finder.typed).await?;
        Ok(match found.and_then(|place| place.workspace_id()) {
            Some(id) => Self { workspace: Some(id.to_string()), finder: Finder::default(), ..self },
            None => Self { finder: Finder { is_unknown: true, ..self.finder }, ..self },
        })
    }
}
