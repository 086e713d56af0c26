//! Forms of administrators that are sent twice: by a second click, a reload, or two at once.

use entity::{client::Entity as Client, registration_token::Entity as Token};
use futures_util::future::join_all;
use latchkey::workspaces::Account;
use sea_orm::{EntityTrait, PaginatorTrait};

use super::clients::{admin, filled, introduced, value_of};
use crate::support::{Browser, Form, Page, Subscriber, Tokens, World, script};

const TOKENS: &str = "/admin/registration-tokens";

/// The answers to a form that is sent six times at once.
async fn raced(browser: &Browser, page: &Page, form: &Form) -> Vec<Page> {
    join_all((0..6).map(|_| {
        let (mut browser, page, form) = (browser.copy(), page.clone(), form.clone());
        async move { browser.send_form(&page.url, &form).await }
    }))
    .await
}

fn count(answers: &[Page], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn a_form_for_a_client_registers_one() {
    let (world, _, mut browser) = admin().await;
    let (page, form) = filled(&mut browser).await;

    let answers = raced(&browser, &page, &form).await;

    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 5));
    let again = browser.send_form(&page.url, &form).await;
    assert_eq!((again.status, value_of(&again, "client-secret")), (409, None));
    assert!(again.text("#form-unfit").contains("has made a client then"));
    assert_eq!(again.form("#register-client-submit").get("name"), Some("Field app"));
    assert_eq!(Client::find().count(world.app.store.read()).await.unwrap(), 1);
    assert_eq!(world.audited("client.register").await, 1);
    let another = browser.submit(&again, "#register-client-submit", &[]).await;
    assert_eq!(another.status, 201, "who means another one gets it");
}

/// The secret that is in use outlives every repetition, and so does the new one.
#[tokio::test]
async fn a_clients_secret_is_replaced_once() {
    for is_raced in [false, true] {
        let (world, _, mut browser) = admin().await;
        let acme = world.acme().await;
        let old = world.client(script()).await;
        let page = browser.get(&format!("/admin/clients/{}/rotate-secret", old.id)).await;
        let form = page.form("#rotate-secret-confirm").with("overlap", "3600");

        let answers = if is_raced {
            raced(&browser, &page, &form).await
        } else {
            let first = browser.send_form(&page.url, &form).await;
            vec![first, browser.send_form(&page.url, &form).await]
        };

        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!((made.len(), count(&answers, 409)), (1, answers.len() - 1));
        for client in [&old, &introduced(&world, made[0])] {
            Tokens::of(&client.password(&acme.ada).await);
        }
        let late = answers.iter().find(|answer| answer.status == 409).unwrap();
        let words = late.text("#replaced");
        for part in ["already by admin@latchkey.example,", "The secret before works until "] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert_eq!(world.audited("client.rotate_secret").await, 1);
    }
}

#[tokio::test]
async fn a_subscription_key_is_replaced_once() {
    for is_raced in [false, true] {
        let (world, _, mut browser) = admin().await;
        let (path, old) = subscribed(&world, &mut browser).await;
        let page = browser.get(&path).await;
        let form = page.form("#rotate-subscription-submit").with("overlap", "3600");

        let answers = if is_raced {
            raced(&browser, &page, &form).await
        } else {
            let first = browser.send_form(&page.url, &form).await;
            vec![first, browser.send_form(&page.url, &form).await]
        };

        assert_eq!((count(&answers, 303), count(&answers, 409)), (1, answers.len() - 1));
        let late = answers.iter().find(|answer| answer.status == 409).unwrap();
        assert!(late.text("#replaced").contains("The key before works until"));
        old.get("/comms/v1/api/comms/status").await.expect(200);
        assert_eq!(world.take_mail().await.len(), 1, "one letter");
        assert_eq!(world.audited("subscription.rotate").await, 1);
    }
}

/// Acme is enabled; the path of its subscription, and who calls with its key.
async fn subscribed(world: &World, browser: &mut Browser) -> (String, Subscriber) {
    let acme = world.acme().await;
    let page = browser.get("/admin/subscriptions").await;
    let answer = browser.submit(&page, "#enable-account-submit", &[("account", "acme")]).await;
    let list = browser.follow(answer).await;
    let letter = world.take_mail().await.remove(0);
    let key = letter.text.split_whitespace().find(|word| word.starts_with("lk_sk_")).unwrap();
    world.allow_comms(Account::Enterprise(acme.workspace.enterprise_id.unwrap())).await;
    let bearer = world.key(&acme.workspace, &acme.ada, "comms:read").await;
    (list.attribute("tbody a", "href"), Subscriber::new(world, &bearer, key))
}

#[tokio::test]
async fn a_form_for_a_registration_token_makes_one() {
    let (world, _, mut browser) = admin().await;
    let page = browser.get(TOKENS).await;
    let form = page.form("#make-registration-token").with("note", "partners");

    let answers = raced(&browser, &page, &form).await;

    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 5));
    let again = browser.send_form(&page.url, &form).await;
    assert_eq!((again.status, value_of(&again, "registration-token")), (409, None));
    assert!(again.text("#form-unfit").contains("has made a token then"));
    assert_eq!(again.form("#make-registration-token").get("note"), Some("partners"));
    assert_eq!(Token::find().count(world.app.store.read()).await.unwrap(), 1);
    assert_eq!(world.audited("registration_token.create").await, 1);
}
