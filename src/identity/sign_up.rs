//! Signing up, where the operator allows it.
//!
//! 1. Somebody gives an address, a name and a password. Whoever asks too often waits.
//! 2. The password is hashed and a row waits for a day, whether or not the address has an account:
//!    what is answered, and the work behind it, are the same. A letter says what is the case, and
//!    only the mailbox's owner reads it.
//! 3. The link in it makes the account. Until then there is none: no page, no grant and no other
//!    person ever meets a user whose address is not theirs, and nobody can occupy an address.
//! 4. In another browser than the one that asked, the password has to be typed once more. So a
//!    stranger cannot sign up with somebody's address, have the link followed and know the password.
//! 5. The new user owns a workspace from the beginning.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{sign_up, user};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    errand::Errand,
    letters::Letters,
    password::{self, LINK_MINUTES},
    throttle::{Counters, Guessed},
    username::Username,
    users::{self, NewUser},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        digest,
        jwt::{Link, LinkSigner},
        secret::{Secret, SessionCookie},
    },
    fault::{Fault, FieldError},
    limiter::holder,
    mail::LetterKind,
    outbox,
    store::{self, Txn, sign_in_failures::Over},
    tokens::flood,
    workspaces::{Checked, names::name_problem, personal},
};

/// How long a sign-up waits for its letter to be answered, in hours.
const HOURS: u32 = 24;
/// How many may wait: no stranger fills the database.
const MOST_WAITING: u64 = 20_000;
/// How many give way at a time once so many do.
const ROOM: u64 = 200;
/// How many may ask meanwhile from all networks of one holder.
const MOST_OF_HOLDER: i64 = 2_000;
/// When they are to ask again once so many have, in seconds.
const FULL_SECS: u64 = 600;

/// What somebody who signs up has typed, and where.
pub struct Wish {
    /// The address; with it the user signs in.
    pub email: String,
    /// How the user is called.
    pub name: String,
    /// The password in clear.
    pub password: Zeroizing<String>,
    /// What the browser was about.
    pub errand: Errand,
}

/// A browser that asks, and where it is.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The browser's cookie.
    pub cookie: &'a Secret<SessionCookie>,
    /// The browser's address.
    pub address: IpAddr,
}

/// The pages that letters lead to: paths of this server, made of a link's token.
#[derive(Clone, Copy)]
pub struct Pages {
    /// Makes the account.
    pub verify: fn(&str) -> String,
    /// Sets a new password.
    pub reset: fn(&str) -> String,
    /// Signs in.
    pub login: fn(Option<&str>, Option<&str>) -> String,
}

/// What became of a wish. Whether the address has an account is not told.
#[derive(Debug)]
pub enum Outcome {
    /// A letter is on its way.
    Accepted,
    /// Something about it cannot be.
    Invalid(Vec<FieldError>),
    /// This address has asked too often.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// A sign-up whose link is looked at.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The address.
    pub email: String,
    /// Whether the password has to be typed once more.
    pub needs_password: bool,
    /// What the browser that asked was about.
    pub errand: Errand,
    row: sign_up::Model,
}

/// What became of a link.
#[derive(Debug)]
pub enum Admission {
    /// This is the new user.
    Admitted(Box<user::Model>),
    /// The password is not the one that was chosen.
    WrongPassword,
    /// Too many wrong ones: the same throttle as at sign-in.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
    /// The link has expired or was used, or the address has an account meanwhile.
    DeadLink,
}

#[derive(Serialize, Deserialize)]
struct SignUpLink {
    id: Uuid,
    #[serde(flatten)]
    errand: Errand,
    expires_at: DateTime<Utc>,
}

