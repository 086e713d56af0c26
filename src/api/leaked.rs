//! `POST /api/v1/leaked`: whoever has found a credential of this server reports it.

use std::sync::Arc;

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi};

use super::{
    answers::Accepted,
    body::Body,
    error::ApiError,
    fields::{Maybe, Text},
};
use crate::{
    app::App,
    fault::FieldError,
    leaks::{self, Credential, Source},
    web::client_ip::client_ip,
};

const NO_CREDENTIAL: &str = "is no API key, token, client secret or subscription key of this \
    server: its beginning or its checksum is wrong";
const EITHER: &str = "must be there, or tokens must";

/// The route of `/api/v1/leaked`.
pub(super) struct Leaked;

#[OpenApi]
impl Leaked {
    /// Report credentials that have leaked
    ///
    /// For whoever has found one where others can read it, in a repository for instance; no
    /// credential is needed but the one that was found. Tokens are revoked. API keys, client
    /// secrets, subscription keys and registration tokens are revoked or, where their product says
    /// so, only their owners are told. What has the form of a credential and a good checksum is
    /// accepted; whether there is such a credential is not said.
    #[oai(path = "/api/v1/leaked", method = "post", operation_id = "reportLeaked")]
    async fn post(
        &self,
        request: &Request,
        app: Data<&Arc<App>>,
        body: Body<LeakReport>,
    ) -> Result<Accepted<LeaksReceived>, ApiError> {
        let credentials = body.0.credentials(&app)?;
        let received = LeaksReceived { received: credentials.len() as u64 };
        let source = Source::Somebody(client_ip(request, &app));
        for credential in credentials {
            leaks::report(&app, credential, source.clone()).await?;
        }
        Ok(Accepted(received))
    }
}

/// What was found: one credential, or several.
#[derive(Debug, Object)]
struct LeakReport {
    /// A credential, whole.
    token: Maybe<Text<1, 256>>,
    /// Several at once.
    #[oai(default, validator(max_items = 50))]
    tokens: Vec<Text<1, 256>>,
}

/// What was received; what was done about it only its owners hear.
#[derive(Debug, Object)]
struct LeaksReceived {
    /// How many credentials were accepted.
    received: u64,
}

impl LeakReport {
    /// Every credential that is named, if each is one by its form.
    fn credentials(self, app: &App) -> Result<Vec<Credential>, ApiError> {
        let one = self.token.0.into_iter().map(|text| ("token".to_owned(), text.0));
        let several = self.tokens.into_iter().enumerate();
        let several = several.map(|(index, text)| (format!("tokens[{index}]"), text.0));
        let named: Vec<_> = one.chain(several).collect();
        if named.is_empty() {
            return Err(ApiError::validation(vec![FieldError::new("token", EITHER)]));
        }
        let (mut credentials, mut problems) = (Vec::new(), Vec::new());
        for (field, text) in named {
            match Credential::parse(&app.config.products, &text) {
                Some(credential) => credentials.push(credential),
                None => problems.push(FieldError::new(field, NO_CREDENTIAL)),
            }
        }
        if problems.is_empty() { Ok(credentials) } else { Err(ApiError::validation(problems)) }
    }
}
