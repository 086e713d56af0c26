//! `POST /oauth/consent/approval`: the user asks a workspace to approve the client of a waiting
//! authorization request.

use std::sync::Arc;

use entity::workspace;
use poem::{Response, Result, handler, web::Data};

use super::{consent::Waiting, consent_page::Sent};
use crate::{
    app::App,
    tokens::approvals::{self, Asked, Question},
    web::{browser::Browser, csrf::CsrfForm, links, page::see_other, page_error::PageError},
};

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
    let workspace = barred_workspace(app, &waiting, form.text("workspace")).await?;
    let question = Question {
        user: &signed_in.user,
        client: &waiting.client,
        workspace: &workspace,
        scope: &waiting.scope(),
        message: form.get("message"),
    };
    let problem = match approvals::ask(app, question).await.map_err(PageError::from)? {
        Asked::Waiting | Asked::Answered => {
            return Ok(browser.respond(see_other(&links::consent(handle))));
        }
        Asked::TooMany => {
            "You wait for many answers already. Ask again when some have come.".into()
        }
        Asked::Invalid(problem) => format!("The {} {}.", problem.field, problem.message),
    };
    let sent = Sent {
        workspace: Some(workspace.id.to_string()),
        message: form.text("message").to_owned(),
        approval_problem: Some(problem),
        ..Sent::default()
    };
    Ok(browser.respond(waiting.show(app, &browser, sent).await?))
}

/// A workspace of the user. One that admits the client by now needs no question, which the rule sees.
async fn barred_workspace(
    app: &App,
    waiting: &Waiting<'_>,
    named: &str,
) -> Result<workspace::Model, PageError> {
    let offers = waiting.offers(app, named.parse().ok()).await?;
    let open = offers.open.into_iter().map(|offer| offer.place);
    let all = open.chain(offers.barred.into_iter().map(|barrier| barrier.place));
    let mut workspaces = all.filter_map(|place| place.workspace);
    workspaces.find(|workspace| workspace.id.to_string() == named).ok_or_else(|| {
        let text = "The workspace must be one of yours.";
        PageError::bad_request("invalid_request", "workspace", text)
    })
}