impl Link for SignUpLink {
    const PURPOSE: &'static str = "sign-up";
    const LIFETIME: TimeDelta = TimeDelta::hours(HOURS as i64);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Steps 1 and 2.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn request(
    app: &App,
    wish: Wish,
    asker: Asker<'_>,
    pages: Pages,
) -> Result<Outcome, Fault> {
    let email = match checked(&wish) {
        Ok(email) => email,
        Err(problems) => return Ok(Outcome::Invalid(problems)),
    };
    let now = app.now();
    let letters = Letters::of(&email, asker.address);
    let txn = app.store.begin().await?;
    // before the password is hashed: that is what a flood would cost
    let retry_after_secs = letters.wait_secs(&txn, now).await?;
    if retry_after_secs > 0 {
        return Ok(Outcome::TooSoon { retry_after_secs });
    }
    let day = Over::BegunBy(now - TimeDelta::hours(HOURS.into()));
    let counted = store::sign_in_failures::add(&txn, &of_holder(asker.address), day, now).await?;
    if counted.failures > MOST_OF_HOLDER {
        return Ok(Outcome::TooSoon { retry_after_secs: FULL_SECS });
    }
    make_room(&txn).await?;
    let may_send = letters.count(&txn, now).await?;
    txn.commit().await?;
    let password_hash = app.passwords.hash(wish.password, app.random.bytes()).await?;
    let row = sign_up::Model {
        id: app.random.uuid(now),
        email,
        name: wish.name.trim().to_owned(),
        password_hash,
        browser_sha256: asker.cookie.sha256(),
        network_sha256: Some(flood::network_of(asker.address)),
        created_at: store::instant(now),
        expires_at: store::instant(now + SignUpLink::LIFETIME),
    };
    if may_send {
        wait(app, row, wish.errand, pages).await?;
    }
    Ok(Outcome::Accepted)
}

/// Under what it is counted how many ask for an account from all networks of one holder.
fn of_holder(address: IpAddr) -> Vec<u8> {
    digest::sha256(format!("sign-ups of {}", holder(address)).as_bytes())
}

/// If so many that wait shut others out, strangers of ten holders could keep it so. Instead those give way of whose
/// network most wait, the oldest first.
async fn make_room(txn: &Txn) -> Result<(), Fault> {
    if store::sign_ups::are(txn, MOST_WAITING).await? {
        let bounds = [MOST_WAITING, ROOM];
        let gone = store::crowds::thin_out(txn, store::crowds::SIGN_UPS, None, bounds).await?;
        if gone > 0 {
            tracing::warn!(
                gone,
                "too many have asked for an account and not answered their letter"
            );
        }
    }
    Ok(())
}

fn checked(wish: &Wish) -> Checked<String> {
    let mut problems: Vec<_> = name_problem(&wish.name).into_iter().collect();
    // only the public realm: people of an enterprise are made by who runs it
    let username = Username::parse(wish.email.trim()).filter(|username| username.pin().is_none());
    if username.is_none() {
        problems.push(FieldError::new("email", "is not an email address"));
    }
    if !password::is_fit(&wish.password) {
        problems.push(FieldError::new("password", "must be 8 to 1024 bytes long"));
    }
    match username {
        Some(username) if problems.is_empty() => Ok(username.email().to_owned()),
        _ => Err(problems),
    }
}

/// The same writes for an address that has an account and for one that has none.
async fn wait(app: &App, row: sign_up::Model, errand: Errand, pages: Pages) -> Result<(), Fault> {
    let now = row.created_at.0;
    let token = LinkSigner::new(&app.secrets.links).sign(&SignUpLink {
        id: row.id,
        errand: errand.clone(),
        expires_at: row.expires_at.0,
    })?;
    let (id, email) = (row.id, row.email.clone());
    let txn = app.store.begin().await?;
    let owner = store::users::find_by_username(&txn, &email).await?;
    store::sign_ups::insert(&txn, row).await?;
    let letter = match &owner {
        None => LetterKind::ConfirmSignUp { link: app.url(&(pages.verify)(&token)), hours: HOURS },
        Some(owner) => already_registered(app, owner, now, (pages, errand))?,
    };
    // an address in use may be written another way than it is compared
    let to = owner.as_ref().map_or(&email, |owner| &owner.email);
    outbox::queue(app, &txn, to, &letter).await?;
    let event = Event::new("sign_up.request", Actor::System, Target::new("sign_up", id));
    audit::record(app, &txn, event).await?;
    Ok(txn.commit().await?)
}

fn already_registered(
    app: &App,
    owner: &user::Model,
    now: DateTime<Utc>,
    (pages, errand): (Pages, Errand),
) -> Result<LetterKind, Fault> {
    let may_reset = owner.disabled_at.is_none() && owner.password_hash.is_some();
    // made in any case, so that it takes the same time
    let login = app.url(&(pages.login)(None, errand.next.as_deref()));
    let reset = password::reset_link(app, owner, now, (pages.reset, errand))?;
    Ok(if may_reset {
        LetterKind::AlreadyRegistered { link: reset, minutes: Some(LINK_MINUTES) }
    } else {
        LetterKind::AlreadyRegistered { link: login, minutes: None }
    })
}

/// The sign-up that a link's token is for, as the browser with this cookie meets it; `None` if the
/// link is dead.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    token: &str,
    cookie: &Secret<SessionCookie>,
) -> Result<Option<Waiting>, Fault> {
    let now = app.now();
    let Some(link) = LinkSigner::new(&app.secrets.links).verify::<SignUpLink>(token, now) else {
        return Ok(None);
    };
    let found = store::sign_ups::find(app.store.read(), link.id, now).await?;
    let Some(row) = found else { return Ok(None) };
    // it may have been made by an administrator, or by another link, since
    if store::users::find_by_username(app.store.read(), &row.email).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(Waiting {
        email: row.email.clone(),
        needs_password: !digest::equal(&row.browser_sha256, &cookie.sha256()),
        errand: link.errand,
        row,
    }))
}

