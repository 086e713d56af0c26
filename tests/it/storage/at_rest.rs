//! What a copy of the database gives away.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::signing_key::{self, Algorithm};
use latchkey::crypto::{digest, signing::KeyPair};
use sea_orm::EntityTrait;
use zeroize::Zeroizing;

use crate::support::{ApiCaller, Browser, Pkce, Tokens, World, stored};

async fn everything(world: &World) -> Vec<u8> {
    stored(&world.app.store, world.data_dir()).await
}

fn contains(all: &[u8], bytes: &[u8]) -> bool {
    all.windows(bytes.len()).any(|window| window == bytes)
}

/// FE-7: of a key there is its SHA-256 and nothing from which it could be had again, after it was
/// made, used, shown, refused and renamed.
#[tokio::test]
async fn of_a_key_only_its_sha_256_is_stored() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let new = browser.get("/workspaces/acme/settings/keys/new").await;
    let mut form = new.form("#create-key-submit").with("name", "Export");
    form.tick("scope", "leads:read");
    let page = browser.send_form(&new.url, &form).await;
    let (_, rest) = page.body.split_once("name=\"raw-key\" value=\"").unwrap();
    let key = rest.split('"').next().unwrap();
    let caller = ApiCaller::bearer(&world, key);
    caller.me().await.expect(200);
    caller.get("/v1/datasets").await.expect(403);
    ApiCaller::anonymous(&world).get(&format!("/api/v1/me?api-key={key}")).await.expect(401);

    let all = everything(&world).await;

    let digest = digest::sha256(key.as_bytes());
    let is_stored =
        |bytes: &[u8]| contains(&all, bytes) || contains(&all, digest::hex(bytes).as_bytes());
    assert!(is_stored(&digest), "the SHA-256 is not where this test looks");
    let body = key.strip_prefix("lk_live_").unwrap();
    for part in [key, body, &body[..16], &body[4..20], &body[body.len() - 16..]] {
        assert!(!is_stored(part.as_bytes()), "{part}");
    }
}

/// Neither the seed of an authenticator app nor a recovery code can be had from it, whether they were
/// confirmed, used, mailed about or none of it.
#[tokio::test]
async fn of_second_factors_nothing_is_stored_that_shows_one() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    let (seed, page) = browser.enrol_totp(&world).await;
    let codes = page.texts(".codes li");
    let mut another = Browser::new(&world);
    let page = another.sign_in(&acme.ada).await;
    let code = [("recovery_code", codes[0].as_str())];
    let answer = another.submit(&page, "#recovery-code-submit", &code).await;
    assert_eq!(answer.status, 303);
    world.take_mail().await;

    let all = everything(&world).await;

    let is_stored = |bytes: &[u8]| {
        let digest = digest::sha256(bytes);
        [bytes, &digest]
            .iter()
            .any(|it| contains(&all, it) || contains(&all, digest::hex(it).as_bytes()))
    };
    assert!(is_stored(b"recovery_code.use"), "this test looks in the wrong place");
    assert!(!is_stored(&seed));
    for code in &codes {
        assert!(!is_stored(code.as_bytes()) && !is_stored(code.replace('-', "").as_bytes()));
    }
}

/// Whatever proves something by itself is stored as its SHA-256 or not at all, and passwords as argon2id;
/// so are those that wait to be used.
#[tokio::test]
async fn of_passwords_tokens_codes_and_cookies_only_digests_are_stored() {
    let (world, acme) = World::of_acme().await;
    let client = world.web().await;
    let narrow = client.authorization().with("scope", "leads:read");
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.open(&narrow.path()).await;
    let used = browser.submit(&page, "#consent-allow", &[]).await.callback();
    let first = Tokens::of(&client.exchange(used.code(), &Pkce::default()).await);
    let second = Tokens::of(&client.refresh(&first.refresh).await);
    ApiCaller::bearer(&world, &second.access).me().await.expect(200);
    let unused = browser.get(&narrow.path()).await.callback();
    let asked = browser.open(&client.authorization().path()).await.form("#consent-allow");
    let pushed = client.push(&client.authorization()).await.expect(201).json();
    let pushed = pushed["request_uri"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();

    let all = everything(&world).await;

    let has = |bytes: &[u8]| contains(&all, bytes) || contains(&all, digest::hex(bytes).as_bytes());
    let living = [
        browser.cookies()["latchkey"].as_str(),
        client.secret.as_deref().unwrap(),
        unused.code(),
        asked.get("request").unwrap(),
        &pushed,
        &second.access,
        &second.refresh,
    ];
    for secret in living {
        assert!(has(&digest::sha256(secret.as_bytes())), "the digest of {secret} is not there");
    }
    for secret in living.into_iter().chain([used.code(), &first.access, &first.refresh]) {
        let (_, body) = secret.split_at("lk_xx_".len());
        for part in [secret, body, &body[..16], &body[body.len() - 16..]] {
            assert!(!has(part.as_bytes()), "{part}");
        }
    }
    assert!(has(b"$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!has(acme.ada.password.as_bytes()));
}

/// The private halves of the signing keys are sealed, of every algorithm: what is stored of them is no
/// key, and what a key would be made from is stored nowhere.
#[tokio::test]
async fn of_signing_keys_only_what_is_sealed_is_stored() {
    let world = World::new().await;
    let published = world.jwks().await;
    let rows = signing_key::Entity::find().all(world.app.store.read()).await.unwrap();
    assert_eq!(rows.len(), published["keys"].as_array().unwrap().len());
    let all = everything(&world).await;
    let has = |bytes: &[u8]| {
        contains(&all, bytes)
            || contains(&all, digest::hex(bytes).as_bytes())
            || contains(&all, URL_SAFE_NO_PAD.encode(bytes).as_bytes())
    };

    for algorithm in Algorithm::ALL {
        let row = rows.iter().find(|row| row.algorithm == algorithm).unwrap();
        let (kid, sealed) = (&row.kid, &row.private_sealed);
        assert!(has(&sealed[..32]), "{algorithm:?}: this test looks in the wrong place");
        for other in Algorithm::ALL {
            let read = KeyPair::from_pkcs8(other, Zeroizing::new(sealed.clone()));
            assert!(read.is_err(), "{algorithm:?} is stored as it is");
        }
        let pkcs8 = world.app.secrets.sealer.open(&format!("signing_key:{kid}"), sealed).unwrap();
        KeyPair::from_pkcs8(algorithm, Zeroizing::new(pkcs8.clone())).unwrap();
        assert!(!has(&pkcs8), "{algorithm:?}");
        // where PKCS #8 has what nobody may know: the last of an RSA key's numbers, or the number itself
        let secret = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => &pkcs8[pkcs8.len() - 32..],
            Algorithm::Es256 => &pkcs8[36..68],
            Algorithm::EdDsa => &pkcs8[16..48],
        };
        assert!(!has(secret), "{algorithm:?}");
    }
}
