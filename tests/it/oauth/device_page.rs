//! `/device`: where a user allows a device.

use chrono::TimeDelta;
use entity::member::Role;
use reqwest::{Method, Url};

use super::{
    assert_sealed_page,
    device::{at_device, codes, poll, question, television},
};
use crate::support::{Browser, Tokens, World};

#[tokio::test]
async fn who_is_not_signed_in_signs_in_first_and_comes_back() {
    let (world, acme, client) = at_device().await;
    let (_, user_code) = codes(&client).await;
    let mut browser = Browser::new(&world);

    let page = browser.open(&format!("/device/{user_code}")).await;
    assert!(page.has("#login-submit"), "{}", page.body);
    let page = browser.sign_in_on(&page, &acme.ada).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Connect a device"));
    assert_eq!(page.form("#device-continue").get("user_code"), Some(&*user_code));
    let page = browser.submit(&page, "#device-continue", &[]).await;
    assert!(page.has("#consent-allow"), "{}", page.body);
}

/// What a user has to know: who asks for what, and that others may have begun it.
#[tokio::test]
async fn the_question_says_what_was_begun_where_and_when() {
    let (world, acme, client) = at_device().await;
    let (_, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = question(&mut browser, &user_code).await;

    assert_eq!(page.text("h1"), "Allow Television on a device?");
    let text = page.text("main");
    for words in [
        "Only continue if you started this on a device in front of you.",
        "If somebody sent you the code, deny it",
        "127.0.0.1",
        "5 March 2027, 10:27 UTC",
        "acme/ada@acme.example",
        user_code.as_str(),
        "Not verified",
        "The workspace acme",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_sealed_page(&page);
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn a_code_is_read_as_people_type_it() {
    let (world, acme, client) = at_device().await;
    let (_, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let bare = user_code.replace('-', "");

    for typed in [bare.to_lowercase(), bare.clone(), format!(" {} {} ", &bare[..4], &bare[4..])] {
        assert_eq!(question(&mut browser, &typed).await.status, 200, "{typed}");
    }
}

/// Guessing is as slow as guessing passwords, for the account and for the address.
#[tokio::test]
async fn codes_are_not_guessed() {
    let (world, acme, client) = at_device().await;
    let (_, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get("/device").await;
    for typed in ["BBBB-BBBB", "", "x", "<script>", "\u{0}\u{1}"] {
        let answer = browser.submit(&page, "#device-continue", &[("user_code", typed)]).await;
        assert_eq!(answer.status, 422, "{typed}");
        assert!(answer.has("#user_code[aria-invalid=true]") && answer.has("[role=alert]"));
        assert!(!answer.body.contains("<script>"));
    }

    let answer = question(&mut browser, &user_code).await;

    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "{}", answer.body);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(question(&mut browser, &user_code).await.status, 200);
    let wrong = question(&mut browser, "BBBB-BBBB").await;
    assert_eq!(wrong.status, 422);
    let answer = question(&mut browser, &user_code).await;
    let standing = (answer.status, answer.header("retry-after"));
    assert_eq!(standing, (429, Some("2")), "a device of one's own buys no fresh guesses");
    assert_eq!(world.audited("device.guess").await, 6);
}

/// Many accounts guess no faster than one address may; elsewhere nobody has to wait for it.
#[tokio::test]
async fn codes_are_not_guessed_with_many_accounts_from_one_address() {
    let world = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let client = world.client(television()).await;
    let (_, user_code) = codes(&client).await;
    let of = async |number: u32, address: &str| {
        let person = world.person(&format!("p{number}@example.com"), &[]).await;
        let mut browser = Browser::new(&world).at_address(address);
        browser.sign_in(&person).await;
        browser
    };
    let mut seventh = of(6, "203.0.113.9").await;
    // five are free for an account, so that none of them has to wait by itself
    for number in 0..6 {
        let mut browser = of(number, "203.0.113.9").await;
        for _ in 0..5 {
            let answer = question(&mut browser, "BBBB-BBBB").await;
            assert_eq!(answer.status, 422, "{number}");
        }
    }

    let wrong = question(&mut seventh, "BBBB-BBBB").await;
    let right = question(&mut seventh, &user_code).await;

    for answer in [wrong, right] {
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("600")));
        assert!(!answer.has("#consent-allow"));
    }
    let mut elsewhere = seventh.at_address("198.51.100.7");
    assert_eq!(question(&mut elsewhere, "BBBB-BBBB").await.status, 422);
    assert_eq!(question(&mut elsewhere, &user_code).await.status, 200);
}

#[tokio::test]
async fn a_part_can_be_allowed() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;
    let form = page.form("#consent-allow").without("scope.leads:write");

    assert_eq!(browser.send_form(&page.url, &form).await.status, 200);

    assert_eq!(Tokens::of(&poll(&client, &device_code).await).scope, "leads:read openid");
}

#[tokio::test]
async fn a_workspace_is_chosen() {
    let (world, acme, client) = at_device().await;
    let second = world.workspace("second").await;
    let joe = world
        .person("joe@example.com", &[(&acme.workspace, Role::Owner), (&second, Role::Owner)])
        .await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &joe).await;
    let page = question(&mut browser, &user_code).await;
    let id = second.id.to_string();

    let done = browser.submit(&page, "#consent-allow", &[("workspace", &id)]).await;

    assert_eq!(done.text("h1"), "Device connected");
    let tokens = Tokens::of(&poll(&client, &device_code).await);
    let me = crate::support::ApiCaller::bearer(&world, &tokens.access).me().await.json();
    assert_eq!(me["workspace"]["slug"], "second");
    let foreign = world.workspace("foreign").await.id.to_string();
    let (_, user_code) = codes(&client).await;
    let page = question(&mut browser, &user_code).await;
    let form = page.form("#consent-allow").with("workspace", &foreign);
    assert_eq!(browser.send_form(&page.url, &form).await.status, 400);
}

#[tokio::test]
async fn a_question_is_answered_once() {
    let (world, acme, client) = at_device().await;
    let (_, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;
    let mut other = browser.copy();

    let (one, two) = tokio::join!(
        browser.submit(&page, "#consent-allow", &[]),
        other.submit(&page, "#consent-deny", &[])
    );

    let statuses = [one.status, two.status];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let again = browser.submit(&page, "#consent-allow", &[]).await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let (world, acme, client) = at_device().await;
    let (device_code, user_code) = codes(&client).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = question(&mut browser, &user_code).await;

    for form in
        [page.form("#consent-allow").with("csrf", "x"), page.form("#consent-allow").without("csrf")]
    {
        assert_eq!(browser.send_form(&page.url, &form).await.status, 403);
    }
    let form = page.form("#consent-allow").with("decision", "maybe");
    assert_eq!(browser.send_form(&page.url, &form).await.status, 400);
    let url = Url::parse(&world.url("/device/decision")).unwrap();
    let get = browser.send(url.clone(), world.http.get(url)).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    let url = Url::parse(&world.url("/device")).unwrap();
    let put = browser.send(url.clone(), world.http.request(Method::PUT, url)).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
    let anonymous = Browser::new(&world).send_form(&page.url, &page.form("#consent-allow")).await;
    assert!([303, 403].contains(&anonymous.status));
    assert_eq!(poll(&client, &device_code).await.json()["error"], "authorization_pending");
}

#[tokio::test]
async fn what_is_no_code_is_not_filled_in() {
    let (world, acme, _) = at_device().await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.get("/device/call-this-number").await;

    assert_eq!(page.status, 200);
    assert_eq!(page.form("#device-continue").get("user_code"), Some(""));
    assert!(!page.body.contains("call-this"));
}
