//! What a refresh may ask for: step 2 of a rotation.

use entity::client;

use super::Restriction;
use crate::{
    app::App,
    store::token_records::TokenRecord,
    tokens::{audience, dpop::Thumbprint, issue::key_of, resolve, scopes::Scope},
};

/// Step 2. A family that began with a key never yields a token without one. The refresh token of a
/// public client is bound to that key (RFC 9449 §5); a confidential one proves itself, and may change it.
pub(super) fn is_proved(
    client: &client::Model,
    record: &TokenRecord,
    key: Option<Thumbprint>,
) -> bool {
    match (record.terms.as_ref().and_then(key_of), key) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(first), Some(key)) => client.kind == client::Kind::Confidential || key == first,
    }
}

/// What is asked for beyond what was granted.
pub(super) enum Excess {
    Scope,
    Target,
}

/// Step 2: what the new access token may do.
pub(super) fn restrict(
    app: &App,
    record: &TokenRecord,
    asked: &Restriction,
) -> Result<(Scope, Option<String>), Excess> {
    // what was granted may have become less since: the client's registration, the user's role
    let possible = resolve::scope_of(record);
    let scope = match &asked.scope {
        // RFC 6749 §6: must not include any scope not originally granted
        Some(scope) if !scope.is_within(&Scope::stored(&record.family_scope)) => {
            return Err(Excess::Scope);
        }
        Some(scope) => scope.intersection(&possible),
        None => possible,
    };
    let resource = match (&asked.resource, &record.family_resource) {
        (None, granted) => granted.clone(),
        (Some(part), Some(all)) if audience::covers(app, all, part) => Some(part.clone()),
        (Some(asked), None) if audience::is_registered(app, asked) => Some(asked.clone()),
        (Some(_), _) => return Err(Excess::Target),
    };
    Ok((scope, resource))
}
