//! `/admin/users`: everybody, and what administrators do to them.

use entity::{member::Role, user};
use futures_util::future::join_all;
use latchkey::identity::users::NewUser;

use super::clients::{admin, pages_of};
use crate::support::{ApiCaller, Browser, Page, Person, Tokens, World};

fn page_of(person: &Person) -> String {
    format!("/admin/users/{}", person.id)
}

pub(super) async fn another_admin(world: &World, name: &str) -> Person {
    let username = format!("{name}@latchkey.example");
    world.person_of(NewUser { username, is_admin: true, ..NewUser::default() }).await
}

#[tokio::test]
async fn users_are_searched_by_username_address_and_name() {
    let (world, _, mut browser) = admin().await;
    world.acme().await;
    let eve = NewUser {
        username: "eve@example.com".to_owned(),
        email: Some("inbox@mail.example".to_owned()),
        name: Some("Eva <b>Lang</b>".to_owned()),
        ..NewUser::default()
    };
    world.person_of(eve).await;

    let page = browser.get("/admin/users").await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Users"));
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Users"]);
    let all = ["acme/ada@acme.example", "admin@latchkey.example", "eve@example.com"];
    assert_eq!(page.texts("tbody strong"), all);
    for typed in ["EVE@", "inbox", "lang"] {
        let page = browser.get(&format!("/admin/users?q={typed}")).await;
        assert_eq!(page.texts("tbody strong"), ["eve@example.com"], "{typed}");
        assert!(!page.has("b"));
    }
    let none = browser.get("/admin/users?q=%25").await;
    assert_eq!(none.text(".empty"), "No user has that in the username, address or name.");
}

#[tokio::test]
async fn users_are_filtered_by_whether_they_are_verified() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    world.person("joe@example.com", &[]).await;
    let page = browser.get(&page_of(&acme.ada)).await;
    browser.submit(&page, "#switch-verified", &[]).await;
    let page = browser.get("/admin/users").await;
    assert_eq!(page.texts("tbody .badge.good"), ["Verified"]);

    for (verified, typed, found) in [
        ("yes", "", vec!["acme/ada@acme.example"]),
        ("no", "", vec!["admin@latchkey.example", "joe@example.com"]),
        ("no", "joe", vec!["joe@example.com"]),
        ("yes", "joe", vec![]),
    ] {
        let fields = [("verified", verified), ("q", typed)];
        let page = browser.submit(&page, "#users-search", &fields).await;
        assert_eq!(page.texts("tbody strong"), found, "{verified} {typed}");
        assert_eq!(page.form("#users-search").get("verified"), Some(verified));
    }
    let page = browser.get("/admin/users?verified=%00").await;
    assert_eq!(page.texts("tbody tr").len(), 3, "what is no state filters nothing");
}

#[tokio::test]
async fn users_are_gone_through_page_by_page_with_the_filter_kept() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let ada = latchkey::store::users::find_by_username(world.app.store.read(), &acme.ada.username);
    let ada = ada.await.unwrap().unwrap();
    let name = |number: u32| format!("acme/crowd{number:03}@acme.example");
    let more = (0..160).map(|number| user::Model {
        id: uuid::Uuid::from_u128(number.into()),
        username: name(number),
        verified_at: (number % 2 == 0).then_some(ada.created_at),
        ..ada.clone()
    });
    world.rows::<user::Entity>(more.collect()).await;

    let verified = pages_of(&mut browser, "/admin/users?verified=yes&q=crowd").await;
    let all = pages_of(&mut browser, "/admin/users").await;

    let sizes = |pages: &[Vec<String>]| pages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(&verified), [50, 30]);
    assert_eq!(verified.concat(), (0..160).step_by(2).map(name).collect::<Vec<_>>());
    assert_eq!(sizes(&all), [50, 50, 50, 12]);
    assert_eq!(all.concat()[1..161], (0..160).map(name).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_user_is_shown_with_what_belongs_to_them() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    world.script().await.password(&acme.ada).await.expect(200);
    Browser::of(&world, &acme.ada).await;

    let page = browser.get(&page_of(&acme.ada)).await;

    assert_eq!(page.text("h1"), "acme/ada@acme.example");
    let facts = page.texts("dl.facts dd");
    assert_eq!(facts[1], "ada@acme.example Not confirmed");
    assert_eq!(facts[2], "acme");
    assert_eq!(facts[4], "Off");
    assert_eq!(facts[7..9], ["in 1 browser", "1"]);
    assert_eq!(page.texts("tbody td"), ["The workspace acme", "Owner"]);
    assert!(!page.has("input[type=password]"));
}

