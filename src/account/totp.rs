//! `/settings/security/totp`: setting an authenticator app up; `…/totp/off`: turning it off.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::StatusCode, web::Data};
use zeroize::Zeroizing;

use super::{
    login::refused,
    recovery_codes::{self, Because},
};
use crate::{
    app::App,
    identity::second_factor::{
        self, Factors,
        totp::{self, Confirmation, Enrolment},
    },
    web::{
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, Page, html, see_other},
        page_error::PageError,
        qr::{self, Qr},
    },
};

#[derive(Template)]
#[template(path = "account/totp.html")]
struct TotpPage {
    brand: Brand,
    frame: Frame,
    pending: String,
    secret: Zeroizing<String>,
    uri: Zeroizing<String>,
    qr: Option<Qr>,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account/totp_off.html")]
struct TotpOffPage {
    brand: Brand,
    frame: Frame,
    factors: Factors,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn ask(Data(app): Data<&Arc<App>>, account: Confirmed) -> Result<Response, PageError> {
    if account.user.totp_sealed.is_some() {
        return Ok(see_other(links::security()));
    }
    let enrolment = totp::begin(app, &account.user, &account.cookie)?;
    show(app, &account, enrolment, None)
}

#[handler]
pub async fn confirm(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    form: CsrfForm,
) -> Result<Response, PageError> {
    const WRONG: &str = "The code is not the app's. Codes change every 30 seconds and work once.";
    let pending = form.text("pending");
    let code: String = form.text("code").chars().filter(|c| !c.is_whitespace()).collect();
    let (user, cookie) = (&account.user, &account.cookie);
    match totp::confirm(app, user, cookie, (pending, &code)).await? {
        Confirmation::On(Some(codes)) => {
            recovery_codes::show_once(app, &account, Because::TotpOn, &codes)
        }
        Confirmation::On(None) => Ok(see_other(&notice::on(links::security(), "totp-on"))),
        Confirmation::AlreadyOn => Ok(see_other(links::security())),
        Confirmation::WrongCode => match totp::again(app, user, cookie, pending) {
            Some(enrolment) => Ok(refused(show(app, &account, enrolment, Some(WRONG))?, None)),
            None => Ok(late()),
        },
        Confirmation::Expired => Ok(late()),
    }
}

#[handler]
pub async fn confirm_off(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
) -> Result<Response, PageError> {
    let factors = second_factor::factors(app, &account.user).await?;
    if !factors.has_totp {
        return Ok(see_other(links::security()));
    }
    let frame = Frame::new(app, &account, Tab::Security);
    let page = TotpOffPage { brand: Brand::of(app), frame, factors };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn turn_off(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    totp::turn_off(app, &account.user).await?;
    // turning it off twice ends where turning it off once does
    Ok(see_other(&notice::on(links::security(), "totp-off")))
}

fn late() -> Response {
    see_other(&notice::on(links::security(), "took-too-long"))
}

fn show(
    app: &App,
    account: &Confirmed,
    enrolment: Enrolment,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let Enrolment { pending, secret, uri } = enrolment;
    let page = TotpPage {
        brand: Brand::of(app),
        frame: Frame::new(app, account, Tab::Security),
        pending,
        secret: grouped(&secret),
        qr: qr::of(&uri),
        uri,
        problem,
    };
    Ok(Page::new(&page).with_secret().respond(app)?)
}

/// In groups of four, as it is easiest to type.
fn grouped(secret: &str) -> Zeroizing<String> {
    let groups: Vec<_> =
        secret.as_bytes().chunks(4).filter_map(|it| str::from_utf8(it).ok()).collect();
    Zeroizing::new(groups.join(" "))
}
