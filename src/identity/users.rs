//! Users: people who sign in.

use entity::user::Model;
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::username::Username;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{password::MAX_PASSWORD_BYTES, secret},
    fault::{Fault, FieldError},
    store,
    tokens::logout::{self, Ending},
    workspaces::{Checked, Membership, member, names::name_problem, refused},
};

const MIN_PASSWORD_BYTES: usize = 8;
/// Base62 characters of a generated password: 142 bits.
const GENERATED_CHARS: usize = 24;

/// A user who does not exist yet. What is left at its default is absent.
#[derive(Clone, Default)]
pub struct NewUser {
    /// `pin/email` or `email`, as typed.
    pub username: String,
    /// Where mail goes; the username's email if absent.
    pub email: Option<String>,
    /// Whether somebody has made sure that the mail arrives there.
    pub is_email_verified: bool,
    /// Absent: one is generated and comes back in [`CreatedUser`].
    pub password: Option<Zeroizing<String>>,
    /// How the user is called.
    pub name: Option<String>,
    /// Further OpenID Connect claims (OpenID Connect Core §5.1).
    pub profile: Option<Map<String, Value>>,
    /// The raw seed of a second factor (RFC 6238).
    pub totp_seed: Option<Zeroizing<Vec<u8>>>,
    /// Which workspaces the user is in.
    pub memberships: Vec<Membership>,
    /// Whether the user runs this server.
    pub is_admin: bool,
}

/// A new user.
pub struct CreatedUser {
    /// The user.
    pub user: Model,
    /// The generated password, to be shown once.
    pub generated: Option<Zeroizing<String>>,
}

/// A username and an address in canonical form.
struct Address {
    username: Username,
    email: String,
}

impl NewUser {
    fn checked(&self) -> Checked<Address> {
        let mut problems: Vec<_> =
            self.name.as_deref().and_then(name_problem).into_iter().collect();
        let username = Username::parse(&self.username);
        if username.is_none() {
            problems.push(FieldError::new("username", "must be email or pin/email"));
        }
        let email = match &self.email {
            None => username.as_ref().map(|username| username.email().to_owned()),
            // a username without a PIN is an email address
            Some(email) => Username::parse(email)
                .filter(|address| address.pin().is_none())
                .map(|_| email.clone()),
        };
        if email.is_none() && self.email.is_some() {
            problems.push(FieldError::new("email", "is not an email address"));
        }
        let length = self.password.as_ref().map(|password| password.len());
        if length.is_some_and(|length| !(MIN_PASSWORD_BYTES..=MAX_PASSWORD_BYTES).contains(&length))
        {
            problems.push(FieldError::new("password", "must be 8 to 1024 bytes long"));
        }
        match (username, email) {
            (Some(username), Some(email)) if problems.is_empty() => Ok(Address { username, email }),
            _ => Err(problems),
        }
    }
}

/// Creates a user with memberships.
///
/// # Errors
/// When the database or the hashing pool fails.
pub async fn create(
    app: &App,
    actor: Actor,
    mut new: NewUser,
) -> Result<Checked<CreatedUser>, Fault> {
    let address = match new.checked() {
        Ok(address) => address,
        Err(problems) => return Ok(Err(problems)),
    };
    let given = new.password.take();
    let generated = given
        .is_none()
        .then(|| Zeroizing::new(secret::random_base62(&*app.random, GENERATED_CHARS)));
    let password = given.or_else(|| generated.clone()).unwrap_or_default();
    // before the transaction: hashing takes long and must not hold the writer
    let hash = app.passwords.hash(password, app.random.bytes()).await?;
    let txn = app.store.begin().await?;
    let user = match insert(app, &txn, &new, address, hash).await? {
        Ok(user) => user,
        Err(problems) => return Ok(Err(problems)),
    };
    let event = Event::new("user.create", actor, Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Ok(CreatedUser { user, generated }))
}

/// Writes a user whose password was hashed before, in a transaction of the caller's.
pub(super) async fn admit(
    app: &App,
    txn: &store::Txn,
    new: &NewUser,
    password_hash: String,
) -> Result<Checked<Model>, Fault> {
    match new.checked() {
        Ok(address) => insert(app, txn, new, address, password_hash).await,
        Err(problems) => Ok(Err(problems)),
    }
}

async fn insert(
    app: &App,
    txn: &store::Txn,
    new: &NewUser,
    address: Address,
    password_hash: String,
) -> Result<Checked<Model>, Fault> {
    let enterprise_id = match address.username.pin() {
        None => None,
        Some(pin) => match store::enterprises::find_by_pin(txn, pin.as_str()).await? {
            Some(enterprise) => Some(enterprise.id),
            None => {
                return Ok(refused("username", "names an enterprise that does not exist"));
            }
        },
    };
    let now = app.now();
    let id = app.random.uuid(now);
    let seal = |seed: &Zeroizing<Vec<u8>>| {
        app.secrets.sealer.seal(&*app.random, &format!("user.totp:{id}"), seed)
    };
    let user = Model {
        id,
        username: address.username.to_string(),
        email: address.email,
        email_verified_at: new.is_email_verified.then(|| store::instant(now)),
        enterprise_id,
        name: new.name.as_deref().map(|name| name.trim().to_owned()),
        profile: new.profile.clone().map(Value::Object),
        password_hash: Some(password_hash),
        epoch: 0,
        totp_sealed: new.totp_seed.as_ref().map(seal).transpose()?,
        is_admin: new.is_admin,
        verified_at: None,
        comms_allowed_at: None,
        created_at: store::instant(now),
        disabled_at: None,
    };
    if store::users::insert(txn, user.clone()).await?.is_err() {
        return Ok(refused("username", "is taken"));
    }
    for membership in &new.memberships {
        if let Err(problems) = member::insert(app, txn, id, membership).await? {
            return Ok(Err(problems));
        }
    }
    Ok(Ok(user))
}

/// Disables a user: sessions, tokens and keys of the user are refused from now on. `false` if there
/// is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn disable(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::users::disable(&txn, id, app.now()).await? {
        return Ok(false);
    }
    logout::end(app, &txn, id, Ending::All).await?;
    audit::record(app, &txn, Event::new("user.disable", actor, Target::new("user", id))).await?;
    txn.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(new: &NewUser) -> Vec<String> {
        let problems = new.checked().err().unwrap_or_default();
        problems.iter().map(|problem| problem.field.to_string()).collect()
    }

    #[test]
    fn mail_goes_to_the_part_after_the_slash() {
        let new = NewUser { username: "ACME/Ada@Acme.example".into(), ..NewUser::default() };

        let address = new.checked().unwrap();

        assert_eq!(address.username.to_string(), "acme/ada@acme.example");
        assert_eq!(address.email, "ada@acme.example");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let new = NewUser {
            username: "a/b/c".into(),
            email: Some("acme/ada@acme.example".into()),
            password: Some(Zeroizing::new("1234567".into())),
            name: Some("\n".into()),
            ..NewUser::default()
        };

        assert_eq!(fields(&new), ["name", "username", "email", "password"]);
    }

    #[test]
    fn passwords_are_8_to_1024_bytes_long() {
        for (length, is_legal) in [(7, false), (8, true), (1024, true), (1025, false)] {
            let new = NewUser {
                username: "joe@example.com".into(),
                password: Some(Zeroizing::new("p".repeat(length))),
                ..NewUser::default()
            };
            assert_eq!(fields(&new).is_empty(), is_legal, "{length}");
        }
    }
}
