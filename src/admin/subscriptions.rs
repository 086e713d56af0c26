//! `/admin/subscriptions`: the accounts that are enabled for API access. Their keys go to them by mail
//! and are shown to nobody here.

use std::sync::Arc;

use askama::Template;
use chrono::TimeDelta;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};
use uuid::Uuid;

use super::{
    Admin, ConfirmedAdmin,
    confirm::{ConfirmPage, Part, count},
};
use crate::{
    app::App,
    audit::Actor,
    crypto::digest,
    fault::{Fault, FieldError},
    identity::administration,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice, once,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
    workspaces::{
        self, Account,
        subscribers::{self, Subscriber},
    },
};

#[derive(Template)]
#[template(path = "admin/subscriptions.html")]
struct SubscriptionsPage {
    brand: Brand,
    frame: Frame,
    path: &'static str,
    subscribers: Vec<Row>,
    list: List,
    typed: String,
    problems: Problems,
}

struct Row {
    path: String,
    name: String,
    kind: &'static str,
    shown: String,
    since: Moment,
    is_suspended: bool,
    overlap_ends: Option<Moment>,
}

impl Row {
    fn of(app: &App, subscriber: Subscriber) -> Self {
        let Subscriber { subscription, account, name } = subscriber;
        let overlap = subscription.previous_expires_at.filter(|at| at.0 > app.now());
        Self {
            path: format!("{}/{}", links::admin_subscriptions(), subscription.id),
            name,
            kind: match account {
                Account::Enterprise(_) => "Enterprise",
                Account::User(_) => "User",
            },
            shown: format!("{}…", subscription.prefix),
            since: Moment::of(subscription.created_at.0),
            is_suspended: subscription.suspended_at.is_some(),
            overlap_ends: overlap.map(|at| Moment::of(at.0)),
        }
    }

    /// What stops when it is suspended.
    fn stops(&self, users: u64) -> Vec<String> {
        let key = &self.shown;
        let keys = match &self.overlap_ends {
            Some(ends) => format!("The key {key} and the one before it, until {}.", ends.words),
            None => format!("The key {key}."),
        };
        vec![
            "Refused at once: every request of the account to the routes that ask for a \
             subscription key."
                .to_owned(),
            keys,
            format!("Concerned: {}.", count(users, "user")),
            "Tokens and API keys go on elsewhere. Resumed, the same key works again.".to_owned(),
        ]
    }
}

#[derive(Template)]
#[template(path = "admin/subscription.html")]
struct SubscriptionPage {
    brand: Brand,
    frame: Frame,
    list: &'static str,
    row: Row,
    /// The version of its key.
    present: String,
    /// What is said to who was too late.
    late: Option<String>,
    overlaps: [(&'static str, &'static str); 5],
    problems: Problems,
}

/// How long a replaced key or secret may work, in seconds, and in words.
pub(super) const OVERLAPS: [(&str, &str); 5] = [
    ("0", "Not at all: it stops now"),
    ("3600", "For one hour"),
    ("86400", "For one day"),
    ("604800", "For seven days"),
    ("2592000", "For 30 days"),
];

/// The time that a form has chosen; what is no number of the list is refused by the rule.
pub(super) fn overlap(form: &CsrfForm) -> TimeDelta {
    let secs = form.get("overlap").unwrap_or("0").parse().ok();
    secs.and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &admin, Tab::Subscriptions).with_notice_of(uri);
    show_list(app, frame, uri, ("", Problems::default())).await
}

#[handler]
pub async fn enable(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let typed = form.text("account");
    match open(app, &admin, typed).await? {
        Ok(_) => Ok(see_other(&notice::on(links::admin_subscriptions(), "subscription-opened"))),
        Err(problems) => {
            // whatever the rule calls it, it is this field
            let problems = problems.into_iter().map(|problem| problem.message);
            let problems: Vec<_> =
                problems.map(|message| FieldError::new("account", message)).collect();
            let frame = Frame::new(app, &admin, Tab::Subscriptions);
            show_list(app, frame, uri, (typed, problems.into())).await
        }
    }
}

