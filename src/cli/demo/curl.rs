//! Commands to try at once: each can be pasted as it is, one after the other.

use std::path::Path;

use super::document::Document;

/// What `serve --demo` prints.
pub(super) fn lines(document: &Document, path: &Path) -> String {
    let Document { issuer, clients, api_keys, users, .. } = document;
    let (username, password) =
        users.first().map_or(("", ""), |user| (user.username.as_str(), user.password.as_str()));
    let script = basic(&clients.script.client_id, clients.script.client_secret.as_deref());
    let service = basic(&clients.service.client_id, clients.service.client_secret.as_deref());
    let live = &api_keys.live;
    format!(
        r#"The demo data was created; all its passwords, secrets and keys are in {path}

# 1. A user's tokens, by password
TOKENS=$(curl -sS {issuer}/oauth/token -u '{script}' -d grant_type=password --data-urlencode 'username={username}' --data-urlencode 'password={password}'); echo "$TOKENS"

# 2. New tokens for the refresh token
REFRESH_TOKEN=$(echo "$TOKENS" | sed 's/.*"refresh_token" *: *"\([^"]*\)".*/\1/')
TOKENS=$(curl -sS {issuer}/oauth/token -u '{script}' -d grant_type=refresh_token -d "refresh_token=$REFRESH_TOKEN"); echo "$TOKENS"

# 3. The API, with the access token
ACCESS_TOKEN=$(echo "$TOKENS" | sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/')
curl -sS {issuer}/api/v1/me -H "Authorization: Bearer $ACCESS_TOKEN"; echo

# 4. The API, with an API key
curl -sS {issuer}/api/v1/me -H 'X-API-Key: {live}'; echo

# 5. What another service learns about the token
curl -sS {issuer}/oauth/introspect -u '{service}' -d "token=$ACCESS_TOKEN"; echo

# 6. The end of the token, and its introspection after that
curl -sS {issuer}/oauth/revoke -u '{script}' -d "token=$ACCESS_TOKEN"; echo
curl -sS {issuer}/oauth/introspect -u '{service}' -d "token=$ACCESS_TOKEN"; echo

"#,
        path = path.display(),
    )
}

/// Ids and secrets are base62 and `_`: nothing in them needs the form encoding of RFC 6749 §2.3.1.
fn basic(client_id: &str, secret: Option<&str>) -> String {
    format!("{client_id}:{}", secret.unwrap_or_default())
}
