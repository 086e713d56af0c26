//! Letters about apps that a workspace has to approve.

use super::{Action, Words, one_line};

/// To whoever runs the workspace. `page` is where they decide.
pub(super) fn approval(
    (client_name, workspace_name, username): (&str, &str, &str),
    message: Option<&str>,
    page: String,
) -> Words {
    let (client, workspace) = (one_line(client_name), one_line(workspace_name));
    let mut paragraphs = vec![format!(
        "{} asks you to approve the app “{client}” for the workspace “{workspace}”.",
        one_line(username)
    )];
    if let Some(message) = message {
        paragraphs.push(format!("They say: “{}”", one_line(message)));
    }
    paragraphs.push(
        "Until somebody who runs the workspace decides, the app is not connected. An app chooses \
         its name itself: look at who publishes it and what it asks for."
            .to_owned(),
    );
    Words {
        subject: "An app waits for your approval".into(),
        paragraphs,
        action: Some(Action { words: "Look at the app and decide", href: page }),
        closing: "You get this letter because you are an owner or admin of the workspace.",
    }
}

/// To whoever has asked.
pub(super) fn decided(client_name: &str, workspace_name: &str, is_approved: bool) -> Words {
    let (client, workspace) = (one_line(client_name), one_line(workspace_name));
    let (subject, paragraph, closing) = if is_approved {
        (
            "The app that you asked for is approved",
            format!(
                "The app “{client}” is approved for the workspace “{workspace}”. Go back to the \
                 app and connect it: you will be asked what it may do."
            ),
            "If you no longer need it, there is nothing to do.",
        )
    } else {
        (
            "The app that you asked for is not approved",
            format!("The app “{client}” may not be connected to the workspace “{workspace}”."),
            "If you think that this is a mistake, talk to an owner or admin of the workspace.",
        )
    };
    Words { subject: subject.into(), paragraphs: vec![paragraph], action: None, closing }
}