/// Enables the user of a username, or else the enterprise of a PIN.
async fn open(
    app: &App,
    admin: &Admin,
    typed: &str,
) -> Result<Result<usize, Vec<FieldError>>, Fault> {
    let account = if let Some(realm) = workspaces::find_enterprise(app, typed.trim()).await? {
        Some(Account::Enterprise(realm.enterprise.id))
    } else {
        let user = administration::find_by_name(app, typed).await?;
        user.map(|user| Account::User(user.id))
    };
    let Some(account) = account else {
        return Ok(Err(vec![FieldError::new("account", "does not exist")]));
    };
    subscribers::enable(app, Actor::User(admin.user.id), account).await
}

async fn show_list(
    app: &App,
    frame: Frame,
    uri: &Uri,
    (typed, problems): (&str, Problems),
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = subscribers::page(app, &wanted).await?;
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SubscriptionsPage {
        brand: Brand::of(app),
        frame,
        path: links::admin_subscriptions(),
        list: List::of(uri, &wanted, found.next.as_deref()),
        subscribers: found.rows.into_iter().map(|row| Row::of(app, row)).collect(),
        typed: typed.to_owned(),
        problems,
    };
    Ok(html(app, status, &page)?)
}

async fn find(app: &App, id: &str) -> Result<Subscriber, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    subscribers::find(app, id).await?.ok_or_else(PageError::not_found)
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let subscriber = find(app, &id).await?;
    let frame = Frame::new(app, &admin, Tab::Subscriptions).with_notice_of(uri);
    show_one(app, frame, subscriber, (Problems::default(), None))
}

#[handler]
pub async fn rotate(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let subscriber = find(app, &id).await?;
    let (actor, how) = (Actor::User(admin.user.id), (overlap(&form), form.text(once::PRESENT)));
    let frame = Frame::new(app, &admin, Tab::Subscriptions);
    match subscribers::rotate(app, actor, subscriber.account, how).await? {
        Ok(Some(_)) => Ok(to(&id, "subscription-rotated")),
        Ok(None) => show_late(app, frame, &id).await,
        Err(problems) => show_one(app, frame, subscriber, (problems.into(), None)),
    }
}

/// The page again, for who replaced the key after somebody else or twice.
async fn show_late(app: &App, frame: Frame, id: &str) -> Result<Response, PageError> {
    let subscriber = find(app, id).await?;
    let account_id = match subscriber.account {
        Account::Enterprise(id) | Account::User(id) => id.to_string(),
    };
    let replaced = once::Replaced {
        workspace_id: None,
        action: "subscription.rotate",
        id: &account_id,
        until: subscriber.subscription.previous_expires_at.map(|at| at.0),
    };
    let late = replaced.words(app, "key").await?;
    show_one(app, frame, subscriber, (Problems::default(), Some(late)))
}

#[handler]
pub async fn ask_suspend(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let subscriber = find(app, &id).await?;
    let users = subscribers::users(app, subscriber.account).await?;
    let row = Row::of(app, subscriber);
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Subscriptions),
        title: Part::around("Suspend ", row.name.clone(), "?"),
        points: row.stops(users),
        button: "Suspend the account",
        action: format!("{}/suspend", row.path),
        back: row.path,
        back_words: row.name,
        accepts: None,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn suspend(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (account, actor) = (find(app, &id).await?.account, Actor::User(admin.user.id));
    let is_new = workspaces::suspend_subscription(app, actor, account).await?;
    Ok(to(&id, if is_new { "subscription-suspended" } else { "unchanged" }))
}

#[handler]
pub async fn resume(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (account, actor) = (find(app, &id).await?.account, Actor::User(admin.user.id));
    let is_new = workspaces::resume_subscription(app, actor, account).await?;
    Ok(to(&id, if is_new { "subscription-resumed" } else { "unchanged" }))
}

fn to(id: &str, name: &str) -> Response {
    see_other(&notice::on(&format!("{}/{id}", links::admin_subscriptions()), name))
}

fn show_one(
    app: &App,
    frame: Frame,
    subscriber: Subscriber,
    (problems, late): (Problems, Option<String>),
) -> Result<Response, PageError> {
    let status = match (&late, problems.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, true) => StatusCode::OK,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = SubscriptionPage {
        brand: Brand::of(app),
        frame,
        list: links::admin_subscriptions(),
        present: digest::version(&subscriber.subscription.key_sha256),
        row: Row::of(app, subscriber),
        late,
        overlaps: OVERLAPS,
        problems,
    };
    Ok(html(app, status, &page)?)
}
