//! What the audit trail's events are in words that a person understands.

/// Actions that people look for, with their words; by noun.
pub const ACTIONS: &[(&str, &str)] = &[
    ("access_token.revoke", "An app gave back an access token"),
    ("api_key.create", "Created an API key"),
    ("api_key.delete", "Deleted an API key"),
    ("api_key.disable", "Switched an API key off"),
    ("api_key.enable", "Switched an API key on"),
    ("api_key.expose", "An API key was shown in an address, where logs see it"),
    ("api_key.import", "Imported an API key"),
    ("api_key.rename", "Renamed an API key"),
    ("api_key.revoke", "Revoked an API key"),
    ("api_key.rotate", "Gave an API key a new secret"),
    ("api_key.warn", "Told an owner that an API key expires"),
    ("app.approve", "Approved an app"),
    ("app.deny", "Denied an app"),
    ("app.refuse", "Did not allow an app"),
    ("app.request", "Asked for an app to be approved"),
    ("app.revoke", "Disconnected an app for everybody"),
    ("app.undecide", "Took back a decision about an app"),
    ("app_policy.set", "Changed what members may connect"),
    ("audit.export", "Exported the audit trail"),
    ("authorization_code.refuse", "An authorization code came with what it was not made for"),
    ("authorization_code.replay", "An authorization code was used twice"),
    ("client.authentication_failed", "Somebody failed to prove to be a client"),
    ("client.bind", "Bound a client to a workspace or an enterprise"),
    ("client.block", "Blocked an app"),
    ("client.collect", "Deleted a client that nobody used"),
    ("client.delete", "Deleted a client"),
    ("client.disable", "Disabled a client"),
    ("client.enable", "Enabled a client"),
    ("client.register", "Registered a client"),
    ("client.rotate_secret", "Gave a client a new secret"),
    ("client.unbind", "Unbound a client"),
    ("client.unblock", "Unblocked an app"),
    ("client.unverify", "Took back that a publisher is verified"),
    ("client.update", "Changed a client"),
    ("client.verify", "Verified a publisher"),
    ("client_assertion.replay", "A client’s assertion was used twice"),
    ("comms.allow", "Allowed the Comms API"),
    ("comms.deny", "Took the Comms API away"),
    ("credential.leaked", "A credential was reported as leaked"),
    ("database.backup", "Saved the database in a file"),
    ("database.restore", "Put a backup of the database in place"),
    ("dataset.create", "Created a data set"),
    ("dataset.delete", "Deleted a data set"),
    ("device.allow", "Allowed a device"),
    ("device.deny", "Denied a device"),
    ("device.guess", "Gave a wrong code of a device"),
    ("dpop_proof.replay", "A proof of a key was used twice"),
    ("email.change", "Changed an address"),
    ("email.request_change", "Asked for another address"),
    ("email.request_verification", "Asked for an address to be confirmed"),
    ("email.restore", "Took an address back"),
    ("email.send", "Sent an email"),
    ("email.verify", "Confirmed an address"),
    ("enterprise.create", "Created an enterprise"),
    ("enterprise.rename", "Renamed an enterprise"),
    ("grant.create", "Connected an app"),
    ("grant.extend", "Allowed a connected app more"),
    ("grant.narrow", "Allowed a connected app less"),
    ("grant.revoke", "Disconnected an app"),
    ("guest.check_in", "Checked in a guest"),
    ("invitation.accept", "Accepted an invitation"),
    ("invitation.create", "Invited somebody"),
    ("invitation.decline", "Declined an invitation"),
    ("invitation.resend", "Sent an invitation again"),
    ("invitation.withdraw", "Withdrew an invitation"),
    ("lead.create", "Created a lead"),
    ("logout.undelivered", "An app could not be told that somebody signed out"),
    ("member.add", "Added a member"),
    ("member.leave", "Left the workspace"),
    ("member.remove", "Removed a member"),
    ("member.set_role", "Changed a member’s role"),
    ("message.send", "Sent a message"),
    ("network.throttle", "A network failed too often, and has to wait"),
    ("outbox.discard", "Discarded a letter"),
    ("outbox.retry", "Sent a letter again"),
    ("passkey.add", "Added a passkey"),
    ("passkey.counts_back", "Showed a passkey that may have been copied"),
    ("passkey.fail", "Failed with a passkey"),
    ("passkey.remove", "Removed a passkey"),
    ("passkey.rename", "Renamed a passkey"),
    ("passkey.use", "Showed a passkey"),
    ("password.change", "Changed a password"),
    ("password.request_reset", "A link for a new password was asked for"),
    ("recovery_code.use", "Used a recovery code"),
    ("recovery_codes.renew", "Made new recovery codes"),
    ("refresh_token.reuse", "A refresh token was used twice"),
    ("refresh_token.revoke", "An app gave back its tokens"),
    ("registration_token.create", "Made a token for registrations"),
    ("registration_token.revoke", "Revoked a token for registrations"),
    ("scan.ingest", "Received a scan"),
    ("second_factor.reset", "Took somebody’s second factors away"),
    ("secrets.finish", "Sealed what is stored under the server’s new keys"),
    ("secrets.prepare", "Made the keys that the server uses next"),
    ("secrets.replace", "Replaced the server’s keys"),
    ("service_account.create", "Made a service account"),
    ("session.begin", "Signed in to a browser"),
    ("session.confirm", "Proved who they are again"),
    ("session.end", "Signed out"),
    ("session.end_others", "Signed out of every other browser"),
    ("sign_up.fail", "Gave a wrong password for a new account"),
    ("sign_up.request", "Asked for an account"),
    ("signing_key.create", "Made a signing key"),
    ("signing_key.end", "Destroyed signing keys that have ended"),
    ("signing_key.rotate", "Replaced a signing key"),
    ("subscriber.create", "Created a subscriber"),
    ("subscriber.delete", "Deleted a subscriber"),
    ("subscriber.update", "Changed a subscriber"),
    ("subscription.open", "Enabled an account for API access"),
    ("subscription.resume", "Resumed a subscription key"),
    ("subscription.rotate", "Replaced a subscription key"),
    ("subscription.suspend", "Suspended a subscription key"),
    ("token.exchange", "An app got a token for another one’s"),
    ("totp.enrol", "Set up an authenticator app"),
    ("totp.remove", "Turned an authenticator app off"),
    ("user.change_profile", "Changed a profile"),
    ("user.create", "Created a user"),
    ("user.demote", "Took the server’s administration away"),
    ("user.disable", "Locked a user"),
    ("user.enable", "Unlocked a user"),
    ("user.promote", "Made somebody an administrator"),
    ("user.second_factor", "Gave a second factor"),
    ("user.second_factor_due", "Gave the right password, and has a second factor to give"),
    ("user.second_factor_failed", "Gave a wrong second factor"),
    ("user.sign_in", "Signed in to an app by password"),
    ("user.sign_in_failed", "Gave a wrong password"),
    ("user.sign_in_withheld", "Gave the right password to an app that may not act for them"),
    ("user.sign_out", "Signed somebody out everywhere"),
    ("user.sign_up", "Signed up"),
    ("user.throttle", "Failed too often, and has to wait"),
    ("user.unverify", "Took back that an account is verified"),
    ("user.verify", "Verified an account"),
    ("workspace.create", "Created a workspace"),
    ("workspace.disable", "Disabled a workspace"),
    ("workspace.enable", "Enabled a workspace"),
    ("workspace.set_plan", "Changed a workspace’s plan"),
];

