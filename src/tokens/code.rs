//! Authorization codes (RFC 6749 §4.1): made once, spent once.
//!
//! A code is spent by its first presentation by its own client, whatever the outcome. Presented
//! again by that client it fails and ends every token that came from it; presented by another client
//! it just fails: ownership is proved before anything is destroyed.

use chrono::TimeDelta;
use entity::{authorization_code, browser_session, client, session_client, terms::Terms, user};
use uuid::Uuid;

use super::{
    admission::{self, Barred},
    audience,
    dpop::Thumbprint,
    grants::{self, Answer},
    issue::{self, About, Beginning, Begun, Issued},
    logout,
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::policy::Policy,
    clock,
    crypto::{
        derive,
        secret::{AuthorizationCode, Secret},
    },
    fault::Fault,
    store::{self, Txn, authorization_codes::CodeRecord},
};

/// A user's yes: who, to whom, where and to what.
#[derive(Clone, Debug)]
pub struct Yes<'a> {
    /// The client that asked.
    pub client: &'a client::Model,
    /// Who is signed in.
    pub user: &'a user::Model,
    /// Where, since when and by what.
    pub session: &'a browser_session::Model,
    /// The workspace in which the client may act.
    pub workspace_id: Option<Uuid>,
    /// What it may do there.
    pub scope: Scope,
    /// What it asked for and may not.
    pub declined: Scope,
}

/// What the code must remember of the request.
#[derive(Debug)]
pub struct Asked {
    /// Where the browser goes next, exactly as it was received.
    pub redirect_uri: String,
    /// RFC 7636 §4.2, S256.
    pub code_challenge: Option<String>,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: Option<String>,
    /// RFC 8707 §2.
    pub resource: Option<String>,
    /// What else was asked.
    pub terms: Terms,
}

/// What became of a presented code.
#[derive(Debug)]
pub enum Exchange {
    /// The first pair of a new family.
    Issued(Issued),
    /// No such code, not this client's, expired, or it failed the check it was spent on.
    Refused,
    /// It was spent on a request for another audience than the one that was authorized.
    WrongTarget,
    /// It had been presented before; what it produced is dead.
    Replayed,
}

/// Records the user's permission and makes a code for it, in `txn`, if the client may act there.
///
/// # Errors
/// When the database fails.
pub async fn create(
    app: &App,
    txn: &Txn,
    yes: Yes<'_>,
    asked: Asked,
) -> Result<Result<Secret<AuthorizationCode>, Barred>, Fault> {
    let whose = (yes.client, yes.user.id, yes.workspace_id);
    let answer = Answer { allowed: yes.scope.clone(), declined: yes.declined.clone() };
    let grant = match grants::allow(app, txn, whose, &answer).await? {
        Ok(grant) => grant,
        Err(barred) => return Ok(Err(barred)),
    };
    let (code, row) = new(app, grant.id, &yes, asked);
    store::authorization_codes::insert(txn, row).await?;
    Ok(Ok(code))
}

/// A code under a grant, and its row.
pub(super) fn new(
    app: &App,
    grant_id: Uuid,
    yes: &Yes<'_>,
    asked: Asked,
) -> (Secret<AuthorizationCode>, authorization_code::Model) {
    let now = app.now();
    let code = Secret::<AuthorizationCode>::random(&*app.random);
    let terms = Terms {
        sid: Some(yes.session.id.to_string()),
        amr: Some(yes.session.amr.clone()),
        ..asked.terms.lasting()
    };
    let row = authorization_code::Model {
        code_sha256: code.sha256(),
        family_id: derive::new_family_id(&*app.random),
        client_id: yes.client.id.clone(),
        grant_id,
        redirect_uri: asked.redirect_uri,
        scope: yes.scope.to_string(),
        code_challenge: asked.code_challenge,
        nonce: asked.nonce,
        resource: asked.resource,
        terms: terms.stored(),
        user_epoch: yes.user.epoch,
        authenticated_at: yes.session.confirmed_at,
        expires_at: store::instant(now + Policy::of(app, yes.client).code_ttl()),
        consumed_at: None,
    };
    (code, row)
}

/// What comes with a code.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// The key that was proved to be at hand; the tokens are bound to it. A code that is bound to a key
    /// is worth nothing to whoever has not proved that one (RFC 9449 §10).
    pub key: Option<Thumbprint>,
    /// The audience that the access token is to be for: the one that was authorized or a part of it; where none was,
    /// any that is registered (RFC 8707 §2.2).
    pub resource: Option<String>,
}

/// Spends a code and, if `is_worthy` says so of the request, issues tokens.
///
/// # Errors
/// When the database fails; then the code is not spent.
pub async fn exchange(
    app: &App,
    client: &client::Model,
    (code, presented): (&Secret<AuthorizationCode>, &Presented),
    is_worthy: impl Fn(&authorization_code::Model) -> bool + Sync,
) -> Result<Exchange, Fault> {
    let longest = Policy::of(app, client).code_ttl();
    exchange_digest(app, client, (&code.sha256(), presented), longest, is_worthy).await
}

/// The same, of a code that is known by its digest and lives for at most `longest`: a device presents its own code in
/// its place.
///
/// # Errors
/// When the database fails; then the code is not spent.
pub(super) async fn exchange_digest(
    app: &App,
    client: &client::Model,
    (code_sha256, presented): (&[u8], &Presented),
    longest: TimeDelta,
    is_worthy: impl Fn(&authorization_code::Model) -> bool + Sync,
) -> Result<Exchange, Fault> {
    let shown = (code_sha256, presented);
    store::retrying(|| exchange_once(app, client, shown, longest, &is_worthy)).await
}

