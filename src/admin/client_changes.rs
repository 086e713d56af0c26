//! What an administrator settles about a client in one step: whether its publisher is vouched for,
//! where its own tokens belong, and its end.

use std::sync::Arc;

use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    client::{find, show_client},
    confirm::{ConfirmPage, Part},
};
use crate::{
    app::App,
    audit::Actor,
    clients::{binding, changes},
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

fn to(id: &str, name: &str) -> Response {
    see_other(&notice::on(&links::admin_client(id), name))
}

#[handler]
pub async fn verify(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    vouch(app, &admin, &id, true).await
}

#[handler]
pub async fn unverify(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    vouch(app, &admin, &id, false).await
}

async fn vouch(
    app: &App,
    admin: &Admin,
    id: &str,
    is_verified: bool,
) -> Result<Response, PageError> {
    let (client, _) = find(app, id).await?;
    let actor = Actor::User(admin.user.id);
    let is_new = changes::set_verified(app, actor, &client.id, is_verified).await?;
    let name = match (is_new, is_verified) {
        (false, _) => "unchanged",
        (true, true) => "client-verified",
        (true, false) => "client-unverified",
    };
    Ok(to(&client.id, name))
}

#[handler]
pub async fn bind(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    let [slug, pin] = ["workspace", "enterprise"].map(|field| form.text(field).trim());
    let actor = Actor::User(admin.user.id);
    let [named, of] = [slug, pin].map(|text| Some(text).filter(|text| !text.is_empty()));
    let bound = match binding::named(app, named, of).await? {
        Ok(binding) => binding::bind(app, actor, &client.id, binding).await?,
        Err(problems) => Err(problems),
    };
    if let Err(problems) = bound {
        let frame = Frame::new(app, &admin, Tab::Clients);
        return show_client(app, frame, &client.id, ([slug, pin], problems.into())).await;
    }
    Ok(to(&client.id, "client-bound"))
}

#[handler]
pub async fn unbind(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    let actor = Actor::User(admin.user.id);
    if let Err(problems) = binding::unbind(app, actor, &client.id).await? {
        let frame = Frame::new(app, &admin, Tab::Clients);
        return show_client(app, frame, &client.id, (["", ""], problems.into())).await;
    }
    Ok(to(&client.id, "client-unbound"))
}

/// What is said before a client ends, or stops for a while.
struct Ending {
    title: [&'static str; 2],
    grants: &'static str,
    notes: [&'static str; 2],
    button: &'static str,
    path: &'static str,
}

const DELETING: Ending = Ending {
    title: ["Delete ", " for good?"],
    grants: "Connections of people that end",
    notes: [
        "Its id and its secret are gone: registered again, it is another client.",
        "This cannot be undone. To stop it for a while, disable it instead.",
    ],
    button: "Delete the client",
    path: "delete",
};

const DISABLING: Ending = Ending {
    title: ["Disable ", "?"],
    grants: "Connections of people that stop working",
    notes: [
        "Nobody can connect it, and it can ask for no token of its own.",
        "Nothing is deleted: enabled again, all that has not expired works as before.",
    ],
    button: "Disable the client",
    path: "disable",
};

#[handler]
pub async fn ask_delete(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    ask(app, &admin, &id, &DELETING).await
}

#[handler]
pub async fn ask_disable(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    ask(app, &admin, &id, &DISABLING).await
}

async fn ask(app: &App, admin: &Admin, id: &str, it: &Ending) -> Result<Response, PageError> {
    let (client, _) = find(app, id).await?;
    let stops = changes::stops(app, &client.id).await?;
    let back = links::admin_client(&client.id);
    let stopping = [
        format!("{}: {}", it.grants, stops.grants),
        format!("Sets of tokens that are refused: {}", stops.families),
    ];
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Clients),
        title: Part::around(it.title[0], &*client.name, it.title[1]),
        points: stopping.into_iter().chain(it.notes.map(str::to_owned)).collect(),
        button: it.button,
        action: format!("{back}/{}", it.path),
        back,
        back_words: client.name,
        accepts: None,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn delete(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let actor = Actor::User(admin.user.id);
    if !changes::delete(app, actor, &id).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(links::admin_clients(), "client-deleted")))
}
