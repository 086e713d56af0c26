//! `/settings/security/recovery-codes`: new recovery codes, and the page that shows codes once.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::StatusCode, web::Data};

use crate::{
    app::App,
    identity::second_factor::{
        self, Factors,
        recovery::{self, Codes},
    },
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        page::{Brand, Page, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/renew_recovery_codes.html")]
struct RenewPage {
    brand: Brand,
    frame: Frame,
    factors: Factors,
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct CodesPage<'a> {
    brand: Brand,
    frame: Frame,
    because: Because,
    codes: Vec<&'a str>,
}

/// Why there are codes to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// An authenticator app is the first second factor.
    TotpOn,
    /// A passkey is.
    PasskeyAdded,
    /// They were asked for.
    Renewed,
}

impl Because {
    fn title(self) -> &'static str {
        match self {
            Self::TotpOn => "Authenticator app set up",
            Self::PasskeyAdded => "Passkey added",
            Self::Renewed => "New recovery codes",
        }
    }
}

#[handler]
pub async fn ask(Data(app): Data<&Arc<App>>, account: Confirmed) -> Result<Response, PageError> {
    let factors = second_factor::factors(app, &account.user).await?;
    if !factors.are_asked_for() {
        return Ok(see_other(links::security()));
    }
    let frame = Frame::new(app, &account, Tab::Security);
    let page = RenewPage { brand: Brand::of(app), frame, factors };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn renew(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    match recovery::renew(app, &account.user).await? {
        Some(codes) => show_once(app, &account, Because::Renewed, &codes),
        None => Ok(see_other(links::security())),
    }
}

pub(super) fn show_once(
    app: &App,
    account: &Account,
    because: Because,
    codes: &Codes,
) -> Result<Response, PageError> {
    let page = CodesPage {
        brand: Brand::of(app),
        frame: Frame::new(app, account, Tab::Security),
        because,
        codes: codes.reveal().collect(),
    };
    Ok(Page::new(&page).status(StatusCode::CREATED).with_secret().respond(app)?)
}
