//! What the user leaves out on the consent page, and what the page says about who asks and where it
//! leads.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient, Registration},
    workspaces::add_member,
};

use super::at_authorize;
use crate::support::{ApiCaller, Browser, ClientApp, Page, Pkce, Tokens, World, texts, web};

const WRITE: &str = "scope.leads:write";

/// The consent page of a client, for somebody who signs in on the way.
async fn consent(world: &World, client: &ClientApp, person: &crate::support::Person) -> Page {
    let mut browser = Browser::of(world, person).await;
    browser.open(&client.authorization().path()).await
}

/// The tokens that a yes to this page gives, without some of its fields.
async fn allow_without(
    browser: &mut Browser,
    client: &ClientApp,
    page: &Page,
    fields: &[&str],
) -> Tokens {
    let form = page.form("#consent-allow");
    let form = fields.iter().fold(form, |form, field| form.without(field));
    let callback = browser.send_form(&page.url, &form).await.callback();
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await)
}

/// RFC 6749 §3.3: the answer says what was granted, when it is not what was asked for.
#[tokio::test]
async fn what_is_unticked_is_not_granted() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!(page.texts(".scopes input[type=checkbox][checked]").len(), 2);

    let tokens = allow_without(&mut browser, &client, &page, &[WRITE]).await;

    assert_eq!(tokens.scope, "leads:read");
    let caller = ApiCaller::bearer(&world, &tokens.access);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 403);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:read").await.status, 204);
    let apps = browser.get("/settings/connected-apps").await;
    assert_eq!(apps.texts("article li"), ["See your leads"]);
}

#[tokio::test]
async fn what_was_unticked_is_asked_again_and_not_ticked_by_itself() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    allow_without(&mut browser, &client, &page, &[WRITE]).await;

    let narrow = browser.get(&client.authorization().with("scope", "leads:read").path()).await;
    let again = browser.open(&client.authorization().path()).await;

    assert!(narrow.callback().code().starts_with("lk_ac_"), "what was allowed is remembered");
    assert_eq!(again.texts(".scopes li"), ["See your leads", "Create leads Not allowed last time"]);
    assert!(!again.has(&format!("input[name='{WRITE}'][checked]")));
    let mut form = again.form("#consent-allow");
    form.set(WRITE, "on");
    let callback = browser.send_form(&again.url, &form).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read leads:write");
    let remembered = browser.get(&client.authorization().path()).await;
    assert!(remembered.callback().code().starts_with("lk_ac_"));
}

/// What was allowed before and is unticked now ends at once, in the tokens of before too.
#[tokio::test]
async fn what_is_unticked_later_is_taken_back() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let client = world.spa().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let before = allow_without(&mut browser, &client, &page, &[]).await;
    let caller = ApiCaller::bearer(&world, &before.access);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 204);

    let page = browser.open(&client.authorization().path()).await;
    allow_without(&mut browser, &client, &page, &[WRITE]).await;

    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 403);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:read").await.status, 204);
    let refreshed = Tokens::of(&client.refresh(&before.refresh).await);
    assert_eq!(refreshed.scope, "leads:read");
    assert_eq!(world.audited("grant.narrow").await, 1);
}

#[tokio::test]
async fn who_unticks_everything_is_told_to_deny() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let form = page.form("#consent-allow").without("scope.leads:read").without(WRITE);

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.text("[role=alert]").contains("or deny it"));
    assert!(!answer.has(".scopes input[checked]"), "what was chosen is kept");
    assert_eq!(world.audited("grant.create").await, 0);
    let denied = browser.submit(&answer, "#consent-deny", &[]).await.callback();
    assert_eq!(denied.params["error"], "access_denied");
}

/// Contract §6: `decision=allow` alone allows what the page lists.
#[tokio::test]
async fn a_yes_without_a_choice_allows_what_the_page_lists() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let mut form = page.form("#consent-allow").without("scope.leads:read").without(WRITE);
    form.action = "/oauth/consent".to_owned();

    let callback = browser.send_form(&page.url, &form).await.callback();

    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read leads:write");
}

