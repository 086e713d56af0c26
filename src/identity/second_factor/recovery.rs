//! Recovery codes: ten that stand in for a lost second factor, each once.
//!
//! A code has 80 random bits, so that people can type it; it is stored as an HMAC under a key that is
//! not in the database, so that a copy of that does not help to guess it.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use entity::{recovery_code, user};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::record_success;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    mail::{LetterKind, SecurityChange},
    outbox,
    store::{self, Txn},
};

/// How many codes there are in a set.
pub const CODES: usize = 10;
const CODE_BYTES: usize = 10;
const GROUP_CHARS: usize = 4;
/// Longer texts are no codes and are not looked at.
const MAX_TYPED_BYTES: usize = 64;

/// A new set, to be shown once.
pub struct Codes(Vec<Zeroizing<String>>);

impl Codes {
    /// The codes, in groups of four.
    pub fn reveal(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|code| code.as_str())
    }
}

/// A new set in place of the present one; `None` for a user who has no second factor.
///
/// # Errors
/// When the database fails.
pub async fn renew(app: &App, user: &user::Model) -> Result<Option<Codes>, Fault> {
    let txn = app.store.begin().await?;
    store::users::lock(&txn, user.id).await?;
    if !has_factor(&txn, user.id).await? {
        return Ok(None);
    }
    store::recovery_codes::delete_of_user(&txn, user.id).await?;
    let codes = give(app, &txn, user.id).await?;
    let target = Target::new("user", user.id);
    audit::record(app, &txn, Event::new("recovery_codes.renew", Actor::User(user.id), target))
        .await?;
    let what = SecurityChange::RecoveryCodesRenewed;
    let letter = LetterKind::SecurityChange { what, at: app.now() };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    Ok(Some(codes))
}

/// A first set with the first second factor; `None` for a user who has been given one.
pub(in crate::identity) async fn give_first(
    app: &App,
    txn: &Txn,
    user_id: Uuid,
) -> Result<Option<Codes>, Fault> {
    if store::recovery_codes::exist(txn, user_id).await? {
        return Ok(None);
    }
    give(app, txn, user_id).await.map(Some)
}

/// Takes the codes away with the last second factor: there is nothing left that they stand in for.
pub(in crate::identity) async fn forget_without_factor(
    txn: &Txn,
    user_id: Uuid,
) -> Result<(), Fault> {
    if !has_factor(txn, user_id).await? {
        store::recovery_codes::delete_of_user(txn, user_id).await?;
    }
    Ok(())
}

/// Uses a code up and tells its user by mail, in a transaction that is still to be committed; `None` if there is no such
/// code or it was used.
pub(super) async fn consume(
    app: &App,
    user: &user::Model,
    typed: &str,
    now: DateTime<Utc>,
) -> Result<Option<Txn>, Fault> {
    let Some(code) = canonical(typed) else { return Ok(None) };
    let txn = app.store.begin().await?;
    if !store::recovery_codes::consume(&txn, user.id, macs(app, &code), now).await? {
        return Ok(None);
    }
    record_success(app, &txn, user.id, "a recovery code").await?;
    let target = Target::new("user", user.id);
    audit::record(app, &txn, Event::new("recovery_code.use", Actor::User(user.id), target)).await?;
    let left = store::recovery_codes::count_unused(&txn, user.id).await?;
    let what = SecurityChange::RecoveryCodeUsed { left };
    outbox::queue(app, &txn, &user.email, &LetterKind::SecurityChange { what, at: now }).await?;
    Ok(Some(txn))
}

async fn has_factor(txn: &Txn, user_id: Uuid) -> Result<bool, Fault> {
    let user = store::users::find(txn, user_id).await?;
    let has_totp = user.is_some_and(|user| user.totp_sealed.is_some());
    Ok(has_totp || store::passkeys::count_of_user(txn, user_id).await? > 0)
}

async fn give(app: &App, txn: &Txn, user_id: Uuid) -> Result<Codes, Fault> {
    let created_at = store::instant(app.now());
    let mut rows = Vec::with_capacity(CODES);
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let bits = Zeroizing::new(app.random.bytes::<CODE_BYTES>());
        let code = Zeroizing::new(BASE32_NOPAD.encode(&*bits));
        let code_mac = mac(app, &code);
        rows.push(recovery_code::Model { code_mac, user_id, created_at, used_at: None });
        codes.push(grouped(&code));
    }
    store::recovery_codes::insert(txn, rows).await?;
    Ok(Codes(codes))
}

fn mac(app: &App, code: &str) -> Vec<u8> {
    app.secrets.recovery_codes.sign(code.as_bytes())
}

/// A code may have been given under keys that were replaced since.
fn macs(app: &App, code: &str) -> Vec<Vec<u8>> {
    app.secrets.recovery_codes.each(code.as_bytes())
}

fn grouped(code: &str) -> Zeroizing<String> {
    let mut text = String::with_capacity(code.len() * 2);
    for (index, digit) in code.chars().enumerate() {
        if index > 0 && index % GROUP_CHARS == 0 {
            text.push('-');
        }
        text.push(digit);
    }
    Zeroizing::new(text)
}

/// A code as it is signed, from what was typed: case, gaps and look-alikes do not matter, since
/// base32 has no 0, 1 and 8.
fn canonical(typed: &str) -> Option<Zeroizing<String>> {
    if typed.len() > MAX_TYPED_BYTES {
        return None;
    }
    let digits = typed.chars().filter(|c| !(c.is_whitespace() || *c == '-'));
    let code: String = digits
        .map(|digit| match digit.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        })
        .collect();
    let code = Zeroizing::new(code);
    let is_code = BASE32_NOPAD.decode(code.as_bytes()).is_ok_and(|bits| bits.len() == CODE_BYTES);
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_typed_as_people_do() {
        let code = "ABCDEFGHIJKLMNOB";
        assert_eq!(*grouped(code), "ABCD-EFGH-IJKL-MNOB");
        for typed in [
            "ABCD-EFGH-IJKL-MNOB",
            "abcdefghijklmnob",
            " abcd efgh  ijkl mnob\n",
            "ABCD-EFGH-1JKL-MN08",
        ] {
            assert_eq!(canonical(typed).unwrap().as_str(), code, "{typed}");
        }
        for bad in ["", "ABCD-EFGH-IJKL-MNO", "ABCD-EFGH-IJKL-MNOPQ", "ABCD-EFGH-IJKL-MN9P", "é"] {
            assert!(canonical(bad).is_none(), "{bad}");
        }
        assert!(canonical(&"A".repeat(65)).is_none());
    }
}
