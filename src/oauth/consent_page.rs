//! What the consent page shows: who asks for what, where it may act and where not.

use askama::Template;
use entity::{client, member::Role};
use poem::{Response, http::StatusCode};

use super::{
    approval,
    consent::{REQUIRED, Waiting},
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
        offers::{Barrier, Offer, Offers},
        scope_words::{self, Deed},
        scopes::Scope,
    },
    web::{
        browser::Browser,
        links,
        moment::{Moment, duration},
        page::{Brand, Page},
    },
};

/// How many workspaces are named in a line.
const NAMED: usize = 5;

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

/// Scope tokens of one kind of doing.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) items: Vec<Item>,
}

pub(super) struct Item {
    pub(super) token: String,
    pub(super) words: String,
    pub(super) is_required: bool,
    pub(super) is_ticked: bool,
    /// What the user has not allowed before: because it was not asked for, or on purpose.
    pub(super) badge: Option<&'static str>,
    /// The workspaces in which alone it can be allowed, if not in all that can be chosen.
    pub(super) only_in: Option<String>,
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

/// The workspaces to choose from; the one that is chosen already is the one whose marks the page has.
pub(super) fn choices(offers: &Offers, sent: &Sent) -> Vec<Choice> {
    let selected = selected(offers, sent).and_then(|offer| offer.place.workspace_id());
    let choice = |offer: &Offer| {
        let workspace = offer.place.workspace.as_ref()?;
        Some(Choice {
            id: workspace.id.to_string(),
            name: workspace.name.clone(),
            is_selected: selected == Some(workspace.id),
            is_connected: offer.before.is_some(),
        })
    };
    offers.open.iter().filter_map(choice).collect()
}

/// The offer of the workspace that was sent, else of the one that the page begins with.
fn selected<'a>(offers: &'a Offers, sent: &Sent) -> Option<&'a Offer> {
    let named = sent.workspace.as_deref().and_then(|named| offers.of(named));
    named.or_else(|| offers.preferred())
}

/// What somebody has to look at again who chose another workspace than the one whose marks the page had:
/// there something is new, or was not allowed, of which the page said nothing. What was unticked stays
/// so, and what was not allowed there is unticked.
pub(super) fn unseen(offers: &Offers, sent: &Sent, chosen: &Offer) -> Option<Sent> {
    let had = sent.marked.as_deref().and_then(|marked| offers.of(marked))?;
    let scope = chosen.scope.as_ref()?;
    let is_news = |token: &str| {
        let mark = Mark::of(chosen, token);
        mark.is_some() && mark != Mark::of(had, token)
    };
    if !scope.iter().any(is_news) {
        return None;
    }
    let left_out = |token: &&str| Mark::of(chosen, token) == Some(Mark::Declined);
    let left_out: Scope = scope.iter().filter(left_out).map(str::to_owned).collect();
    Some(Sent {
        workspace: chosen.place.workspace_id().map(|id| id.to_string()),
        ticked: sent.ticked.as_ref().map(|ticked| ticked.without(&left_out)),
        look_again: chosen.place.workspace.as_ref().map(|workspace| workspace.name.clone()),
        ..Sent::default()
    })
}

/// What is to be said of a scope token in a workspace where the app is connected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It was asked for and not allowed.
    Declined,
    /// It was not asked for.
    New,
}

impl Mark {
    fn of(offer: &Offer, token: &str) -> Option<Self> {
        let before = offer.before.as_ref()?;
        if Scope::stored(&before.declined).contains(token) {
            return Some(Self::Declined);
        }
        (!Scope::stored(&before.scope).contains(token)).then_some(Self::New)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Declined => "Not allowed last time",
            Self::New => "New",
        }
    }
}

/// What can be allowed in any of the workspaces, by the kind of doing.
pub(super) fn groups(app: &App, offers: &Offers, sent: &Sent) -> Vec<Group> {
    let scopes = offers.open.iter().filter_map(|offer| offer.scope.as_ref());
    let all = scopes.fold(Scope::default(), |all, scope| all.union(scope));
    let items = |deed| {
        let tokens = all.iter().filter(move |token| Deed::of(token) == deed);
        tokens.map(|token| item(app, offers, sent, token)).collect::<Vec<_>>()
    };
    Deed::ALL
        .into_iter()
        .map(|deed| Group { title: deed.title(), items: items(deed) })
        .filter(|group| !group.items.is_empty())
        .collect()
}

fn item(app: &App, offers: &Offers, sent: &Sent, token: &str) -> Item {
    let open = &offers.open;
    let has = |offer: &&Offer| offer.scope.as_ref().is_some_and(|scope| scope.contains(token));
    let names = open.iter().filter(has).filter_map(|offer| offer.place.workspace.as_ref());
    let names: Vec<_> = names.map(|workspace| workspace.name.as_str()).collect();
    let selected = selected(offers, sent);
    let product = selected.and_then(|offer| Some(offer.place.workspace.as_ref()?.product.as_str()));
    let mark = selected.and_then(|offer| Mark::of(offer, token));
    let was_declined = mark == Some(Mark::Declined);
    Item {
        token: token.to_owned(),
        words: scope_words::words(app, product, token),
        is_required: token == REQUIRED,
        is_ticked: sent.ticked.as_ref().map_or(!was_declined, |ticked| ticked.contains(token)),
        badge: mark.map(Mark::words),
        only_in: (names.len() < open.len()).then(|| some_of(&names)),
    }
}

/// Names in a row, and how many more there are than a line takes.
fn some_of(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
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
