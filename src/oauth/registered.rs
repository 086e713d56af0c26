//! What a client is told of its registration (RFC 7591 §3.2.1, RFC 7592 §3): everything that holds,
//! also what it has not said.

use entity::{
    client::{Kind, Model},
    client_settings::AuthMethod,
    signing_key::Algorithm,
};
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    clients::metadata::AUTHORIZATION_CODE,
    crypto::secret::{ClientSecret, Secret},
};

/// The body. `secret` is told when it is made, and never again; `token` is the one that was presented,
/// or was just made.
pub(super) fn body(
    app: &App,
    client: &Model,
    secret: Option<&Secret<ClientSecret>>,
    token: &str,
) -> Value {
    let mut body = metadata(client);
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("client_id", client.id.as_str().into());
    put("client_id_issued_at", client.created_at.0.timestamp().into());
    if let Some(secret) = secret {
        put("client_secret", secret.reveal().into());
    }
    if client.secret_sha256.is_some() {
        // RFC 7591 §3.2.1: 0 if it does not expire
        put("client_secret_expires_at", 0.into());
    }
    put("registration_access_token", token.into());
    let path = format!("/oauth/register/{}", client.id);
    put("registration_client_uri", app.url(&path).into());
    Value::Object(body)
}

/// What was registered, with what holds where nothing was said.
fn metadata(client: &Model) -> Map<String, Value> {
    let has_code = client.grant_types.contains(AUTHORIZATION_CODE);
    let mut body = json!({
        "client_name": client.name,
        "redirect_uris": client.redirect_uris.0,
        "grant_types": client.grant_types.0,
        "response_types": if has_code { vec!["code"] } else { Vec::new() },
        "scope": client.scope,
        "subject_type": "public",
        "application_type": "web",
        "token_endpoint_auth_method": match client.kind {
            Kind::Public => AuthMethod::None,
            Kind::Confidential => AuthMethod::ClientSecretBasic,
        },
        "id_token_signed_response_alg": Algorithm::Rs256,
    });
    for (name, uri) in [
        ("logo_uri", &client.logo_uri),
        ("policy_uri", &client.policy_uri),
        ("tos_uri", &client.tos_uri),
    ] {
        if let Some(uri) = uri {
            body[name] = uri.as_str().into();
        }
    }
    // under their own names
    let said = serde_json::to_value(&client.settings).unwrap_or_default();
    let mut body = body.as_object().cloned().unwrap_or_default();
    body.extend(said.as_object().cloned().unwrap_or_default());
    body
}
