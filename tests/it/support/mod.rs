//! What tests share.

pub(crate) mod cpu;
pub(crate) mod daemon;
pub(crate) mod world;
