//! Keys that another server has made: only their hash comes here, and they work as they did.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    crypto::{digest, secret::with_checksum},
    keys::import::{self, Import, ImportedKey},
    tokens::scopes::Scope,
};
use serde_json::json;

use crate::support::{Acme, ApiCaller, World};

/// A key as another server would have made it.
fn foreign(seed: char) -> String {
    with_checksum(format!("lk_live_{}", seed.to_string().repeat(30)))
}

fn line(number: u64, raw: &str) -> ImportedKey {
    ImportedKey {
        line: number,
        sha256: digest::sha256(raw.as_bytes()),
        name: "moved".to_owned(),
        prefix: raw[..12].to_owned(),
        last4: raw[raw.len() - 4..].to_owned(),
        scopes: Scope::parse("leads:read").unwrap(),
        ..ImportedKey::default()
    }
}

async fn imported(world: &World, acme: &Acme, keys: Vec<ImportedKey>) -> Import {
    let done = import::import(&world.app, Actor::Operator, acme.workspace.id, keys).await;
    done.unwrap().unwrap()
}

#[tokio::test]
async fn an_imported_key_works_as_it_did() {
    let (world, acme) = World::of_acme().await;
    let (ours, theirs) = (foreign('a'), foreign('b'));
    let owned = ImportedKey {
        owner: Some(acme.ada.username.clone()),
        expires_at: Some(world.app.now() + TimeDelta::days(1)),
        ..line(1, &ours)
    };
    let nobodys = ImportedKey { owner: Some("robots".to_owned()), ..line(2, &theirs) };

    let done = imported(&world, &acme, vec![owned, nobodys]).await;

    assert!(matches!(done, Import::Done(2)), "{done:?}");
    let me = ApiCaller::key(&world, &ours).me().await.expect(200).json();
    assert_eq!(me["principal"]["username"], acme.ada.username);
    assert_eq!(me["scopes"], json!(["leads:read"]));
    let me = ApiCaller::key(&world, &theirs).me().await.expect(200).json();
    assert_eq!(me["principal"]["name"], "robots");
    world.clock.advance(TimeDelta::days(1));
    ApiCaller::key(&world, &ours).me().await.expect(403);
    ApiCaller::key(&world, &theirs).me().await.expect(200);
    assert_eq!(world.audited("api_key.import").await, 2);
}

#[tokio::test]
async fn one_bad_line_is_named_and_nothing_is_imported() {
    let (world, acme) = World::of_acme().await;
    let (known, good) = (foreign('a'), foreign('b'));
    imported(&world, &acme, vec![line(1, &known)]).await;
    let scope = |text: &str| Scope::parse(text).unwrap();
    let keys = vec![
        ImportedKey { owner: Some("new robots".to_owned()), ..line(1, &good) },
        line(2, &good),
        line(3, &known),
        ImportedKey { prefix: "sf_live_aaaa".to_owned(), ..line(4, &foreign('c')) },
        ImportedKey { scopes: scope("leads:steal"), ..line(5, &foreign('d')) },
        ImportedKey { scopes: Scope::default(), ..line(6, &foreign('e')) },
        ImportedKey { name: String::new(), last4: "x".to_owned(), ..line(7, &foreign('f')) },
        ImportedKey { owner: Some("joe@example.com".to_owned()), ..line(8, &foreign('g')) },
        ImportedKey { sha256: vec![1], ..line(9, &foreign('h')) },
    ];

    let Import::Invalid(problems) = imported(&world, &acme, keys).await else {
        panic!("imported");
    };

    let named: BTreeMap<u64, Vec<String>> = problems
        .into_iter()
        .map(|(line, problems)| (line, problems.iter().map(|it| it.field.to_string()).collect()))
        .collect();
    let fields = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let expected = BTreeMap::from([
        (2, fields(&["sha256"])),
        (3, fields(&["sha256"])),
        (4, fields(&["prefix"])),
        (5, fields(&["scopes"])),
        (6, fields(&["scopes"])),
        (7, fields(&["name", "last4"])),
        (8, fields(&["owner"])),
        (9, fields(&["sha256"])),
    ]);
    assert_eq!(named, expected);
    ApiCaller::key(&world, &good).me().await.expect(401);
    assert_eq!(world.audited("api_key.import").await, 1);
    // the account of the first key's line (`imported`) and no other
    assert_eq!(world.audited("service_account.create").await, 1);
}

/// More of them than the plan allows, too: an operator moves a product as it is.
#[tokio::test]
async fn keys_of_any_form_are_accepted_where_the_format_says_so() {
    let toml = r#"
        [moved]
        key_formats = [
            { environment = "live", prefix = "mv_", body = "base62c", imported_bodies = true },
        ]
        scopes = { "leads:read" = "See leads" }
    "#;
    let world = World::with(|config| config.products = toml::from_str(toml).unwrap()).await;
    let new = latchkey::workspaces::NewWorkspace {
        product: "moved".to_owned(),
        plan: "free".to_owned(),
        ..crate::support::workspace_named("moved")
    };
    let workspace = world.workspace_of(new).await;
    let raws = ["mv_from-elsewhere_1", "mv_from-elsewhere_2", "mv_from-elsewhere_3"];
    let keys = raws
        .iter()
        .zip(1..)
        .map(|(raw, number)| ImportedKey { prefix: raw[..7].to_owned(), ..line(number, raw) });

    let done = import::import(&world.app, Actor::Operator, workspace.id, keys.collect()).await;

    assert!(matches!(done.unwrap().unwrap(), Import::Done(3)));
    for raw in raws {
        ApiCaller::key(&world, raw).me().await.expect(200);
    }
    ApiCaller::key(&world, "mv_from-elsewhere_4").me().await.expect(401);
}
