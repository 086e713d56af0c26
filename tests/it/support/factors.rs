//! What people do with second factors, in the words that several tests share.

use latchkey::identity::users::NewUser;
use zeroize::Zeroizing;

use super::{Authenticator, Browser, Page, Person, World, seed_of, totp};

impl World {
    /// A server that browsers reach at `localhost`, where there can be passkeys.
    pub async fn at_localhost() -> Self {
        Self::with(|config| config.issuer = format!("http://localhost:{}", config.listen.port()))
            .await
    }

    /// A user with an authenticator app of this seed.
    pub async fn person_with_totp(&self, username: &str, seed: &[u8]) -> Person {
        self.person_of(NewUser {
            username: username.to_owned(),
            totp_seed: Some(Zeroizing::new(seed.to_vec())),
            ..NewUser::default()
        })
        .await
    }

    /// The code that an app with this seed shows now.
    pub fn code(&self, seed: &[u8]) -> String {
        totp(seed, self.clock.unix())
    }

    /// The code that it shows next, once it does.
    pub fn next_code(&self, seed: &[u8]) -> String {
        self.clock.advance(chrono::TimeDelta::seconds(30));
        self.code(seed)
    }
}

impl Browser {
    /// Sets an authenticator app up; answers its seed and the page that follows.
    pub async fn enrol_totp(&mut self, world: &World) -> (Vec<u8>, Page) {
        let page = self.open("/settings/security/totp").await;
        let seed = seed_on(&page);
        let code = world.code(&seed);
        let answer = self.submit(&page, "#totp-confirm", &[("code", &code)]).await;
        assert!([201, 303].contains(&answer.status), "{} {}", answer.status, answer.text("main"));
        (seed, self.follow(answer).await)
    }

    /// Adds a passkey; answers the page that follows.
    pub async fn add_passkey(&mut self, device: &mut Authenticator, name: &str) -> Page {
        let page = self.open("/settings/security/passkeys/new").await;
        let form = device.fill(&page, "#passkey-add").with("name", name);
        let answer = self.send_form(&page.url, &form).await;
        assert!([201, 303].contains(&answer.status), "{} {}", answer.status, answer.text("main"));
        self.follow(answer).await
    }

    /// Proves with the password, on the page that asks for it.
    pub async fn confirm_on(&mut self, page: &Page, person: &Person) -> Page {
        self.submit(page, "#confirm-submit", &[("password", &person.password)]).await
    }
}

/// The seed that a page of enrolment shows.
#[track_caller]
pub fn seed_on(page: &Page) -> Vec<u8> {
    seed_of(&page.attribute("#totp-secret", "value").replace(' ', ""))
}
