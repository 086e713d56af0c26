//! The demo's users.

use data_encoding::BASE32_NOPAD;
use entity::member::Role;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Failure,
    document::{Admin, User},
};
use crate::{
    app::App,
    audit::Actor,
    identity::users::{self, NewUser},
    workspaces::Membership,
};

/// Bytes of a second factor's seed (RFC 4226 §4, R6).
const SEED_BYTES: usize = 20;

/// Everybody, as `demo.json` shows them, and the ids that others need.
pub(super) struct People {
    pub(super) admin: Admin,
    pub(super) users: Vec<User>,
    pub(super) ada: Uuid,
    pub(super) joe: Uuid,
}

/// Creates everybody.
pub(super) async fn create(app: &App, acme: Uuid, joe_home: Uuid) -> Result<People, Failure> {
    let (_, admin) =
        add(app, None, NewUser { is_admin: true, ..named(ADMIN, "Demo Admin") }).await?;
    let ada =
        NewUser { profile: Some(profile(app)), ..named("acme/ada@acme.example", "Ada Byron") };
    let ben = named("acme/ben@acme.example", "Ben Carter");
    let joe = named("joe@example.com", "Joe Bloggs");
    let other_ada = named("ada@acme.example", "Ada Nobody");
    let seed = Zeroizing::new(app.random.bytes::<SEED_BYTES>().to_vec());
    let tess =
        NewUser { totp_seed: Some(seed.clone()), ..named("acme/tess@acme.example", "Tess Reed") };

    let (ada, ada_shown) = add(app, Some((acme, Role::Owner)), ada).await?;
    let (_, ben) = add(app, Some((acme, Role::Member)), ben).await?;
    let (joe, joe_shown) = add(app, Some((joe_home, Role::Owner)), joe).await?;
    let (_, other_ada) = add(app, None, other_ada).await?;
    let (_, tess) = add(app, Some((acme, Role::Member)), tess).await?;
    let tess = User { totp_secret: Some(BASE32_NOPAD.encode(&seed)), ..tess };
    Ok(People {
        admin: Admin { username: admin.username, password: admin.password },
        users: vec![ada_shown, ben, joe_shown, other_ada, tess],
        ada,
        joe,
    })
}

const ADMIN: &str = "admin@latchkey.example";

fn named(username: &str, name: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        name: Some(name.to_owned()),
        is_email_verified: true,
        ..NewUser::default()
    }
}

async fn add(
    app: &App,
    place: Option<(Uuid, Role)>,
    new: NewUser,
) -> Result<(Uuid, User), Failure> {
    let memberships =
        place.map(|(workspace_id, role)| Membership { workspace_id, role }).into_iter().collect();
    let made = users::create(app, Actor::Operator, NewUser { memberships, ..new }).await??;
    let role = place.map(|(_, role)| match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
    });
    let password = made.generated.map(|password| password.to_string()).unwrap_or_default();
    let shown = User { username: made.user.username, password, role, totp_secret: None };
    Ok((made.user.id, shown))
}

/// Every standard claim (OpenID Connect Core §5.1) that has no column of its own.
fn profile(app: &App) -> Map<String, Value> {
    let claims = json!({
        "given_name": "Ada",
        "family_name": "Byron",
        "middle_name": "King",
        "nickname": "ada",
        "preferred_username": "ada",
        "profile": "https://acme.example/people/ada",
        "picture": "https://acme.example/people/ada.png",
        "website": "https://ada.acme.example",
        "gender": "female",
        "birthdate": "1985-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": true,
        "address": {
            "formatted": "12 St James's Square\nLondon SW1Y 4JH\nUnited Kingdom",
            "street_address": "12 St James's Square",
            "locality": "London",
            "region": "England",
            "postal_code": "SW1Y 4JH",
            "country": "United Kingdom"
        },
        "updated_at": app.now().timestamp(),
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}
