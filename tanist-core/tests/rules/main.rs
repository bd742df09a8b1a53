//! The rules of the election, each shown against a model of a correct store, and those of the life of
//! one child.

mod caught;
mod fencing;
mod odd_stores;
mod paved_path;
mod store;
mod vouched;
mod workload;
