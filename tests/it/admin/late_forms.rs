//! Forms of administrators that are sent a quarter of an hour after their page was opened: nothing is
//! done, nothing that was typed is lost.

use chrono::TimeDelta;
use scraper::{Html, Selector};

use super::clients::admin;
use crate::support::{Browser, Form, Page, Person, World, script};

/// Pages to read that have forms, and pages that are one.
async fn pages(world: &World, browser: &mut Browser) -> (Vec<String>, Vec<String>) {
    let acme = world.acme().await;
    let client = format!("/admin/clients/{}", world.client(script()).await.id);
    let user = format!("/admin/users/{}", acme.ada.id);
    let workspace = "/admin/workspaces/acme".to_owned();
    let tokens = browser.get("/admin/registration-tokens").await;
    browser.submit(&tokens, "#make-registration-token", &[("note", "partners")]).await;
    let subscriptions = browser.get("/admin/subscriptions").await;
    let enabled =
        browser.submit(&subscriptions, "#enable-account-submit", &[("account", "acme")]).await;
    let subscription = browser.follow(enabled).await.attribute("tbody a", "href");
    let read = [
        client.clone(),
        user.clone(),
        workspace.clone(),
        "/admin/enterprises/acme".to_owned(),
        "/admin/enterprises/acme/people".to_owned(),
        "/admin/registration-tokens".to_owned(),
        "/admin/subscriptions".to_owned(),
        subscription.clone(),
    ];
    let asking = [
        "/admin/new-client".to_owned(),
        "/admin/new-workspace".to_owned(),
        "/admin/new-enterprise".to_owned(),
        format!("{client}/edit"),
        format!("{client}/rotate-secret"),
        format!("{client}/delete"),
        format!("{client}/disable"),
        "/admin/enterprises/acme/deny-comms".to_owned(),
        format!("{subscription}/suspend"),
        format!("{user}/lock"),
        format!("{user}/sign-out"),
        format!("{user}/reset-second-factors"),
        format!("{user}/promote"),
        format!("{workspace}/disable"),
        format!("{workspace}/members/{}/remove", acme.ada.id),
        "/admin/signing-keys/ES256/rotate".to_owned(),
    ];
    (read.to_vec(), asking.to_vec())
}

/// Every form of a page that changes something, filled as it is, and the paths they are sent to.
fn forms(page: &Page) -> Vec<Form> {
    let html = Html::parse_document(&page.body);
    let selector = Selector::parse("main form[method=post]").unwrap();
    let actions = html.select(&selector).map(|form| form.attr("action").unwrap().to_owned());
    let actions: Vec<_> = actions.collect();
    let buttons = Selector::parse("main form[method=post] button[formaction]").unwrap();
    let others = html.select(&buttons).map(|it| it.attr("formaction").unwrap().to_owned());
    let found = actions.iter().map(|action| {
        let mut form = page.form(&format!("main form[method=post][action='{action}']"));
        form.action.clone_from(action);
        form
    });
    let mut found: Vec<_> = found.collect();
    for action in others {
        let mut form = page.form(&format!("main button[formaction='{action}']"));
        form.action = action;
        found.push(form);
    }
    found
}

async fn confirmed(browser: &mut Browser, admin: &Person) {
    let page = browser.get("/confirm").await;
    assert_eq!(browser.confirm_on(&page, admin).await.status, 303);
}

