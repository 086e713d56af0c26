//! A token with everything its life depends on, by one join: family, grant, client, user,
//! membership and workspace.

use entity::{app_policy::Policy, member::Role, terms::Terms, types::Instant};
use sea_orm::{DbErr, prelude::Uuid};

use super::direct::{Ask, Cells, Record, record};
use crate::fault::Fault;

record! {
    /// A row of that join.
    pub struct TokenRecord {
        /// When the token was issued.
        pub issued_at: Instant,
        /// When it ends.
        pub expires_at: Instant,
        /// The rotation that made it.
        pub generation: i64,
        /// An access token's own scope, if narrower than the family's.
        pub narrowed_scope: Option<String>,
        /// An access token's own audience, if narrower than the family's.
        pub narrowed_resource: Option<String>,
        /// The key that an access token is bound to: its thumbprint (RFC 9449 §6).
        pub jkt: Option<Vec<u8>>,
        /// The family's id.
        pub family_id: i64,
        /// The family that it was exchanged from (RFC 8693).
        pub parent_family_id: Option<i64>,
        /// What was granted.
        pub family_scope: String,
        /// The audience that was asked for (RFC 8707).
        pub family_resource: Option<String>,
        /// How many rotations there have been.
        pub family_generation: i64,
        /// When the last one was.
        pub rotated_at: Option<Instant>,
        /// When a token of the present generation was first used.
        pub successor_used_at: Option<Instant>,
        /// The absolute end of the family's refresh tokens.
        pub family_expires_at: Instant,
        /// When the family was revoked, or the one it was exchanged from was, or has gone.
        pub family_revoked_at: Option<Instant>,
        /// The user's epoch when the family began.
        pub family_user_epoch: i64,
        /// When the user had last proved who they are.
        pub authenticated_at: Option<Instant>,
        /// What else was asked, and how the user was signed in.
        pub terms: Option<Terms>,
        /// The client it was issued to.
        pub client_id: String,
        /// That client's name.
        pub client_name: String,
        /// What that client may have.
        pub client_scope: String,
        /// The client that the user has allowed: that client, unless the token was exchanged.
        pub origin_client_id: String,
        /// What the client that the user has allowed may have.
        pub origin_client_scope: String,
        /// The workspace that the client that the user has allowed is bound to.
        pub client_workspace_id: Option<Uuid>,
        /// The enterprise that it is bound to.
        pub client_enterprise_id: Option<Uuid>,
        /// When that client was disabled, or the one that the user has allowed.
        pub client_disabled_at: Option<Instant>,
        /// How long its access tokens live, if not the default.
        pub access_token_ttl_secs: Option<i64>,
        /// How long its refresh tokens live unused, if not the default.
        pub refresh_token_idle_ttl_secs: Option<i64>,
        /// The grant, unless the token is the client's own.
        pub grant_id: Option<Uuid>,
        /// What the user allows.
        pub grant_scope: Option<String>,
        /// When the grant was revoked.
        pub grant_revoked_at: Option<Instant>,
        /// The user, unless the token is the client's own.
        pub user_id: Option<Uuid>,
        /// The user's canonical username.
        pub username: Option<String>,
        /// The user's name.
        pub user_name: Option<String>,
        /// The user's present epoch.
        pub user_epoch: Option<i64>,
        /// When the user was disabled.
        pub user_disabled_at: Option<Instant>,
        /// The workspace of the grant, or the one the client is bound to.
        pub workspace_id: Option<Uuid>,
        /// Its slug.
        pub workspace_slug: Option<String>,
        /// Its name.
        pub workspace_name: Option<String>,
        /// Its product.
        pub product: Option<String>,
        /// Its plan.
        pub plan: Option<String>,
        /// The enterprise that it belongs to.
        pub enterprise_id: Option<Uuid>,
        /// When it was disabled.
        pub workspace_disabled_at: Option<Instant>,
        /// The user's role there.
        pub role: Option<Role>,
        /// What the workspace says about third-party apps.
        pub app_policy: Option<Policy>,
        /// Whether it has decided about this client.
        pub is_decided: bool,
        /// The most that it has approved; `None` if the client is denied.
        pub approved_scope: Option<String>,
        /// Whether the user has blocked this client.
        pub is_blocked: bool,
    }
}

/// A family that has refresh tokens, with all its refresh tokens depend on: [`TokenRecord`] is that of the
/// present refresh token.
#[derive(Clone, Debug)]
pub struct RefreshRecord {
    /// The present refresh token.
    pub token: TokenRecord,
    /// Its digest.
    pub refresh_sha256: Vec<u8>,
    /// The digest of the token that it replaced.
    pub parent_sha256: Option<Vec<u8>>,
    /// When all tokens of the family will have ended.
    pub ends_at: Instant,
    /// When a token of the grant was last issued, as far as it was noted.
    pub grant_last_used_at: Option<Instant>,
}

