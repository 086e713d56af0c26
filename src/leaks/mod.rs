//! What becomes of a credential that somebody found where none may be and reported: it ends, or its
//! owners are only told, as its product says (`on_leak`).
//!
//! Whoever reports one has it in full, and could use it: to report it takes no more than that. So a
//! report is believed, whoever brings it; it ends what was reported and nothing beside it, and it is
//! answered the same whether the credential exists or not.

mod credential;
mod found;
pub mod github;
mod tell;

use std::net::IpAddr;

pub use self::credential::Credential;
use self::found::Found;
use crate::{
    app::App,
    audit::{self, Actor, Event},
    fault::Fault,
    limiter::{Count, Counted, network},
    store,
};

/// Reports that one address may send in a minute.
const REPORTS_PER_MINUTE: u32 = 60;
/// The same of reports that are signed, which GitHub sends as it finds things.
const SIGNED_PER_MINUTE: u32 = 600;
/// Characters of an address on the web that are kept.
const MAX_PLACE_CHARS: usize = 500;

/// Who says that it has leaked, and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody, from this address.
    Somebody(IpAddr),
    /// GitHub's secret scanning, and the page where it was found.
    GitHub(Option<String>),
}

/// What is known of a credential that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, or was when it was first reported, one of ours.
    Ours,
    /// There is no such credential, or no longer.
    Unknown,
}

impl Source {
    /// What the audit trail says of it.
    fn words(&self) -> String {
        match self {
            Self::Somebody(address) => format!("reported from {address}"),
            Self::GitHub(None) => "reported by GitHub".to_owned(),
            Self::GitHub(Some(place)) => format!("reported by GitHub, found at {place}"),
        }
    }

    /// Where it was found. What somebody says who has proved nothing is not repeated to anybody.
    fn place(&self) -> Option<&str> {
        match self {
            Self::Somebody(_) => None,
            Self::GitHub(place) => place.as_deref(),
        }
    }

    /// The same without the credential, and as one line of a bounded length.
    fn without(self, credential: &Credential) -> Self {
        let clean = |place: String| {
            let place = place.replace(credential.reveal(), "…");
            let is_plain = |c: &char| !c.is_control();
            let place: String = place.chars().filter(is_plain).take(MAX_PLACE_CHARS).collect();
            Some(place).filter(|place| !place.is_empty())
        };
        match self {
            Self::GitHub(place) => Self::GitHub(place.and_then(clean)),
            somebody @ Self::Somebody(_) => somebody,
        }
    }
}

/// Counts a report of this address, which has as many as others that nobody has sent it for.
#[must_use]
pub fn count(app: &App, address: IpAddr) -> Count {
    count_of(app, ("reports", REPORTS_PER_MINUTE), address)
}

/// The same of reports that are signed, before the signature is looked at.
#[must_use]
pub fn count_signed(app: &App, address: IpAddr) -> Count {
    count_of(app, ("signed reports", SIGNED_PER_MINUTE), address)
}

fn count_of(app: &App, (what, limit): (&str, u32), address: IpAddr) -> Count {
    let counted = Counted::Stranger(format!("{what} from {}", network(address)));
    app.limiter.strangers.count(&counted, limit, app.now())
}

/// Does what is to be done about a credential that was found where none may be. A second report of
/// the same changes nothing, unless the first one left it working and this one ends it.
///
/// # Errors
/// When the database fails; then nothing was done.
pub async fn report(app: &App, credential: Credential, source: Source) -> Result<Verdict, Fault> {
    let source = source.without(&credential);
    store::retrying(|| report_once(app, &credential, &source)).await
}

async fn report_once(
    app: &App,
    credential: &Credential,
    source: &Source,
) -> Result<Verdict, Fault> {
    let sha256 = credential.sha256();
    let Some(found) = Found::find(app, credential).await? else {
        // what the first report has ended is still what was reported
        let before = store::leaks::find(app.store.read(), &sha256).await?;
        return Ok(before.map_or(Verdict::Unknown, |_| Verdict::Ours));
    };
    let now = app.now();
    let txn = app.store.begin().await?;
    let is_ended = found.is_to_end(app) && found.end(app, &txn, &sha256).await?;
    let leak = found.leak(sha256.clone(), now, is_ended);
    let is_new = store::leaks::insert(&txn, leak).await?;
    if !is_new && !is_ended {
        return Ok(Verdict::Ours);
    }
    if !is_new {
        store::leaks::end(&txn, &sha256).await?;
    }
    let done = if is_ended { "it was ended" } else { "it still works" };
    let event = Event::new("credential.leaked", Actor::System, found.target())
        .in_workspace(found.workspace_id())
        .because(format!("{}; {done}; {}", found.what(), source.words()));
    audit::record(app, &txn, event).await?;
    tell::owners(app, &txn, &found, (source.place(), is_ended)).await?;
    txn.commit().await?;
    Ok(Verdict::Ours)
}
