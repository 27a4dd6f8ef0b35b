//! The configuration: found, read in layers, checked as a whole, resolved into [`Settings`].

pub mod secret;
pub mod settings;

pub use settings::Settings;
