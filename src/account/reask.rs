//! Signing in though somebody is signed in: a waiting request may demand a fresh proof, a stronger one
//! or another user, or leave the choice to whoever sits there (OpenID Connect Core §3.1.2.1).

use super::onward::WaitingApp;
use crate::{
    app::App,
    fault::Fault,
    openid::demands::{self, Standing, Why},
    web::{browser::Browser, links},
};

/// What the sign-in page says to somebody who is signed in.
pub(super) struct Reask {
    /// Who that is.
    pub(super) username: String,
    /// Why the page is shown.
    pub(super) why: &'static str,
    /// Where they go on as who they are, if that is left to them.
    pub(super) go_on: Option<String>,
    /// Whether the field of the username begins with theirs.
    is_theirs: bool,
}

impl Reask {
    /// What is to be said; `None` if nobody is signed in, or nothing more is demanded.
    pub(super) async fn of(
        app: &App,
        browser: &Browser,
        waiting: &WaitingApp,
    ) -> Result<Option<Self>, Fault> {
        let Some(signed_in) = &browser.signed_in else { return Ok(None) };
        let standing = demands::standing(app, signed_in, &waiting.terms).await?;
        let (why, is_theirs) = match standing {
            Standing::SignIn(Why::Stale) => ("The app asks you to prove again who you are.", true),
            Standing::SignIn(Why::Weak) => ("The app asks for your second factor.", true),
            Standing::SignIn(Why::OtherUser) => {
                ("The app asks for another account: the one that you used there before.", false)
            }
            Standing::Met if waiting.terms.must_select => {
                ("The app asks which account you want to use.", false)
            }
            Standing::Met | Standing::Unreachable => return Ok(None),
        };
        let go_on = (standing == Standing::Met).then(|| links::consent(&waiting.handle));
        Ok(Some(Self { username: signed_in.user.username.clone(), why, go_on, is_theirs }))
    }

    /// What the field of the username begins with.
    pub(super) fn typed(&self) -> Option<&str> {
        self.is_theirs.then_some(self.username.as_str())
    }
}
