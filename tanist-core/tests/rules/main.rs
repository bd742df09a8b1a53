//! The rules of the election, each shown against a model of a correct store.

mod caught;
mod odd_stores;
mod paved_path;
mod store;
