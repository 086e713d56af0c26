//! Passkeys (WebAuthn Level 3), by webauthn-rs. What it says and stores is JSON here, so that nobody
//! else needs to know it.
//!
//! It draws challenges from the operating system itself, and asks for user verification (a PIN, a
//! finger, a face) every time: a passkey is two factors in one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::digest;
use crate::fault::Fault;

/// This server, as authenticators know it.
pub struct RelyingParty(Webauthn);

/// A ceremony that has begun.
pub struct Ceremony {
    /// What a page's script asks the browser for: JSON.
    pub options: String,
    /// What is needed to judge the answer. It must come back unread and unaltered, once.
    pub state: String,
}

/// A passkey that has just been made.
pub struct Registered {
    /// The SHA-256 of its credential id.
    pub credential_sha256: Vec<u8>,
    /// What to store of it.
    pub credential: Value,
    /// How often it has signed.
    pub counter: i64,
}

/// A browser's answer to a sign-in ceremony, not judged yet.
pub struct Answer(PublicKeyCredential);

/// The judgement.
#[derive(Debug)]
pub enum Judgement {
    /// The passkey has signed.
    Good {
        /// What to store of it from now on.
        credential: Value,
        /// How often it has signed.
        counter: i64,
    },
    /// It has signed, but counts fewer signatures than it had: there may be a copy of it.
    CountsBack,
    /// Another key, another challenge, another site, or a user who was not verified.
    Bad,
}

impl RelyingParty {
    /// The relying party of an issuer; `None` where there can be none: its id is a domain and never
    /// an address (WebAuthn §5.1.3), and browsers want `https` or `localhost`.
    #[must_use]
    pub fn of(issuer: &str, name: &str) -> Option<Self> {
        let url = Url::parse(issuer).ok()?;
        let Some(Host::Domain(domain)) = url.host() else { return None };
        let is_local = domain == "localhost" || domain.ends_with(".localhost");
        if url.scheme() != "https" && !is_local {
            return None;
        }
        let origin = Url::parse(&url.origin().ascii_serialization()).ok()?;
        let builder = WebauthnBuilder::new(domain, &origin).ok()?;
        builder.rp_name(name).build().ok().map(Self)
    }

    /// Begins to make a passkey for a user, on an authenticator that has none of `known`.
    ///
    /// # Errors
    /// When a stored credential is broken.
    pub fn begin_registration(
        &self,
        user_id: Uuid,
        (username, name): (&str, &str),
        known: &[&Value],
    ) -> Result<Ceremony, Fault> {
        let ids = known.iter().map(|known| Ok(stored(known)?.cred_id().clone()));
        let ids = ids.collect::<Result<_, Fault>>()?;
        let (challenge, state) = self
            .0
            .start_passkey_registration(user_id, username, name, Some(ids))
            .map_err(|error| broken(&error))?;
        let mut options = to_json(&challenge.public_key)?;
        // so that the authenticator can offer it before anybody has typed a username; what cannot
        // keep it still serves after a password
        if let Some(selection) = options.get_mut("authenticatorSelection") {
            selection["residentKey"] = "preferred".into();
        }
        Ok(Ceremony { options: options.to_string(), state: to_json(&state)?.to_string() })
    }

    /// Judges a new passkey; `None` if it is not what was asked for.
    ///
    /// # Errors
    /// When the state is not one of [`Self::begin_registration`], or nothing can be stored.
    pub fn finish_registration(
        &self,
        state: &str,
        answer: &str,
    ) -> Result<Option<Registered>, Fault> {
        let state: PasskeyRegistration = from_state(state)?;
        let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else {
            return Ok(None);
        };
        let Ok(passkey) = self.0.finish_passkey_registration(&answer, &state) else {
            return Ok(None);
        };
        let credential = to_json(&passkey)?;
        Ok(Some(Registered {
            credential_sha256: digest::sha256(passkey.cred_id()),
            counter: credential["cred"]["counter"].as_i64().unwrap_or_default(),
            credential,
        }))
    }

