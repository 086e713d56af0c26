//! The scope a route needs, stated once, as the type of its first parameter: `Scoped<LeadsRead>`.
//! The document says it, and a caller without it is refused before anything else is read. A scope
//! that is confined opens what its limits say, in one way for every route: the kind of thing is the
//! scope's, the thing is the one the path names. Only scans are also part of something.

use std::{marker::PhantomData, ops::Deref};

use poem::{Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};
use uuid::Uuid;

use super::{caller::Caller, error::ApiError};
use crate::{
    access::{self, Principal, Refusal, Resource},
    audit::Actor,
    resources::Tenant,
};

/// A scope token that a route needs.
pub(super) trait Needed: Send + Sync + 'static {
    /// The scope token.
    const SCOPE: &'static str;
    /// The kind of thing it is about: what `resourceType` of a confined one says.
    const RESOURCE_TYPE: &'static str;
    /// Other scope tokens that include it.
    const INCLUDED_IN: &'static [&'static str];

    /// One thing of that kind, or, without an id, all of them and one that is not there yet.
    fn about(id: Option<Uuid>) -> Resource<'static> {
        let resource_type = Some(Self::RESOURCE_TYPE);
        Resource { resource_type, resource_id: id, ..Resource::default() }
    }
}

macro_rules! scopes {
    ($($name:ident = $token:literal of $kind:literal $(in $wider:literal)?,)+) => {
        $(
            #[doc = concat!("`", $token, "`.")]
            pub(super) struct $name;

            impl Needed for $name {
                const SCOPE: &'static str = $token;
                const RESOURCE_TYPE: &'static str = $kind;
                const INCLUDED_IN: &'static [&'static str] = &[$($wider)?];
            }
        )+

        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($token,)+];
    };
}

scopes! {
    ApiKeysManage = "api-keys:manage" of "api_key",
    ApiKeysRead = "api-keys:read" of "api_key" in "api-keys:manage",
    CheckinWrite = "checkin:write" of "guest",
    CommsRead = "comms:read" of "message",
    CommsSend = "comms:send" of "message",
    DatasetsRead = "datasets:read" of "dataset",
    DatasetsWrite = "datasets:write" of "dataset",
    EmailsSend = "emails:send" of "email",
    EndpointsWrite = "endpoints:write" of "endpoint",
    LeadsRead = "leads:read" of "lead",
    LeadsWrite = "leads:write" of "lead",
    ScansCreate = "scans:create" of "scan",
    ServicesCreate = "services:create" of "service",
    ServicesRead = "services:read" of "service",
    ServicesUpdate = "services:update" of "service",
    SubscribersDelete = "subscribers:delete" of "subscriber",
    SubscribersRead = "subscribers:read" of "subscriber",
    SubscribersWrite = "subscribers:write" of "subscriber",
}

/// Demands the scope of a route for the one thing that the request's path names, or for all of the
/// kind if it names none.
pub(super) fn demand<S: Needed>(principal: &Principal, request: &Request) -> Result<(), ApiError> {
    // an id that is none meets no limit, and is not found where there is none
    let id = request.path_params::<String>().ok().and_then(|id| Uuid::try_parse(&id).ok());
    demand_about::<S>(principal, &[S::about(id)])
}

/// Demands a scope for a thing, or for what it is part of.
pub(super) fn demand_about<S: Needed>(
    principal: &Principal,
    about: &[Resource<'_>],
) -> Result<(), ApiError> {
    let has = |scope| access::require_for(principal, scope, about);
    let Err(mut refusal) = has(S::SCOPE) else {
        return Ok(());
    };
    for wider in S::INCLUDED_IN {
        match (has(wider), &refusal) {
            (Ok(()), _) => return Ok(()),
            // who has it for something hears for what
            (Err(confined @ Refusal::Confined { .. }), Refusal::MissingScope { .. }) => {
                refusal = confined;
            }
            _ => {}
        }
    }
    Err(refusal.into())
}

/// Who asks, and may.
pub(super) struct Scoped<S>(Caller, PhantomData<S>);

impl<S> Deref for Scoped<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

/// Who asks, and may for some things at least: a route that learns only later what a request is
/// about. It gets at the principal only by saying so.
pub(super) struct Confined<S>(Caller, PhantomData<S>);

impl<S: Needed> Confined<S> {
    /// Whose data is read and written, once it is permitted.
    pub(super) fn tenant(&self) -> Tenant {
        self.0.tenant()
    }

    /// Who is written down as having done it, once it is permitted.
    pub(super) fn actor(&self) -> Actor {
        self.0.actor()
    }

    /// The caller, if it may do this to a thing, or to what it is part of.
    pub(super) fn permits(&self, about: &[Resource<'_>]) -> Result<&Caller, ApiError> {
        demand_about::<S>(&self.0, about)?;
        Ok(&self.0)
    }
}

impl<'a, S: Needed> ApiExtractor<'a> for Confined<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Scoped::<S>::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Scoped::<S>::security_schemes()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let caller = Caller::from_request(request, body, options).await?;
        access::require_somewhere(&caller, S::SCOPE).map_err(ApiError::from)?;
        Ok(Self(caller, PhantomData))
    }
}

impl<'a, S: Needed> ApiExtractor<'a> for Scoped<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Caller::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        // the scope travels among the schemes to `document`, which says it in its own place
        let mut schemes = Caller::security_schemes();
        schemes.push(S::SCOPE);
        schemes
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let caller = Caller::from_request(request, body, options).await?;
        demand::<S>(&caller, request)?;
        Ok(Self(caller, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_PRODUCT, Products};

    #[test]
    fn every_scope_of_a_route_can_be_granted() {
        let products = Products::default();
        let catalogue = &products.get(DEFAULT_PRODUCT).unwrap().scopes;

        for scope in ALL {
            assert!(catalogue.contains_key(*scope), "{scope}");
        }
    }
}
