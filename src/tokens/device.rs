//! Devices without a browser of their own (RFC 8628): their user allows them elsewhere.
//!
//! A request waits under two codes: the device has one of 256 bits, the user types the other, 8 letters
//! that make no words. When the user says yes, an authorization code is stored under the digest of the
//! device code: from there on it is spent, limited, bound to its client and its replay punished like any
//! other code. The device is no part of the session in which the user said so.

use std::net::IpAddr;

use chrono::TimeDelta;
use entity::{client, device_request::Model, terms::Terms};
use uuid::Uuid;

use super::{
    admission::Barred,
    authorization_details::Details,
    code::{self, Asked, Exchange, Presented, Yes},
    flood::{self, Crowd},
    grants::{self, Answer},
    issue::Issued,
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clock,
    crypto::{
        digest,
        random::Random,
        secret::{DeviceCode, Secret},
    },
    fault::Fault,
    store::{self, crowds::DEVICE_REQUESTS},
};

/// How long a user may take.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// Seconds between two questions of a device, to begin with.
pub const INTERVAL_SECS: i64 = 5;
/// How much longer a device must wait that does not (§3.5).
const SLOWER_SECS: i64 = 5;
/// Letters of user codes: no vowels, and none that is taken for another (§6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 8;
/// How many devices of one client may wait: each that does makes it likelier that a code which somebody
/// guesses is one of them. A few more give way than must, so that not every device that comes makes room.
const CROWD: Crowd = Crowd { of: DEVICE_REQUESTS, most: 5_000, room: 250 };
/// How often a user code is drawn that is taken.
const DRAWS: usize = 5;

/// What a device is told (§3.2). Shown once.
#[derive(Debug)]
pub struct Started {
    /// What it asks with.
    pub device_code: Secret<DeviceCode>,
    /// What its user types.
    pub user_code: UserCode,
}

/// The code that a user types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    fn random(random: &dyn Random) -> Self {
        let mut code = String::with_capacity(USER_CODE_LETTERS);
        while code.len() < USER_CODE_LETTERS {
            // 240 = 12 × 20: a byte at or above it would favour the first letters
            let [byte] = random.bytes::<1>();
            if byte < 240 {
                code.push(char::from(LETTERS[usize::from(byte % 20)]));
            }
        }
        Self(code)
    }

    /// Reads what a user has typed: in either case, with spaces and dashes wherever they are.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
        let code: String =
            typed.chars().filter(|c| !is_between(*c)).map(|c| c.to_ascii_uppercase()).collect();
        let is_code =
            code.len() == USER_CODE_LETTERS && code.bytes().all(|letter| LETTERS.contains(&letter));
        is_code.then_some(Self(code))
    }

    /// As it is shown: in two halves.
    #[must_use]
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at(USER_CODE_LETTERS / 2);
        format!("{first}-{second}")
    }

    fn sha256(&self) -> Vec<u8> {
        digest::sha256(format!("user code:{}", self.0).as_bytes())
    }
}

/// What a device asks for (§3.1).
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What its tokens may do, `details` included.
    pub scope: Scope,
    /// The audience (RFC 8707).
    pub resource: Option<String>,
    /// What was asked for in detail (RFC 9396).
    pub details: Details,
}

/// Begins to wait for the user of a device at this address; the seconds to wait where too many of those at the address
/// have begun.
///
/// # Errors
/// When the database fails.
pub async fn start(
    app: &App,
    client: &client::Model,
    wanted: Wanted,
    address: IpAddr,
) -> Result<Result<Started, u64>, Fault> {
    let now = app.now();
    if let Some(wait) = flood::excess(app, flood::DEVICES, client, address) {
        return Ok(Err(wait));
    }
    flood::make_room(app, CROWD, &client.id).await?;
    let Wanted { scope, resource, details } = wanted;
    let terms = Terms { authorization_details: details.values, ..Terms::default() };
    let device_code = Secret::<DeviceCode>::random(&*app.random);
    for _ in 0..DRAWS {
        let user_code = UserCode::random(&*app.random);
        let row = Model {
            device_code_sha256: device_code.sha256(),
            user_code_sha256: user_code.sha256(),
            client_id: client.id.clone(),
            scope: scope.to_string(),
            resource: resource.clone(),
            terms: terms.clone().stored(),
            address: Some(address.to_string()),
            network_sha256: Some(flood::network_of(address)),
            created_at: store::instant(now),
            expires_at: store::instant(now + LIFETIME),
            interval_secs: INTERVAL_SECS,
            last_polled_at: None,
            is_allowed: None,
        };
        let txn = app.store.begin().await?;
        if store::device_requests::insert(&txn, row).await?.is_ok() {
            txn.commit().await?;
            return Ok(Ok(Started { device_code, user_code }));
        }
    }
    Err(Fault::unavailable("no user code is free"))
}

/// The request that waits under a user code.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, code: &UserCode) -> Result<Option<Model>, Fault> {
    store::device_requests::find_waiting(app.store.read(), &code.sha256(), app.now()).await
}