/// Contract §3: effective on the next request.
#[tokio::test]
async fn a_locked_user_is_refused_everywhere_until_unlocked() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = browser.get(&format!("{}/lock", page_of(&acme.ada))).await;
    assert_eq!(page.text("h1"), "Lock: acme/ada@acme.example?");
    assert_eq!(page.texts("main li")[0], "Signed out of 1 browser.");
    assert_eq!(adas.get("/settings/profile").await.status, 200, "asking changes nothing");

    let answer = browser.submit(&page, "#confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".heading .badge"), "Locked");
    assert_eq!(adas.get("/settings/profile").await.status, 303);
    for credential in [&tokens.access, &key] {
        assert_ne!(ApiCaller::bearer(&world, credential).me().await.status, 200);
    }
    assert_eq!(script.password(&acme.ada).await.status, 400);
    let answer = browser.submit(&page, "#unlock", &[]).await;
    assert_eq!(browser.follow(answer).await.text(".flash"), "The user is unlocked.");
    ApiCaller::key(&world, &key).me().await.expect(200);
    assert_eq!(script.password(&acme.ada).await.status, 200);
    for action in ["user.disable", "user.enable"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

/// Nobody is kept from locking whom they must: what they leave behind is said.
#[tokio::test]
async fn who_locks_the_only_owner_hears_of_the_workspaces() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let lock = format!("{}/lock", page_of(&acme.ada));
    let said = |page: &Page| page.texts("main li").last().unwrap().clone();
    let alone = said(&browser.get(&lock).await);
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;

    let page = browser.get(&lock).await;

    assert_eq!(alone, "They cannot sign in until somebody unlocks them.");
    let told = "Nobody else owns acme. Add owners there, so that somebody does.";
    assert_eq!(said(&page), told);
    assert!(!browser.get(&format!("{}/lock", page_of(&ben))).await.body.contains("Nobody else"));
    let answer = browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(browser.follow(answer).await.text(".heading .badge"), "Locked");
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere_and_keeps_their_keys() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    let page = browser.get(&format!("{}/sign-out", page_of(&acme.ada))).await;

    let answer = browser.submit(&page, "#confirm", &[]).await;

    assert_eq!(browser.follow(answer).await.text(".flash"), "The user is signed out everywhere.");
    assert_eq!(adas.get("/settings/profile").await.status, 303);
    ApiCaller::bearer(&world, &tokens.access).me().await.expect(401);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
    ApiCaller::key(&world, &key).me().await.expect(200);
    assert_eq!(script.password(&acme.ada).await.status, 200, "the password still works");
}

#[tokio::test]
async fn a_password_link_is_mailed() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let page = browser.get(&page_of(&acme.ada)).await;

    let answer = browser.submit(&page, "#reset-password", &[]).await;

    assert!(browser.follow(answer).await.text(".flash").starts_with("A letter"));
    let letters = world.take_mail().await;
    assert_eq!((letters.len(), &*letters[0].to), (1, "ada@acme.example"));
    assert!(letters[0].link().contains("/reset-password?token="));
    assert_eq!(world.audited("password.request_reset").await, 1);
}

#[tokio::test]
async fn second_factors_are_taken_away_and_the_user_is_told() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    Browser::of(&world, &acme.ada).await.enrol_totp(&world).await;
    world.take_mail().await;
    let page = browser.get(&format!("{}/reset-second-factors", page_of(&acme.ada))).await;

    let answer = browser.submit(&page, "#confirm", &[]).await;

    let user = browser.follow(answer).await;
    assert_eq!(user.text(".flash"), "The second factors are gone, and the user is told by mail.");
    assert!(!user.has("#reset-second-factors"));
    let letters = world.take_mail().await;
    assert_eq!((letters.len(), &*letters[0].to), (1, "ada@acme.example"));
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(adas.get("/settings/profile").await.status, 200, "the password is enough");
}

#[tokio::test]
async fn verification_and_the_comms_api_are_given_and_taken() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;

    for (button, on, off) in [
        ("#switch-verified", "The account is verified.", "The account is no longer verified."),
        ("#switch-comms", "The Comms API is allowed.", "The Comms API is no longer allowed."),
    ] {
        let mut page = browser.get(&page_of(&acme.ada)).await;
        let first = page.clone();
        for words in [on, off] {
            let answer = browser.submit(&page, button, &[]).await;
            page = browser.follow(answer).await;
            assert_eq!(page.text(".flash"), words);
        }
        let mut again = browser.submit(&first, button, &[]).await;
        assert_eq!(browser.follow(again).await.text(".flash"), on);
        again = browser.submit(&first, button, &[]).await;
        let page = browser.follow(again).await;
        assert_eq!(page.text(".flash"), "It was so already. Nothing was changed.");
    }
    for action in ["user.verify", "comms.allow"] {
        assert_eq!(world.audited(action).await, 2, "{action}");
    }
}

