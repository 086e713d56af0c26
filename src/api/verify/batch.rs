//! `POST /api/v1/verify`: many credentials at once, each answered as a request with it would be.

use poem_openapi::{Enum, Object};

use super::NO_SCOPE;
use crate::{
    access::{self, Principal, Refusal},
    api::{
        error::ApiError,
        fields::{Maybe, Text},
        me::{Acting, Environment, Home, Identity, Means},
    },
    app::App,
    fault::{Fault, FieldError},
    patience,
    tokens::scopes::Scope,
};

/// Credentials to ask about.
#[derive(Debug, Object)]
pub(super) struct Questions {
    /// The credentials, in the order in which they are answered.
    #[oai(validator(max_items = 100))]
    credentials: Vec<Question>,
}

/// A credential to ask about.
#[derive(Debug, Object)]
struct Question {
    /// An access token or an API key; anything else is simply not valid.
    credential: Text<0, 4096>,
    /// Scope tokens it must all have, separated by spaces.
    scope: Maybe<Text<0, 4096>>,
}

/// What the credentials are worth.
#[derive(Debug, Object)]
pub(super) struct Verdicts {
    /// One answer for each credential, in the same order.
    results: Vec<Verdict>,
}

/// What a credential is worth now. A valid one is described as `GET /api/v1/me` would describe it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
struct Verdict {
    /// Whether a request with it may pass.
    valid: bool,
    /// `VALID`, or the code a request with it would be refused with.
    code: VerdictCode,
    /// Why it is not valid.
    message: Option<String>,
    /// Who acts.
    principal: Option<Acting>,
    /// The workspace every read and write is confined to.
    workspace: Option<Home>,
    /// The workspace's product.
    product: Option<String>,
    /// Which data is seen.
    environment: Option<Environment>,
    /// What it is.
    credential: Option<Means>,
    /// What it may do now, sorted.
    scopes: Option<Vec<String>>,
    /// Whether it may do everything its product offers.
    full_access: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
enum VerdictCode {
    /// It is good and has every scope that was demanded.
    Valid,
    /// It is unknown, has ended or was revoked, or belongs to another workspace.
    Unauthorized,
    /// It is inactive, expired or unbound, or lacks a scope.
    Forbidden,
}

/// Answers for every credential, in order.
pub(super) async fn answer(
    app: &App,
    caller: &Principal,
    questions: &Questions,
) -> Result<Verdicts, ApiError> {
    let demands = demands(questions)?;
    // all of them together: a caller hears 503 in time
    let results = patience::wait(verdicts(app, caller, questions, &demands))
        .await
        .unwrap_or_else(|| Err(Fault::unavailable("verification took too long")))?;
    Ok(Verdicts { results })
}

/// The scope each credential must have.
fn demands(questions: &Questions) -> Result<Vec<Scope>, ApiError> {
    let mut problems = Vec::new();
    let mut demands = Vec::with_capacity(questions.credentials.len());
    for (index, question) in questions.credentials.iter().enumerate() {
        let text = question.scope.0.as_ref().map_or("", |text| &text.0);
        match Scope::parse(text) {
            Some(scope) => demands.push(scope),
            None => {
                problems.push(FieldError::new(format!("credentials[{index}].scope"), NO_SCOPE));
            }
        }
    }
    if problems.is_empty() { Ok(demands) } else { Err(ApiError::validation(problems)) }
}

async fn verdicts(
    app: &App,
    caller: &Principal,
    questions: &Questions,
    demands: &[Scope],
) -> Result<Vec<Verdict>, Fault> {
    let mut verdicts = Vec::with_capacity(demands.len());
    // one after the other: a batch must not take every connection to the database
    for (question, demand) in questions.credentials.iter().zip(demands) {
        let found = access::inquire(app, caller, &question.credential.0, demand).await?;
        verdicts.push(match found {
            Ok(principal) => Verdict::valid(&principal),
            Err(refusal) => Verdict::refused(refusal),
        });
    }
    Ok(verdicts)
}

impl Verdict {
    fn valid(principal: &Principal) -> Self {
        let Identity {
            principal,
            workspace,
            product,
            environment,
            credential,
            scopes,
            full_access,
        } = Identity::of(principal);
        Self {
            valid: true,
            code: VerdictCode::Valid,
            message: None,
            principal: Some(principal),
            workspace: Some(workspace),
            product: Some(product),
            environment: Some(environment),
            credential: Some(credential),
            scopes: Some(scopes),
            full_access: Some(full_access),
        }
    }

    fn refused(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Forbidden { .. } | Refusal::MissingScope { .. } | Refusal::Confined { .. } => {
                VerdictCode::Forbidden
            }
            Refusal::Missing
            | Refusal::InsufficientSignIn(_)
            | Refusal::Malformed(_)
            | Refusal::TooManyUnknown { .. }
            | Refusal::TwoCredentials
            | Refusal::Unknown(_)
            | Refusal::Unproved(_) => VerdictCode::Unauthorized,
        };
        Self {
            valid: false,
            code,
            message: Some(ApiError::from(refusal).message().to_owned()),
            principal: None,
            workspace: None,
            product: None,
            environment: None,
            credential: None,
            scopes: None,
            full_access: None,
        }
    }
}
