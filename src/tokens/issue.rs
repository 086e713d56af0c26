//! Issuing: every flow that ends in tokens for a user ends here.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{access_token, client, terms::Terms, token_family, user};
use serde_json::Value;
use uuid::Uuid;

use super::{
    admission::{self, Barred},
    dpop::Thumbprint,
    grants::{self, Answer, Place},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        derive,
        secret::{AccessToken, RefreshToken, Secret},
    },
    fault::Fault,
    store::{self, Txn},
};

/// How a user of the password grant has signed in (RFC 8176 §2).
const PASSWORD_AMR: &str = "pwd";

/// What a token response says (RFC 6749 §5.1). Shown once.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access_token: Secret<AccessToken>,
    /// Seconds until it ends.
    pub expires_in: i64,
    /// The refresh token, if the client may have one.
    pub refresh_token: Option<Secret<RefreshToken>>,
    /// What was granted.
    pub scope: Scope,
    /// The key that the access token is bound to (RFC 9449 §5).
    pub key: Option<Thumbprint>,
    /// What was asked for in detail (RFC 9396); what of it was granted, the scope says.
    pub details: Vec<Value>,
    /// Whom the tokens speak of, unless they are the client's own.
    pub about: Option<Box<About>>,
}

/// What an ID token says of a user and their sign-in (OpenID Connect Core §2).
#[derive(Clone, Debug)]
pub struct About {
    /// Who signed in.
    pub user_id: Uuid,
    /// When they last proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// Given back as it came; only the first tokens have it.
    pub nonce: Option<String>,
    /// What was asked for, and how they were signed in.
    pub terms: Terms,
}

/// A family that is about to begin under a grant.
#[derive(Debug)]
pub struct Beginning {
    /// Its id; an authorization code has fixed it already.
    pub family_id: i64,
    /// What its tokens may do.
    pub scope: Scope,
    /// The audience that was asked for (RFC 8707).
    pub resource: Option<String>,
    /// The audience of the first access token, where that was asked for with it and none was before
    /// (RFC 8707 §2.2).
    pub first_resource: Option<String>,
    /// The user's epoch when they allowed it.
    pub user_epoch: i64,
    /// Whom its tokens speak of.
    pub about: About,
}

/// What a client that has a user's password asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub place: Place,
    /// What its tokens may do; all that they can, if it does not say.
    pub scope: Option<Scope>,
    /// The audience (RFC 8707).
    pub resource: Option<String>,
    /// The key that they are bound to, if to any.
    pub key: Option<Thumbprint>,
}

/// Why there are no tokens for a user who has proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The client may not act there.
    Barred(Barred),
    /// Nothing is left of the scope that was asked for.
    Scope,
}

/// Issues the first tokens of a user who has just signed in for a client (RFC 6749 §4.3), if it may
/// act there: the grant and the pair, in one transaction, and in it what else `commit` does before it commits.
///
/// # Errors
/// When the database fails, or that of `commit`.
pub async fn for_user<F: Future<Output = Result<(), Fault>>>(
    app: &App,
    client: &client::Model,
    user: &user::Model,
    wanted: &Wanted,
    commit: impl Fn(Txn) -> F,
) -> Result<Result<Issued, Withheld>, Fault> {
    store::retrying(|| for_user_once(app, (client, user), wanted, &commit)).await
}

async fn for_user_once<F: Future<Output = Result<(), Fault>>>(
    app: &App,
    (client, user): (&client::Model, &user::Model),
    Wanted { place, scope, resource, key }: &Wanted,
    commit: impl Fn(Txn) -> F,
) -> Result<Result<Issued, Withheld>, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let whose = (client, user.id, place.workspace_id());
    let ceiling = match admission::now(&txn, client, user.id, place.workspace_id()).await? {
        Ok(ceiling) => ceiling,
        Err(barred) => return Ok(Err(Withheld::Barred(barred))),
    };
    let Some(scope) = grants::grantable(client, scope.as_ref(), place.role, &ceiling) else {
        return Ok(Err(Withheld::Scope));
    };
    let grant = grants::record(app, &txn, whose, &Answer::yes(scope.clone())).await?;
    let beginning = Beginning {
        family_id: derive::new_family_id(&*app.random),
        scope,
        resource: resource.clone(),
        first_resource: None,
        user_epoch: user.epoch,
        about: About {
            user_id: user.id,
            authenticated_at: now,
            nonce: None,
            terms: Terms {
                amr: Some(PASSWORD_AMR.to_owned()),
                dpop_jkt: key.map(|key| key.to_string()),
                ..Terms::default()
            },
        },
    };
    let Begun { family, access_token, issued } = new_family(app, client, grant.id, beginning);
    store::issuing::begin(&txn, (family, access_token)).await?;
    let noted_since = now - grants::USE_NOTED_EVERY;
    if grant.last_used_at.is_none_or(|at| at.0 < noted_since) {
        store::grants::touch(&txn, grant.id, (now, noted_since)).await?;
    }
    let target = Target::new("client", client.id.as_str());
    let event = Event::new("user.sign_in", Actor::User(user.id), target)
        .in_workspace(place.workspace_id())
        .because("password grant");
    audit::record(app, &txn, event).await?;
    commit(txn).await?;
    Ok(Ok(issued))
}

/// A family that begins under a grant: the rows to be stored together, and its first pair.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) family: token_family::Model,
    pub(super) access_token: access_token::Model,
    pub(super) issued: Issued,
}

