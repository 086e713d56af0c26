//! Columns that hold something sealed: read to be sealed anew, and replaced unless they changed meanwhile.

use std::fmt::Display;

use entity::{outbox, signing_key, user};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TryGetable, Value,
    prelude::Uuid, sea_query::Expr,
};

use super::Store;
use crate::fault::Fault;

/// Rows that are changed in one transaction.
const AT_ONCE: u64 = 100;

/// What came of sealing a column anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Values that are sealed under the present key now, and were not.
    pub renewed: u64,
    /// Values that no key opens: they are as they were.
    pub unreadable: u64,
}

/// Seals the seeds of authenticator apps anew: `renew` gets the id of a user and the sealed value, and answers
/// the new one, or `None` where the old one is good.
///
/// # Errors
/// When the database fails; each value is the old or the new one then.
pub async fn renew_totp(
    store: &Store,
    renew: impl Fn(&Uuid, &[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Renewed, Fault> {
    let columns = (user::Column::Id, user::Column::TotpSealed);
    renew_all::<user::Entity, Uuid>(store, columns, renew).await
}

/// Seals letters anew, by their ids, as [`renew_totp`].
///
/// # Errors
/// When the database fails; each value is the old or the new one then.
pub async fn renew_letters(
    store: &Store,
    renew: impl Fn(&Uuid, &[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Renewed, Fault> {
    let columns = (outbox::Column::Id, outbox::Column::Sealed);
    renew_all::<outbox::Entity, Uuid>(store, columns, renew).await
}

/// Seals the private halves of signing keys anew, by their names, as [`renew_totp`].
///
/// # Errors
/// When the database fails; each value is the old or the new one then.
pub async fn renew_signing_keys(
    store: &Store,
    renew: impl Fn(&String, &[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Renewed, Fault> {
    let columns = (signing_key::Column::Kid, signing_key::Column::PrivateSealed);
    renew_all::<signing_key::Entity, String>(store, columns, renew).await
}

async fn renew_all<E, K>(
    store: &Store,
    (key, sealed): (E::Column, E::Column),
    renew: impl Fn(&K, &[u8]) -> Result<Option<Vec<u8>>, Fault>,
) -> Result<Renewed, Fault>
where
    E: EntityTrait,
    K: TryGetable + Clone + Display + Into<Value>,
{
    let (mut done, mut after) = (Renewed::default(), None::<K>);
    loop {
        let mut rows =
            E::find().select_only().column(key).column(sealed).filter(sealed.is_not_null());
        if let Some(after) = after {
            rows = rows.filter(key.gt(after));
        }
        let rows = rows.order_by_asc(key).limit(AT_ONCE).into_tuple::<(K, Vec<u8>)>();
        let rows = rows.all(store.read()).await?;
        let Some((last, _)) = rows.last() else { return Ok(done) };
        after = Some(last.clone());
        let mut changes = Vec::new();
        for (id, old) in rows {
            match renew(&id, &old) {
                Ok(Some(new)) => changes.push((id, old, new)),
                Ok(None) => {}
                Err(fault) => {
                    done.unreadable += 1;
                    tracing::warn!(row = %id, %fault, "a sealed value was left as it is");
                }
            }
        }
        done.renewed += replace::<E, K>(store, (key, sealed), changes).await?;
    }
}

/// Replaces those values that are still the old ones.
async fn replace<E, K>(
    store: &Store,
    (key, sealed): (E::Column, E::Column),
    changes: Vec<(K, Vec<u8>, Vec<u8>)>,
) -> Result<u64, Fault>
where
    E: EntityTrait,
    K: Into<Value>,
{
    if changes.is_empty() {
        return Ok(0);
    }
    let txn = store.begin().await?;
    let mut number = 0;
    for (id, old, new) in changes {
        let written = E::update_many()
            .col_expr(sealed, Expr::value(new))
            .filter(key.eq(id))
            .filter(sealed.eq(old))
            .exec(&txn)
            .await?;
        number += written.rows_affected;
    }
    txn.commit().await?;
    Ok(number)
}
