//! The key pages: who may not, and what cannot be made.

use entity::member::Role;
use latchkey::workspaces::NewWorkspace;

use super::api_keys::{KEYS, ada, create, delete_path, shown_key};
use crate::support::{ApiCaller, Browser, World, expel, workspace_named};

async fn works(world: &World, key: &str) -> bool {
    ApiCaller::key(world, key).me().await.status == 200
}

#[tokio::test]
async fn forged_forms_make_and_end_nothing() {
    let (world, acme, mut browser) = ada().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let list = browser.get(KEYS).await;
    let new = browser.get(&format!("{KEYS}/new")).await;
    let delete = browser.get(&delete_path(&list)).await;
    let mut making = new.form("#create-key-submit").with("name", "Forged");
    making.tick("scope", "leads:read");
    let (switching, deleting) = (list.form("td form"), delete.form("#delete-key-confirm"));

    for (page, form, allow) in [
        (&new, &making, "GET, HEAD, POST"),
        (&list, &switching, "POST"),
        (&delete, &deleting, "GET, HEAD, POST"),
    ] {
        world.refuses_forgeries(&mut browser, page, form).await;
        world.answers_only_to(allow, &mut browser, (page, form)).await;
        world.asks_strangers_to_sign_in(page, form).await;
    }

    assert!(works(&world, &key).await);
    assert_eq!(browser.get(KEYS).await.texts("tbody tr").len(), 1);
}

/// FE-23: a key must have a name; FE-9: and scopes of the product.
#[tokio::test]
async fn every_field_that_is_wrong_is_named_and_what_was_typed_stays() {
    let (_world, _, mut browser) = ada().await;
    let new = browser.get(&format!("{KEYS}/new")).await;
    let sound = || {
        let mut form = new.form("#create-key-submit").with("name", "A name");
        form.tick("scope", "leads:read");
        form
    };

    for (form, problem) in [
        (sound().with("name", ""), "The name must be 1 to 120 characters."),
        (sound().with("name", " "), "The name must be 1 to 120 characters."),
        (sound().with("name", &"x".repeat(121)), "The name must be 1 to 120 characters."),
        (sound().with("name", "a\u{7}b"), "The name must not contain control characters."),
        (sound().with("environment", "moon"), "The environment must be live or test."),
        (sound().with("expires", "tomorrow"), "The day must be a day, such as 2030-12-31."),
        (sound().with("expires", "2027-03-04"), "The day must be in the future."),
        (sound().without("scope"), "Scopes: at least one is required."),
        (
            sound().with("scope", "cows:milk"),
            "Scopes: not offered by this workspace's product: cows:milk.",
        ),
    ] {
        let page = browser.send_form(&new.url, &form).await;

        assert_eq!((page.status, page.texts("p.problem")), (422, vec![problem.to_owned()]));
        assert_eq!(
            page.text(".flash"),
            "The key was not created. Please look at the marked fields."
        );
        assert_eq!(page.form("#create-key-submit").get("name"), form.get("name"), "{problem}");
    }
    assert!(!browser.get(KEYS).await.has("tbody tr"));
}

