//! `POST /login/passkey`: signing in without a username and a password.

use std::sync::Arc;

use poem::{Response, handler, web::Data};

use super::{
    login::{again_because, welcome},
    onward::Onward,
};
use crate::{
    app::App,
    identity::passkeys::{
        authenticate::{self, Assertion, Sent},
        ceremony::Purpose,
    },
    web::{browser::Browser, csrf::CsrfForm, page_error::PageError},
};

const REFUSED: &str =
    "The passkey was not accepted. Try again, or sign in with your username and password.";
const EXPIRED: &str = "That took too long. Try again.";

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    let sent = Sent { state: form.text("state"), answer: form.text("credential") };
    let known = (&browser.cookie, None);
    let problem = match authenticate::verify(app, Purpose::SignIn, known, sent).await? {
        Assertion::Accepted(user, proof) => {
            return welcome(app, browser, &user, &onward, *proof).await;
        }
        Assertion::Refused => REFUSED,
        Assertion::Expired => EXPIRED,
    };
    again_because(app, &browser, onward, problem).await
}
