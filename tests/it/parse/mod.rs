//! Feeds as they are: broken in every way seen, hostile in every way thought of.

mod broken;
mod hostile;
mod identity;
mod sound;
