//! The writes that the token endpoint and the authorization endpoint wait for, each a whole: on
//! PostgreSQL one statement, which is a transaction by itself and one round trip; on SQLite its steps,
//! in a transaction of the present batch.
//!
//! The first step of each decides. If it changes no row, somebody was faster, or what it builds on is
//! gone: then nothing is changed at all.

use std::sync::OnceLock;

use entity::{access_token, authorization_code, token_family, types::Instant};
use sea_orm::{Value, prelude::Uuid};

use super::{Desk, Store, Txn};
use crate::fault::Fault;

/// A write of several steps, the first of which decides. Each step ends in its conditions, and `$n` is
/// the same value in all of them.
pub(super) struct Whole {
    steps: &'static [&'static str],
    joined: OnceLock<String>,
}

impl Whole {
    const fn new(steps: &'static [&'static str]) -> Self {
        Self { steps, joined: OnceLock::new() }
    }

    /// Step by step.
    pub(super) fn steps(&self) -> &'static [&'static str] {
        self.steps
    }

    /// All of it as one statement of PostgreSQL's, whose rows are those of its last step.
    pub(super) fn joined(&self) -> &str {
        self.joined.get_or_init(|| join(self.steps))
    }
}

fn join(steps: &[&str]) -> String {
    let [first, between @ .., last] = steps else { return steps.concat() };
    let decided = " and exists (select 1 from decided)";
    let between: Vec<_> = between
        .iter()
        .enumerate()
        .map(|(index, step)| format!(", step_{index} as ({step}{decided})"))
        .collect();
    let between = between.concat();
    format!("with decided as ({first} returning 1){between} {last}{decided}")
}

/// What a rotation makes of a family.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The family.
    pub family_id: i64,
    /// How many rotations there were before.
    pub generation: i64,
    /// The refresh token that is spent.
    pub spent_sha256: Vec<u8>,
    /// The one that replaces it.
    pub refresh_sha256: Vec<u8>,
    /// When.
    pub now: Instant,
    /// When the new one ends unless it is used.
    pub refresh_expires_at: Instant,
    /// When all tokens of the family will have ended.
    pub ends_at: Instant,
    /// The access token that comes with it.
    pub access_token: access_token::Model,
    /// The grant whose use is to be noted.
    pub used_grant: Option<Uuid>,
}

macro_rules! spend_refresh_token {
    () => {
        "update token_family set generation = $8, rotated_at = $9, successor_used_at = null,
         retries = 0, refresh_sha256 = $10, refresh_issued_at = $9, refresh_expires_at = $11,
         parent_sha256 = $12, ends_at = $13
         where id = $15 and generation = $14 and refresh_sha256 = $12 and revoked_at is null"
    };
}

/// `$1` to `$7`, and the key that the token is bound to.
macro_rules! insert_access_token {
    ($jkt:literal) => {
        concat!(
            "insert into access_token
             (token_sha256, family_id, generation, scope, resource, issued_at, expires_at, jkt)
             select $1, $2, $3, $4, $5, $6, $7, ",
            $jkt,
            " where true"
        )
    };
}

static ROTATE: Whole = Whole::new(&[spend_refresh_token!(), insert_access_token!("$16")]);

static ROTATE_AND_NOTE_USE: Whole = Whole::new(&[
    spend_refresh_token!(),
    r#"update "grant" set last_used_at = $9 where id = $17"#,
    insert_access_token!("$16"),
]);

/// Spends the present refresh token of a live family, puts its successor in its place and stores the
/// access token that comes with it: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn rotate(desk: Desk, rotated: Rotated) -> Result<bool, Fault> {
    let jkt = rotated.access_token.jkt.clone();
    let mut values = of_access_token(rotated.access_token);
    values.extend([
        (rotated.generation + 1).into(),
        rotated.now.into(),
        rotated.refresh_sha256.into(),
        rotated.refresh_expires_at.into(),
        rotated.spent_sha256.into(),
        rotated.ends_at.into(),
        rotated.generation.into(),
        rotated.family_id.into(),
        jkt.into(),
    ]);
    let Some(grant_id) = rotated.used_grant else { return desk.write(&ROTATE, values).await };
    values.push(grant_id.into());
    desk.write(&ROTATE_AND_NOTE_USE, values).await
}

/// `$2`, `$3`, `$6`, and `$9` to `$21`: a family begins with its first access token.
macro_rules! insert_family {
    () => {
        "insert into token_family
         (id, client_id, grant_id, scope, resource, user_epoch, authenticated_at, generation,
         created_at, expires_at, refresh_sha256, refresh_issued_at, refresh_expires_at, ends_at,
         terms, parent_family_id)
         select $2, $9, $10, $11, $12, $13, $14, $3, $6, $15, $16, $17, $18, $19, $20, $21
         where true"
    };
}

