//! What a client asks that sends a browser here to sign out (OpenID Connect RP-Initiated Logout 1.0).
//!
//! 1. `id_token_hint` is a token of ours: our issuer, our signature, one of our algorithms, for a client
//!    that is enabled. It may have expired long ago.
//! 2. `client_id`, if it is there too, names the same client.
//! 3. `post_logout_redirect_uri` is one that this client has registered, byte for byte.
//!
//! What fails here leads nowhere: the user is told why, and can sign out all the same. Who proves nothing
//! (`client_id` without a hint) sends nobody anywhere before the user has agreed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::hint;
use crate::{
    app::App,
    clients::{authentication, redirect_uri},
    crypto::jwt::{Link, LinkSigner},
    fault::Fault,
    identity::session::SignedIn,
};

/// Longer states are not carried along.
const MAX_STATE_BYTES: usize = 1024;
/// How long a user may take to agree.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// The parameters, as they came (§2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// An ID token that the client has got.
    pub id_token_hint: Option<&'a str>,
    /// The client.
    pub client_id: Option<&'a str>,
    /// Where the browser shall go afterwards.
    pub post_logout_redirect_uri: Option<&'a str>,
    /// Given back as it came.
    pub state: Option<&'a str>,
}

/// Why the browser is not sent back to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// The hint is no ID token of ours, or its client is gone.
    Hint,
    /// Hint and `client_id` name two clients, or `client_id` names none.
    Client,
    /// Nothing says whose address it is.
    Nobody,
    /// The client has not registered the address.
    Address,
    /// The state is too long.
    State,
}

impl Problem {
    /// The same in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Hint => "The app sent a sign-in (id_token_hint) that is not one of this server.",
            Self::Client => "The app that sent you here (client_id) is not known here.",
            Self::Nobody => "The app that sent you here did not say which one it is.",
            Self::Address => {
                "The app has not registered the address to return to (post_logout_redirect_uri)."
            }
            Self::State => "The app sent a state that is too long.",
        }
    }
}

/// A request that was looked at: what it may lead to. It travels through pages signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutRequest {
    /// The name of the client.
    pub client_name: Option<String>,
    /// Where the browser goes afterwards, the state included.
    pub leads_to: Option<String>,
    /// Why it goes nowhere.
    pub problem: Option<Problem>,
    /// The user and the session of the hint.
    hinted: Option<(String, Option<String>)>,
}

#[derive(Serialize, Deserialize)]
struct Frozen {
    request: LogoutRequest,
    expires_at: DateTime<Utc>,
}

impl Link for Frozen {
    const PURPOSE: &'static str = "logout";
    const LIFETIME: TimeDelta = LIFETIME;
    // an address of 2,000 bytes, a state of 1,024 with each of them escaped, and a name of 120
    // characters, in JSON and base64
    const MAX_BYTES: usize = 12 * 1024;

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

impl LogoutRequest {
    /// Whether the client has proved that it has signed somebody in here.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.hinted.is_some()
    }

    /// Whether the hint is of this very session: its client may end it without a question.
    #[must_use]
    pub fn is_about(&self, signed_in: &SignedIn) -> bool {
        let (user, session) = (signed_in.user.id.to_string(), signed_in.session.id.to_string());
        matches!(&self.hinted, Some((sub, Some(sid))) if *sub == user && *sid == session)
    }

    /// The request in a form that only this server makes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn frozen(&self, app: &App) -> Result<String, Fault> {
        let frozen = Frozen { request: self.clone(), expires_at: app.now() + LIFETIME };
        LinkSigner::new(&app.secrets.links).sign(&frozen)
    }

    /// The request that was frozen; one that asks for nothing if it was not, or long ago.
    #[must_use]
    pub fn thawed(app: &App, frozen: &str) -> Self {
        let signer = LinkSigner::new(&app.secrets.links);
        signer.verify::<Frozen>(frozen, app.now()).map(|it| it.request).unwrap_or_default()
    }

    fn refused(problem: Problem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// Looks at a request.
///
/// # Errors
/// When the database fails.
pub async fn read(app: &Arc<App>, asked: Asked<'_>) -> Result<LogoutRequest, Fault> {
    let hint = match asked.id_token_hint {
        None => None,
        Some(hint) => match hint::read(app, hint).await? {
            Some(hint) => Some(hint),
            None => return Ok(LogoutRequest::refused(Problem::Hint)),
        },
    };
    let hinted_client = hint.as_ref().map(|hint| hint.client_id.as_str());
    let named = match (hinted_client, asked.client_id) {
        (Some(hinted), Some(named)) if hinted != named => {
            return Ok(LogoutRequest::refused(Problem::Client));
        }
        (hinted, named) => hinted.or(named),
    };
    let Some(client_id) = named else {
        let problem = asked.post_logout_redirect_uri.map(|_| Problem::Nobody);
        return Ok(LogoutRequest { problem, ..LogoutRequest::default() });
    };
    let Some(client) = authentication::find_enabled(app, client_id).await? else {
        let problem = if hint.is_some() { Problem::Hint } else { Problem::Client };
        return Ok(LogoutRequest::refused(problem));
    };
    let registered = &client.settings.post_logout_redirect_uris;
    let (leads_to, problem) = destination(registered, asked);
    Ok(LogoutRequest {
        client_name: Some(client.name.clone()),
        leads_to,
        problem,
        hinted: hint.map(|hint| (hint.sub, hint.sid)),
    })
}

fn destination(registered: &[String], asked: Asked<'_>) -> (Option<String>, Option<Problem>) {
    let Some(uri) = asked.post_logout_redirect_uri else { return (None, None) };
    if !registered.iter().any(|known| known == uri) {
        return (None, Some(Problem::Address));
    }
    match asked.state {
        None => (Some(uri.to_owned()), None),
        Some(state) if state.len() > MAX_STATE_BYTES => (None, Some(Problem::State)),
        Some(state) => (Some(redirect_uri::with_parameters(uri, &[("state", state)])), None),
    }
}
