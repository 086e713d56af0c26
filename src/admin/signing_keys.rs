//! `/admin/signing-keys`: the public halves of the keys that this server signs with, and replacing them.

use std::sync::Arc;

use askama::Template;
use entity::signing_key::Algorithm;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    confirm::{ConfirmPage, Part},
};
use crate::{
    app::App,
    audit::Actor,
    signing::{self, Listed, Rotation, State},
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "admin/signing_keys.html")]
struct KeysPage {
    brand: Brand,
    frame: Frame,
    path: &'static str,
    keys: Vec<Row>,
    days: u32,
}

struct Row {
    algorithm: &'static str,
    kid: String,
    since: Moment,
    kind: &'static str,
    words: &'static str,
    until: Option<Moment>,
    is_newest: bool,
}

impl Row {
    fn of(listed: Listed, is_newest: bool) -> Self {
        let (kind, words, until) = match listed.state {
            State::Coming(from) => ("", "Published, signs from", Some(from)),
            State::Signing => ("good", "Signs", None),
            State::Ending(end) => ("warn", "Signs no more, published until", Some(end)),
        };
        Self {
            algorithm: listed.key.algorithm.name(),
            kid: listed.key.kid,
            since: Moment::of(listed.key.created_at.0),
            kind,
            words,
            until: until.map(Moment::of),
            is_newest,
        }
    }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let mut before = None;
    let rows = signing::list(app).await?.into_iter().map(|listed| {
        let algorithm = listed.key.algorithm;
        let is_newest = before.replace(algorithm) != Some(algorithm);
        Row::of(listed, is_newest)
    });
    let page = KeysPage {
        brand: Brand::of(app),
        path: links::admin_signing_keys(),
        keys: rows.collect(),
        days: app.config.oauth.signing_key_rotation_days,
        frame: Frame::new(app, &admin, Tab::SigningKeys).with_notice_of(uri),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

/// What an address asks to be done with the key of an algorithm.
fn asked(algorithm: &str, how: &str) -> Result<(Algorithm, Rotation), PageError> {
    let how = match how {
        "rotate" => Rotation::Planned,
        "rotate-now" => Rotation::AtOnce,
        "compromised" => Rotation::Compromised,
        _ => return Err(PageError::not_found()),
    };
    Ok((Algorithm::named(algorithm).ok_or_else(PageError::not_found)?, how))
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors are handed over by value")]
pub fn confirm(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    uri: &Uri,
    Path((algorithm, how)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (algorithm, how) = asked(&algorithm, &how)?;
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::SigningKeys),
        back: links::admin_signing_keys().to_owned(),
        back_words: "Signing keys".to_owned(),
        title: Part::around("Replace the ", algorithm.name(), " key"),
        points: points(how).into_iter().map(str::to_owned).collect(),
        button: "Replace the key",
        action: uri.path().to_owned(),
        accepts: None,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

fn points(how: Rotation) -> Vec<&'static str> {
    match how {
        Rotation::Planned => vec![
            "A new key is published now and signs in an hour, when every app has had time to see it.",
            "The present key signs until then, and is published for 25 hours more. Nothing stops.",
        ],
        Rotation::AtOnce => vec![
            "A new key signs from this moment on. Apps that keep the old list of keys refuse sign-ins \
             until they fetch it again, which most do by themselves.",
            "The present key is published for 25 hours more: what it has signed stays good.",
        ],
        Rotation::Compromised => vec![
            "The present key is published no longer, and nothing that it has signed is believed any \
             more: do this if others may know it.",
            "Sign-ins that apps check at this moment fail until they fetch the list of keys again.",
            "Sign-outs that apps ask for with ID tokens from before ask the user first.",
            "Sessions, access tokens and refresh tokens go on: they are not signed with it.",
        ],
    }
}

#[handler]
pub async fn replace(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path((algorithm, how)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (algorithm, how) = asked(&algorithm, &how)?;
    let made = signing::rotate(app, Actor::User(admin.user.id), algorithm, how).await?;
    let name = if made.is_some() { "signing-key-replaced" } else { "unchanged" };
    Ok(see_other(&notice::on(links::admin_signing_keys(), name)))
}
