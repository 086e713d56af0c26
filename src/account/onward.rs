//! Where a browser goes once its user has signed in.

use entity::terms::Terms;
use poem::http::Uri;

use crate::{
    app::App,
    clients::listing,
    crypto::secret::{RequestHandle, Secret},
    fault::Fault,
    identity::errand::Errand,
    tokens::requests,
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links, notice, query,
        return_path::{around, is_return_path},
    },
};

/// The interrupted authorization, the page that was asked for, or neither.
#[derive(Clone, Debug, Default)]
pub(super) struct Onward {
    /// The handle of a waiting authorization request.
    pub(super) request: Option<String>,
    /// A page of ours.
    pub(super) next: Option<String>,
    /// Whether that page's form came too late, and is to be sent again.
    pub(super) is_late: bool,
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
        let value = |name| query::get(uri, name);
        Self::of(value("request"), value("next"), value("late").is_some())
    }

    pub(super) fn sent(form: &CsrfForm) -> Self {
        let field = |name| form.get(name).map(str::to_owned);
        Self::of(field("request"), field("next"), form.get("late").is_some())
    }

    /// What the link of a letter carries, in the browser that follows it: what waits in another one does
    /// not wait here.
    pub(super) async fn followed(
        app: &App,
        browser: &Browser,
        errand: Errand,
    ) -> Result<Self, Fault> {
        let mut onward = Self::of(errand.request, errand.next, false);
        if let Some(handle) = &onward.request
            && requests::find(app, &browser.cookie, handle).await?.is_none()
        {
            onward.request = None;
        }
        Ok(onward)
    }

    /// The same, for the link of a letter. Nobody is sent by mail to where a device is allowed: whoever
    /// has somebody else's password reset would choose which one.
    pub(super) fn errand(&self) -> Errand {
        let is_mailed = |path: &String| !path.starts_with(links::device());
        Errand { request: self.request.clone(), next: self.next.clone().filter(is_mailed) }
    }

    /// The sign-in page, which goes on like this.
    pub(super) fn login(&self) -> String {
        match &self.next {
            Some(next) if self.is_late && self.request.is_none() => links::login_late(next),
            next => links::login_on(self.request.as_deref(), next.as_deref()),
        }
    }

    /// The page that asks for a proof, and goes on like this.
    pub(super) fn confirm(&self) -> String {
        match &self.next {
            Some(next) if self.is_late => links::confirm_late(next),
            _ => links::confirm_then(&self.path()),
        }
    }

    /// Where somebody asks for an account, and goes on like this.
    pub(super) fn sign_up(&self) -> String {
        links::sign_up(self.request.as_deref(), self.next.as_deref())
    }

    /// Where somebody asks for a new password, and goes on like this.
    pub(super) fn forgot_password(&self) -> String {
        links::forgot_password(self.request.as_deref(), self.next.as_deref())
    }

    /// What somebody reads who does not go on.
    pub(super) fn around(&self) -> String {
        self.next.as_deref().map_or_else(|| links::connected_apps().to_owned(), around)
    }

    /// What is said of a form that came too late.
    pub(super) fn late_words(&self) -> Option<&'static str> {
        self.is_late.then(|| notice::words(notice::LATE)).flatten()
    }

    fn of(request: Option<String>, next: Option<String>, is_late: bool) -> Self {
        let is_handle = |text: &String| Secret::<RequestHandle>::parse(text).is_some();
        Self {
            request: request.filter(is_handle),
            next: next.filter(|path| is_return_path(path)),
            is_late,
        }
    }

    /// A path of this server, whatever was asked for.
    pub(super) fn path(&self) -> String {
        match (&self.request, &self.next) {
            (Some(handle), _) => links::consent(handle),
            (None, Some(path)) if self.is_late => notice::on(path, notice::LATE),
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
    fn a_sign_in_that_begins_again_knows_that_a_form_came_too_late() {
        let login =
            |query: &str| Onward::asked(&format!("/login?{query}").parse::<Uri>().unwrap()).login();

        let late = "next=/admin/new-client&late=yes";
        assert_eq!(login(late), links::login_late("/admin/new-client"));
        assert_eq!(login("next=/admin/new-client"), links::login_then("/admin/new-client"));
        let handle = Secret::<RequestHandle>::from_entropy(&[7; 32]).reveal().to_owned();
        let both = login(&format!("request={handle}&{late}"));
        assert_eq!(both, links::login_on(Some(&handle), Some("/admin/new-client")));
        assert_eq!(login("late=yes"), "/login");
    }

    #[test]
    fn a_sign_in_goes_on_to_places_of_ours_alone() {
        let handle = Secret::<RequestHandle>::from_entropy(&[7; 32]).reveal().to_owned();
        let path =
            |query: &str| Onward::asked(&format!("/login?{query}").parse::<Uri>().unwrap()).path();

        assert_eq!(path(&format!("request={handle}")), links::consent(&handle));
        assert_eq!(path("next=/settings/api-keys"), "/settings/api-keys");
        assert_eq!(
            path("next=/settings/api-keys&late=yes"),
            "/settings/api-keys?notice=form-late",
            "and says so"
        );
        for nowhere in
            ["", "request=x", "next=https://evil.example", "next=//evil.example/settings/"]
        {
            assert_eq!(path(nowhere), links::connected_apps(), "{nowhere}");
        }
    }
}