/// OpenID Connect Core §3.1.2.1.
#[tokio::test]
async fn openid_cannot_be_left_out() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let scope = texts(&["openid", "profile"]);
    let client = world.client(NewClient { scope, ..web() }).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert!(!page.has("input[name='scope.openid']"));

    let tokens = allow_without(&mut browser, &client, &page, &["scope.profile"]).await;

    assert_eq!(tokens.scope, "openid");
}

#[tokio::test]
async fn boxes_that_the_page_does_not_have_give_nothing() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let narrow = client.authorization().with("scope", "leads:read");
    let page = browser.open(&narrow.path()).await;
    let mut form = page.form("#consent-allow");
    for token in ["leads:write", "api-keys:manage", "<b>", ""] {
        form.fields.push((format!("scope.{token}"), "on".to_owned()));
    }

    let callback = browser.send_form(&page.url, &form).await.callback();

    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");
}

#[tokio::test]
async fn what_only_one_workspace_allows_says_so() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let client = world.client(NewClient { scope, ..web() }).await;
    let second = world.workspace("second").await;
    let added = add_member(&world.app, Actor::Operator, second.id, acme.ada.id, Role::Member);
    added.await.unwrap().unwrap();
    browser.sign_in(&acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    let items = page.texts(".scopes li");
    assert!(items.iter().any(|item| item == "See your leads"), "{items:?}");
    assert!(items.iter().any(|item| item.ends_with("only in The workspace acme")), "{items:?}");
}

/// Ada's second workspace.
async fn second(world: &World, acme: &crate::support::Acme) -> entity::workspace::Model {
    let second = world.workspace("second").await;
    let added = add_member(&world.app, Actor::Operator, second.id, acme.ada.id, Role::Owner);
    added.await.unwrap().unwrap();
    second
}

/// Marks and ticks are those of the workspace that is selected, which is one where the app is
/// connected.
#[tokio::test]
async fn what_is_marked_is_so_in_the_selected_workspace() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let second = second(&world, &acme).await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!(page.texts(".scopes li"), ["See your leads", "Create leads"], "nothing is new yet");
    let mut form = page.form("#consent-allow").without(WRITE);
    form.set("workspace", &second.id.to_string());
    browser.send_form(&page.url, &form).await.callback();

    let page = browser.open(&client.authorization().path()).await;

    let form = page.form("#consent-allow");
    assert_eq!(form.get("workspace"), Some(&*second.id.to_string()));
    assert_eq!(form.get("marked"), form.get("workspace"));
    assert_eq!(page.texts(".scopes li"), ["See your leads", "Create leads Not allowed last time"]);
    assert!(!page.has(&format!("input[name='{WRITE}'][checked]")));
    assert!(page.text("option[selected]").ends_with(" (connected)"));
    // where it was never connected nothing is marked, so nobody is asked once more
    let mut elsewhere = form.clone();
    elsewhere.set("workspace", &acme.workspace.id.to_string());
    elsewhere.set(WRITE, "on");
    browser.send_form(&page.url, &elsewhere).await.callback();
}

/// Whoever chooses a workspace where other things are new, or were declined, sees that first.
#[tokio::test]
async fn another_workspace_with_other_marks_is_looked_at_once_more() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let second = second(&world, &acme).await;
    browser.sign_in(&acme.ada).await;
    for (workspace, leaves_out) in [(&acme.workspace, None), (&second, Some(WRITE))] {
        let page = browser.open(&client.authorization().with("prompt", "consent").path()).await;
        let mut form = page.form("#consent-allow");
        form.set("workspace", &workspace.id.to_string());
        let form = leaves_out.map_or(form.clone(), |field| form.without(field));
        browser.send_form(&page.url, &form).await.callback();
    }
    let asked = client.authorization().with("prompt", "consent");
    let page = browser.open(&asked.path()).await;
    let mut form = page.form("#consent-allow");
    assert_eq!(form.get("workspace"), Some(&*acme.workspace.id.to_string()));
    form.set(WRITE, "on");
    form.set("workspace", &second.id.to_string());

    let again = browser.send_form(&page.url, &form).await;

    assert_eq!(again.status, 422, "{}", again.text("main"));
    assert!(again.text("#look-again").contains("second"));
    assert_eq!(again.texts(".scopes li"), ["See your leads", "Create leads Not allowed last time"]);
    let form = again.form("#consent-allow");
    assert_eq!(form.get("workspace"), Some(&*second.id.to_string()));
    assert_eq!(form.get(WRITE), None, "it is allowed by a tick alone");
    let callback = browser.send_form(&again.url, &form).await.callback();
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");
}

