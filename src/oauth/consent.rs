//! `GET`, `POST /oauth/consent`: the user decides about a waiting authorization request.
//!
//! 1. somebody is signed in, else back to the sign-in page
//! 2. the request waits in this browser, and its client is still enabled
//! 3. the session has what the request demands (`prompt.rs`), else back to the sign-in page
//! 4. GET: allowed before → the code; else the page, which also says where the client may not act
//! 5. POST: the form is ours (`web/csrf.rs`); `decision` is `allow`, `deny` or `find`; the workspace is
//!    one of the user's and admits the client; something is allowed; the request is taken out once
//!
//! Who is in very many workspaces is shown some, and can `find` another one by its slug: the page
//! comes again and has it chosen.
//!
//! Every scope can be unticked but `openid`, without which nobody would be signed in. The fields are
//! `scope.{token}`; a form that has none of them, and does not come from the button that lets the user
//! choose, allows what the page listed.

use std::sync::Arc;

use entity::{authorization_request, client, terms::Terms};
use poem::{Request, Response, Result, handler, http::Uri, web::Data};

use super::{
    consent_page::{self, Sent},
    consent_scopes,
    params::Params,
    redirect::{ResponseMode, Return},
    workspace_finder::Finder,
};
use crate::{
    app::App,
    clients::authentication,
    identity::session::SignedIn,
    openid::demands,
    tokens::{
        code::Yes,
        grants::Answer,
        offers::{self, Offer, Offers},
        requests::{self, Approval},
        scopes::Scope,
    },
    web::{browser::Browser, csrf::CsrfForm, links, page::see_other, page_error::PageError, query},
};

/// The parameter of the button's address that says that the user could choose.
const CHOICE: &str = "choice";
/// How the fields of the scopes begin.
const SCOPE_FIELD: &str = "scope.";
/// The only scope token that cannot be left out (OpenID Connect Core §3.1.2.1).
pub(super) const REQUIRED: &str = "openid";

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request, browser: Browser) -> Result<Response> {
    let params = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    let handle = params.get("request").ok_or_else(expired)?.to_owned();
    let Some(signed_in) = &browser.signed_in else {
        return Ok(browser.respond(see_other(&links::login(Some(&handle)))));
    };
    let waiting = Waiting::find(app, &browser, signed_in, &handle).await?;
    let response = match waiting.barrier(app).await? {
        Some(barrier) => barrier,
        None => waiting.show_or_answer(app, &browser).await?,
    };
    Ok(browser.respond(response))
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
    form: CsrfForm,
) -> Result<Response> {
    let handle = form.text("request");
    let Some(signed_in) = &browser.signed_in else {
        return Ok(browser.respond(see_other(&links::login(Some(handle)))));
    };
    let waiting = Waiting::find(app, &browser, signed_in, handle).await?;
    let response = match form.get("decision") {
        Some("allow" | "find") => match waiting.barrier(app).await? {
            Some(barrier) => barrier,
            None => waiting.allow(app, &browser, Sent::of(uri, &form)).await?,
        },
        Some("deny") => waiting.deny(app).await?,
        _ => {
            let text = "The decision must be allow, deny or find.";
            return Err(PageError::bad_request("invalid_request", "decision", text).into());
        }
    };
    Ok(browser.respond(response))
}

impl Sent {
    /// What a decision was sent with.
    fn of(uri: &Uri, form: &CsrfForm) -> Self {
        let ticked: Scope = form.named(SCOPE_FIELD).map(str::to_owned).collect();
        let is_choice = !ticked.is_empty() || query::get(uri, CHOICE).is_some();
        Self {
            workspace: form.get("workspace").map(str::to_owned),
            marked: form.get("marked").map(str::to_owned),
            ticked: is_choice.then_some(ticked),
            finder: Finder::of(form),
            ..Self::default()
        }
    }
}

/// A request, its client and its user.
pub(super) struct Waiting<'a> {
    pub(super) handle: &'a str,
    pub(super) request: authorization_request::Model,
    pub(super) client: Arc<client::Model>,
    pub(super) signed_in: &'a SignedIn,
}

impl<'a> Waiting<'a> {
    /// Step 2.
    pub(super) async fn find(
        app: &App,
        browser: &Browser,
        signed_in: &'a SignedIn,
        handle: &'a str,
    ) -> Result<Self, PageError> {
        let request = requests::find(app, &browser.cookie, handle).await?.ok_or_else(expired)?;
        let client =
            authentication::find_enabled(app, &request.client_id).await?.ok_or_else(|| {
                PageError::bad_request("invalid_request", "client_id", "This app was disabled.")
            })?;
        Ok(Self { handle, request, client, signed_in })
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::stored(&self.request.scope)
    }

    /// What the user can answer, also in the workspace that was named.
    pub(super) async fn offers(
        &self,
        app: &App,
        named: Option<uuid::Uuid>,
    ) -> Result<Offers, PageError> {
        let (user, scope) = (&self.signed_in.user, self.scope());
        Ok(offers::list(app, &self.client, user, &scope, named).await?)
    }

    pub(super) fn terms(&self) -> Terms {
        self.request.terms.clone().unwrap_or_default()
    }

    pub(super) fn to(&self, app: &App) -> Return {
        let mode = ResponseMode::named(&self.request.response_mode).unwrap_or_default();
        let how = (mode, self.request.state.as_deref());
        Return::to(app, &self.client, &self.request.redirect_uri, how)
    }