impl Record for RefreshRecord {
    fn names() -> Vec<&'static str> {
        let own = ["refresh_sha256", "parent_sha256", "ends_at", "grant_last_used_at"];
        [TokenRecord::names(), own.to_vec()].concat()
    }

    fn read(cells: &mut impl Cells) -> Result<Self, DbErr> {
        Ok(Self {
            token: TokenRecord::read(cells)?,
            refresh_sha256: cells.next()?,
            parent_sha256: cells.next()?,
            ends_at: cells.next()?,
            grant_last_used_at: cells.next()?,
        })
    }
}

/// What every token depends on: columns of the joins below.
macro_rules! columns {
    () => {
        "family.id as family_id, family.parent_family_id, family.scope as family_scope,
         family.resource as family_resource, family.generation as family_generation,
         family.rotated_at, family.successor_used_at,
         family.expires_at as family_expires_at,
         case when family.parent_family_id is not null and parent.id is null
             then family.created_at
             else coalesce(family.revoked_at, parent.revoked_at) end as family_revoked_at,
         family.user_epoch as family_user_epoch, family.authenticated_at, family.terms,
         client.id as client_id, client.name as client_name, client.scope as client_scope,
         origin.id as origin_client_id, origin.scope as origin_client_scope,
         origin.workspace_id as client_workspace_id,
         origin.enterprise_id as client_enterprise_id,
         coalesce(client.disabled_at, origin.disabled_at) as client_disabled_at, client.access_token_ttl_secs,
         client.refresh_token_idle_ttl_secs,
         permission.id as grant_id, permission.scope as grant_scope,
         permission.revoked_at as grant_revoked_at,
         person.id as user_id, person.username, person.name as user_name,
         person.epoch as user_epoch, person.disabled_at as user_disabled_at,
         workspace.id as workspace_id, workspace.slug as workspace_slug,
         workspace.name as workspace_name, workspace.product, workspace.plan,
         workspace.enterprise_id, workspace.disabled_at as workspace_disabled_at, member.role,
         policy.policy as app_policy, decision.client_id is not null as is_decided,
         decision.scope as approved_scope, block.client_id is not null as is_blocked"
    };
}

macro_rules! joins {
    () => {
        r#"join client on client.id = family.client_id
         left join token_family parent on parent.id = family.parent_family_id
         join client origin on origin.id = coalesce(parent.client_id, family.client_id)
         left join "grant" permission on permission.id = family.grant_id
         left join "user" person on person.id = permission.user_id
         left join workspace on workspace.id = case when family.grant_id is null
             then client.workspace_id else permission.workspace_id end
         left join member on member.workspace_id = workspace.id and member.user_id = person.id
         left join app_policy policy on policy.workspace_id = permission.workspace_id
         left join app_decision decision on decision.workspace_id = permission.workspace_id
             and decision.client_id = origin.id
         left join blocked_client block on block.user_id = permission.user_id
             and block.client_id = origin.id"#
    };
}

const ACCESS: &str = concat!(
    "select token.issued_at, token.expires_at, token.generation,
     token.scope as narrowed_scope, token.resource as narrowed_resource, token.jkt, ",
    columns!(),
    " from access_token token join token_family family on family.id = token.family_id ",
    joins!(),
    " where token.token_sha256 = $1"
);

const REFRESH: &str = concat!(
    "select family.refresh_issued_at as issued_at, family.refresh_expires_at as expires_at,
     family.generation, cast(null as text) as narrowed_scope,
     cast(null as text) as narrowed_resource, cast(null as bytea) as jkt, ",
    columns!(),
    ", family.refresh_sha256, family.parent_sha256, family.ends_at,
     permission.last_used_at as grant_last_used_at
     from token_family family ",
    joins!(),
    " where family.id = $1 and family.refresh_sha256 is not null"
);

/// The access token with this digest, with all it depends on.
///
/// # Errors
/// When the database fails.
pub async fn find_access(db: &impl Ask, token_sha256: &[u8]) -> Result<Option<TokenRecord>, Fault> {
    Ok(db.first(ACCESS, vec![token_sha256.to_vec().into()]).await?)
}

/// The present refresh token of a family, with all it depends on.
///
/// # Errors
/// When the database fails.
pub async fn find_refresh(db: &impl Ask, family_id: i64) -> Result<Option<RefreshRecord>, Fault> {
    Ok(db.first(REFRESH, vec![family_id.into()]).await?)
}
