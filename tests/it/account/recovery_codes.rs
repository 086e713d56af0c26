//! Recovery codes: shown once, each used once, made anew.

use chrono::TimeDelta;

use crate::support::{Acme, Browser, Page, Person, World};

const PATH: &str = "/settings/security/recovery-codes";

/// Ada, who has set an app up, and the codes that she was given.
async fn ada() -> (World, Acme, Browser, Vec<String>) {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (_, page) = browser.enrol_totp(&world).await;
    let codes = page.texts(".codes li");
    world.take_mail().await;
    (world, acme, browser, codes)
}

async fn sign_in_with(world: &World, person: &Person, code: &str) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let page = browser.sign_in(person).await;
    let answer = browser.submit(&page, "#recovery-code-submit", &[("recovery_code", code)]).await;
    (browser, answer)
}

#[tokio::test]
async fn a_code_signs_in_after_the_password() {
    let (world, acme, mut browser, codes) = ada().await;

    let (mut another, answer) = sign_in_with(&world, &acme.ada, &codes[3]).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/connected-apps")));
    assert_eq!(another.get("/settings/profile").await.status, 200);
    let page = browser.get("/settings/security").await;
    assert_eq!(page.text("#recovery-heading .badge"), "9 of 10 left");
    assert_eq!(world.audited("recovery_code.use").await, 1);
    let letters = world.take_mail().await;
    assert_eq!(letters[0].subject, "A recovery code was used");
    assert!(letters[0].text.contains("9 are left."), "{}", letters[0].text);
    assert!(!letters[0].text.contains(&codes[3]));
}

#[tokio::test]
async fn ten_codes_have_the_form_that_people_can_type() {
    let (world, acme, _, codes) = ada().await;

    assert_eq!(codes.len(), 10);
    for code in &codes {
        let groups: Vec<_> = code.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4), "{code}");
    }
    let typed = format!(" {} ", codes[0].to_lowercase().replace('-', " "));
    assert_eq!(sign_in_with(&world, &acme.ada, &typed).await.1.status, 303);
}

#[tokio::test]
async fn a_code_works_once() {
    let (world, acme, _, codes) = ada().await;
    assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 303);

    let (_, answer) = sign_in_with(&world, &acme.ada, &codes[0]).await;

    let problem = "The recovery code is not right. Each works once.";
    assert_eq!((answer.status, &*answer.text("#recovery_code-problem")), (422, problem));
    assert!(!answer.body.contains(&codes[0]));
}

#[tokio::test]
async fn of_many_that_race_with_one_code_one_gets_in() {
    let (world, acme, _, codes) = ada().await;
    let attempts = (0..4).map(|_| sign_in_with(&world, &acme.ada, &codes[0]));

    let answers = futures_util::future::join_all(attempts).await;

    let statuses: Vec<_> = answers.iter().map(|(_, answer)| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn wrong_codes_are_counted_and_the_right_password_forgives_none() {
    let (world, acme, _, codes) = ada().await;
    for wrong in ["x", "AAAA-AAAA-AAAA-AAAA", "ABCD", "é", &"A".repeat(4000)] {
        assert_eq!(sign_in_with(&world, &acme.ada, wrong).await.1.status, 422, "{wrong}");
    }

    let page = sign_in_with(&world, &acme.ada, &codes[0]).await.1;

    assert_eq!((page.status, page.header("retry-after")), (429, Some("1")));
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 303);
}

/// A code that is good once is used up together with what it opens, or not at all.
#[tokio::test]
async fn a_code_that_opened_nothing_is_still_good() {
    let (world, acme, _, codes) = ada().await;
    world.rename("known_device", "elsewhere").await;
    for _ in 0..6 {
        // more often than an account may fail
        assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 500);
    }
    world.rename("elsewhere", "known_device").await;
    assert_eq!(world.audited("recovery_code.use").await, 0);

    assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 303);

    assert_eq!(world.audited("recovery_code.use").await, 1);
    assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 422);
}

#[tokio::test]
async fn a_code_is_its_users_alone() {
    let (world, _, _, codes) = ada().await;
    let ben = world.person("acme/ben@acme.example", &[]).await;
    Browser::of(&world, &ben).await.enrol_totp(&world).await;

    assert_eq!(sign_in_with(&world, &ben, &codes[0]).await.1.status, 422);
}

#[tokio::test]
async fn new_codes_end_the_old_ones() {
    let (world, acme, mut browser, codes) = ada().await;
    let page = browser.get(PATH).await;
    assert!(page.text("main").contains("stop working at once, all 10 of them"));
    let form = page.form("#recovery-renew");
    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    let answer = browser.send_form(&page.url, &form).await;

    assert_eq!((answer.status, &*answer.text("h1")), (201, "New recovery codes"));
    let new = answer.texts(".codes li");
    assert!(new.len() == 10 && new.iter().all(|code| !codes.contains(code)));
    assert_eq!(sign_in_with(&world, &acme.ada, &codes[0]).await.1.status, 422);
    assert_eq!(sign_in_with(&world, &acme.ada, &new[0]).await.1.status, 303);
    assert_eq!(world.audited("recovery_codes.renew").await, 1);
    let subjects = world.take_mail().await.into_iter().map(|letter| letter.subject);
    let expected = ["Your recovery codes were replaced", "A recovery code was used"];
    assert!(subjects.into_iter().all(|subject| expected.contains(&&*subject)));
}

#[tokio::test]
async fn who_has_no_second_factor_gets_no_codes() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;

    let answer = browser.get(PATH).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/settings/security")));
    assert_eq!(world.audited("recovery_codes.renew").await, 0);
}
