//! Credentials as they come, and as scanners look for them.

use latchkey::{
    access::presented::{Offered, Presented, PresentedCredential},
    crypto::secret::{
        AccessToken, ClientSecret, InvitationToken, Kind, ManagementToken, RefreshToken,
        RegistrationToken, Secret, SessionCookie, SubscriptionKey,
    },
    keys::{format, sightings::Spotter},
    leaks::Credential,
    oauth::client_auth,
};

use super::{place::Place, text};

/// Lines: `a` and a header `Authorization`, `k` and a header `X-API-Key`, `q` and a query.
pub fn authorization(place: &Place, bytes: &[u8]) {
    let (mut authorization, mut x_api_key, mut query) = (Vec::new(), Vec::new(), None);
    for line in bytes.split(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b'a', value)) => authorization.push(value),
            Some((b'k', value)) => x_api_key.push(value),
            Some((b'q', value)) => query = text(value),
            _ => {}
        }
    }
    let (authorization, x_api_key) = (&authorization[..], &x_api_key[..]);
    let offered = Offered { authorization, x_api_key, query };
    let Ok(presented) = Presented::read(&place.products, offered) else { return };
    let secret = match &presented.credential {
        PresentedCredential::Token(token) => token.reveal(),
        PresentedCredential::Key(raw) => raw.reveal(),
    };
    // it travelled as it says, whole, and is the same by itself
    assert!(!secret.is_empty() && !format!("{presented:?}").contains(secret));
    assert!(presented.in_query || !(authorization.is_empty() && x_api_key.is_empty()));
    assert!(!(presented.in_query && presented.by_dpop));
    let alone = Presented::parse(&place.products, secret).expect("it is one by itself");
    assert_eq!(alone.sha256(), presented.sha256());
    if presented.in_query {
        assert!(matches!(presented.credential, PresentedCredential::Key(_)));
    }
}

/// A header with the id and the secret of a client (RFC 6749 §2.3.1).
pub fn basic(_: &Place, bytes: &[u8]) {
    let Some((id, secret)) = text(bytes).and_then(client_auth::basic) else { return };
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encoded(&id), encoded(&secret));
    let header = {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(pair))
    };
    let (again, known) = client_auth::basic(&header).expect("what was read can be written");
    assert_eq!((again, known.as_str()), (id, secret.as_str()));
}

/// A text that should be a credential of ours.
pub fn keys(place: &Place, bytes: &[u8]) {
    let spotted = Spotter::new(&place.products).look(bytes, 0);
    let mut end = 0;
    for sighting in &spotted {
        assert!(sighting.at >= end, "two in one place");
        end = sighting.at + sighting.length;
        let found = &bytes[sighting.at..end];
        assert!(found.starts_with(sighting.start.as_bytes()));
        assert!(found.ends_with(sighting.last4.as_bytes()));
        assert!(sighting.is_proved || sighting.what.starts_with("API key"));
    }
    let Some(text) = text(bytes) else { return };
    let key = format::parse(&place.products, text);
    let kinds = [
        is::<AccessToken>(text),
        is::<RefreshToken>(text),
        is::<ClientSecret>(text),
        is::<SubscriptionKey>(text),
        is::<RegistrationToken>(text),
        is::<SessionCookie>(text),
        is::<ManagementToken>(text),
    ];
    let is_invitation = is::<InvitationToken>(text);
    let all = kinds.iter().chain([&is_invitation]).filter(|is_it| **is_it).count();
    assert!(all + usize::from(key.is_some()) <= 1, "of two kinds");
    // what works once is not reported
    assert_eq!(
        Credential::parse(&place.products, text).is_some(),
        key.is_some() || kinds.contains(&true)
    );
    if let Some(parsed) = &key {
        assert_eq!(parsed.raw.reveal(), text);
        assert!(text.starts_with(parsed.raw.start()) && text.ends_with(parsed.raw.last4()));
        assert!(!format!("{parsed:?}").contains(text));
    }
    let is_imported = key.is_some_and(|parsed| parsed.format.imported_bodies);
    if all == 1 || (all == 0 && !is_imported && format::parse(&place.products, text).is_some()) {
        assert!(spotted.len() == 1 && spotted[0].length == text.len(), "not seen by the scanner");
    }
}

/// Whether it is of that kind; if it is, it shows nothing of itself.
fn is<K: Kind>(text: &str) -> bool {
    let Some(secret) = Secret::<K>::parse(text) else { return false };
    assert_eq!(secret.reveal(), text);
    assert!(!format!("{secret:?}").contains(text));
    true
}