#[tokio::test]
async fn several_wrong_fields_are_named_together() {
    let (_world, _, mut browser) = ada().await;
    let new = browser.get(&format!("{KEYS}/new")).await;
    let form = new.form("#create-key-submit").with("expires", "2020-01-01");

    let page = browser.send_form(&new.url, &form).await;

    let problems = [
        "The name must be 1 to 120 characters.",
        "The day must be in the future.",
        "Scopes: at least one is required.",
    ];
    assert_eq!((page.status, page.texts("p.problem")), (422, problems.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_name_is_text_and_not_markup() {
    let (_world, _, mut browser) = ada().await;
    let name = "<img src=x onerror=alert(1)>\"'&";

    let page = create(&mut browser, KEYS, name, &["leads:read"]).await;

    shown_key(&page);
    assert!(!page.has("main img"));
    let list = browser.get(KEYS).await;
    assert_eq!(list.text("td.title strong"), name);
    assert!(!list.has("main img"));
}

/// SW-12, SW-13: with what to do about it.
#[tokio::test]
async fn the_plans_limit_holds_and_revoked_keys_count() {
    let world = World::new().await;
    let free = NewWorkspace { plan: "free".to_owned(), ..workspace_named("acme") };
    let workspace = world.workspace_of(free).await;
    let joe = world.person("joe@example.com", &[(&workspace, Role::Owner)]).await;
    let mut browser = Browser::of(&world, &joe).await;
    create(&mut browser, KEYS, "One", &["leads:read"]).await;
    let form = browser.get(&format!("{KEYS}/new")).await;
    create(&mut browser, KEYS, "Two", &["leads:read"]).await;
    let list = browser.get(KEYS).await;
    assert!(!list.has("#create-key"), "a third one is offered");
    let advice = "The plan's limit is reached. Delete a key, or ask for a larger plan, to create \
                  another one.";
    assert_eq!(list.texts(".flash.warn"), [advice]);
    // a key that is switched off counts too
    browser.submit(&list, "td form", &[]).await;

    let mut third = form.form("#create-key-submit").with("name", "Three");
    third.tick("scope", "leads:read");
    let page = browser.send_form(&form.url, &third).await;

    let text = "The plan allows 2 keys, and there are that many. Delete one first.";
    assert_eq!((page.status, page.text("#plan-limit").as_str()), (403, text));
    assert_eq!(page.form("#create-key-submit").get("name"), Some("Three"));
    let list = browser.get(KEYS).await;
    let page = browser.get(&delete_path(&list)).await;
    browser.submit(&page, "#delete-key-confirm", &[]).await;
    shown_key(&browser.send_form(&form.url, &third).await);
}

#[tokio::test]
async fn the_plans_limit_holds_whoever_races() {
    let world = World::new().await;
    let free = NewWorkspace { plan: "free".to_owned(), ..workspace_named("acme") };
    let workspace = world.workspace_of(free).await;
    let joe = world.person("joe@example.com", &[(&workspace, Role::Owner)]).await;
    let mut browser = Browser::of(&world, &joe).await;
    let mut racers = Vec::new();
    for _ in 0..16 {
        // a form makes one key: each has its own
        let page = browser.get(&format!("{KEYS}/new")).await;
        let mut form = page.form("#create-key-submit").with("name", "A racer");
        form.tick("scope", "leads:read");
        racers.push((browser.copy(), page, form));
    }

    let sent = racers.iter_mut().map(|(racer, page, form)| racer.send_form(&page.url, form));
    let answers = futures_util::future::join_all(sent).await;

    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[201; 2][..], &[403; 14]].concat());
    assert_eq!(browser.get(KEYS).await.texts("tbody tr").len(), 2);
}

#[tokio::test]
async fn another_workspaces_keys_do_not_exist() {
    let (world, acme, _) = ada().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let other = world.workspace("other").await;
    let eve = world.person("eve@example.com", &[(&other, Role::Owner)]).await;
    let list = Browser::of(&world, &acme.ada).await.get(KEYS).await;
    let id = delete_path(&list);
    let id = id.split('/').nth(5).unwrap();
    let mut eves = Browser::of(&world, &eve).await;
    let token = eves.get("/settings/security").await;
    let token = token.form("form").get("csrf").unwrap().to_owned();

    for path in [
        KEYS.to_owned(),
        format!("{KEYS}/new"),
        format!("{KEYS}/{id}/delete"),
        format!("/workspaces/other/settings/keys/{id}/delete"),
        "/workspaces/nowhere/settings/keys".to_owned(),
    ] {
        let page = eves.get(&path).await;
        assert_eq!((page.status, page.text("h1").as_str()), (404, "Page not found"), "{path}");
    }
    for end in ["", &format!("/{id}/disable"), &format!("/{id}/enable"), &format!("/{id}/delete")] {
        for workspace in ["acme", "other", "nowhere"] {
            if (workspace, end) == ("other", "") {
                continue;
            }
            let mut form = list.form("td form").with("csrf", &token);
            form.action = format!("/workspaces/{workspace}/settings/keys{end}");
            let answer = eves.send_form(&list.url, &form).await;
            assert_eq!(answer.status, 404, "{}", form.action);
        }
    }
    assert!(works(&world, &key).await);
}

/// SW-11.
#[tokio::test]
async fn a_member_sees_that_others_have_keys_and_no_more() {
    let (world, acme, mut adas) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let key = shown_key(&create(&mut adas, KEYS, "Adas secret plan", &["leads:read"]).await);
    let id = delete_path(&adas.get(KEYS).await);
    let mut bens = Browser::of(&world, &ben).await;

    let page = bens.get(KEYS).await;

    assert_eq!(page.texts("tbody tr").len(), 1);
    assert_eq!(page.text("td.title .quiet"), "Another member's key");
    assert_eq!(page.text("td code"), "••••••••");
    assert_eq!(page.text("td[data-label=May]"), "hidden");
    for hidden in ["Adas secret plan", &key[..12], "See your leads"] {
        assert!(!page.body.contains(hidden), "{hidden}");
    }
    assert!(!page.has("td form"));
    assert_eq!(bens.get(&id).await.status, 404);
    let mut form = adas.get(KEYS).await.form("td form");
    form.set("csrf", bens.get("/settings/security").await.form("form").get("csrf").unwrap());
    assert_eq!(bens.send_form(&page.url, &form).await.status, 404);
    form.action.clone_from(&id);
    assert_eq!(bens.send_form(&page.url, &form).await.status, 404);
    assert!(works(&world, &key).await);
}

/// SW-18, FE-25: whoever administers the workspace sees every member's keys.
#[tokio::test]
async fn an_owner_sees_and_ends_a_members_key() {
    let (world, acme, mut adas) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let mut bens = Browser::of(&world, &ben).await;
    let key = shown_key(&create(&mut bens, KEYS, "Bens", &["leads:read"]).await);

    let page = adas.get(KEYS).await;

    assert_eq!(page.text("td.title strong"), "Bens");
    assert_eq!(page.text("td[data-label=Owner]"), "acme/ben@acme.example");
    adas.submit(&page, "td form", &[]).await;
    assert!(!works(&world, &key).await);
}

/// SW-8: what a member's role does not allow, and whom to ask for it.
#[tokio::test]
async fn a_member_gives_a_key_no_more_than_the_member_has() {
    let (world, acme, mut adas) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let manage = "input[value='api-keys:manage']";
    assert!(adas.get(&format!("{KEYS}/new")).await.has(manage));
    let mut bens = Browser::of(&world, &ben).await;
    let new = bens.get(&format!("{KEYS}/new")).await;
    assert!(new.has("input[value='leads:read']") && !new.has(manage));
    let advice = "There is more that your role does not allow: ask an owner or admin of this \
                  workspace for such a key.";
    assert_eq!(new.text("#scopes-hint"), advice);
    assert!(!adas.get(&format!("{KEYS}/new")).await.has("#scopes-hint"));
    let form = new.form("#create-key-submit").with("name", "Too much");
    let form = form.with("scope", "api-keys:manage");

    let page = bens.send_form(&new.url, &form).await;

    let problem = "Scopes: more than may be given here: api-keys:manage.";
    assert_eq!((page.status, page.text("p.problem").as_str()), (422, problem));
}

#[tokio::test]
async fn what_is_no_key_is_not_found() {
    let (_world, _, mut browser) = ada().await;

    for id in ["x", "0192f0c1-2345-7abc-8def-0123456789ab", "..%2f..", "%00", "new%2fnew"] {
        let page = browser.get(&format!("{KEYS}/{id}/delete")).await;

        assert_eq!((page.status, page.text("h1").as_str()), (404, "Page not found"), "{id}");
    }
}

#[tokio::test]
async fn who_left_the_workspace_sees_none_of_it() {
    let (world, acme, mut browser) = ada().await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let (workspace, ada) = (acme.workspace.id, acme.ada.id);

    expel(&world.app, workspace, ada).await.unwrap();

    assert_eq!(browser.get(KEYS).await.status, 404);
    let me = ApiCaller::key(&world, &key).me().await;
    assert_eq!((me.status, &me.json()["error"]["code"]), (403, &"FORBIDDEN".into()));
}
