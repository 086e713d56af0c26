//! `GET /admin/new-client`, `POST /admin/clients`: registering a client.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use poem::{Response, handler, http::StatusCode, web::Data};

use super::{
    Admin, ConfirmedAdmin,
    client_settings::{Control, Group, Typed, names},
    clients::SecretPage,
};
use crate::{
    app::App,
    audit::Actor,
    clients::{
        binding,
        metadata::{self, GRANT_TYPES, NewClient, OPENID_SCOPES},
        registration::{self, Registration},
    },
    fault::{Fault, FieldError},
    forms::{self, Sent, Unfit},
    tokens::scope_words,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, once,
        page::{Brand, Page, html},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "admin/new_client.html")]
struct NewClientPage {
    brand: Brand,
    frame: Frame,
    name: String,
    publisher: String,
    logo_uri: String,
    policy_uri: String,
    tos_uri: String,
    redirect_uris: String,
    workspace: String,
    enterprise: String,
    is_public: bool,
    may_introspect: bool,
    grant_types: Vec<Choice>,
    scopes: Vec<Choice>,
    groups: Vec<Group>,
    shown_beside: Vec<&'static str>,
    problems: Problems,
    /// Why the form has made nothing, though nothing is wrong with it.
    unfit: Option<String>,
    /// The id of the form.
    form: String,
}

/// Fields that show what is wrong with them, beside those of the settings.
const FIELDS: [&str; 11] = [
    "name",
    "publisher",
    "grant_types",
    "redirect_uris",
    "scope",
    "workspace",
    "enterprise",
    "may_introspect",
    "logo_uri",
    "policy_uri",
    "tos_uri",
];

pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) is_chosen: bool,
}

/// What the form for a new client shows.
#[derive(Default)]
struct Draft {
    client: NewClient,
    redirect_uris: String,
    workspace: String,
    enterprise: String,
    settings: Typed,
    problems: Vec<FieldError>,
    unfit: Option<Unfit>,
}

impl Draft {
    fn sent(form: &CsrfForm) -> Self {
        let text = |field| form.get(field).map(|text| text.trim().to_owned());
        let several = |field| form.all(field).map(str::to_owned).collect();
        let redirect_uris = form.text("redirect_uris").to_owned();
        let lines = redirect_uris.lines().map(str::trim).filter(|line| !line.is_empty());
        let client = NewClient {
            name: form.text("name").to_owned(),
            redirect_uris: lines.map(str::to_owned).collect(),
            grant_types: several("grant_type"),
            scope: several("scope"),
            is_public: form.get("kind") == Some("public"),
            may_introspect: form.get("may_introspect").is_some(),
            publisher: text("publisher"),
            logo_uri: text("logo_uri"),
            policy_uri: text("policy_uri"),
            tos_uri: text("tos_uri"),
            ..NewClient::default()
        };
        let [workspace, enterprise] =
            ["workspace", "enterprise"].map(|field| form.text(field).trim().to_owned());
        let settings = Typed::sent(form);
        let (meant, problems) = match settings.settings(&client.settings) {
            Ok(meant) => (meant, Vec::new()),
            Err(problems) => (client.settings.clone(), problems),
        };
        let client = NewClient { settings: meant, ..client };
        Self { client, redirect_uris, workspace, enterprise, settings, problems, unfit: None }
    }

