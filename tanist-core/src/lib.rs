//! tanist-core
