//! `/admin/clients/{id}/edit`: what a client says about itself, and what it may ask for.

use std::sync::Arc;

use askama::Template;
use entity::client_settings::Settings;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    client::find,
    client_settings::{Control, Group, Typed, names},
    new_client::{Choice, scope_choices},
};
use crate::{
    app::App,
    audit::Actor,
    clients::{
        changes::{self, Change, editable},
        metadata::NewClient,
    },
    fault::FieldError,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

/// The fields for lifetimes, in seconds, with their labels.
const LIFETIMES: [(&str, &str); 3] = [
    ("access_token_ttl_secs", "Access tokens live"),
    ("refresh_token_idle_ttl_secs", "Refresh tokens live unused"),
    ("refresh_token_absolute_ttl_secs", "Refresh tokens live at all"),
];

/// Fields that show what is wrong with them, beside those of the lifetimes and the settings.
const FIELDS: [&str; 7] =
    ["name", "publisher", "redirect_uris", "scope", "logo_uri", "policy_uri", "tos_uri"];

#[derive(Template)]
#[template(path = "admin/edit_client.html")]
struct EditPage {
    brand: Brand,
    frame: Frame,
    path: String,
    heading: String,
    name: String,
    publisher: String,
    logo_uri: String,
    policy_uri: String,
    tos_uri: String,
    redirect_uris: String,
    lifetimes: Vec<Lifetime>,
    scopes: Vec<Choice>,
    groups: Vec<Group>,
    shown_beside: Vec<&'static str>,
    problems: Problems,
}

struct Lifetime {
    field: &'static str,
    label: &'static str,
    value: String,
}

/// A form as it was sent: what it means, and what is shown again.
struct Sent {
    client: NewClient,
    redirect_uris: String,
    lifetimes: [String; 3],
    settings: Typed,
    problems: Vec<FieldError>,
}

impl Sent {
    /// A form about a client that has these settings now.
    fn read(form: &CsrfForm, present: &Settings) -> Self {
        let text = |field| form.get(field).map(|text| text.trim().to_owned());
        let redirect_uris = form.text("redirect_uris").to_owned();
        let lines = redirect_uris.lines().map(str::trim).filter(|line| !line.is_empty());
        let lifetimes = LIFETIMES.map(|(field, _)| form.text(field).trim().to_owned());
        let mut problems = Vec::new();
        let mut secs = |index: usize| {
            let (text, (field, _)) = (&lifetimes[index], LIFETIMES[index]);
            if text.is_empty() {
                return None;
            }
            let secs = text.parse().ok();
            if secs.is_none() {
                problems.push(FieldError::new(field, "must be a number of seconds"));
            }
            secs
        };
        let client = NewClient {
            name: form.text("name").to_owned(),
            redirect_uris: lines.map(str::to_owned).collect(),
            scope: form.all("scope").map(str::to_owned).collect(),
            publisher: text("publisher"),
            logo_uri: text("logo_uri"),
            policy_uri: text("policy_uri"),
            tos_uri: text("tos_uri"),
            access_token_ttl_secs: secs(0),
            refresh_token_idle_ttl_secs: secs(1),
            refresh_token_absolute_ttl_secs: secs(2),
            ..NewClient::default()
        };
        let settings = Typed::sent(form);
        let meant = settings.settings(present).unwrap_or_else(|found| {
            problems.extend(found);
            present.clone()
        });
        let client = NewClient { settings: meant, ..client };
        Self { client, redirect_uris, lifetimes, settings, problems }
    }

    fn of(client: NewClient) -> Self {
        let text = |secs: Option<i64>| secs.map(|secs| secs.to_string()).unwrap_or_default();
        Self {
            redirect_uris: client.redirect_uris.join("\n"),
            lifetimes: [
                text(client.access_token_ttl_secs),
                text(client.refresh_token_idle_ttl_secs),
                text(client.refresh_token_absolute_ttl_secs),
            ],
            settings: Typed::of(&client.settings),
            problems: Vec::new(),
            client,
        }
    }
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    show_form(app, &admin, (&client.id, &client.name), Sent::of(editable(&client)))
}

#[handler]
pub async fn save(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    let mut sent = Sent::read(&form, &client.settings);
    if !sent.problems.is_empty() {
        return show_form(app, &admin, (&client.id, &client.name), sent);
    }
    let actor = Actor::User(admin.user.id);
    match changes::update(app, actor, &client.id, sent.client.clone()).await? {
        Change::Done => {
            Ok(see_other(&notice::on(&links::admin_client(&client.id), "client-changed")))
        }
        Change::Unknown => Err(PageError::not_found()),
        Change::Invalid(problems) => {
            sent.problems = problems;
            show_form(app, &admin, (&client.id, &client.name), sent)
        }
    }
}

fn show_form(
    app: &App,
    admin: &Admin,
    (id, heading): (&str, &str),
    sent: Sent,
) -> Result<Response, PageError> {
    let Sent { client, redirect_uris, lifetimes, settings, problems } = sent;
    let problems = Problems::from(problems);
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let lifetimes = LIFETIMES.into_iter().zip(lifetimes);
    let page = EditPage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Clients),
        path: links::admin_client(id),
        heading: heading.to_owned(),
        scopes: scope_choices(app, &client.scope),
        name: client.name,
        publisher: client.publisher.unwrap_or_default(),
        logo_uri: client.logo_uri.unwrap_or_default(),
        policy_uri: client.policy_uri.unwrap_or_default(),
        tos_uri: client.tos_uri.unwrap_or_default(),
        redirect_uris,
        lifetimes: lifetimes
            .map(|((field, label), value)| Lifetime { field, label, value })
            .collect(),
        groups: settings.groups(&problems),
        shown_beside: FIELDS
            .into_iter()
            .chain(LIFETIMES.map(|(field, _)| field))
            .chain(names())
            .collect(),
        problems,
    };
    Ok(html(app, status, &page)?)
}
