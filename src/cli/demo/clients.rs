//! The demo's OAuth clients.

use uuid::Uuid;

use super::{
    Failure, catalogue,
    document::{Clients, Registered},
};
use crate::{
    app::App,
    audit::Actor,
    clients::{
        binding::Binding,
        initial_tokens,
        metadata::{
            AUTHORIZATION_CODE, CLIENT_CREDENTIALS, OPENID_SCOPES, PASSWORD, REFRESH_TOKEN,
        },
        registration::{NewClient, Registration, register},
    },
};

const WEB_CALLBACK: &str = "http://127.0.0.1:9999/callback";
const SPA_CALLBACK: &str = "http://127.0.0.1:9998/callback";

/// Registers the four clients; `service` is bound to the workspace `acme`.
pub(super) async fn create(app: &App, acme: Uuid) -> Result<Clients, Failure> {
    let script = client(app, "Demo script", &[PASSWORD, REFRESH_TOKEN]);
    let web = NewClient {
        redirect_uris: vec![WEB_CALLBACK.to_owned()],
        ..client(app, "Demo web app", &[AUTHORIZATION_CODE, REFRESH_TOKEN])
    };
    let spa = NewClient {
        redirect_uris: vec![SPA_CALLBACK.to_owned()],
        is_public: true,
        ..client(app, "Demo single-page app", &[AUTHORIZATION_CODE, REFRESH_TOKEN])
    };
    let service = NewClient {
        binding: Binding::Workspace(acme),
        may_introspect: true,
        ..client(app, "Demo service", &[CLIENT_CREDENTIALS])
    };
    Ok(Clients {
        script: with_grant_types(app, script).await?,
        web: with_redirect_uris(app, web).await?,
        spa: with_redirect_uris(app, spa).await?,
        service: Registered { introspection: true, ..with_grant_types(app, service).await? },
    })
}

/// An initial access token for dynamic registration, usable many times.
pub(super) async fn registration_token(app: &App) -> Result<String, Failure> {
    let made = initial_tokens::create(app, Actor::Operator, "demo").await?;
    let token = made.map_err(|problem| vec![problem])?;
    Ok(token.reveal().to_owned())
}

fn client(app: &App, name: &str, grant_types: &[&str]) -> NewClient {
    let openid = OPENID_SCOPES.iter().map(|&token| token.to_owned());
    NewClient {
        name: name.to_owned(),
        grant_types: grant_types.iter().map(|&name| name.to_owned()).collect(),
        scope: catalogue(app).into_iter().chain(openid).collect(),
        publisher: Some("Latchkey demo".to_owned()),
        ..NewClient::default()
    }
}

async fn with_grant_types(app: &App, new: NewClient) -> Result<Registered, Failure> {
    let grant_types = new.grant_types.clone();
    Ok(Registered { grant_types, ..add(app, new).await? })
}

async fn with_redirect_uris(app: &App, new: NewClient) -> Result<Registered, Failure> {
    let redirect_uris = new.redirect_uris.clone();
    Ok(Registered { redirect_uris, ..add(app, new).await? })
}

async fn add(app: &App, new: NewClient) -> Result<Registered, Failure> {
    match register(app, Actor::Operator, new).await? {
        Registration::Registered { client, secret } => Ok(Registered {
            client_id: client.id,
            client_secret: secret.map(|secret| secret.reveal().to_owned()),
            ..Registered::default()
        }),
        Registration::Invalid(problems) => Err(problems.into()),
    }
}