/// The words of an action. One that has none is told by its own name: `passkey.add` is `Passkey: add`.
#[must_use]
pub fn words(action: &str) -> String {
    if let Some((_, words)) = ACTIONS.iter().find(|(name, _)| *name == action) {
        return (*words).to_owned();
    }
    let spaced = action.replacen('.', ": ", 1).replace('_', " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A kind of actor that has no name of its own, in words.
#[must_use]
pub fn actor_words(kind: &str) -> &'static str {
    match kind {
        "operator" => "The operator, by command",
        "system" => "The server",
        "client" => "A client",
        "api_key" => "An API key",
        _ => "Somebody",
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    /// Those that are written where their event is made, and those that are handed there.
    #[test]
    fn every_action_has_words() {
        let known = |name: &str| ACTIONS.iter().any(|(action, _)| *action == name);
        let nouns = ACTIONS.iter().filter_map(|(name, _)| Some(name.split_once('.')?.0));
        let nouns: HashSet<_> = nouns.collect();
        let mut events = 0;
        for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
            let text = fs::read_to_string(&file).unwrap();
            for made in text.split("Event::new(").skip(1) {
                let Some(rest) = made.trim_start().strip_prefix('"') else { continue };
                let action = rest.split('"').next().unwrap();
                assert!(known(action), "{}: {action} has no words", file.display());
                events += 1;
            }
            // what is handed to it is a literal of the same form
            for literal in
                text.split('"').skip(1).step_by(2).filter(|_| text.contains("Event::new"))
            {
                let Some((noun, verb)) = literal.split_once('.') else { continue };
                let is_verb =
                    !verb.is_empty() && verb.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
                if nouns.contains(noun) && is_verb {
                    assert!(known(literal), "{}: {literal} has no words", file.display());
                }
            }
        }
        assert!(events > 50, "{events} events were found");
        assert_eq!(words("passkey.add_first"), "Passkey: add first");
        assert_eq!(words(""), "");
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .filter(|path| !path.ends_with("web/audit_words.rs"))
            .collect()
    }

    #[test]
    fn actions_are_sorted_and_there_once() {
        assert!(ACTIONS.is_sorted_by(|(one, _), (other, _)| one < other));
    }
}
