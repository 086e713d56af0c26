//! Where a browser goes once its user has signed in.

use entity::terms::Terms;
use poem::http::Uri;

use crate::{
    app::App,
    clients::listing,
    crypto::secret::{RequestHandle, Secret},
    fault::Fault,
    tokens::requests,
    web::{browser::Browser, csrf::CsrfForm, links, query},
};

/// The interrupted authorization, the page that was asked for, or neither.
#[derive(Clone, Debug, Default)]
pub(super) struct Onward {
    /// The handle of a waiting authorization request.
    pub(super) request: Option<String>,
    /// A page of ours.
    pub(super) next: Option<String>,
}

/// The app whose authorization request waits for the sign-in.
pub(super) struct WaitingApp {
    pub(super) name: String,
    pub(super) logo: Option<String>,
    pub(super) policy_uri: Option<String>,
    pub(super) tos_uri: Option<String>,
    pub(super) redirect_uri: String,
    /// What it demands of the sign-in.
    pub(super) terms: Terms,
    /// The handle of its request.
    pub(super) handle: String,
}

impl Onward {
    pub(super) fn asked(uri: &Uri) -> Self {
        Self::of(query::get(uri, "request"), query::get(uri, "next"))
    }

    pub(super) fn sent(form: &CsrfForm) -> Self {
        let field = |name| form.get(name).map(str::to_owned);
        Self::of(field("request"), field("next"))
    }

    fn of(request: Option<String>, next: Option<String>) -> Self {
        let is_handle = |text: &String| Secret::<RequestHandle>::parse(text).is_some();
        Self {
            request: request.filter(is_handle),
            next: next.filter(|path| links::is_return_path(path)),
        }
    }

    /// A path of this server, whatever was asked for.
    pub(super) fn path(&self) -> String {
        match (&self.request, &self.next) {
            (Some(handle), _) => links::consent(handle),
            (None, Some(path)) => path.clone(),
            (None, None) => links::connected_apps().to_owned(),
        }
    }

    /// The app that waits in this browser, if one does.
    pub(super) async fn app(
        &self,
        app: &App,
        browser: &Browser,
    ) -> Result<Option<WaitingApp>, Fault> {
        let Some(handle) = &self.request else { return Ok(None) };
        let Some(request) = requests::find(app, &browser.cookie, handle).await? else {
            return Ok(None);
        };
        let found = listing::find(app, &request.client_id).await?;
        Ok(found.map(|(client, _)| WaitingApp {
            name: client.name,
            logo: client.logo_uri,
            policy_uri: client.policy_uri,
            tos_uri: client.tos_uri,
            redirect_uri: request.redirect_uri,
            terms: request.terms.unwrap_or_default(),
            handle: handle.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_goes_on_to_places_of_ours_alone() {
        let handle = Secret::<RequestHandle>::from_entropy(&[7; 32]).reveal().to_owned();
        let path =
            |query: &str| Onward::asked(&format!("/login?{query}").parse::<Uri>().unwrap()).path();

        assert_eq!(path(&format!("request={handle}")), links::consent(&handle));
        assert_eq!(path("next=/settings/api-keys"), "/settings/api-keys");
        for nowhere in
            ["", "request=x", "next=https://evil.example", "next=//evil.example/settings/"]
        {
            assert_eq!(path(nowhere), links::connected_apps(), "{nowhere}");
        }
    }
}
