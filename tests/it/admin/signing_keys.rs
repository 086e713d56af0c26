//! `/admin/signing-keys`: replacing the keys that this server signs with.

use chrono::TimeDelta;
use entity::signing_key::{Algorithm, Entity};
use latchkey::{
    audit::Actor,
    crypto::signed::SignedJwt,
    jobs,
    signing::{self, Rotation},
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::clients::admin;
use crate::support::{Browser, World};

const PAGE: &str = "/admin/signing-keys";

async fn published(world: &World) -> Vec<Value> {
    let keys = signing::keys(&world.app).await.unwrap().public(world.app.now());
    keys["keys"].as_array().unwrap().clone()
}

async fn kids_of(world: &World, algorithm: &str) -> Vec<String> {
    let keys = published(world).await;
    let of = keys.iter().filter(|key| key["alg"] == algorithm);
    of.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn signed(world: &World) -> SignedJwt {
    let keys = signing::keys(&world.app).await.unwrap();
    let token = keys.sign(Algorithm::Es256, ("JWT", &json!({ "a": 1 })), world.app.now());
    SignedJwt::parse(&token.unwrap(), 4096).unwrap()
}

async fn is_believed(world: &World, token: &SignedJwt) -> bool {
    signing::keys(&world.app).await.unwrap().claims_of(token, world.app.now()).is_some()
}

async fn replace(browser: &mut Browser, how: &str) {
    let question = browser.get(&format!("{PAGE}/ES256/{how}")).await;
    assert_eq!((question.status, &*question.text("h1")), (200, "Replace the ES256 key"));
    let answer = browser.submit(&question, "#confirm", &[]).await;
    let place = format!("{PAGE}?notice=signing-key-replaced");
    assert_eq!((answer.status, answer.location()), (303, Some(&*place)));
}

#[tokio::test]
async fn keys_are_listed_in_words() {
    let (_world, _, mut browser) = admin().await;

    let page = browser.get(PAGE).await;

    assert_eq!(page.texts("tbody strong").len(), 4);
    assert_eq!(page.texts("tbody .badge"), ["Signs"; 4]);
    assert_eq!(page.texts("nav.tabs a[aria-current=page]"), ["Signing keys"]);
    assert!(page.text("main").contains("every 90 days"));
}

/// CS-J4, CS-J5: published before it signs, and the one before it as long as anything it signed lives.
#[tokio::test]
async fn a_new_key_is_published_an_hour_before_it_signs() {
    let (world, _, mut browser) = admin().await;
    let old = kids_of(&world, "ES256").await;
    let before = signed(&world).await;

    replace(&mut browser, "rotate").await;

    let both = kids_of(&world, "ES256").await;
    assert_eq!(both.len(), 2);
    let new = both.iter().find(|kid| !old.contains(kid)).unwrap();
    assert_eq!(signed(&world).await.kid.as_ref(), Some(&old[0]));
    let page = browser.get(PAGE).await;
    assert!(page.text("tbody").contains("Published, signs from"), "{}", page.text("tbody"));
    world.clock.advance(TimeDelta::minutes(59));
    assert_eq!(signed(&world).await.kid.as_ref(), Some(&old[0]));
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(signed(&world).await.kid.as_ref(), Some(new));
    world.clock.advance(TimeDelta::hours(24));
    assert_eq!(kids_of(&world, "ES256").await.len(), 2);
    assert!(is_believed(&world, &before).await);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(kids_of(&world, "ES256").await, [new.as_str()]);
    assert_eq!(world.audited("signing_key.rotate").await, 1);
}

/// CS-L7: a session outlives the key that has told of it; what that key has signed is a hint still, and
/// nothing else.
#[tokio::test]
async fn a_retired_key_is_believed_as_long_as_a_session_lasts() {
    let (world, _, mut browser) = admin().await;
    let before = signed(&world).await;
    assert_eq!(world.audited("signing_key.create").await, Algorithm::ALL.len());
    replace(&mut browser, "rotate-now").await;
    for _ in 0..2 {
        world.clock.advance(TimeDelta::hours(26));
        jobs::signing_keys::run_once(&world.app).await.unwrap();
    }
    assert_eq!(world.audited("signing_key.end").await, 1);

    assert!(is_believed(&world, &before).await);
    assert_ne!(signed(&world).await.kid, before.kid);
    assert_eq!(kids_of(&world, "ES256").await.len(), 1);
    let ended = TimeDelta::days(15) - TimeDelta::hours(52);
    world.clock.advance(ended - TimeDelta::seconds(1));
    assert!(is_believed(&world, &before).await);
    world.clock.advance(TimeDelta::seconds(1));
    assert!(!is_believed(&world, &before).await);
}

/// Nobody knows since when others have known a key, and whether it was the only one.
#[tokio::test]
async fn keys_that_were_retired_end_with_one_that_is_compromised() {
    let (world, ..) = admin().await;
    let before = signed(&world).await;
    let rotate = async |how| {
        signing::rotate(&world.app, Actor::Operator, Algorithm::Es256, how).await.unwrap()
    };
    rotate(Rotation::AtOnce).await;
    world.clock.advance(TimeDelta::hours(26));
    assert!(is_believed(&world, &before).await);

    rotate(Rotation::Compromised).await;

    assert!(!is_believed(&world, &before).await);
}

#[tokio::test]
async fn a_new_key_signs_at_once() {
    let (world, _, mut browser) = admin().await;
    let before = signed(&world).await;

    replace(&mut browser, "rotate-now").await;

    assert_ne!(signed(&world).await.kid, before.kid);
    assert_eq!(kids_of(&world, "ES256").await.len(), 2);
    assert!(is_believed(&world, &before).await);
    assert!(browser.get(PAGE).await.text("tbody").contains("Signs no more, published until"));
}

#[tokio::test]
async fn a_compromised_key_is_believed_no_more() {
    let (world, _, mut browser) = admin().await;
    let node = world.another_node().await;
    let before = signed(&world).await;
    signing::keys(&node.app).await.unwrap();
    let question = browser.get(&format!("{PAGE}/ES256/compromised")).await;
    assert!(question.text("main").contains("nothing that it has signed is believed any more"));

    replace(&mut browser, "compromised").await;

    assert_eq!(kids_of(&world, "ES256").await.len(), 1);
    assert!(!is_believed(&world, &before).await);
    assert_eq!(kids_of(&world, "RS256").await.len(), 1);
}

/// By schedule, and what is published no longer is removed.
#[tokio::test]
async fn old_keys_are_replaced_by_themselves_and_removed() {
    let (world, ..) = admin().await;
    let run = async || jobs::signing_keys::run_once(&world.app).await.unwrap();
    assert_eq!(run().await, 0, "none is made before one is needed");
    assert_eq!(published(&world).await.len(), 4);
    world.clock.advance(TimeDelta::days(90) - TimeDelta::seconds(1));
    assert_eq!(run().await, 0);
    world.clock.advance(TimeDelta::seconds(1));

    assert_eq!(run().await, 4);

    assert_eq!((run().await, published(&world).await.len()), (0, 8));
    world.clock.advance(TimeDelta::hours(27));
    assert_eq!((run().await, published(&world).await.len()), (4, 4));
    let rows = Entity::find().all(world.app.store.read()).await.unwrap();
    let (retired, kept): (Vec<_>, _) = rows.iter().partition(|key| key.private_sealed.is_empty());
    assert_eq!((retired.len(), kept.len()), (4, 4));
    world.clock.advance(TimeDelta::days(14));
    assert_eq!((run().await, published(&world).await.len()), (4, 4));
    assert_eq!(Entity::find().count(world.app.store.read()).await.unwrap(), 4);
}

#[tokio::test]
async fn keys_are_never_replaced_by_themselves_if_the_operator_says_so() {
    let world = World::with(|config| config.oauth.signing_key_rotation_days = 0).await;
    published(&world).await;
    world.clock.advance(TimeDelta::days(1000));

    assert_eq!(jobs::signing_keys::run_once(&world.app).await.unwrap(), 0);
}

#[tokio::test]
async fn only_administrators_replace_keys() {
    let (world, _, mut browser) = admin().await;
    let acme = world.acme().await;
    let question = browser.get(&format!("{PAGE}/ES256/rotate")).await;
    let mut ada = Browser::of(&world, &acme.ada).await;
    for path in [PAGE.to_owned(), format!("{PAGE}/ES256/rotate")] {
        assert_eq!(ada.get(&path).await.status, 404);
        assert_eq!(Browser::new(&world).get(&path).await.status, 303);
    }
    for path in ["ES256/burn", "none/rotate", "HS256/rotate", "es256/rotate"] {
        assert_eq!(browser.get(&format!("{PAGE}/{path}")).await.status, 404, "{path}");
    }
    for form in
        [question.form("#confirm").with("csrf", "x"), question.form("#confirm").without("csrf")]
    {
        assert_eq!(browser.send_form(&question.url, &form).await.status, 403);
    }
    assert_eq!(published(&world).await.len(), 4);
}
