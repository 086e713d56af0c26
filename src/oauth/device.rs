//! `/device`: where a user allows a device that has no browser of its own (RFC 8628 §3.3).
//!
//! 1. somebody is signed in, else the sign-in page comes first
//! 2. GET asks for the code; with the code in its address it is filled in, and still has to be sent
//! 3. POST: the form is ours; codes are guessed no faster than passwords; the code waits → the question
//! 4. POST of the answer: the same again, since time has passed; then as on the consent page
//! 5. POST of a question to a workspace that has to approve the client: the same again; then as on the
//!    consent page, and the question of step 3, which says that it was asked
//!
//! Whoever starts a sign-in on a device of their own can send somebody else the code: the pages say to
//! go on only for a device in front of oneself, and where and when it asked.

use std::sync::Arc;

use askama::Template;
use entity::{client, device_request};
use poem::{
    Response, Result, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};
use uuid::Uuid;

use super::{
    approval::{self, Asking},
    consent::{answered, chosen},
    consent_page::{ApprovalForm, Asks, Barriers, Choice, Sent, lifetime, status},
    consent_scopes::{Group, choices, groups, unseen},
    workspace_finder::Finder,
};
use crate::{
    app::App,
    audit::{Actor, Event, Target},
    clients::authentication,
    fault::Fault,
    identity::{
        session::SignedIn,
        throttle::{Counters, Guessed},
    },
    tokens::{
        code::Yes,
        device::{self, Decision, UserCode},
        issue::Lifetimes,
        offers::{self, Offers},
        scopes::Scope,
    },
    web::{
        browser::Account,
        csrf::CsrfForm,
        moment::Moment,
        page::{Brand, Page, html},
        page_error::PageError,
    },
};

/// Where the page of a device asks a workspace to approve its client.
pub(super) const APPROVAL: &str = "/device/approval";
const WRONG: &str =
    "No device waits under this code. Look at the device: a code works for 15 minutes.";
const NOTHING_TICKED: &str = "Tick something that the app may do, or deny it.";

#[derive(Template)]
#[template(path = "oauth/device.html")]
struct CodePage {
    brand: Brand,
    username: String,
    code: String,
    problem: Option<String>,
    csrf: String,
}

#[derive(Template)]
#[template(path = "oauth/device_consent.html")]
struct QuestionPage {
    brand: Brand,
    asks: Asks,
    username: String,
    code: String,
    asked_at: Moment,
    address: Option<String>,
    workspaces: Vec<Choice>,
    finder: Finder,
    groups: Vec<Group>,
    scope_problem: Option<&'static str>,
    look_again: Option<String>,
    lifetime: String,
    barriers: Barriers,
    is_open: bool,
    csrf: String,
}