#[tokio::test]
async fn administrators_are_made_and_unmade() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let mut adas = Browser::of(&world, &acme.ada).await;
    assert_eq!(adas.get("/admin/users").await.status, 404);
    let page = browser.get(&format!("{}/promote", page_of(&acme.ada))).await;

    let answer = browser.submit(&page, "#confirm", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".heading .badge"), "Administrator");
    assert_eq!(adas.get("/admin/users").await.status, 200);
    let page = browser.get(&format!("{}/demote", page_of(&acme.ada))).await;
    browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(adas.get("/admin/users").await.status, 404);
    for action in ["user.promote", "user.demote"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

#[tokio::test]
async fn nobody_locks_or_demotes_themselves() {
    let (world, person, mut browser) = admin().await;
    another_admin(&world, "second").await;
    let page = browser.get(&page_of(&person)).await;
    assert!(!page.has("#lock") && !page.has("#demote"));

    for change in ["lock", "demote"] {
        let page = browser.get(&format!("{}/{change}", page_of(&person))).await;
        let answer = browser.submit(&page, "#confirm", &[]).await;
        let words = "That is you. Ask another administrator.";
        assert_eq!((answer.status, &*answer.text("[role=alert]")), (422, words), "{change}");
    }
    assert_eq!(browser.get("/admin/users").await.status, 200);
}

/// Everybody locks or demotes everybody else at once: somebody stays.
#[tokio::test]
async fn of_administrators_who_go_for_each_other_one_stays() {
    for change in ["lock", "demote"] {
        let (world, first, _) = admin().await;
        let mut all = vec![first];
        for name in ["second", "third"] {
            all.push(another_admin(&world, name).await);
        }
        let mut prepared = Vec::new();
        for (index, person) in all.iter().enumerate() {
            let mut browser = Browser::of(&world, person).await;
            let victim = &all[(index + 1) % all.len()];
            let page = browser.get(&format!("{}/{change}", page_of(victim))).await;
            prepared.push((browser, page));
        }

        join_all(prepared.iter_mut().map(|(browser, page)| browser.submit(page, "#confirm", &[])))
            .await;

        let mut left = 0;
        for (browser, _) in &mut prepared {
            left += usize::from(browser.get("/admin/users").await.status == 200);
        }
        assert!(left >= 1, "{change}");
    }
}

#[tokio::test]
async fn to_everybody_else_the_pages_do_not_exist() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let olga = world.person("acme/olga@acme.example", &[(&acme.workspace, Role::Owner)]).await;
    let mut olgas = Browser::of(&world, &olga).await;
    let own = olgas.get("/settings/security").await;
    let mut form = own.form("form");

    for path in ["/admin/users", &page_of(&acme.ada), &format!("{}/lock", page_of(&acme.ada))] {
        assert_eq!(olgas.get(path).await.status, 404, "{path}");
        let stranger = Browser::new(&world).get(path).await;
        assert_eq!(stranger.location(), Some(&*format!("/login?next={path}")));
    }
    for change in ["lock", "unlock", "promote", "verify", "reset-password", "sign-out"] {
        form.action = format!("{}/{change}", page_of(&acme.ada));
        assert_eq!(olgas.send_form(&own.url, &form).await.status, 404, "{change}");
    }
    for id in ["x", "%00", &uuid::Uuid::nil().to_string()] {
        assert_eq!(browser.get(&format!("/admin/users/{id}")).await.status, 404, "{id}");
        assert_eq!(browser.get(&format!("/admin/users/{id}/lock")).await.status, 404, "{id}");
    }
    assert_eq!(browser.get(&format!("{}/impersonate", page_of(&acme.ada))).await.status, 404);
}

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let page = browser.get(&page_of(&acme.ada)).await;
    for button in ["#reset-password", "#switch-verified", "#switch-comms"] {
        let form = page.form(button);
        world.refuses_forgeries(&mut browser, &page, &form).await;
        world.answers_only_to("POST", &mut browser, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
    }
    for change in ["lock", "sign-out", "promote"] {
        let page = browser.get(&format!("{}/{change}", page_of(&acme.ada))).await;
        let form = page.form("#confirm");
        world.refuses_forgeries(&mut browser, &page, &form).await;
        world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
    }
    for action in ["user.disable", "user.promote", "user.sign_out", "user.verify", "comms.allow"] {
        assert_eq!(world.audited(action).await, 0, "{action}");
    }
}