#[tokio::test]
async fn every_form_leads_back_to_its_own_page_after_the_proof() {
    let (world, root, mut browser) = admin().await;
    let (read, asking) = pages(&world, &mut browser).await;
    let mut sent = Vec::new();
    for path in read.iter().chain(&asking) {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let found = forms(&page);
        assert!(!found.is_empty(), "{path} has no form");
        sent.extend(found.into_iter().map(|form| (path.clone(), page.url.clone(), form)));
    }
    assert!(sent.len() > 25, "{}", sent.len());
    let before = world.audit_events().await.len();
    world.clock.advance(TimeDelta::minutes(16));

    for (path, url, form) in &sent {
        let answer = browser.send_form(url, form).await;
        let place = format!("/confirm?next={path}&late=yes");
        assert_eq!((answer.status, answer.location()), (303, Some(&*place)), "{}", form.action);
    }
    assert_eq!(world.audit_events().await.len(), before, "nothing was done");
    for path in &asking {
        let answer = browser.get(path).await;
        let place = format!("/confirm?next={path}");
        assert_eq!(
            answer.location(),
            Some(&*place),
            "a form is not shown that would come too late"
        );
    }
    for path in &read {
        assert_eq!(browser.get(path).await.status, 200, "{path}: looking is free");
    }
    confirmed(&mut browser, &root).await;
    for (path, _, form) in &sent {
        let page = browser.get(&format!("{path}?notice=form-late")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text(".flash").contains("nothing was done"), "{path}");
        assert!(forms(&page).iter().any(|it| it.action == form.action), "{}", form.action);
    }
}

/// What was typed is there to be sent again, once, by who typed it.
#[tokio::test]
async fn what_was_typed_is_kept() {
    let (world, root, mut browser) = admin().await;
    let (page, form) = super::clients::filled(&mut browser).await;
    world.clock.advance(TimeDelta::minutes(16));

    let answer = browser.send_form(&page.url, &form).await;

    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Field"), "sealed: {cookie}");
    let question = browser.follow(answer).await;
    assert!(question.text("#form-late").contains("nothing was done"));
    let answer = browser.confirm_on(&question, &root).await;
    assert_eq!(answer.location(), Some("/admin/new-client?notice=form-late"));
    let page = browser.follow(answer).await;
    let shown = page.text("#kept-form");
    assert!(shown.contains("Field app") && shown.contains("leads:read"), "{shown}");
    for another in ["/admin/new-workspace", "/admin/clients"] {
        let page = browser.get(&format!("{another}?notice=form-late")).await;
        assert!(page.status == 200 && !page.has("#kept-form"), "{another}: on its own page alone");
    }
    assert!(!browser.get("/admin/new-client").await.has("#kept-form"), "only after it was late");
    let made = browser.submit(&page, "#send-kept", &[]).await;
    assert_eq!((made.status, &*made.text("h1")), (201, "Client registered"));
    let again = browser.submit(&page, "#send-kept", &[]).await;
    assert_eq!(again.status, 409, "it registers one client");
    assert!(!is_offered(&mut browser).await, "it was sent");
}

/// Sends the form for a client too late.
async fn send_late(world: &World, browser: &mut Browser) {
    let (page, form) = super::clients::filled(browser).await;
    world.clock.advance(TimeDelta::minutes(16));
    assert_eq!(browser.send_form(&page.url, &form).await.status, 303);
    assert!(browser.cookies().contains_key("latchkey-form"));
}

/// Whether the form for a client is offered to be sent again on its own page.
async fn is_offered(browser: &mut Browser) -> bool {
    let page = browser.get("/admin/new-client?notice=form-late").await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Register a client"));
    page.has("#kept-form")
}

#[tokio::test]
async fn what_was_typed_is_not_kept_for_long() {
    let (world, root, mut browser) = admin().await;
    send_late(&world, &mut browser).await;
    confirmed(&mut browser, &root).await;
    world.clock.advance(TimeDelta::minutes(14));
    assert!(is_offered(&mut browser).await);

    world.clock.advance(TimeDelta::minutes(1));
    confirmed(&mut browser, &root).await;

    assert!(!is_offered(&mut browser).await, "a quarter of an hour is enough");
}

