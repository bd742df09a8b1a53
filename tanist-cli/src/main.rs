//! tanist-cli
fn main() {}
