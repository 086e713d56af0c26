//! Addresses beside the redirect URIs: where browsers and this server go for a client.

use entity::client_settings::Settings;
use url::Url;

use super::{
    MAX_REDIRECT_URIS, MAX_URI_BYTES, Problems, has_twice, has_user, redirect_uri_problem,
};
use crate::outbound::Outbound;

impl Problems {
    pub(super) fn uris(&mut self, settings: &Settings, outbound: &Outbound) {
        self.page("client_uri", settings.client_uri.as_ref());
        // OpenID Connect Core §4: it must be https
        self.page("initiate_login_uri", settings.initiate_login_uri.as_ref());
        self.post_logout(&settings.post_logout_redirect_uris);
        for (field, uri) in [
            ("backchannel_logout_uri", &settings.backchannel_logout_uri),
            ("sector_identifier_uri", &settings.sector_identifier_uri),
        ] {
            let is_bad = |uri: &String| uri.len() > MAX_URI_BYTES || !outbound.is_acceptable(uri);
            if uri.as_ref().is_some_and(is_bad) {
                self.add(field, "must be an https URL of a public host, of at most 2000 bytes");
            }
        }
        // what a browser opens may be on the user's machine, as the app itself may
        let front = settings.frontchannel_logout_uri.as_ref();
        if let Some(problem) = front.and_then(|uri| frame_problem(uri)) {
            self.add("frontchannel_logout_uri", problem);
        }
        self.required_with_uri(settings);
        self.request_uris(&settings.request_uris);
    }

    fn post_logout(&mut self, uris: &[String]) {
        const FIELD: &str = "post_logout_redirect_uris";
        if uris.len() > MAX_REDIRECT_URIS || has_twice(uris) {
            self.add(FIELD, "must be at most 20 different URIs");
        }
        for (index, uri) in uris.iter().take(MAX_REDIRECT_URIS).enumerate() {
            if let Some(problem) = redirect_uri_problem(uri) {
                self.add(FIELD, &format!("number {} {problem}", index + 1));
            }
        }
    }

    fn required_with_uri(&mut self, settings: &Settings) {
        for (field, is_required, uri) in [
            (
                "frontchannel_logout_session_required",
                settings.frontchannel_logout_session_required,
                &settings.frontchannel_logout_uri,
            ),
            (
                "backchannel_logout_session_required",
                settings.backchannel_logout_session_required,
                &settings.backchannel_logout_uri,
            ),
        ] {
            if is_required && uri.is_none() {
                self.add(field, "needs the URI that is told");
            }
        }
    }

    /// OpenID Connect Core §6.2: they may have fragments, and nobody fetches them here.
    fn request_uris(&mut self, uris: &[String]) {
        let is_https = |uri: &String| {
            uri.len() <= MAX_URI_BYTES
                && uri.bytes().all(|byte| byte.is_ascii_graphic())
                && Url::parse(uri).is_ok_and(|url| url.scheme() == "https" && !has_user(&url))
        };
        if uris.len() > MAX_REDIRECT_URIS || !uris.iter().all(is_https) {
            self.add("request_uris", "must be at most 20 https URLs of at most 2000 bytes");
        }
    }
}

/// Why no frame may open a URI: it must be one that a browser could be redirected to, on a site.
fn frame_problem(uri: &str) -> Option<&'static str> {
    let is_site = uri.starts_with("https://") || uri.starts_with("http://");
    if !is_site {
        return Some("must be https");
    }
    redirect_uri_problem(uri)
}
