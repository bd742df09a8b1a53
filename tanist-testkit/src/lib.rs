//! tanist
