//! The protocol of `sd_notify`, both ways: to our own service manager, and from our child.

mod child;
mod manager;
mod sender;

pub(crate) use child::{ChildSocket, ChildWord};
pub(crate) use manager::ServiceManager;