#[derive(Template)]
#[template(path = "oauth/device_done.html")]
struct DonePage {
    brand: Brand,
    name: String,
    is_allowed: bool,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors are handed over by value")]
pub fn ask(Data(app): Data<&Arc<App>>, account: Account) -> Result<Response, PageError> {
    code_page(app, &account, (String::new(), None), StatusCode::OK)
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors are handed over by value")]
pub fn ask_filled(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(code): Path<String>,
) -> Result<Response, PageError> {
    // what is no code is not shown: nobody else's words are put on this page
    let code = UserCode::parse(&code).map(|code| code.shown()).unwrap_or_default();
    code_page(app, &account, (code, None), StatusCode::OK)
}

#[handler]
pub async fn look(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    match find(app, &account, form.text("user_code")).await? {
        Ok(waiting) => waiting.show(app, &account, (None, Sent::default())).await,
        Err(response) => Ok(response),
    }
}

#[handler]
pub async fn decide(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let waiting = match find(app, &account, form.text("user_code")).await? {
        Ok(waiting) => waiting,
        Err(response) => return Ok(response),
    };
    match form.get("decision") {
        Some("allow" | "find") => waiting.find_or_allow(app, &account, &form).await,
        Some("deny") => waiting.deny(app, &account).await,
        _ => {
            let text = "The decision must be allow, deny or find.";
            Err(PageError::bad_request("invalid_request", "decision", text))
        }
    }
}

#[handler]
pub async fn ask_for_approval(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let waiting = match find(app, &account, form.text("user_code")).await? {
        Ok(waiting) => waiting,
        Err(response) => return Ok(response),
    };
    let asking = Asking {
        user: &account.user,
        client: &waiting.client,
        scope: &Scope::stored(&waiting.request.scope),
        offers: waiting.offers(app, &account, form.text("workspace").parse().ok()).await?,
    };
    let sent = approval::ask(app, asking, &form).await?.unwrap_or_default();
    waiting.show(app, &account, (None, sent)).await
}

fn code_page(
    app: &App,
    account: &Account,
    (code, problem): (String, Option<String>),
    status: StatusCode,
) -> Result<Response, PageError> {
    let page = CodePage {
        brand: Brand::of(app),
        username: account.user.username.clone(),
        code,
        problem,
        csrf: account.csrf(app),
    };
    Ok(account.respond(html(app, status, &page)?))
}

/// A device that waits, its client, and the code under which it does.
struct Waiting {
    code: UserCode,
    request: device_request::Model,
    client: Arc<client::Model>,
}

/// Step 3: the device that waits under a code, or the page that asks again. A wrong code counts like a
/// wrong password, of this account and of this address.
async fn find(
    app: &App,
    account: &Account,
    typed: &str,
) -> Result<Result<Waiting, Response>, PageError> {
    let counters = Counters::of(Guessed::Devices(account.user.id), account.address);
    let _alone = app.limiter.gate.enter(counters.account()).await?;
    let guess = match counters.admit(app).await? {
        Ok(guess) => guess,
        Err(wait) => return Ok(Err(too_soon(app, account, typed, wait)?)),
    };
    let (outcome, found) = match under(app, typed).await {
        Ok(found) => (Ok(found.is_some()), found),
        Err(fault) => (Err(fault), None),
    };
    let target = Target::new("user", account.user.id);
    let failure = Event::new("device.guess", Actor::User(account.user.id), target);
    guess.judge(app, outcome, failure).await?;
    if let Some(waiting) = found {
        // a device of one's own must not buy fresh guesses at the others'
        guess.give_back(app).await?;
        return Ok(Ok(waiting));
    }
    let again = (shown(typed), Some(WRONG.to_owned()));
    Ok(Err(code_page(app, account, again, StatusCode::UNPROCESSABLE_ENTITY)?))
}

/// The device that waits under what was typed, if that is a code.
async fn under(app: &App, typed: &str) -> Result<Option<Waiting>, Fault> {
    let Some(code) = UserCode::parse(typed) else { return Ok(None) };
    let Some(request) = device::find(app, &code).await? else { return Ok(None) };
    let client = authentication::find_enabled(app, &request.client_id).await?;
    Ok(client.map(|client| Waiting { code, request, client }))
}

fn too_soon(app: &App, account: &Account, typed: &str, secs: u64) -> Result<Response, PageError> {
    let problem = format!("There were too many wrong codes. Wait {secs} seconds and try again.");
    let again = (shown(typed), Some(problem));
    let mut response = code_page(app, account, again, StatusCode::TOO_MANY_REQUESTS)?;
    response.headers_mut().insert(header::RETRY_AFTER, secs.into());
    Ok(response)
}

/// What was typed, as far as a field takes it.
fn shown(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_control()).take(20).collect()
}

fn signed_in(account: &Account) -> Result<&SignedIn, PageError> {
    account.signed_in.as_ref().ok_or_else(PageError::stale_form)
}

impl Waiting {
    /// What the user can answer, also in the workspace that was named.
    async fn offers(
        &self,
        app: &App,
        account: &Account,
        named: Option<Uuid>,
    ) -> Result<Offers, PageError> {
        let scope = Scope::stored(&self.request.scope);
        Ok(offers::list(app, &self.client, &account.user, &scope, named).await?)
    }