/// Steps 3 to 5.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn admit(
    app: &App,
    waiting: Waiting,
    password: Zeroizing<String>,
    asker: Asker<'_>,
) -> Result<Admission, Fault> {
    if waiting.needs_password
        && let Some(refusal) = proves(app, &waiting.row, password, asker.address).await?
    {
        return Ok(refusal);
    }
    let row = waiting.row;
    let txn = app.store.begin().await?;
    if !store::sign_ups::consume(&txn, row.id).await? {
        return Ok(Admission::DeadLink);
    }
    let new = NewUser {
        username: row.email,
        is_email_verified: true,
        name: Some(row.name.clone()),
        ..NewUser::default()
    };
    let Ok(user) = users::admit(app, &txn, &new, row.password_hash).await? else {
        return Ok(Admission::DeadLink);
    };
    let event = Event::new("user.sign_up", Actor::User(user.id), Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    personal::create(app, &txn, user.id, &row.name).await?;
    txn.commit().await?;
    Ok(Admission::Admitted(Box::new(user)))
}

/// Whether the password is the one that was chosen; if not, why it is not taken.
async fn proves(
    app: &App,
    row: &sign_up::Model,
    password: Zeroizing<String>,
    address: IpAddr,
) -> Result<Option<Admission>, Fault> {
    let counters = Counters::of(Guessed::Password(&row.email), address);
    let _alone = app.limiter.gate.enter(counters.account()).await?;
    let guess = match counters.admit(app).await? {
        Ok(guess) => guess,
        Err(retry_after_secs) => return Ok(Some(Admission::TooSoon { retry_after_secs })),
    };
    let is_fit = password::is_fit(&password);
    let password = if is_fit { password } else { Zeroizing::default() };
    let hash = Some(row.password_hash.clone()).filter(|_| is_fit);
    let outcome = app.passwords.verify(password, hash).await;
    let failure = Event::new("sign_up.fail", Actor::System, Target::new("sign_up", row.id));
    if guess.judge(app, outcome, failure).await? {
        guess.forget_account(app).await?;
        return Ok(None);
    }
    Ok(Some(Admission::WrongPassword))
}
