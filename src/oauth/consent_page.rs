//! What the consent page shows: who asks for what, where it may act and where not.

use askama::Template;
use entity::{client, member::Role};
use poem::{Response, http::StatusCode};

use super::{
    approval,
    consent::Waiting,
    consent_scopes::{Group, choices, groups},
    workspace_finder::Finder,
};
use crate::{
    app::App,
    clients::{
        destination::{Destination, mixes_scripts},
        documents,
    },
    fault::Fault,
    openid::claims,
    tokens::{
        admission::Barred,
        approvals::MAX_MESSAGE_CHARS,
        issue::Lifetimes,
        offers::{Barrier, Offers},
        scopes::Scope,
    },
    web::{
        browser::Browser,
        links,
        moment::{Moment, duration},
        page::{Brand, Page},
    },
};

/// What was sent and is shown again, with what is wrong with it.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) workspace: Option<String>,
    /// The workspace whose marks the page had.
    pub(super) marked: Option<String>,
    /// The name of the workspace that was chosen, if it has other marks than the page had.
    pub(super) look_again: Option<String>,
    pub(super) ticked: Option<Scope>,
    pub(super) scope_problem: Option<&'static str>,
    pub(super) message: String,
    pub(super) approval_problem: Option<String>,
    pub(super) finder: Finder,
}

/// Who asks.
pub(super) struct Asks {
    pub(super) name: String,
    pub(super) logo: Option<String>,
    pub(super) publisher: Option<String>,
    pub(super) is_verified: bool,
    pub(super) mixes_scripts: bool,
    /// The host of the document that describes it, if it was registered by nobody.
    pub(super) document_host: Option<String>,
    pub(super) policy_uri: Option<String>,
    pub(super) tos_uri: Option<String>,
}

/// A workspace the user may choose.
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_selected: bool,
    /// Whether the app is connected there already.
    pub(super) is_connected: bool,
}

/// The form by which a workspace is asked to approve the client.
#[derive(Default)]
pub(super) struct ApprovalForm {
    pub(super) action: &'static str,
    /// What names the waiting request.
    pub(super) field: &'static str,
    pub(super) value: String,
    /// What whoever can decide does afterwards.
    pub(super) again: &'static str,
}

/// Workspaces where the client may not act.
#[derive(Default)]
pub(super) struct Barriers {
    pub(super) form: ApprovalForm,
    pub(super) is_blocked: bool,
    pub(super) denied: Vec<String>,
    /// Those that have not been asked.
    pub(super) to_ask: Vec<Choice>,
    /// Those that have, and when.
    pub(super) asked: Vec<(String, Moment)>,
    /// Pages on which the user can decide.
    pub(super) to_decide: Vec<(String, String)>,
    pub(super) message: String,
    pub(super) max_message: usize,
    pub(super) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "oauth/consent.html")]
struct ConsentPage {
    brand: Brand,
    asks: Asks,
    destination: Destination,
    username: String,
    workspaces: Vec<Choice>,
    finder: Finder,
    groups: Vec<Group>,
    scope_problem: Option<&'static str>,
    look_again: Option<String>,
    /// What it asks to be told by name.
    named: Vec<&'static str>,
    lifetime: String,
    barriers: Barriers,
    csrf: String,
    request: String,
}

#[derive(Template)]
#[template(path = "oauth/barred.html")]
struct BarredPage {
    brand: Brand,
    asks: Asks,
    username: String,
    finder: Finder,
    barriers: Barriers,
    csrf: String,
    request: String,
}

/// The page on which the user decides, or the one that says why there is nothing to decide.
pub(super) fn show(
    app: &App,
    browser: &Browser,
    waiting: &Waiting<'_>,
    (offers, sent): (Offers, Sent),
) -> Result<Response, Fault> {
    let status = status(&offers, &sent);
    let client = &waiting.client;
    let (brand, asks) = (Brand::of(app), Asks::of(client));
    let has_logo = asks.logo.is_some();
    let (csrf, request) = (browser.csrf(app), waiting.handle.to_owned());
    let username = waiting.signed_in.user.username.clone();
    let form = ApprovalForm {
        action: approval::PATH,
        field: "request",
        value: request.clone(),
        again: "come back to this page",
    };
    let barriers = Barriers::of(&client.id, (&offers, &sent), form);
    let finder = sent.finder.beside(&offers);
    if offers.open.is_empty() {
        let page = BarredPage { brand, asks, username, finder, barriers, csrf, request };
        return respond(app, waiting, (&page, status), has_logo);
    }
    let page = ConsentPage {
        brand,
        asks,
        destination: Destination::of(&waiting.request.redirect_uri),
        username,
        workspaces: choices(&offers, &sent),
        finder,
        groups: groups(app, &offers, &sent),
        scope_problem: sent.scope_problem,
        look_again: sent.look_again,
        named: claims::beyond(&waiting.terms().claims, &waiting.scope()),
        lifetime: lifetime(Lifetimes::of(app, client), client),
        barriers,
        csrf,
        request,
    };
    respond(app, waiting, (&page, status), has_logo)
}