    /// The question, with what was sent if it is wrong.
    async fn show(
        &self,
        app: &App,
        account: &Account,
        (offers, sent): (Option<Offers>, Sent),
    ) -> Result<Response, PageError> {
        let offers = match offers {
            Some(offers) => offers,
            None => self.offers(app, account, sent.workspace_id()).await?,
        };
        let client = &self.client;
        let status = status(&offers, &sent);
        let form = ApprovalForm {
            action: APPROVAL,
            field: "user_code",
            value: self.code.shown(),
            again: "start again on the device",
        };
        let page = QuestionPage {
            brand: Brand::of(app),
            asks: Asks::of(client),
            username: account.user.username.clone(),
            code: self.code.shown(),
            asked_at: Moment::of(self.request.created_at.0),
            address: self.request.address.clone(),
            workspaces: choices(&offers, &sent),
            finder: sent.finder.beside(&offers),
            groups: groups(app, &offers, &sent),
            scope_problem: sent.scope_problem,
            lifetime: lifetime(Lifetimes::of(app, client), client),
            barriers: Barriers::of(&client.id, (&offers, &sent), form),
            look_again: sent.look_again,
            is_open: !offers.open.is_empty(),
            csrf: account.csrf(app),
        };
        let has_logo = page.asks.logo.is_some();
        let html = Page::new(&page).status(status).with_secret();
        let html = if has_logo { html.with_client_logo() } else { html };
        Ok(account.respond(html.respond(app)?))
    }

    /// Step 4, not no: the page again if a workspace was asked for, else yes.
    async fn find_or_allow(
        &self,
        app: &App,
        account: &Account,
        form: &CsrfForm,
    ) -> Result<Response, PageError> {
        let sent = Sent {
            workspace: form.get("workspace").map(str::to_owned),
            marked: form.get("marked").map(str::to_owned),
            ticked: Some(form.named("scope.").map(str::to_owned).collect()),
            finder: Finder::of(form),
            ..Sent::default()
        };
        if sent.finder.is_asked {
            let sent = sent.found(app, &self.client, account.user.id).await?;
            return self.show(app, account, (None, sent)).await;
        }
        self.allow(app, account, sent).await
    }

    /// Step 4, yes.
    async fn allow(&self, app: &App, account: &Account, sent: Sent) -> Result<Response, PageError> {
        let offers = self.offers(app, account, sent.workspace_id()).await?;
        let Some(offer) = chosen(&offers, sent.workspace.as_deref())? else {
            return self.show(app, account, (Some(offers), sent)).await;
        };
        if let Some(sent) = unseen(&offers, &sent, offer) {
            return self.show(app, account, (Some(offers), sent)).await;
        }
        let Some(offered) = &offer.scope else {
            let text = "Your role in the workspace allows nothing of what the app asks for.";
            return Err(PageError::forbidden(text));
        };
        let answer = answered(offered, sent.ticked.as_ref());
        if answer.allowed.is_empty() && !answer.declined.is_empty() {
            let sent = Sent { scope_problem: Some(NOTHING_TICKED), ..sent };
            return self.show(app, account, (Some(offers), sent)).await;
        }
        let signed_in = signed_in(account)?;
        let workspace_id = offer.place.workspace_id();
        let yes = Yes {
            client: &self.client,
            user: &signed_in.user,
            session: &signed_in.session,
            workspace_id,
            scope: answer.allowed,
            declined: answer.declined,
        };
        match device::allow(app, &self.request, yes).await? {
            Decision::Done => self.done(app, account, true),
            Decision::Gone => Err(gone()),
            Decision::Barred(why) => {
                let offers = self.offers(app, account, workspace_id).await?;
                let offers = offers.barring(workspace_id, why);
                self.show(app, account, (Some(offers), Sent::default())).await
            }
        }
    }

    /// Step 4, no.
    async fn deny(&self, app: &App, account: &Account) -> Result<Response, PageError> {
        if !device::deny(app, &self.request, account.user.id).await? {
            return Err(gone());
        }
        self.done(app, account, false)
    }

    fn done(&self, app: &App, account: &Account, is_allowed: bool) -> Result<Response, PageError> {
        let (brand, name) = (Brand::of(app), self.client.name.clone());
        let page = DonePage { brand, name, is_allowed };
        Ok(account.respond(html(app, StatusCode::OK, &page)?))
    }
}

fn gone() -> PageError {
    let text = "This code was already answered, or has expired. Start again on the device.";
    PageError::bad_request("invalid_request", "user_code", text)
}
