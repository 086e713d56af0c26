//! The account face: one file a page.

mod key_changes;
