//! The routes that need a subscription key beside the credential (Qflow), and the gates behind it.
//! A route states its scope and its gate once, as the type of its first parameter:
//! `Gated<CommsSend, CommsTrusted>`. They are asked in contract §4's order, before the body is read.

use std::{marker::PhantomData, ops::Deref};

use poem::{Request, RequestBody, Result, http::HeaderValue};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use url::form_urlencoded;

use super::{
    caller::Caller,
    error::ApiError,
    scoped::{Needed, demand},
};
use crate::{
    access::gates::{self, Closed, Standing},
    web,
};

/// The header that identifies the billable account.
pub(super) const SUBSCRIPTION_HEADER: &str = "Ocp-Apim-Subscription-Key";
/// What the document calls it.
pub(super) const SUBSCRIPTION: &str = "subscriptionKey";
/// The parameter and member that make a check-in send a message.
pub(super) const TEMPLATE: &str = "commsTemplateId";

/// What an account must be allowed beyond having a subscription key.
pub(super) trait Gate: Send + Sync + 'static {
    /// Asks.
    fn demand(standing: &Standing, request: &Request) -> Result<(), Closed>;
}

/// The Comms API is for accounts on its allow-list.
pub(super) struct CommsEnabled;

/// What sends mail is also for verified accounts only.
pub(super) struct CommsTrusted;

/// Both, if the query asks for a message to be sent.
pub(super) struct CommsIfAsked;

impl Gate for CommsEnabled {
    fn demand(standing: &Standing, _request: &Request) -> Result<(), Closed> {
        standing.demand_comms()
    }
}

impl Gate for CommsTrusted {
    fn demand(standing: &Standing, _request: &Request) -> Result<(), Closed> {
        standing.demand_comms().and_then(|()| standing.demand_trust())
    }
}

impl Gate for CommsIfAsked {
    fn demand(standing: &Standing, request: &Request) -> Result<(), Closed> {
        let query = request.uri().query().unwrap_or_default();
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        if names.any(|name| name == TEMPLATE) {
            CommsTrusted::demand(standing, request)
        } else {
            Ok(())
        }
    }
}

/// Who asks, and may, for an account in good standing.
pub(super) struct Gated<S, G> {
    caller: Caller,
    /// What the account may do.
    pub(super) standing: Standing,
    needed: PhantomData<(S, G)>,
}

impl<S, G> Deref for Gated<S, G> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<'a, S: Needed, G: Gate> ApiExtractor<'a> for Gated<S, G> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Caller::register(registry);
        let scheme = MetaSecurityScheme {
            ty: "apiKey",
            description: Some("The billable account's subscription key, beside the credential."),
            name: Some(SUBSCRIPTION_HEADER),
            key_in: Some("header"),
            scheme: None,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme(SUBSCRIPTION, scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        // `document` takes both out again: the scope has its own place, and the subscription key is
        // needed with each way and is none itself
        let mut schemes = Caller::security_schemes();
        schemes.extend([SUBSCRIPTION, S::SCOPE]);
        schemes
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let caller = Caller::from_request(request, body, options).await?;
        let app = web::app::of(request)?;
        let closed = |closed| ApiError::closed(app, closed);
        let keys = request.headers().get_all(SUBSCRIPTION_HEADER);
        let keys: Vec<_> = keys.iter().map(HeaderValue::as_bytes).collect();
        let standing = gates::subscription(app, &caller, &keys)
            .await
            .map_err(ApiError::from)?
            .map_err(closed)?;
        demand::<S>(&caller, request)?;
        G::demand(&standing, request).map_err(closed)?;
        Ok(Self { caller, standing, needed: PhantomData })
    }
}