/// Makes a token family under a grant and its first pair, bound to the key that its terms name.
pub(super) fn new_family(
    app: &App,
    client: &client::Model,
    grant_id: Uuid,
    beginning: Beginning,
) -> Begun {
    let now = app.now();
    let lifetimes = Lifetimes::of(app, client);
    let mut family = token_family::Model {
        id: beginning.family_id,
        client_id: client.id.clone(),
        grant_id: Some(grant_id),
        scope: beginning.scope.to_string(),
        resource: beginning.resource,
        user_epoch: beginning.user_epoch,
        authenticated_at: Some(store::instant(beginning.about.authenticated_at)),
        terms: beginning.about.terms.clone().stored(),
        expires_at: store::instant(now + lifetimes.refresh_absolute),
        ..empty_family(now)
    };
    // contract §3: a client with this grant type gets refresh tokens for every user grant
    let refresh_token = client
        .grant_types
        .contains("refresh_token")
        .then(|| first_refresh_token(app, &mut family, lifetimes));
    let refresh_end = family.refresh_expires_at.map(|end| end.0);
    family.ends_at = store::instant(lifetimes.end_of_all(app, now, refresh_end));
    let access_token = Secret::random(&*app.random);
    let key = key_of(&beginning.about.terms);
    let narrowed = beginning.first_resource.map(|resource| (None, Some(resource)));
    let row = AccessRow { family_id: beginning.family_id, generation: 0, narrowed, key };
    Begun {
        family,
        access_token: row.issued(&access_token, now, lifetimes.access),
        issued: Issued {
            access_token,
            expires_in: lifetimes.access.num_seconds(),
            refresh_token,
            scope: beginning.scope,
            key,
            details: beginning.about.terms.authorization_details.clone(),
            about: Some(Box::new(beginning.about)),
        },
    }
}

/// The key that a family of these terms is bound to.
pub(super) fn key_of(terms: &Terms) -> Option<Thumbprint> {
    terms.dpop_jkt.as_deref().and_then(Thumbprint::parse)
}

/// A family of nobody's that allows nothing and has no refresh token.
pub(super) fn empty_family(now: DateTime<Utc>) -> token_family::Model {
    token_family::Model {
        id: 0,
        client_id: String::new(),
        grant_id: None,
        scope: String::new(),
        resource: None,
        user_epoch: 0,
        authenticated_at: None,
        terms: None,
        generation: 0,
        rotated_at: None,
        successor_used_at: None,
        created_at: store::instant(now),
        expires_at: store::instant(now),
        revoked_at: None,
        refresh_sha256: None,
        refresh_issued_at: None,
        refresh_expires_at: None,
        parent_sha256: None,
        ends_at: store::instant(now),
        parent_family_id: None,
        retries: 0,
    }
}

/// Gives a family that begins its first refresh token.
fn first_refresh_token(
    app: &App,
    family: &mut token_family::Model,
    lifetimes: Lifetimes,
) -> Secret<RefreshToken> {
    let token = app.secrets.deriver.first_refresh_token(&*app.random, family.id);
    let end = (family.created_at.0 + lifetimes.refresh_idle).min(family.expires_at.0);
    family.refresh_sha256 = Some(token.sha256());
    family.refresh_issued_at = Some(family.created_at);
    family.refresh_expires_at = Some(store::instant(end));
    token
}

/// An access token's row, but for the token itself.
pub(super) struct AccessRow {
    pub(super) family_id: i64,
    pub(super) generation: i64,
    /// Scope and audience, if narrower than the family's.
    pub(super) narrowed: Option<(Option<String>, Option<String>)>,
    /// What it is bound to.
    pub(super) key: Option<Thumbprint>,
}

impl AccessRow {
    pub(super) fn issued(
        &self,
        token: &Secret<AccessToken>,
        now: DateTime<Utc>,
        ttl: TimeDelta,
    ) -> access_token::Model {
        let (scope, resource) = self.narrowed.clone().unwrap_or_default();
        access_token::Model {
            token_sha256: token.sha256(),
            family_id: self.family_id,
            generation: self.generation,
            scope,
            resource,
            jkt: self.key.map(Thumbprint::stored),
            issued_at: store::instant(now),
            expires_at: store::instant(now + ttl),
        }
    }
}

/// How long a client's tokens live: its own settings, else the operator's.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// An access token.
    pub access: TimeDelta,
    /// A refresh token that is not used.
    pub refresh_idle: TimeDelta,
    /// A family, however often it is used.
    pub refresh_absolute: TimeDelta,
}

impl Lifetimes {
    /// Those of `client`.
    #[must_use]
    pub fn of(app: &App, client: &client::Model) -> Self {
        let oauth = &app.config.oauth;
        let own = |secs: Option<i64>| secs.and_then(TimeDelta::try_seconds);
        Self {
            access: own(client.access_token_ttl_secs).unwrap_or(oauth.access_token_ttl()),
            refresh_idle: own(client.refresh_token_idle_ttl_secs)
                .unwrap_or(oauth.refresh_token_idle_ttl()),
            refresh_absolute: own(client.refresh_token_absolute_ttl_secs)
                .unwrap_or(oauth.refresh_token_absolute_ttl()),
        }
    }
    /// When the tokens that a family has after an issue at `now` will all have ended, those that a
    /// retry may still get included.
    pub(super) fn end_of_all(
        self,
        app: &App,
        now: DateTime<Utc>,
        refresh_end: Option<DateTime<Utc>>,
    ) -> DateTime<Utc> {
        let access_end = now + app.config.oauth.refresh_retry_window() + self.access;
        refresh_end.map_or(access_end, |end| end.max(access_end))
    }
}