    /// Step 4.
    async fn show_or_answer(
        &self,
        app: &Arc<App>,
        browser: &Browser,
    ) -> Result<Response, PageError> {
        let scope = self.scope();
        let wanted = (&scope, self.request.redirect_uri.as_str());
        let user = &self.signed_in.user;
        let must_ask = demands::must_ask(&self.terms(), &scope);
        if !must_ask
            && let Some(known) = requests::remembered(app, &self.client, user, wanted).await?
        {
            let yes = self.yes(known.workspace_id, Answer::yes(known.scope));
            return self.answer(app, browser, yes).await;
        }
        self.show(app, browser, Sent::default()).await
    }

    /// The page, with what was sent if it is wrong.
    pub(super) async fn show(
        &self,
        app: &App,
        browser: &Browser,
        sent: Sent,
    ) -> Result<Response, PageError> {
        let offers = self.offers(app, sent.workspace_id()).await?;
        Ok(consent_page::show(app, browser, self, (offers, sent))?)
    }

    /// Step 5, yes.
    async fn allow(
        &self,
        app: &Arc<App>,
        browser: &Browser,
        sent: Sent,
    ) -> Result<Response, PageError> {
        if sent.finder.is_asked {
            let sent = sent.found(app, &self.client, self.signed_in.user.id).await?;
            return self.show(app, browser, sent).await;
        }
        let offers = self.offers(app, sent.workspace_id()).await?;
        let Some(offer) = chosen(&offers, sent.workspace.as_deref())? else {
            return Ok(consent_page::show(app, browser, self, (offers, sent))?);
        };
        if let Some(sent) = consent_scopes::unseen(&offers, &sent, offer) {
            return Ok(consent_page::show(app, browser, self, (offers, sent))?);
        }
        let Some(offered) = &offer.scope else {
            requests::deny(app, &self.request, None).await?;
            let description = "the user's role in the workspace allows nothing of this scope";
            return Ok(self.to(app).error(app, "invalid_scope", description).await?);
        };
        let answer = answered(offered, sent.ticked.as_ref());
        if answer.allowed.is_empty() && !answer.declined.is_empty() {
            let problem = "Tick something that the app may do, or deny it.";
            let sent = Sent { scope_problem: Some(problem), ..sent };
            return Ok(consent_page::show(app, browser, self, (offers, sent))?);
        }
        self.answer(app, browser, self.yes(offer.place.workspace_id(), answer)).await
    }

    fn yes(&self, workspace_id: Option<uuid::Uuid>, answer: Answer) -> Yes<'_> {
        Yes {
            client: &self.client,
            user: &self.signed_in.user,
            session: &self.signed_in.session,
            workspace_id,
            scope: answer.allowed,
            declined: answer.declined,
        }
    }

    async fn answer(
        &self,
        app: &Arc<App>,
        browser: &Browser,
        yes: Yes<'_>,
    ) -> Result<Response, PageError> {
        let workspace_id = yes.workspace_id;
        let terms = demands::after(self.terms(), &yes.declined).stored();
        let request = authorization_request::Model { terms, ..self.request.clone() };
        match requests::approve(app, request, yes).await? {
            Approval::Code(code) => Ok(self.to(app).code(app, &code).await?),
            Approval::Gone => Err(expired()),
            // it was decided while the page was read: the page says so now
            Approval::Barred(why) => {
                let offers = self.offers(app, workspace_id).await?.barring(workspace_id, why);
                Ok(consent_page::show(app, browser, self, (offers, Sent::default()))?)
            }
        }
    }

    /// Step 5, no.
    async fn deny(&self, app: &Arc<App>) -> Result<Response, PageError> {
        let by = self.signed_in.user.id;
        if !requests::deny(app, &self.request, Some(by)).await? {
            return Err(expired());
        }
        Ok(self.to(app).error(app, "access_denied", "the user did not allow it").await?)
    }
}

/// The offer of the workspace that was named, else of the one that the page begins with; `None` if the
/// client may not act there any more.
pub(super) fn chosen<'a>(
    offers: &'a Offers,
    named: Option<&str>,
) -> Result<Option<&'a Offer>, PageError> {
    let Some(named) = named else { return Ok(offers.preferred()) };
    let found = offers.of(named);
    if found.is_none() && !offers.bars(named) {
        let text = "The workspace must be one of yours.";
        return Err(PageError::bad_request("invalid_request", "workspace", text));
    }
    Ok(found)
}

/// What the user allows of what was offered.
pub(super) fn answered(offered: &Scope, ticked: Option<&Scope>) -> Answer {
    let Some(ticked) = ticked else { return Answer::yes(offered.clone()) };
    let is_allowed = |token: &&str| ticked.contains(token) || *token == REQUIRED;
    let allowed: Scope = offered.iter().filter(is_allowed).map(str::to_owned).collect();
    let declined = offered.without(&allowed);
    Answer { allowed, declined }
}

fn expired() -> PageError {
    PageError::bad_request(
        "invalid_request",
        "request",
        "This request has expired, was already answered, or began in another browser. \
         Go back to the app and start again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ticked_is_declined_but_for_openid() {
        let offered = Scope::stored("leads:read leads:write openid");
        for (ticked, allowed, declined) in [
            (None, "leads:read leads:write openid", ""),
            (Some("leads:read openid"), "leads:read openid", "leads:write"),
            (Some("leads:read"), "leads:read openid", "leads:write"),
            (Some("datasets:read"), "openid", "leads:read leads:write"),
            (Some(""), "openid", "leads:read leads:write"),
        ] {
            let answer = answered(&offered, ticked.map(Scope::stored).as_ref());

            let shown = (answer.allowed.to_string(), answer.declined.to_string());
            assert_eq!(shown, (allowed.to_owned(), declined.to_owned()), "{ticked:?}");
        }
    }
}