    /// Asks for a signature by one of the credentials in `known`, or by any that the authenticator
    /// has for this site.
    ///
    /// # Errors
    /// When a stored credential is broken.
    pub fn begin_authentication(&self, known: &[&Value]) -> Result<Ceremony, Fault> {
        let (challenge, state) =
            self.0.start_discoverable_authentication().map_err(|error| broken(&error))?;
        let mut options = to_json(&challenge.public_key)?;
        let allowed = known.iter().map(|known| {
            let id = URL_SAFE_NO_PAD.encode(stored(known)?.cred_id());
            Ok(json!({ "type": "public-key", "id": id }))
        });
        options["allowCredentials"] = allowed.collect::<Result<Vec<_>, Fault>>()?.into();
        Ok(Ceremony { options: options.to_string(), state: to_json(&state)?.to_string() })
    }

    /// Judges a signature by the stored credential that the answer names.
    ///
    /// # Errors
    /// When the state is not one of [`Self::begin_authentication`], or the credential is broken.
    pub fn finish_authentication(
        &self,
        state: &str,
        Answer(answer): &Answer,
        credential: &Value,
    ) -> Result<Judgement, Fault> {
        let state: DiscoverableAuthentication = from_state(state)?;
        let mut passkey = stored(credential)?;
        let key = DiscoverableKey::from(&passkey);
        let result = match self.0.finish_discoverable_authentication_v2(answer, state, key) {
            Ok(result) => result,
            Err(WebauthnError::CredentialPossibleCompromise) => return Ok(Judgement::CountsBack),
            Err(_) => return Ok(Judgement::Bad),
        };
        if !result.user_verified() {
            return Ok(Judgement::Bad);
        }
        passkey.update_credential(&result);
        let counter = i64::from(result.counter());
        Ok(Judgement::Good { credential: to_json(&passkey)?, counter })
    }
}

impl Answer {
    /// Reads an answer; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The SHA-256 of the id of the credential that has signed.
    #[must_use]
    pub fn credential_sha256(&self) -> Vec<u8> {
        digest::sha256(self.0.get_credential_id())
    }

    /// Whose credential the authenticator says it is: always there when it was not asked for one
    /// of somebody's in particular.
    #[must_use]
    pub fn user_id(&self) -> Option<Uuid> {
        Uuid::from_slice(self.0.get_user_unique_id()?).ok()
    }

    /// Whether it says anything about whose it is.
    #[must_use]
    pub fn names_user(&self) -> bool {
        self.0.get_user_unique_id().is_some_and(|handle| !handle.is_empty())
    }
}

fn stored(credential: &Value) -> Result<Passkey, Fault> {
    Passkey::deserialize(credential).map_err(|_| Fault::internal("a stored passkey cannot be read"))
}

fn from_state<T: DeserializeOwned>(state: &str) -> Result<T, Fault> {
    serde_json::from_str(state)
        .map_err(|_| Fault::internal("the state of a ceremony cannot be read"))
}

fn to_json(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value)
        .map_err(|_| Fault::internal("something of a passkey cannot be written as JSON"))
}

fn broken(error: &WebauthnError) -> Fault {
    Fault::internal(format!("a passkey ceremony cannot begin: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_is_a_domain_that_browsers_trust() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443/auth",
            "http://localhost:8080",
            "http://latchkey.localhost",
        ] {
            assert!(RelyingParty::of(good, "Latchkey").is_some(), "{good}");
        }
        for bad in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://192.0.2.1",
            "http://id.example.com",
            "id.example.com",
            "",
        ] {
            assert!(RelyingParty::of(bad, "Latchkey").is_none(), "{bad}");
        }
    }

    #[test]
    fn a_sign_in_asks_for_any_credential_and_for_user_verification() {
        let party = RelyingParty::of("https://id.example.com", "Latchkey").unwrap();

        let options = party.begin_authentication(&[]).unwrap().options;

        let options: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(options["rpId"], "id.example.com");
        assert_eq!(options["allowCredentials"], json!([]));
        assert_eq!(options["userVerification"], "required");
    }

    #[test]
    fn a_new_passkey_is_kept_where_it_can_be() {
        let party = RelyingParty::of("https://id.example.com", "Latchkey").unwrap();

        let names = ("ada@acme.example", "Ada");
        let options = party.begin_registration(Uuid::nil(), names, &[]).unwrap().options;

        let options: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(options["attestation"], "none");
    }
}
