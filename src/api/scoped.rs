//! The scope a route needs, stated once, as the type of its first parameter: `Scoped<LeadsRead>`.
//! The document says it, and a caller without it is refused before anything else is read.

use std::{marker::PhantomData, ops::Deref};

use poem::{Request, RequestBody, Result};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use super::{caller::Caller, error::ApiError};
use crate::{
    access::{self, Resource},
    resources::Tenant,
};

/// A scope token that a route needs.
pub(super) trait Needed: Send + Sync + 'static {
    /// The scope token.
    const SCOPE: &'static str;
    /// Other scope tokens that include it.
    const INCLUDED_IN: &'static [&'static str];
}

macro_rules! scopes {
    ($($name:ident = $token:literal $(in $wider:literal)?,)+) => {
        $(
            #[doc = concat!("`", $token, "`.")]
            pub(super) struct $name;

            impl Needed for $name {
                const SCOPE: &'static str = $token;
                const INCLUDED_IN: &'static [&'static str] = &[$($wider)?];
            }
        )+

        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($token,)+];
    };
}

scopes! {
    ApiKeysManage = "api-keys:manage",
    ApiKeysRead = "api-keys:read" in "api-keys:manage",
    CheckinWrite = "checkin:write",
    CommsRead = "comms:read",
    CommsSend = "comms:send",
    DatasetsRead = "datasets:read",
    DatasetsWrite = "datasets:write",
    EmailsSend = "emails:send",
    LeadsRead = "leads:read",
    LeadsWrite = "leads:write",
    ScansCreate = "scans:create",
    ServicesRead = "services:read",
    SubscribersDelete = "subscribers:delete",
    SubscribersRead = "subscribers:read",
    SubscribersWrite = "subscribers:write",
}

/// Who asks, and may.
pub(super) struct Scoped<S>(Caller, PhantomData<S>);

impl<S> Deref for Scoped<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

/// Who asks, and may for some things at least: a route that learns from the body or from its path
/// what a request is about. It gets at the principal only by saying so.
pub(super) struct Confined<S>(Caller, PhantomData<S>);

impl<S: Needed> Confined<S> {
    /// Whose data is read and written, once it is permitted.
    pub(super) fn tenant(&self) -> Tenant {
        self.0.tenant()
    }

    /// The caller, if it may do this to `resource`.
    pub(super) fn permits(&self, resource: &Resource<'_>) -> Result<&Caller, ApiError> {
        access::require_for(&self.0, S::SCOPE, resource)?;
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
        let has_wider = S::INCLUDED_IN.iter().any(|wider| access::require(&caller, wider).is_ok());
        if !has_wider {
            access::require(&caller, S::SCOPE).map_err(ApiError::from)?;
        }
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