#[tokio::test]
async fn the_page_says_how_long_it_lasts() {
    let (world, acme, client, _) = at_authorize().await;
    let short = NewClient {
        refresh_token_absolute_ttl_secs: Some(2 * 86_400),
        refresh_token_idle_ttl_secs: Some(3_600),
        ..web()
    };
    let short = world.client(short).await;
    let once = NewClient { grant_types: texts(&["authorization_code"]), ..web() };
    let once = world.client(once).await;

    for (client, words) in [
        (&client, "stays connected for 365 days, or until you disconnect it; for 30 days if"),
        (&short, "stays connected for 2 days, or until you disconnect it; for 1 hour if"),
        (&once, "For 1 hour; then it has to come back"),
    ] {
        let text = consent(&world, client, &acme.ada).await.text("main");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn where_it_leads_is_said_in_full_and_in_words() {
    let (world, acme, ..) = at_authorize().await;
    let client =
        |uri: &str, is_public| NewClient { redirect_uris: texts(&[uri]), is_public, ..web() };

    for (uri, is_public, words) in [
        ("https://app.example:8443/cb", false, "You will be sent to app.example:8443"),
        ("http://127.0.0.1:9/cb", true, "A program on this computer: 127.0.0.1:9"),
        ("com.example.app:/cb", true, "An app on this device: com.example.app"),
        (
            "https://xn--bcher-kva.example/cb",
            false,
            "xn--bcher-kva.example in letters: b\u{fc}cher.example",
        ),
        // a Cyrillic letter among Latin ones
        ("https://xn--pple-43d.com/cb", false, "You will be sent to xn--pple-43d.com How long"),
    ] {
        let client = world.client(client(uri, is_public)).await;
        let text = consent(&world, &client, &acme.ada).await.text("main");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn names_that_deceive_are_refused_or_noticed() {
    let (world, acme, ..) = at_authorize().await;
    for name in ["Lead\u{202e}cnyS", "Lead\u{200b}Sync", "\u{2066}Lead", "Lead\nSync"] {
        let client = NewClient { name: name.to_owned(), ..web() };
        let made = registration::register(&world.app, Actor::Operator, client).await.unwrap();
        assert!(matches!(made, Registration::Invalid(_)), "{name:?}");
    }
    let mixed = NewClient { name: "G\u{43e}ogle".to_owned(), ..web() };
    let mixed = world.client(mixed).await;

    let page = consent(&world, &mixed, &acme.ada).await;

    assert!(page.text(".flash.warn").contains("several alphabets"));
    assert!(page.text("main").contains("every app chooses its own name"));
    assert_eq!(page.text("h1 bdi"), "G\u{43e}ogle");
    let plain = consent(&world, &world.web().await, &acme.ada).await;
    assert!(!plain.has(".flash.warn"));
}

/// Two answers at once, of two tabs: neither takes back what the other has not been asked about.
#[tokio::test(flavor = "multi_thread")]
async fn two_answers_at_once_are_both_kept() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let read = browser.open(&client.authorization().with("scope", "leads:read").path()).await;
    let write = browser.open(&client.authorization().with("scope", "leads:write").path()).await;
    let mut other = browser.clone();

    let (one, two) = tokio::join!(
        browser.submit(&read, "#consent-allow", &[]),
        other.submit(&write, "#consent-allow", &[])
    );

    one.callback();
    two.callback();
    let whole = browser.get(&client.authorization().path()).await;
    assert!(whole.callback().code().starts_with("lk_ac_"), "both are remembered");
    assert_eq!(world.audited("grant.create").await, 1);
}

#[tokio::test]
async fn a_code_gives_no_more_than_is_still_allowed() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let client = world.spa().await;
    browser.sign_in(&acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    let first = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let page = browser.open(&client.authorization().path()).await;
    world.clock.advance(TimeDelta::seconds(1));
    allow_without(&mut browser, &client, &page, &[WRITE]).await;

    let late = Tokens::of(&client.exchange(first.code(), &Pkce::default()).await);

    assert_eq!(late.scope, "leads:read");
}
