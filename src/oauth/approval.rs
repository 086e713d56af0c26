//! `POST /oauth/consent/approval`: the user asks a workspace to approve the client of a waiting
//! authorization request. What is asked, and what is wrong with a question, is the same on the page of a
//! device (`device.rs`).

use std::sync::Arc;

use entity::{client, user, workspace};
use poem::{Response, Result, handler, web::Data};

use super::{consent::Waiting, consent_page::Sent};
use crate::{
    app::App,
    tokens::{
        approvals::{self, Asked, Question},
        offers::Offers,
        scopes::Scope,
    },
    web::{browser::Browser, csrf::CsrfForm, links, page::see_other, page_error::PageError},
};

/// Where the consent page asks.
pub(super) const PATH: &str = "/oauth/consent/approval";

/// Who asks for approval of what.
pub(super) struct Asking<'a> {
    pub(super) user: &'a user::Model,
    pub(super) client: &'a client::Model,
    /// What the client asks for.
    pub(super) scope: &'a Scope,
    /// Where the client may act for the user, and where not.
    pub(super) offers: Offers,
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response> {
    let handle = form.text("request");
    let Some(signed_in) = &browser.signed_in else {
        return Ok(browser.respond(see_other(&links::login(Some(handle)))));
    };
    let waiting = Waiting::find(app, &browser, signed_in, handle).await?;
    let asking = Asking {
        user: &signed_in.user,
        client: &waiting.client,
        scope: &waiting.scope(),
        offers: waiting.offers(app, form.text("workspace").parse().ok()).await?,
    };
    let response = match ask(app, asking, &form).await? {
        None => see_other(&links::consent(handle)),
        Some(sent) => waiting.show(app, &browser, sent).await?,
    };
    Ok(browser.respond(response))
}

/// Asks the workspace that a form names; if that cannot be, what was sent with what is wrong with it.
pub(super) async fn ask(
    app: &App,
    Asking { user, client, scope, offers }: Asking<'_>,
    form: &CsrfForm,
) -> Result<Option<Sent>, PageError> {
    let workspace = named_workspace(offers, form.text("workspace"))?;
    let question =
        Question { user, client, workspace: &workspace, scope, message: form.get("message") };
    let problem = match approvals::ask(app, question).await? {
        Asked::Waiting | Asked::Answered => return Ok(None),
        Asked::TooMany => {
            "You wait for many answers already. Ask again when some have come.".into()
        }
        Asked::Invalid(problem) => format!("The {} {}.", problem.field, problem.message),
    };
    Ok(Some(Sent {
        workspace: Some(workspace.id.to_string()),
        message: form.text("message").to_owned(),
        approval_problem: Some(problem),
        ..Sent::default()
    }))
}

/// A workspace of the user. One that admits the client by now needs no question, which the rule sees.
fn named_workspace(offers: Offers, named: &str) -> Result<workspace::Model, PageError> {
    let open = offers.open.into_iter().map(|offer| offer.place);
    let all = open.chain(offers.barred.into_iter().map(|barrier| barrier.place));
    let mut workspaces = all.filter_map(|place| place.workspace);
    workspaces.find(|workspace| workspace.id.to_string() == named).ok_or_else(|| {
        let text = "The workspace must be one of yours.";
        PageError::bad_request("invalid_request", "workspace", text)
    })
}
