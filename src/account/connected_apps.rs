//! `GET /settings/connected-apps`: what a user has allowed, and what they have blocked.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use crate::{
    app::App,
    identity::{
        app_counts::Count,
        connected_apps::{self, ConnectedApp},
    },
    tokens::{
        blocks::{self, Blocked},
        scope_words,
    },
    web::{
        app_view::tokens,
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/connected_apps.html")]
struct AppsPage {
    brand: Brand,
    frame: Frame,
    apps: Vec<Row>,
    list: List,
    blocked: Vec<BlockedRow>,
    /// How many are blocked, and where all of them are listed, if there are more.
    all_blocked: Option<(u64, &'static str)>,
}

/// A connected app.
pub(super) struct Row {
    pub(super) grant: String,
    pub(super) name: String,
    pub(super) publisher: Option<String>,
    pub(super) is_verified: bool,
    pub(super) is_disabled: bool,
    pub(super) workspace: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) since: Moment,
    pub(super) last_used: Option<Moment>,
    pub(super) uses: i64,
    pub(super) sessions: Count,
    pub(super) tokens: String,
}

/// A blocked app.
pub(super) struct BlockedRow {
    pub(super) client: String,
    pub(super) name: String,
    pub(super) publisher: Option<String>,
    pub(super) since: Moment,
}

impl Row {
    pub(super) fn of(app: &App, connected: &ConnectedApp) -> Self {
        let ConnectedApp { grant, client, workspace, sessions } = connected;
        let product = workspace.as_ref().map(|workspace| workspace.product.as_str());
        Self {
            grant: grant.id.to_string(),
            name: client.name.clone(),
            publisher: client.publisher.clone(),
            is_verified: client.verified_at.is_some(),
            is_disabled: client.disabled_at.is_some(),
            workspace: workspace.as_ref().map(|workspace| workspace.name.clone()),
            scopes: scope_words::list(app, product, &connected.scope()),
            since: Moment::of(grant.created_at.0),
            last_used: grant.last_used_at.map(|at| Moment::of(at.0)),
            uses: grant.uses,
            sessions: *sessions,
            tokens: tokens(*sessions),
        }
    }
}

impl BlockedRow {
    pub(super) fn of(blocked: Blocked) -> Self {
        let Blocked { block, client } = blocked;
        Self {
            client: client.id,
            name: client.name,
            publisher: client.publisher,
            since: Moment::of(block.created_at.0),
        }
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = connected_apps::page(app, account.user.id, &wanted).await?;
    let (blocked, number) = blocks::newest(app, account.user.id).await?;
    let page = AppsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Apps).with_notice_of(uri),
        apps: found.rows.iter().map(|connected| Row::of(app, connected)).collect(),
        list: List::of(uri, &wanted, found.next.as_deref()),
        all_blocked: (number > blocked.len() as u64).then(|| (number, links::blocked_apps())),
        blocked: blocked.into_iter().map(BlockedRow::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn unblock(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    blocks::unblock(app, account.user.id, form.text("client")).await?;
    let lists = [links::connected_apps(), links::blocked_apps()];
    let list = lists.into_iter().find(|list| form.get("list") == Some(list));
    let place = listing::of_form(list.unwrap_or(links::connected_apps()), &form);
    // unblocking twice ends where unblocking once does
    Ok(see_other(&notice::on(&place, "app-unblocked")))
}
