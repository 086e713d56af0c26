//! The scopes of the routes this server has itself, each in words for the consent page.

/// Every scope of the default product, unless the operator writes a catalogue of their own.
pub(super) const SCOPES: [(&str, &str); 28] = [
    (
        "api-keys:manage",
        "Create, change, rotate and delete API keys",
    ),
    (
        "api-keys:read",
        "See which API keys exist, but not the keys themselves",
    ),
    ("campaigns:read", "See your campaigns"),
    (
        "campaigns:write",
        "Create, change, send and cancel campaigns",
    ),
    ("checkin:write", "Check guests in"),
    (
        "comms:read",
        "See the messages that were sent and their state",
    ),
    ("comms:send", "Send messages to guests in your name"),
    ("datasets:read", "See your datasets"),
    ("datasets:write", "Create and delete datasets"),
    ("emails:send", "Send emails in your name"),
    ("endpoints:read", "See the endpoints of your services"),
    ("endpoints:write", "Record the endpoints of your services"),
    ("leads:read", "See your leads"),
    ("leads:write", "Create leads"),
    ("scans:create", "Submit scans of your API descriptions"),
    ("services:create", "Add services"),
    (
        "services:read",
        "See your services and the results of their scans",
    ),
    ("services:update", "Change your services"),
    ("subscribers:delete", "Delete subscribers"),
    ("subscribers:read", "See your subscribers"),
    (
        "subscribers:write",
        "Add subscribers and change their details",
    ),
    ("tags:read", "See your tags"),
    ("tags:write", "Create, change and delete tags"),
    ("templates:read", "See your email templates"),
    (
        "templates:write",
        "Create, change and delete email templates",
    ),
    ("triggers:read", "See your email triggers"),
    ("triggers:write", "Create, change and delete email triggers"),
    (
        "webhooks:manage",
        "Create, change, delete and test webhooks",
    ),
];
