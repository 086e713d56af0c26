//! Authorization codes.

use chrono::{DateTime, Utc};
use entity::{
    app_policy::Policy,
    authorization_code::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr,
};

use super::{
    direct::{Ask, Cells, Record, record},
    insert as insert_row, instant,
};
use crate::fault::Fault;

/// Stores a new code.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, code: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, code).await
}

/// A code, and what its exchange depends on besides.
#[derive(Clone, Debug)]
pub struct CodeRecord {
    /// The code, spent or not.
    pub code: Model,
    /// When its grant was revoked.
    pub grant_revoked_at: Option<Instant>,
    /// When its user was disabled.
    pub user_disabled_at: Option<Instant>,
    /// The user's present epoch.
    pub epoch: i64,
    /// The user.
    pub user_id: Uuid,
    /// What the user allows.
    pub grant_scope: String,
    /// The workspace of the grant.
    pub workspace_id: Option<Uuid>,
    /// The enterprise of that workspace.
    pub enterprise_id: Option<Uuid>,
    /// What it says about third-party apps.
    pub app_policy: Option<Policy>,
    /// Whether it has decided about this client.
    pub is_decided: bool,
    /// The most that it has approved; `None` if the client is denied.
    pub approved_scope: Option<String>,
    /// Whether the user has blocked this client.
    pub is_blocked: bool,
}

record!(Model {
    code_sha256,
    family_id,
    client_id,
    grant_id,
    redirect_uri,
    scope,
    code_challenge,
    nonce,
    resource,
    terms,
    user_epoch,
    authenticated_at,
    expires_at,
    consumed_at,
});

impl Record for CodeRecord {
    fn names() -> Vec<&'static str> {
        let own = [
            "grant_revoked_at",
            "user_disabled_at",
            "epoch",
            "user_id",
            "grant_scope",
            "workspace_id",
            "enterprise_id",
            "app_policy",
            "is_decided",
            "approved_scope",
            "is_blocked",
        ];
        [Model::names(), own.to_vec()].concat()
    }

    fn read(cells: &mut impl Cells) -> Result<Self, DbErr> {
        Ok(Self {
            code: Model::read(cells)?,
            grant_revoked_at: cells.next()?,
            user_disabled_at: cells.next()?,
            epoch: cells.next()?,
            user_id: cells.next()?,
            grant_scope: cells.next()?,
            workspace_id: cells.next()?,
            enterprise_id: cells.next()?,
            app_policy: cells.next()?,
            is_decided: cells.next()?,
            approved_scope: cells.next()?,
            is_blocked: cells.next()?,
        })
    }
}

const OF_CLIENT: &str = r#"select code.code_sha256, code.family_id, code.client_id, code.grant_id,
    code.redirect_uri, code.scope, code.code_challenge, code.nonce, code.resource, code.terms, code.user_epoch,
    code.authenticated_at, code.expires_at, code.consumed_at,
    permission.revoked_at as grant_revoked_at, person.disabled_at as user_disabled_at, person.epoch,
    permission.user_id, permission.scope as grant_scope, permission.workspace_id,
    workspace.enterprise_id, policy.policy as app_policy,
    decision.client_id is not null as is_decided, decision.scope as approved_scope,
    block.client_id is not null as is_blocked
    from authorization_code code
    join "grant" permission on permission.id = code.grant_id
    join "user" person on person.id = permission.user_id
    left join workspace on workspace.id = permission.workspace_id
    left join app_policy policy on policy.workspace_id = permission.workspace_id
    left join app_decision decision on decision.workspace_id = permission.workspace_id
        and decision.client_id = code.client_id
    left join blocked_client block on block.user_id = permission.user_id
        and block.client_id = code.client_id
    where code.code_sha256 = $1 and code.client_id = $2"#;

/// A code of this client, spent or not, with what its exchange depends on.
///
/// # Errors
/// When the database fails.
pub async fn find_of_client(
    db: &impl Ask,
    code_sha256: &[u8],
    client_id: &str,
) -> Result<Option<CodeRecord>, Fault> {
    Ok(db.first(OF_CLIENT, vec![code_sha256.to_vec().into(), client_id.into()]).await?)
}

/// Spends a code for its own client: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn consume(
    db: &impl ConnectionTrait,
    code_sha256: &[u8],
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let spent = Entity::update_many()
        .col_expr(Column::ConsumedAt, Expr::value(instant(now)))
        .filter(COLUMN.code_sha256.eq(code_sha256.to_vec()))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.consumed_at.is_null())
        .exec(db)
        .await?;
    Ok(spent.rows_affected == 1)
}
