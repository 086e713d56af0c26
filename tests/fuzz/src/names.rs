//! Names of people, and what clients ask for.

use latchkey::{
    identity::username::{Username, canonical_email},
    openid::claims_request,
    tokens::{authorization_details, permission::Permission, scopes::Scope},
};
use serde_json::{Map, Value};

use super::{place::Place, text};

/// A username as it was typed.
pub fn usernames(_: &Place, bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let Some(name) = Username::parse(typed) else { return };
    let canonical = name.to_string();
    let again = Username::parse(&canonical).expect("a canonical name is a name");
    assert_eq!(again.to_string(), canonical, "and its own canonical form");
    assert_eq!(canonical_email(name.email()).as_deref(), Some(name.email()));
    assert_eq!(canonical.matches('@').count(), 1);
    assert!(canonical.matches('/').count() == usize::from(name.pin().is_some()));
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || c.is_ascii_uppercase();
    assert!(!name.email().contains(is_bad), "{canonical:?}");
    // whatever its capitals, it is the same person; those of other alphabets are letters of their own
    if typed.is_ascii() {
        let capitals = Username::parse(&typed.to_ascii_uppercase());
        assert_eq!(capitals.map(|it| it.to_string()), Some(canonical.clone()));
    }
    let moved = name.with_email("other@example.com").expect("an address");
    assert_eq!(moved.pin().map(ToString::to_string), name.pin().map(ToString::to_string));
}

/// A list of scope tokens, and one that is compared with it after the end of the line.
pub fn scopes(_: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    for token in one.split(' ') {
        if let Some(permission) = Permission::parse(token) {
            let printed = permission.to_string();
            assert_eq!(Permission::parse(&printed), Some(permission.clone()));
            assert!(permission.covers(&permission));
            assert!(Permission::everywhere(permission.permission.clone()).covers(&permission));
        }
    }
    let (Some(one), Some(other)) = (Scope::parse(one), Scope::parse(other)) else { return };
    assert_eq!(Scope::parse(&one.to_string()), Some(one.clone()));
    assert_eq!(Scope::stored(&one.to_string()), one);
    assert_eq!(one.intersection(&one), one);
    let both = one.intersection(&other);
    assert_eq!(both, other.intersection(&one));
    assert!(both.is_within(&one) && both.is_within(&other), "{one} {other} {both}");
    let all = one.union(&other);
    assert!(one.is_within(&all) && other.is_within(&all));
    assert!(one.without(&other).is_within(&one));
}

/// `authorization_details` (RFC 9396).
pub fn authorization_details(_: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(details) = authorization_details::parse(text, &[]) else { return };
    let told = Value::Array(details.values.clone()).to_string();
    let again = authorization_details::parse(&told, &[]).expect("what is told can be asked");
    assert_eq!((&again.values, &again.scope), (&details.values, &details.scope));
    // as a scope it is one, and says the same
    let scope = Scope::parse(&details.scope.to_string()).expect("it is a scope");
    assert_eq!(scope, details.scope);
    assert!(scope.iter().all(|token| Permission::parse(token).is_some()), "{scope}");
}

/// The parameter `claims` (OpenID Connect Core §5.5).
pub fn claims(_: &Place, bytes: &[u8]) {
    let ceiling = Scope::parse("openid profile email").unwrap();
    let Some(Ok(asked)) = text(bytes).map(|text| claims_request::parse(text, &ceiling)) else {
        return;
    };
    // nothing is kept but what was asked for
    let whole: Map<String, Value> = serde_json::from_slice(bytes).expect("it was an object");
    for (place, kept) in
        [("userinfo", &asked.claims.userinfo), ("id_token", &asked.claims.id_token)]
    {
        assert!(kept.keys().all(|name| whole[place].get(name).is_some()), "{place}");
    }
}
