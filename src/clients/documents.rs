//! Clients whose id is the address of a document that describes them
//! (draft-ietf-oauth-client-id-metadata-document): nobody registers them, they are fetched when they
//! first come, and again when what is known of them is old.
//!
//! What was fetched is a row like every other client's, so that permissions can be given to it. A host
//! that is away takes nothing away for a day; a document that is wrong ends the client at once. Neither
//! is asked again for a minute.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{client::Model, types::Instant};
use serde_json::{Map, Value};
use url::Url;

use super::{
    dynamic::{Door, MOST, TooMany, UNUSED_FOR, count_try, described_anew, read},
    metadata::{NewClient, problems},
    registration::row,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clock,
    fault::Fault,
    outbound::{Bounds, Document, OutboundError},
    store,
};

const MAX_BYTES: usize = 8 * 1024;
/// How long a document is kept.
const KEPT: Bounds =
    Bounds { least: TimeDelta::minutes(5), usual: TimeDelta::hours(1), most: TimeDelta::hours(24) };
/// How soon a host that has failed is asked again.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// How long a client outlives its host.
const GRACE: TimeDelta = TimeDelta::days(1);

/// Whether an id is, or would be, an address. The ids that we give are none.
#[must_use]
pub fn is_address(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

/// The host of the document that describes a client, if one does.
#[must_use]
pub fn host_of(client: &Model) -> Option<String> {
    client.document_fetched_at?;
    let url = Url::parse(&client.id).ok()?;
    url.host_str().map(str::to_owned)
}

/// The client whose id is this address: as it is known, if that is not old, or as its document
/// describes it now. `None` if there is none. Who is known to nobody is fetched only if a stranger brings it, and one
/// network brings only so many. May go out, so never inside a transaction.
///
/// # Errors
/// When the database fails, or too many wait for the same host.
pub(super) async fn described(
    app: &App,
    address: &str,
    known: Option<Model>,
    stranger: Option<IpAddr>,
) -> Result<Result<Option<Model>, TooMany>, Fault> {
    if !app.config.oauth.client_id_metadata_documents || !is_sound(app, address) {
        return Ok(Ok(None));
    }
    if let Known::Settled(client) = by_heart(app, address, known.as_ref(), app.now()) {
        return Ok(Ok(client));
    }
    if known.is_none() {
        let Some(stranger) = stranger else { return Ok(Ok(None)) };
        if let Err(too_many) = count_try(app, stranger).await? {
            return Ok(Err(too_many));
        }
    }
    fetched(app, address).await.map(Ok)
}

/// What its document says now, if that is not known meanwhile.
async fn fetched(app: &App, address: &str) -> Result<Option<Model>, Fault> {
    // one goes to a host at a time, and the others read what it brings
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    let lane = format!("document:{}", host.unwrap_or_default());
    let _turn = app.limiter.gate.enter(lane.as_bytes()).await?;
    let (now, known) = (app.now(), store::clients::find(app.store.read(), address).await?);
    if let Known::Settled(client) = by_heart(app, address, known.as_ref(), now) {
        return Ok(client);
    }
    let got = app.outbound.get(address, "application/json", MAX_BYTES).await;
    match got.and_then(|document| Ok((understood(app, address, &document)?, document.max_age))) {
        Ok((new, max_age)) => keep(app, address, new, now + KEPT.of(max_age)).await,
        // that many come is no fault of the document: the next one asks again
        Err(error @ OutboundError::Busy) => match after(error, known, now) {
            Some(client) => Ok(Some(client)),
            None => Err(Fault::unavailable(format!("the address of a client {error}"))),
        },
        Err(error) => {
            tracing::debug!(%error, "the document of a client was not read");
            app.outbound.shelf.refuse(address, error, PAUSE, now);
            Ok(after(error, known, now))
        }
    }
}

/// The draft's §3: `https`, a path, no dot segments, no fragment, nobody's name; and the one way to
/// write it, so that one client has one id.
fn is_sound(app: &App, address: &str) -> bool {
    app.outbound.is_acceptable(address)
        && Url::parse(address).is_ok_and(|url| url.as_str() == address && url.path() != "/")
}

/// What is known of an address.
#[expect(clippy::large_enum_variant, reason = "made once per question and taken apart at once")]
enum Known {
    /// Its client, or that it has none.
    Settled(Option<Model>),
    /// Nothing that is good enough.
    Unsettled,
}

/// What can be said without going out.
fn by_heart(app: &App, address: &str, known: Option<&Model>, now: DateTime<Utc>) -> Known {
    let ended = known.filter(|it| it.disabled_at.is_some());
    let fresh = known.filter(|it| {
        let times = it.document_fetched_at.zip(it.document_fresh_until);
        times.is_some_and(|(fetched, end)| clock::lives(now, fetched.0, end.0))
    });
    // somebody's client of another kind that has such an id keeps it
    let other = known.filter(|it| it.document_fetched_at.is_none());
    if let Some(known) = ended.or(fresh).or(other) {
        return Known::Settled(Some(known.clone()));
    }
    let failed = app.outbound.shelf.find(address).filter(|it| it.is_fresh(now));
    match failed.and_then(|failed| failed.outcome.err()) {
        Some(error) => Known::Settled(after(error, known.cloned(), now)),
        None => Known::Unsettled,
    }
}

/// What is left of a client whose document could not be had.
fn after(error: OutboundError, known: Option<Model>, now: DateTime<Utc>) -> Option<Model> {
    let is_away =
        matches!(error, OutboundError::Unreachable | OutboundError::Status | OutboundError::Busy);
    let is_young = |it: &Model| it.document_fresh_until.is_some_and(|end| now < end.0 + GRACE);
    known.filter(is_young).filter(|_| is_away)
}

/// What a document says, if it says it of this address and breaks no rule (the draft's §4).
fn understood(app: &App, address: &str, document: &Document) -> Result<NewClient, OutboundError> {
    let media_type = document.media_type.as_str();
    if media_type != "application/json" && !media_type.ends_with("+json") {
        return Err(OutboundError::Unusable);
    }
    let members: Map<String, Value> =
        serde_json::from_slice(&document.body).map_err(|_| OutboundError::Unusable)?;
    let has_secret = members.contains_key("client_secret");
    if members.get("client_id").and_then(Value::as_str) != Some(address) || has_secret {
        return Err(OutboundError::Unusable);
    }
    let new = read(app, &members, Door::Document).map_err(|refusal| {
        tracing::debug!(?refusal, "the document of a client breaks a rule");
        OutboundError::Unusable
    })?;
    // a sector's document would be a second address to go to
    let new = NewClient {
        settings: entity::client_settings::Settings { sector_identifier_uri: None, ..new.settings },
        ..new
    };
    let problems = problems(&new, app);
    if problems.is_empty() && !new.redirect_uris.is_empty() {
        return Ok(new);
    }
    tracing::debug!(?problems, "the document of a client breaks a rule");
    Err(OutboundError::Unusable)
}

/// Writes down what a document says.
async fn keep(
    app: &App,
    address: &str,
    new: NewClient,
    fresh_until: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    let times = (store::instant(app.now()), store::instant(fresh_until));
    let txn = app.store.begin().await?;
    let present = store::clients::find(&txn, address).await?;
    let (kept, action) = if let Some(present) = present {
        let client = timed(described_anew(app, &present, new), times);
        let is_same = timed(present, times) == client;
        let is_there = store::registrations::rewrite(&txn, &client).await?;
        (is_there.then_some(client), (!is_same).then_some("client.update"))
    } else {
        let client = Model { id: address.to_owned(), ..row(app, new, None) };
        (add(&txn, timed(client, times)).await?, Some("client.register"))
    };
    let Some(client) = kept else {
        // it was disabled meanwhile, or another node was quicker
        return store::clients::find(app.store.read(), address).await;
    };
    if let Some(action) = action {
        let actor = Actor::Client(address.to_owned());
        let event = Event::new(action, actor, Target::new("client", address));
        audit::record(app, &txn, event.because("by its metadata document")).await?;
    }
    txn.commit().await?;
    Ok(Some(client))
}

/// A client that was fetched then, and is good until then.
fn timed(client: Model, (fetched_at, fresh_until): (Instant, Instant)) -> Model {
    Model {
        document_fetched_at: Some(fetched_at),
        document_fresh_until: Some(fresh_until),
        ..client
    }
}

/// Adds a client, unless there is one of its id, or too many have come lately.
async fn add(txn: &store::Txn, client: Model) -> Result<Option<Model>, Fault> {
    let lately = client.created_at.0 - UNUSED_FOR;
    if store::registrations::count_since(txn, lately).await? >= MOST {
        tracing::warn!("too many clients have come by their documents within a week");
        return Ok(None);
    }
    let is_new = store::registrations::insert(txn, client.clone()).await?;
    Ok(is_new.then_some(client))
}
