//! What tests share.

pub(crate) mod daemon;
pub(crate) mod world;