/// `$1` to `$21`.
fn of_beginning((family, token): (token_family::Model, access_token::Model)) -> Vec<Value> {
    let jkt = token.jkt.clone();
    let mut values = of_access_token(token);
    values.extend([
        jkt.into(),
        family.client_id.into(),
        family.grant_id.into(),
        family.scope.into(),
        family.resource.into(),
        family.user_epoch.into(),
        family.authenticated_at.into(),
        family.expires_at.into(),
        family.refresh_sha256.into(),
        family.refresh_issued_at.into(),
        family.refresh_expires_at.into(),
        family.ends_at.into(),
        family.terms.into(),
        family.parent_family_id.into(),
    ]);
    values
}

static EXCHANGE: Whole = Whole::new(&[
    "update authorization_code set consumed_at = $6
     where code_sha256 = $22 and client_id = $9 and consumed_at is null",
    insert_family!(),
    r#"update "grant" set last_used_at = $6 where id = $10
       and (last_used_at is null or last_used_at < $23)"#,
    insert_access_token!("$8"),
]);

/// Spends an authorization code for its own client and begins the family that it is for, with its
/// first access token: `true` for the first caller only. The use of the grant is noted unless it was
/// after `noted_since`.
///
/// # Errors
/// When the database fails.
pub async fn exchange(
    store: &Store,
    code_sha256: Vec<u8>,
    beginning: (token_family::Model, access_token::Model),
    noted_since: Instant,
) -> Result<bool, Fault> {
    let mut values = of_beginning(beginning);
    values.extend([code_sha256.into(), noted_since.into()]);
    store.desk().await?.write(&EXCHANGE, values).await
}

static BEGIN: Whole = Whole::new(&[insert_family!(), insert_access_token!("$8")]);

/// Begins a family with its first access token, in a transaction in which more is done.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    txn: &Txn,
    beginning: (token_family::Model, access_token::Model),
) -> Result<(), Fault> {
    let has_begun = txn.write(&BEGIN, of_beginning(beginning)).await?;
    if has_begun { Ok(()) } else { Err(Fault::internal("a family did not begin")) }
}

static ISSUE: Whole = Whole::new(&[concat!(
    insert_access_token!("$8"),
    " and exists (select 1 from token_family where id = $2)"
)]);

/// Stores an access token of a family; `false` if there is no such family.
///
/// # Errors
/// When the database fails.
pub async fn issue(store: &Store, token: access_token::Model) -> Result<bool, Fault> {
    let jkt = token.jkt.clone();
    let mut values = of_access_token(token);
    values.push(jkt.into());
    store.desk().await?.write(&ISSUE, values).await
}

macro_rules! insert_code {
    () => {
        r#"insert into authorization_code
           (code_sha256, family_id, client_id, grant_id, redirect_uri, scope, code_challenge, nonce,
           resource, user_epoch, authenticated_at, expires_at, terms)
           select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
           where exists (select 1 from "grant" where id = $4 and revoked_at is null)"#
    };
}

static AUTHORIZE: Whole = Whole::new(&[insert_code!()]);

static AUTHORIZE_PUSHED: Whole = Whole::new(&[
    r#"delete from pushed_request where uri_sha256 = $14
       and exists (select 1 from "grant" where id = $4 and revoked_at is null)"#,
    insert_code!(),
]);

/// Stores a new code under a standing grant; `false` if the grant no longer lives. If the request was
/// pushed, that is spent with it, and `false` if it was spent before.
///
/// # Errors
/// When the database fails.
pub async fn authorize(
    store: &Store,
    code: authorization_code::Model,
    pushed_sha256: Option<Vec<u8>>,
) -> Result<bool, Fault> {
    let mut values = vec![
        code.code_sha256.into(),
        code.family_id.into(),
        code.client_id.into(),
        code.grant_id.into(),
        code.redirect_uri.into(),
        code.scope.into(),
        code.code_challenge.into(),
        code.nonce.into(),
        code.resource.into(),
        code.user_epoch.into(),
        code.authenticated_at.into(),
        code.expires_at.into(),
        code.terms.into(),
    ];
    let Some(pushed) = pushed_sha256 else {
        return store.desk().await?.write(&AUTHORIZE, values).await;
    };
    values.push(pushed.into());
    store.desk().await?.write(&AUTHORIZE_PUSHED, values).await
}

/// `$1` to `$7`.
fn of_access_token(token: access_token::Model) -> Vec<Value> {
    vec![
        token.token_sha256.into(),
        token.family_id.into(),
        token.generation.into(),
        token.scope.into(),
        token.resource.into(),
        token.issued_at.into(),
        token.expires_at.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_but_the_first_hangs_on_the_first() {
        assert_eq!(join(&["a where x"]), "a where x");
        assert_eq!(
            join(&["a where x", "b where y", "c where z"]),
            "with decided as (a where x returning 1), \
             step_0 as (b where y and exists (select 1 from decided)) \
             c where z and exists (select 1 from decided)"
        );
    }
}
