# What a developer types. `check` never writes; `fix` does. The logic is in `cargo xtask`.

_list:
    @just --list

# Everything a change has to pass, without the long tests.
check:
    cargo xtask fmt --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps -p tanist-cli
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --workspace --exclude tanist-cli
    cargo xtask tidy

# Format, and take what the lints offer.
fix:
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
    cargo xtask fmt

# All tests and the simulator.
test *FLAGS:
    cargo xtask test {{FLAGS}}

# The simulator alone.
sim *FLAGS:
    cargo run --release -p tanist-sim -- {{FLAGS}}

# How long nobody is active, beside flock(1).
bench:
    cargo xtask bench handover
    cargo xtask bench footprint

# Licences, bans, sources, advisories.
deny:
    cargo deny --locked check