    /// Binds the client to the workspace or the enterprise that was named.
    async fn bind(&mut self, app: &App) -> Result<(), Fault> {
        let [slug, pin] = [&self.workspace, &self.enterprise]
            .map(|text| Some(text.as_str()).filter(|text| !text.is_empty()));
        match binding::named(app, slug, pin).await? {
            Ok(binding) => self.client.binding = binding,
            Err(problems) => self.problems.extend(problems),
        }
        Ok(())
    }
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn ask(Data(app): Data<&Arc<App>>, admin: ConfirmedAdmin) -> Result<Response, PageError> {
    let grant_types = ["authorization_code", "refresh_token"].map(str::to_owned).to_vec();
    let client = NewClient { grant_types, ..NewClient::default() };
    show_form(app, &admin, Draft { client, ..Draft::default() })
}

#[handler]
pub async fn register(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let mut draft = Draft::sent(&form);
    draft.bind(app).await?;
    if !draft.problems.is_empty() {
        // all that is wrong at once
        draft.problems.extend(metadata::problems(&draft.client, app));
        return show_form(app, &admin, draft);
    }
    let actor = Actor::User(admin.user.id);
    let sent = Sent { user_id: admin.user.id, id: form.text(once::FORM) };
    match registration::register_once(app, actor, draft.client.clone(), sent).await? {
        Ok(Registration::Registered { client, secret }) => {
            let page = SecretPage {
                brand: Brand::of(app),
                frame: Frame::new(app, &admin, Tab::Clients),
                title: "Client registered",
                id: &client.id,
                name: &client.name,
                path: links::admin_client(&client.id),
                secret: secret.as_ref(),
            };
            Ok(Page::new(&page)
                .status(StatusCode::CREATED)
                .with_script()
                .with_secret()
                .respond(app)?)
        }
        Ok(Registration::Invalid(problems)) => show_form(app, &admin, Draft { problems, ..draft }),
        Err(unfit) => show_form(app, &admin, Draft { unfit: Some(unfit), ..draft }),
    }
}

const LOST: &str =
    "It is in the list. If it has a secret, that was shown once; if nobody has it, rotate it.";

fn show_form(app: &App, admin: &Admin, draft: Draft) -> Result<Response, PageError> {
    let status = match draft.unfit {
        Some(unfit) => once::status(unfit),
        None if draft.problems.is_empty() => StatusCode::OK,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let Draft { client, redirect_uris, workspace, enterprise, settings, problems, unfit } = draft;
    let problems = Problems::from(problems);
    let page = NewClientPage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Clients),
        grant_types: grant_type_choices(&client.grant_types),
        scopes: scope_choices(app, &client.scope),
        name: client.name,
        publisher: client.publisher.unwrap_or_default(),
        logo_uri: client.logo_uri.unwrap_or_default(),
        policy_uri: client.policy_uri.unwrap_or_default(),
        tos_uri: client.tos_uri.unwrap_or_default(),
        is_public: client.is_public,
        may_introspect: client.may_introspect,
        redirect_uris,
        workspace,
        enterprise,
        groups: settings.groups(&problems),
        shown_beside: FIELDS.into_iter().chain(names()).collect(),
        problems,
        unfit: unfit.map(|unfit| once::words(unfit, "a client", LOST)),
        form: forms::mint(app, admin.user.id)?,
    };
    Ok(html(app, status, &page)?)
}

fn grant_type_choices(chosen: &[String]) -> Vec<Choice> {
    let words = |grant_type: &str| match grant_type {
        "authorization_code" => "Users allow it in a browser",
        "refresh_token" => "It stays connected",
        "password" => "It is given users' passwords: for old scripts alone",
        metadata::DEVICE_CODE => "Users allow it elsewhere: for devices without a browser",
        metadata::TOKEN_EXCHANGE => {
            "It exchanges the tokens it is called with: for services of one workspace"
        }
        _ => "It acts for itself",
    };
    let choice = |grant_type: &str| Choice {
        value: grant_type.to_owned(),
        words: words(grant_type).to_owned(),
        is_chosen: chosen.iter().any(|chosen| chosen == grant_type),
    };
    GRANT_TYPES.into_iter().map(choice).collect()
}

/// OpenID Connect's scope tokens and those of every product, each once.
pub(super) fn scope_choices(app: &App, chosen: &[String]) -> Vec<Choice> {
    let products = app.config.products.iter();
    let tokens: BTreeMap<_, _> = products
        .flat_map(|product| &product.scopes)
        .map(|(token, words)| (token.as_str(), words.clone()))
        .collect();
    let openid = OPENID_SCOPES.map(|token| (token, scope_words::words(app, None, token)));
    let all = openid.into_iter().chain(tokens);
    all.map(|(token, words)| Choice {
        value: token.to_owned(),
        words,
        is_chosen: chosen.iter().any(|chosen| chosen == token),
    })
    .collect()
}
