# `just` lists the recipes; each is one command that also works without just.

_default:
    @just --list

# What continuous integration runs: everything, on SQLite and on PostgreSQL.
check:
    ./tests/run

# The tests alone, on SQLite: `just test token_refresh` runs those with that in their name.
test *ARGS:
    ./tests/run --quick --sqlite-only -- {{ ARGS }}

# The tests alone, on both databases.
test-both *ARGS:
    ./tests/run --quick -- {{ ARGS }}

# Writes the reviewed OpenAPI document anew; look at the difference.
openapi:
    RENEW_SNAPSHOT=1 ./tests/run --quick --sqlite-only -- openapi
    git diff --stat -- tests/it/api/openapi.json

# What the API answers to what its document allows and forbids.
schemathesis *ARGS:
    ./tests/schemathesis -- {{ ARGS }}

# Formatting and lints.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --test drills -- -D warnings

# A server with demo data on http://127.0.0.1:8080.
demo:
    cargo run -- serve --demo
