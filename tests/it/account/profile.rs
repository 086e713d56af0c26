//! `GET`, `POST /settings/profile`: what users say about themselves.

use entity::user;
use latchkey::identity::users::NewUser;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{Browser, Page, Person, World};

const PATH: &str = "/settings/profile";
const ALL: [(&str, &str); 20] = [
    ("name", "Augusta Ada King"),
    ("given_name", "Augusta"),
    ("family_name", "King"),
    ("middle_name", "Ada"),
    ("nickname", "Ada"),
    ("preferred_username", "ada"),
    ("profile", "https://lovelace.example/ada"),
    ("picture", "https://lovelace.example/ada.png"),
    ("website", "https://ada.example"),
    ("gender", "female"),
    ("birthdate", "1815-12-10"),
    ("zoneinfo", "Europe/London"),
    ("locale", "en-GB"),
    ("phone_number", "+44 20 7946 0000"),
    ("formatted", "12 St James's Square\nLondon"),
    ("street_address", "12 St James's Square"),
    ("locality", "London"),
    ("region", "England"),
    ("postal_code", "SW1Y 4JH"),
    ("country", "United Kingdom"),
];

async fn ada() -> (World, Person, Browser) {
    let (world, acme) = World::of_acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme.ada, browser)
}

async fn save(browser: &mut Browser, fields: &[(&str, &str)]) -> Page {
    let page = browser.open(PATH).await;
    browser.submit(&page, "#profile-submit", fields).await
}

async fn stored(world: &World, person: &Person) -> (Option<String>, Value) {
    let user = user::Entity::find_by_id(person.id).one(world.app.store.read()).await.unwrap();
    let user = user.unwrap();
    (user.name, user.profile.unwrap_or_default())
}

#[tokio::test]
async fn a_profile_is_saved_as_the_claims_of_openid_connect() {
    let (world, ada, mut browser) = ada().await;

    let answer = save(&mut browser, &ALL).await;

    assert_eq!(
        (answer.status, answer.location()),
        (303, Some("/settings/profile?notice=profile-saved"))
    );
    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "Your profile is saved.");
    let form = page.form("#profile-submit");
    for (field, value) in ALL {
        assert_eq!(form.get(field), Some(value), "{field}");
    }
    let (name, claims) = stored(&world, &ada).await;
    assert_eq!(name.as_deref(), Some("Augusta Ada King"));
    let expected = json!({
        "given_name": "Augusta",
        "family_name": "King",
        "middle_name": "Ada",
        "nickname": "Ada",
        "preferred_username": "ada",
        "profile": "https://lovelace.example/ada",
        "picture": "https://lovelace.example/ada.png",
        "website": "https://ada.example",
        "gender": "female",
        "birthdate": "1815-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": false,
        "address": {
            "formatted": "12 St James's Square\nLondon",
            "street_address": "12 St James's Square",
            "locality": "London",
            "region": "England",
            "postal_code": "SW1Y 4JH",
            "country": "United Kingdom",
        },
        "updated_at": world.clock.unix(),
    });
    assert_eq!(claims, expected);
    assert_eq!(world.audited("user.change_profile").await, 1);
}

#[tokio::test]
async fn all_of_it_may_be_left_out() {
    let (world, ada, mut browser) = ada().await;
    save(&mut browser, &ALL).await;

    let answer = save(&mut browser, &ALL.map(|(field, _)| (field, "  "))).await;

    assert_eq!(answer.status, 303);
    let (name, claims) = stored(&world, &ada).await;
    assert_eq!((name, claims), (None, json!({ "updated_at": world.clock.unix() })));
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_changed() {
    let (world, ada, mut browser) = ada().await;
    let before = stored(&world, &ada).await;
    let wrong = [
        ("name", "a\u{7}b", "The name must not have control characters or invisible ones."),
        ("nickname", &*"x".repeat(121), "The nickname must be at most 120 characters long."),
        (
            "website",
            "javascript:alert(1)",
            "The address of the website must be an address that begins with https://.",
        ),
        (
            "picture",
            "http://x.example",
            "The address of the picture must be an address that begins with https://.",
        ),
        (
            "birthdate",
            "10.12.1815",
            "The birthday must be a day in the past, such as 1985-12-10, or a year.",
        ),
        ("zoneinfo", "London", "The time zone must be a name such as Europe/London."),
        ("locale", "English", "The language must be a language tag such as en or en-GB."),
        (
            "phone_number",
            "020 7946",
            "The phone number must begin with + and the code of a country, such as +44 20 7946 0000.",
        ),
        ("formatted", &*"x".repeat(501), "The address must be at most 500 characters long."),
    ];
    let fields: Vec<_> = wrong.iter().map(|(field, value, _)| (*field, *value)).collect();

    let page = save(&mut browser, &fields).await;

    assert_eq!(page.status, 422);
    let form = page.form("#profile-submit");
    for (field, value, text) in wrong {
        assert_eq!(page.text(&format!("#{field}-problem")), text);
        assert_eq!(form.get(field), Some(value), "{field}");
        assert!(page.has(&format!("#{field}[aria-invalid=true]")), "{field}");
    }
    assert_eq!(stored(&world, &ada).await, before);
    assert_eq!(world.audited("user.change_profile").await, 0);
}

#[tokio::test]
async fn markup_is_text() {
    let (_world, _, mut browser) = ada().await;
    let evil = "\"><script>alert(1)</script>";

    save(&mut browser, &[("name", evil), ("formatted", "</textarea><script>")]).await;

    let page = browser.open(PATH).await;
    assert!(!page.body.contains("<script>"), "{}", page.body);
    assert_eq!(page.form("#profile-submit").get("name"), Some(evil));
}

#[tokio::test]
async fn what_an_administrator_made_sure_of_stays_until_it_is_changed() {
    let world = World::new().await;
    let claims = json!({
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": true,
        "department": "Analytical Engines",
    });
    let Value::Object(profile) = claims else { unreachable!() };
    let joe = world
        .person_of(NewUser {
            username: "joe@example.com".to_owned(),
            profile: Some(profile),
            ..NewUser::default()
        })
        .await;
    let mut browser = Browser::of(&world, &joe).await;

    save(&mut browser, &[("nickname", "Joe")]).await;
    let (_, claims) = stored(&world, &joe).await;
    assert_eq!(claims["phone_number_verified"], true);
    assert_eq!(claims["department"], "Analytical Engines");
    save(&mut browser, &[("phone_number", "+44 20 7946 0001")]).await;

    let (_, claims) = stored(&world, &joe).await;
    assert_eq!(claims["phone_number_verified"], false);
    assert_eq!(claims["department"], "Analytical Engines");
}

#[tokio::test]
async fn fields_help_phones_and_password_managers() {
    let (_world, _, mut browser) = ada().await;

    let page = browser.open(PATH).await;

    for css in [
        "#given_name[autocomplete=given-name]",
        "#birthdate[autocomplete=bday]",
        "#phone_number[type=tel][inputmode=tel][autocomplete=tel]",
        "#street_address[autocomplete=street-address]",
        "#website[type=url][inputmode=url]",
        "#email[type=email][autocomplete=email][inputmode=email]",
        "#current_password[type=password][autocomplete=current-password]",
    ] {
        assert!(page.has(css), "{css}");
    }
    assert_eq!(page.texts("h1"), ["Profile"]);
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused() {
    let (world, ada, mut browser) = ada().await;
    let before = stored(&world, &ada).await;
    let page = browser.open(PATH).await;
    let form = page.form("#profile-submit").with("name", "Eve");

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("GET, HEAD, POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;

    assert_eq!(stored(&world, &ada).await, before);
}