/// Whoever turns away from the proof and presses a button elsewhere is asked about that button.
#[tokio::test]
async fn another_late_form_takes_the_place_of_what_was_typed() {
    let (world, root, mut browser) = admin().await;
    let client = format!("/admin/clients/{}", world.client(script()).await.id);
    let other = browser.get(&client).await;
    send_late(&world, &mut browser).await;

    let button = forms(&other).into_iter().find(|form| form.action.ends_with("/verify")).unwrap();
    let answer = browser.send_form(&other.url, &button).await;

    assert!(!browser.cookies().contains_key("latchkey-form"));
    let question = browser.follow(answer).await;
    let answer = browser.confirm_on(&question, &root).await;
    let page = browser.follow(answer).await;
    assert!(page.text(".flash").contains("nothing was done") && !page.has("#kept-form"));
    assert!(!is_offered(&mut browser).await);
}

/// What is filled in anew supersedes what was kept, whoever it was typed by.
#[tokio::test]
async fn a_form_that_is_sent_in_time_forgets_what_was_typed() {
    let (world, root, mut browser) = admin().await;
    send_late(&world, &mut browser).await;
    confirmed(&mut browser, &root).await;
    assert!(is_offered(&mut browser).await);
    let (page, form) = super::clients::filled(&mut browser).await;

    let made = browser.send_form(&page.url, &form).await;

    assert_eq!(made.status, 201);
    assert!(!browser.cookies().contains_key("latchkey-form"));
    assert!(!is_offered(&mut browser).await);
}

#[tokio::test]
async fn who_is_signed_out_leaves_nothing_behind_that_was_typed() {
    let (world, root, mut browser) = admin().await;
    send_late(&world, &mut browser).await;
    let page = browser.get("/oauth/logout").await;
    browser.submit(&page, "main form", &[]).await;
    assert!(!browser.cookies().contains_key("latchkey-form"), "signed out");

    let mut browser = Browser::of(&world, &root).await;
    send_late(&world, &mut browser).await;
    world.clock.advance(TimeDelta::days(60));
    assert_eq!(browser.get("/admin/clients").await.location(), Some("/login?next=/admin/clients"));
    assert!(!browser.cookies().contains_key("latchkey-form"), "the session ended");
}

/// A button beside a row says which part of the list it was on: nobody has typed that.
#[tokio::test]
async fn the_place_in_a_list_is_not_typed() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let page = browser.get("/admin/enterprises/acme/people?q=ADA").await;
    let form = page.form("td.does button");
    assert_eq!(form.get("q"), Some("ADA"));
    world.clock.advance(TimeDelta::minutes(16));

    let answer = browser.send_form(&page.url, &form).await;

    let place = "/confirm?next=/admin/enterprises/acme/people&late=yes";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    assert!(!browser.cookies().contains_key("latchkey-form"));
}

/// A form whose session has ended leads to its page too; what was typed is nobody's any more.
#[tokio::test]
async fn a_form_that_nobody_is_signed_in_for_leads_back_to_its_page() {
    let (world, root, mut browser) = admin().await;
    let (page, form) = super::clients::filled(&mut browser).await;

    let answer = Browser::new(&world).send_form(&page.url, &form).await;

    let place = "/login?next=/admin/new-client&late=yes";
    assert_eq!((answer.status, answer.location()), (303, Some(place)));
    let mut stranger = Browser::new(&world);
    let login = stranger.open(place).await;
    assert!(login.text("#form-late").contains("nothing was done"), "{}", login.text("main"));
    let fields = [("username", &*root.username), ("password", &*root.password)];
    let answer = stranger.submit(&login, "#login-submit", &fields).await;
    assert_eq!(answer.location(), Some("/admin/new-client?notice=form-late"));
    let page = stranger.follow(answer).await;
    assert!(page.text(".flash").contains("nothing was done"));
    assert!(!page.has("#kept-form"));
}

/// A form that no page of ours has sent keeps nothing.
#[tokio::test]
async fn a_late_form_that_is_forged_is_refused() {
    let (world, _, mut browser) = admin().await;
    let (page, form) = super::clients::filled(&mut browser).await;
    world.clock.advance(TimeDelta::minutes(16));

    world.refuses_forgeries(&mut browser, &page, &form).await;
}