async fn exchange_once(
    app: &App,
    client: &client::Model,
    (code_sha256, presented): (&[u8], &Presented),
    longest: TimeDelta,
    is_worthy: &(impl Fn(&authorization_code::Model) -> bool + Sync),
) -> Result<Exchange, Fault> {
    let now = app.now();
    let db = app.store.read();
    let found = store::authorization_codes::find_of_client(db, code_sha256, &client.id).await?;
    let Some(found) = found else { return Ok(Exchange::Refused) };
    if found.code.consumed_at.is_some() {
        return replay(app, client, found.code.family_id).await;
    }
    let is_user_the_same = found.user_disabled_at.is_none() && found.epoch == found.code.user_epoch;
    let admission = admission::of_code(&found, client);
    let lives = clock::lives(now, found.code.expires_at.0 - longest, found.code.expires_at.0)
        && found.grant_revoked_at.is_none()
        && is_user_the_same
        && admission.is_ok()
        && is_proved(&found.code, presented.key);
    let family_id = found.code.family_id;
    let (is_first, outcome) = if !lives || !is_worthy(&found.code) {
        (spend(app, client, (code_sha256, found.code.grant_id)).await?, Exchange::Refused)
    } else if is_elsewhere(app, &found.code, presented) {
        (spend(app, client, (code_sha256, found.code.grant_id)).await?, Exchange::WrongTarget)
    } else {
        // what was allowed may have become less since
        let still =
            Scope::stored(&found.code.scope).intersection(&Scope::stored(&found.grant_scope));
        let scope = admission.unwrap_or_default().limit(&still);
        let (is_first, issued) = issue_for(app, client, found, (scope, presented)).await?;
        (is_first, Exchange::Issued(issued))
    };
    if is_first { Ok(outcome) } else { replay(app, client, family_id).await }
}

/// Whether the key that a code is bound to, if to any, is the one that was proved.
fn is_proved(code: &authorization_code::Model, key: Option<Thumbprint>) -> bool {
    let bound = code.terms.as_ref().and_then(|terms| terms.dpop_jkt.as_deref());
    bound.is_none_or(|bound| key.is_some() && key == Thumbprint::parse(bound))
}

/// Whether another audience is asked for than the one that was authorized, or a part of it (RFC 8707
/// §2.2).
fn is_elsewhere(app: &App, code: &authorization_code::Model, presented: &Presented) -> bool {
    match (&code.resource, &presented.resource) {
        (Some(all), Some(asked)) => !audience::covers(app, all, asked),
        _ => false,
    }
}

/// Spends a code on nothing, for what it was shown with is not what it was made for; `false` if somebody was faster.
async fn spend(
    app: &App,
    client: &client::Model,
    (code_sha256, grant_id): (&[u8], Uuid),
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_first =
        store::authorization_codes::consume(&txn, code_sha256, &client.id, app.now()).await?;
    if is_first {
        let (actor, target) = (Actor::Client(client.id.clone()), Target::new("grant", grant_id));
        audit::record(app, &txn, Event::new("authorization_code.refuse", actor, target)).await?;
    }
    txn.commit().await?;
    Ok(is_first)
}

/// Spends a code on the first tokens of its family; `false` if somebody was faster, and then they do
/// not exist.
async fn issue_for(
    app: &App,
    client: &client::Model,
    found: CodeRecord,
    (scope, presented): (Scope, &Presented),
) -> Result<(bool, Issued), Fault> {
    let CodeRecord { code, user_id, .. } = found;
    let beginning = Beginning {
        family_id: code.family_id,
        scope,
        first_resource: presented
            .resource
            .clone()
            .filter(|asked| Some(asked) != code.resource.as_ref()),
        resource: code.resource,
        user_epoch: code.user_epoch,
        about: About {
            user_id,
            authenticated_at: code.authenticated_at.0,
            nonce: code.nonce,
            terms: Terms {
                dpop_jkt: presented.key.map(|key| key.to_string()),
                ..code.terms.unwrap_or_default()
            },
        },
    };
    let Begun { family, access_token, issued } =
        issue::new_family(app, client, code.grant_id, beginning);
    take_part(app, client, &issued, family.id).await?;
    let noted_since = store::instant(app.now() - grants::USE_NOTED_EVERY);
    let rows = (family, access_token);
    let is_first =
        store::issuing::exchange(&app.store, code.code_sha256, rows, noted_since).await?;
    Ok((is_first, issued))
}

/// Remembers that the client takes part in the session in which the user allowed it, if it wants to know
/// when that ends.
async fn take_part(
    app: &App,
    client: &client::Model,
    issued: &Issued,
    family_id: i64,
) -> Result<(), Fault> {
    let Some(about) = issued.about.as_deref() else { return Ok(()) };
    let sid = about.terms.sid.as_deref().and_then(|sid| Uuid::parse_str(sid).ok());
    let Some(session_id) = sid else { return Ok(()) };
    if !logout::is_wanted(client) || !issued.scope.contains("openid") {
        return Ok(());
    }
    let row = session_client::Model {
        family_id,
        session_id,
        user_id: about.user_id,
        client_id: client.id.clone(),
        is_offline: issued.scope.contains("offline_access"),
        created_at: store::instant(app.now()),
    };
    logout::take_part(app, row).await
}

/// RFC 6749 §4.1.2: a code presented twice is denied and what it produced is revoked.
async fn replay(app: &App, client: &client::Model, family_id: i64) -> Result<Exchange, Fault> {
    let txn = app.store.begin().await?;
    if store::token_families::revoke(&txn, family_id, app.now()).await? {
        let event = Event::new(
            "authorization_code.replay",
            Actor::Client(client.id.clone()),
            Target::new("token_family", family_id),
        );
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Exchange::Replayed)
}