/// What became of a user's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The device hears it with its next question.
    Done,
    /// It was answered before, or too late.
    Gone,
    /// The client may not act there, as has been decided since the page was shown.
    Barred(Barred),
}

/// The user's yes.
///
/// # Errors
/// When the database fails.
pub async fn allow(app: &App, request: &Model, yes: Yes<'_>) -> Result<Decision, Fault> {
    store::retrying(|| allow_once(app, request, yes.clone())).await
}

async fn allow_once(app: &App, request: &Model, yes: Yes<'_>) -> Result<Decision, Fault> {
    let (now, device_code) = (app.now(), &request.device_code_sha256);
    let txn = app.store.begin().await?;
    if !store::device_requests::decide(&txn, device_code, true, now).await? {
        return Ok(Decision::Gone);
    }
    let whose = (yes.client, yes.user.id, yes.workspace_id);
    let answer = Answer { allowed: yes.scope.clone(), declined: yes.declined.clone() };
    let grant = match grants::allow(app, &txn, whose, &answer).await? {
        Ok(grant) => grant,
        Err(barred) => return Ok(Decision::Barred(barred)),
    };
    let asked = Asked {
        redirect_uri: String::new(),
        code_challenge: None,
        nonce: None,
        resource: request.resource.clone(),
        terms: request.terms.clone().unwrap_or_default(),
    };
    let (_, mut row) = code::new(app, grant.id, &yes, asked);
    row.code_sha256.clone_from(device_code);
    row.expires_at = request.expires_at;
    if let Some(terms) = &mut row.terms {
        terms.sid = None;
    }
    store::authorization_codes::insert(&txn, row).await?;
    let target = Target::new("client", &request.client_id);
    let event = Event::new("device.allow", Actor::User(yes.user.id), target);
    audit::record(app, &txn, event.in_workspace(yes.workspace_id)).await?;
    txn.commit().await?;
    Ok(Decision::Done)
}

/// The user's no; `false` if it was answered before, or too late.
///
/// # Errors
/// When the database fails.
pub async fn deny(app: &App, request: &Model, user_id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let device_code = &request.device_code_sha256;
    if !store::device_requests::decide(&txn, device_code, false, app.now()).await? {
        return Ok(false);
    }
    let target = Target::new("client", &request.client_id);
    audit::record(app, &txn, Event::new("device.deny", Actor::User(user_id), target)).await?;
    txn.commit().await?;
    Ok(true)
}

/// What a device that asks hears (§3.5).
#[derive(Debug)]
pub enum Redemption {
    /// Its tokens.
    Issued(Issued),
    /// The user has not answered.
    Pending,
    /// The same, and it must wait longer between two questions.
    SlowDown,
    /// The user said no.
    Denied,
    /// The user has taken too long.
    Expired,
    /// Another audience than the one that was asked for at first.
    WrongTarget,
    /// There is no such code of this client, or it was spent, or what was allowed ended meanwhile.
    Refused,
}

/// A question of a device.
///
/// # Errors
/// When the database fails.
pub async fn redeem(
    app: &App,
    client: &client::Model,
    (device_code, presented): (&Secret<DeviceCode>, &Presented),
) -> Result<Redemption, Fault> {
    let (now, digest) = (app.now(), device_code.sha256());
    let db = app.store.read();
    let found = store::device_requests::find_of_client(db, &digest, &client.id).await?;
    let Some(request) = found else { return Ok(Redemption::Refused) };
    let is_late = !clock::lives(now, request.created_at.0, request.expires_at.0);
    match request.is_allowed {
        Some(true) => {
            let what = (digest.as_slice(), presented);
            let outcome = code::exchange_digest(app, client, what, LIFETIME, |_| true).await?;
            Ok(match outcome {
                Exchange::Issued(issued) => Redemption::Issued(issued),
                Exchange::WrongTarget => Redemption::WrongTarget,
                Exchange::Refused if is_late => Redemption::Expired,
                _ => Redemption::Refused,
            })
        }
        Some(false) => Ok(Redemption::Denied),
        None if is_late => Ok(Redemption::Expired),
        None => wait(app, &request).await,
    }
}

async fn wait(app: &App, request: &Model) -> Result<Redemption, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let has_waited = store::device_requests::poll(&txn, request, now).await?;
    if !has_waited {
        store::device_requests::slow_down(&txn, request, (SLOWER_SECS, now)).await?;
    }
    txn.commit().await?;
    Ok(if has_waited { Redemption::Pending } else { Redemption::SlowDown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn a_user_code_is_read_as_people_type_it() {
        let code = UserCode("WDJBMJHT".to_owned());
        assert_eq!(code.shown(), "WDJB-MJHT");
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W D J B - m j h t", "WDJB–MJHT"] {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed}");
        }
        for typed in
            ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB_MJHT", "ＷDJBMJHT", &"-".repeat(65)]
        {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn user_codes_are_of_their_letters() {
        let codes: Vec<_> = (0..50).map(|_| UserCode::random(&SystemRandom::default())).collect();

        assert!(codes.iter().all(|code| UserCode::parse(&code.shown()).as_ref() == Some(code)));
        assert!(codes.windows(2).all(|two| two[0] != two[1]));
    }
}
