//! The built program: its command line, its configuration, its beginning and its end.

mod durability;
