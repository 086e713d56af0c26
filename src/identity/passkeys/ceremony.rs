//! What a ceremony must remember until its answer comes. It travels in the form, sealed: for one
//! purpose, one browser, one user, a few minutes, and one answer that was accepted.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    clock,
    crypto::{
        digest,
        passkey::Ceremony,
        secret::{Secret, SessionCookie},
    },
    fault::Fault,
    identity::second_factor::Door,
    store,
};

/// How long an answer may take.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new passkey.
    Registration,
    /// Signing in without a password.
    SignIn,
    /// The second step of signing in with one.
    SecondFactor,
    /// Proving oneself again, without a password.
    StepUp,
    /// The second step of that with one.
    StepUpSecondFactor,
}

/// Whose ceremony it is: a browser, and a user where one is known.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) purpose: Purpose,
    pub(super) cookie: &'a Secret<SessionCookie>,
    pub(super) user_id: Option<Uuid>,
}

/// For a page: what its script asks for, and what its form sends back.
#[derive(Clone, Debug)]
pub struct Offer {
    /// JSON for the script; says nothing that is secret.
    pub options: String,
    /// What the server must remember, sealed.
    pub state: String,
}

/// What came back in time.
pub(super) struct Opened {
    pub(super) state: String,
    /// Names the ceremony among all there are.
    digest: Vec<u8>,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    state: String,
    expires_at: DateTime<Utc>,
}

impl Purpose {
    /// The second step of what a user is in the middle of.
    #[must_use]
    pub fn of(door: Door) -> Self {
        match door {
            Door::SignIn => Self::SecondFactor,
            Door::StepUp => Self::StepUpSecondFactor,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::SignIn => "sign-in",
            Self::SecondFactor => "second-factor",
            Self::StepUp => "step-up",
            Self::StepUpSecondFactor => "step-up-second-factor",
        }
    }
}

impl Place<'_> {
    fn context(&self) -> String {
        let purpose = self.purpose.as_str();
        let user = self.user_id.map(|id| id.to_string()).unwrap_or_default();
        format!("webauthn:{purpose}:{user}:{}", digest::hex(&self.cookie.sha256()))
    }

    /// Seals what a ceremony must remember.
    pub(super) fn seal(&self, app: &App, ceremony: Ceremony) -> Result<Offer, Fault> {
        let sealed = Sealed { state: ceremony.state, expires_at: app.now() + PATIENCE };
        let plain = serde_json::to_vec(&sealed)
            .map_err(|_| Fault::internal("the state of a ceremony cannot be written"))?;
        let state = app.secrets.sealer.seal(&*app.random, &self.context(), &plain)?;
        Ok(Offer { options: ceremony.options, state: URL_SAFE_NO_PAD.encode(state) })
    }

    /// Opens what came back; `None` if it is late, altered, or of another place.
    pub(super) fn open(&self, app: &App, state: &str) -> Option<Opened> {
        let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
        let plain = app.secrets.sealer.open(&self.context(), &sealed).ok()?;
        let Sealed { state, expires_at } = serde_json::from_slice(&plain).ok()?;
        let digest = digest::sha256(&plain);
        let lives = clock::lives(app.now(), expires_at - PATIENCE, expires_at);
        lives.then_some(Opened { state, digest, expires_at })
    }
}

impl Opened {
    /// Makes this the ceremony's one answer, in the transaction of what it allows; `false` if there
    /// was one.
    pub(super) async fn spend(&self, txn: &store::Txn) -> Result<bool, Fault> {
        store::spent_challenges::spend(txn, self.digest.clone(), self.expires_at).await
    }
}