/// The status of a page that asks, or says why there is nothing to decide.
pub(super) fn status(offers: &Offers, sent: &Sent) -> StatusCode {
    let has_problem = sent.scope_problem.is_some()
        || sent.approval_problem.is_some()
        || sent.look_again.is_some();
    let is_refused = offers.open.is_empty()
        && offers.barred.iter().all(|barrier| barrier.why != Barred::NeedsApproval);
    match (is_refused, has_problem) {
        _ if sent.finder.is_unknown => StatusCode::UNPROCESSABLE_ENTITY,
        (true, _) => StatusCode::FORBIDDEN,
        (_, true) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    }
}

fn respond(
    app: &App,
    waiting: &Waiting<'_>,
    (page, status): (&impl Template, StatusCode),
    has_logo: bool,
) -> Result<Response, Fault> {
    let html = Page::new(page).status(status).form_leads_to(&waiting.request.redirect_uri);
    let html = html.in_popup();
    let html = if has_logo { html.with_client_logo() } else { html };
    html.respond(app)
}

impl Asks {
    pub(super) fn of(client: &client::Model) -> Self {
        Self {
            name: client.name.clone(),
            logo: client.logo_uri.clone(),
            publisher: client.publisher.clone(),
            is_verified: client.verified_at.is_some(),
            mixes_scripts: mixes_scripts(&client.name)
                || client.publisher.as_deref().is_some_and(mixes_scripts),
            document_host: documents::host_of(client),
            policy_uri: client.policy_uri.clone(),
            tos_uri: client.tos_uri.clone(),
        }
    }
}

impl Barriers {
    pub(super) fn of(
        client_id: &str,
        (offers, sent): (&Offers, &Sent),
        form: ApprovalForm,
    ) -> Self {
        let mut barriers = Self {
            form,
            message: sent.message.clone(),
            max_message: MAX_MESSAGE_CHARS,
            problem: sent.approval_problem.clone(),
            ..Self::default()
        };
        for Barrier { place, why, asked_at } in &offers.barred {
            let workspace = place.workspace.as_ref();
            match (why, workspace) {
                (Barred::Blocked, _) => barriers.is_blocked = true,
                (_, None) => {}
                (Barred::Denied | Barred::Elsewhere, Some(it)) => {
                    barriers.denied.push(it.name.clone());
                }
                (Barred::NeedsApproval, Some(it)) if place.role >= Some(Role::Admin) => {
                    let page = links::workspace_app(&it.slug, client_id);
                    barriers.to_decide.push((it.name.clone(), page));
                }
                (Barred::NeedsApproval, Some(it)) => match asked_at {
                    Some(at) => barriers.asked.push((it.name.clone(), Moment::of(*at))),
                    None => barriers.to_ask.push(Choice {
                        id: it.id.to_string(),
                        name: it.name.clone(),
                        is_connected: false,
                        is_selected: sent.workspace.as_deref() == Some(&*it.id.to_string()),
                    }),
                },
            }
        }
        barriers
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_blocked
            && self.denied.is_empty()
            && self.to_ask.is_empty()
            && self.asked.is_empty()
            && self.to_decide.is_empty()
    }

    /// Whether somebody else, or the user, can still approve the app.
    pub(super) fn can_be_approved(&self) -> bool {
        !self.to_ask.is_empty() || !self.asked.is_empty() || !self.to_decide.is_empty()
    }
}

pub(super) fn lifetime(lifetimes: Lifetimes, client: &client::Model) -> String {
    let access = duration(lifetimes.access);
    if client.grant_types.contains("refresh_token") {
        let (whole, idle) = (lifetimes.refresh_absolute, lifetimes.refresh_idle);
        let (whole, idle) = (duration(whole), duration(idle.min(whole)));
        format!(
            "It stays connected for {whole}, or until you disconnect it; for {idle} if it does not \
             use the connection."
        )
    } else {
        format!("For {access}; then it has to come back through your browser.")
    }
}
