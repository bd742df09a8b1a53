//! The protocol of `sd_notify`, both ways: to our own service manager, and from our child.

mod budget;
mod child;
mod listener;
mod manager;
mod sender;
mod words;

pub(crate) use child::{ChildSocket, ChildWord};
pub(crate) use manager::ServiceManager;
