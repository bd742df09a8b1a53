//! tanist-sim
fn main() {}
