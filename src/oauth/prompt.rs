//! Whether a browser's session may answer a request at once, and if not, what is next: a page, or an
//! error where no page may be shown (OpenID Connect Core §3.1.2.1, `prompt=none`; §3.1.2.6).

use std::sync::Arc;

use entity::terms::Terms;
use poem::Response;

use super::{consent::Waiting, openid_params::UNMET};
use crate::{
    app::App,
    fault::Fault,
    identity::session::SignedIn,
    openid::demands::{self, Standing, Why},
    tokens::requests,
    web::{browser::Browser, links, page::see_other, page_error::PageError},
};

/// The error code and its description.
type Error = (&'static str, &'static str);

/// No page may be shown, and the user would have to allow something.
pub(super) const CONSENT_REQUIRED: Error =
    ("consent_required", "the user has to allow it, and no page may be shown");
/// No page may be shown, and somebody would have to sign in.
const LOGIN_REQUIRED: Error =
    ("login_required", "the user has to sign in, and no page may be shown");
/// No page may be shown, and the user would have to show a second factor.
const INTERACTION_REQUIRED: Error =
    ("interaction_required", "a second factor is demanded, and no page may be shown");

/// What is next.
pub(super) enum Next<'a> {
    /// This session has all that is demanded.
    Answer(&'a SignedIn),
    /// The page where people sign in and choose who they are.
    SignIn,
    /// Back to the client.
    Error(Error),
}

/// What is next for a request that asks this, in this browser.
pub(super) async fn next<'a>(
    app: &App,
    browser: &'a Browser,
    terms: &Terms,
    is_silent: bool,
) -> Result<Next<'a>, Fault> {
    let Some(signed_in) = &browser.signed_in else {
        return Ok(if is_silent { Next::Error(LOGIN_REQUIRED) } else { Next::SignIn });
    };
    Ok(match demands::standing(app, signed_in, terms).await? {
        Standing::Met if terms.must_select => Next::SignIn,
        Standing::Unreachable => Next::Error(UNMET),
        Standing::SignIn(_) if !is_silent => Next::SignIn,
        Standing::SignIn(Why::OtherUser | Why::Stale) => Next::Error(LOGIN_REQUIRED),
        Standing::SignIn(Why::Weak) if terms.is_acr_essential => Next::Error(INTERACTION_REQUIRED),
        // what is only wanted is done without
        Standing::Met | Standing::SignIn(Why::Weak) => Next::Answer(signed_in),
    })
}

impl Waiting<'_> {
    /// What there is instead of an answer, if the session does not have what the request demands: the
    /// address of this page is no way around the sign-in.
    pub(super) async fn barrier(&self, app: &Arc<App>) -> Result<Option<Response>, PageError> {
        match demands::standing(app, self.signed_in, &self.terms()).await? {
            Standing::Met => Ok(None),
            Standing::SignIn(_) => Ok(Some(see_other(&links::login(Some(self.handle))))),
            Standing::Unreachable => {
                requests::deny(app, &self.request, None).await?;
                let (code, description) = UNMET;
                Ok(Some(self.to(app).error(app, code, description).await?))
            }
        }
    }
}
