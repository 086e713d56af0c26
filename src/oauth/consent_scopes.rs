//! What the consent page offers: workspaces to choose from, and the scopes that can be allowed there,
//! with what is new in them since last time.

use super::{
    consent::REQUIRED,
    consent_page::{Choice, Sent},
};
use crate::{
    app::App,
    tokens::{
        offers::{Offer, Offers},
        scope_words::{self, Deed},
        scopes::Scope,
    },
};

/// How many workspaces are named in a line.
const NAMED: usize = 5;

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
/// there something is new, or was not allowed, of which the page said nothing.
pub(super) fn unseen(offers: &Offers, sent: &Sent, chosen: &Offer) -> Option<Sent> {
    // a workspace that is offered no more has no marks left that could be the same
    let had = offers.of(sent.marked.as_deref()?);
    let scope = chosen.scope.as_ref()?;
    let is_news = |token: &str| {
        let mark = Mark::of(chosen, token);
        mark.is_some() && mark != had.and_then(|had| Mark::of(had, token))
    };
    scope.iter().any(is_news).then(|| Sent {
        workspace: chosen.place.workspace_id().map(|id| id.to_string()),
        marked: sent.marked.clone(),
        ticked: sent.ticked.clone(),
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
    // what was unticked stays so; a tick is for the workspace whose marks stood beside it
    let id = selected.and_then(|offer| offer.place.workspace_id()).map(|id| id.to_string());
    let had_these_marks = sent.marked.is_none() || sent.marked == id;
    let is_ticked = match &sent.ticked {
        Some(ticked) => ticked.contains(token) && (had_these_marks || !was_declined),
        None => !was_declined,
    };
    Item {
        token: token.to_owned(),
        words: scope_words::words(app, product, token),
        is_required: token == REQUIRED,
        is_ticked,
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
