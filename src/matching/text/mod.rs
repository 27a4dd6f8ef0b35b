//! Text as matching sees it: words with positions, and the forms each word may go by.

mod arabic;
pub mod class;
pub mod fold;
pub mod forms;
mod korean;
pub mod lang;
pub mod token;
