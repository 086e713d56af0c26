//! The rules of the top level, and the order in which all rules are asked.

use std::net::SocketAddr;

use url::{Host, Url};

use super::{Config, ConfigError};

impl Config {
    /// Fills in the issuer and asks every rule.
    ///
    /// # Errors
    /// When a value breaks a rule; the error names its key.
    pub fn checked(mut self) -> Result<Self, ConfigError> {
        if self.issuer.is_empty() {
            self.issuer = self.own_url()?;
        }
        check_issuer(&self.issuer)?;
        check_url("database_url", self.database_url.as_deref(), &["postgres", "postgresql"])?;
        check_redis_url(self.redis_url.as_deref())?;
        self.oauth.check()?;
        self.api.check()?;
        self.mail.check()?;
        self.http.check()?;
        self.leaks.check()?;
        self.brand.check()?;
        self.products.check()?;
        Ok(self)
    }

    /// The issuer of a server that is only reached where it listens.
    ///
    /// # Errors
    /// When others can reach it too: nobody knows by which name.
    pub fn own_url(&self) -> Result<String, ConfigError> {
        let scheme = if self.http.is_secure() { "https" } else { "http" };
        own_url(scheme, self.listen)
    }
}

fn own_url(scheme: &str, listen: SocketAddr) -> Result<String, ConfigError> {
    if !listen.ip().is_loopback() {
        return Err(ConfigError::invalid(
            "issuer",
            "must be set to the public https:// URL, because listen is not a loopback address",
        ));
    }
    let url = Url::parse(&format!("{scheme}://{listen}"))
        .map_err(|_| ConfigError::invalid("listen", "does not make a URL"))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// RFC 8414 §2: an `https` URL without query or fragment; `http` only on this machine.
fn check_issuer(issuer: &str) -> Result<(), ConfigError> {
    let invalid = |message: &str| Err(ConfigError::invalid("issuer", message));
    let Ok(url) = Url::parse(issuer) else {
        return invalid("is not an absolute URL");
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => return invalid("must be https, or http on a loopback host"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return invalid("must not have a query or a fragment (RFC 8414 §2)");
    }
    if issuer.ends_with('/') {
        return invalid("must not end with a slash");
    }
    // clients compare issuers byte by byte (RFC 8414 §3.3)
    let canonical = url.as_str().trim_end_matches('/');
    if canonical != issuer {
        return invalid(&format!("must be written {canonical}"));
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The value is never quoted: it may hold a password.
fn check_url(key: &str, value: Option<&str>, schemes: &[&str]) -> Result<(), ConfigError> {
    let Some(value) = value else { return Ok(()) };
    let is_scheme = |scheme: &str| schemes.contains(&scheme);
    if !value.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        let hint = if key == "database_url" {
            "; leave it out to use the embedded SQLite database in data_dir"
        } else {
            ""
        };
        let message = format!("must begin with {}://{hint}", schemes.join(":// or "));
        return Err(ConfigError::invalid(key, message));
    }
    if !Url::parse(value).is_ok_and(|url| is_scheme(url.scheme())) {
        return Err(ConfigError::invalid(
            key,
            "is not a URL; percent-encode special characters in its user name and password",
        ));
    }
    Ok(())
}

/// More than [`check_url`]: what would only be noticed when it is too late to say so.
fn check_redis_url(value: Option<&str>) -> Result<(), ConfigError> {
    check_url("redis_url", value, &["redis", "rediss"])?;
    let is_sound = |url: Url| {
        let database = url.path().strip_prefix('/').unwrap_or_default();
        url.host_str().is_some_and(|host| !host.is_empty())
            && (database.is_empty() || database.parse::<u32>().is_ok())
            && url.query().is_none()
            // the driver knows `#insecure`
            && url.fragment().is_none()
    };
    if value.is_some_and(|value| !Url::parse(value).is_ok_and(is_sound)) {
        return Err(ConfigError::invalid(
            "redis_url",
            "must be redis://[[user]:password@]host[:port][/number] or rediss://…, \
             special characters in the password percent-encoded",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_issuer(issuer: &str) -> Result<Config, ConfigError> {
        Config { issuer: issuer.to_owned(), ..Config::default() }.checked()
    }

    #[test]
    fn an_issuer_is_https_or_on_this_machine() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443/auth",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(with_issuer(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "https://id.example.com/",
            "https://id.example.com/auth/",
            "https://id.example.com?x",
            "https://id.example.com/a?",
            "https://id.example.com#x",
            "https://u:secret@id.example.com",
            "https://@id.example.com",
            "https://ID.example.com",
            "https://id.example.com:443",
            "https://id.example.com/a/../b",
            "ftp://id.example.com",
            "id.example.com",
            "https://",
        ] {
            let refused = with_issuer(bad).unwrap_err().to_string();
            assert!(refused.starts_with("issuer: "), "{bad}: {refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn without_an_issuer_it_is_where_the_server_listens() {
        let issuer = |listen: &str| {
            Config { listen: listen.parse().unwrap(), ..Config::default() }.checked()
        };

        assert_eq!(issuer("127.0.0.1:8080").unwrap().issuer, "http://127.0.0.1:8080");
        assert_eq!(issuer("127.0.0.1:80").unwrap().issuer, "http://127.0.0.1");
        assert_eq!(issuer("[::1]:9000").unwrap().issuer, "http://[::1]:9000");
        assert!(issuer("0.0.0.0:8080").unwrap_err().to_string().starts_with("issuer: "));
    }

    #[test]
    fn with_a_certificate_that_is_https() {
        let http = crate::config::HttpConfig {
            tls_cert_file: Some("a.pem".into()),
            tls_key_file: Some("a.key".into()),
            ..Default::default()
        };
        let config = Config { http, ..Config::default() }.checked().unwrap();
        assert_eq!(config.issuer, "https://127.0.0.1:8080");
    }

    #[test]
    fn a_certificate_and_its_key_come_together() {
        for (certificate, key, missing) in [
            (
                Some("a.pem".into()),
                None,
                "http.tls_key_file: must be set, because http.tls_cert_file is",
            ),
            (
                None,
                Some("a.key".into()),
                "http.tls_cert_file: must be set, because http.tls_key_file is",
            ),
        ] {
            let mut config = Config::default();
            (config.http.tls_cert_file, config.http.tls_key_file) = (certificate, key);
            assert_eq!(config.checked().unwrap_err().to_string(), missing);
        }
    }

    #[test]
    fn urls_with_passwords_are_checked_and_never_quoted() {
        for (bad, word) in [
            ("sqlite:///var/x?k=hunter2", "data_dir"),
            ("mysql://u:hunter2@h/d", "postgres://"),
            ("hunter2", "postgres://"),
            ("", "postgres://"),
            ("postgres://u:hunter2/#@h:port/d", "percent-encode"),
        ] {
            let config = Config { database_url: Some(bad.to_owned()), ..Config::default() };
            let refused = config.checked().unwrap_err().to_string();
            assert!(refused.starts_with("database_url: "), "{refused}");
            assert!(refused.contains(word), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        for good in ["postgres://u:p@h/d", "postgresql:///d?host=/run/postgresql"] {
            let config = Config { database_url: Some(good.to_owned()), ..Config::default() };
            assert!(config.checked().is_ok(), "{good}");
        }
        let config = Config { redis_url: Some("http://u:hunter2@h".into()), ..Config::default() };
        assert_eq!(
            config.checked().unwrap_err().to_string(),
            "redis_url: must begin with redis:// or rediss://"
        );
    }

    #[test]
    fn the_address_of_redis_is_checked_and_never_quoted() {
        let checked =
            |url: &str| Config { redis_url: Some(url.to_owned()), ..Config::default() }.checked();

        for bad in [
            "",
            "redis:",
            "redis://",
            "redis:///1",
            "redis://:hunter2@",
            "redis://:hunter2@h/one",
            "redis://:hunter2@h/-1",
            "redis://:hunter2@h/1/2",
            "redis://:hunter2@h:port",
            "redis://:hun#ter2@h",
            "redis://:hun/ter2@h",
            "redis://h?db=hunter2",
            "rediss://:hunter2@h#insecure",
            "unix:///run/hunter2",
        ] {
            let refused = checked(bad).unwrap_err().to_string();
            assert!(refused.starts_with("redis_url: "), "{bad}: {refused}");
            assert!(!refused.contains("hunter2"), "{bad}: {refused}");
        }
        for good in [
            "redis://localhost",
            "redis://localhost/",
            "redis://127.0.0.1:6380/15",
            "redis://[::1]:6379",
            "redis://:p%23ss@h",
            "rediss://user:password@h:6380/0",
        ] {
            assert!(checked(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let mut config = Config {
            database_url: Some("postgres://u:hunter2@h/d".into()),
            redis_url: Some("redis://:hunter2@h".into()),
            ..Config::default()
        };
        config.mail.smtp_url = Some("smtps://u:hunter2@h".into());

        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
