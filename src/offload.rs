//! Work that would keep an async thread from its turn: parsing, planning, the database.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};

/// The work ended by a panic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended by a defect in wirewatch: {0}")]
pub struct Defect(String);

/// Runs `work` on a thread of its own and waits for it.
///
/// A runtime of one thread has no other to keep free, so there the work runs in place. That makes the order
/// of everything in a simulation a function of its seed alone. Dropping the future abandons the answer, not
/// the work.
///
/// # Errors
/// [`Defect`] when the work panics, or the runtime shuts down before it ran.
pub async fn offload<T, F>(work: F) -> Result<T, Defect>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return in_place(work);
    }
    tokio::task::spawn_blocking(work).await.map_err(|problem| Defect(problem.to_string()))
}

/// Runs `work` where it is called: for what is done sooner than another thread is woken.
///
/// # Errors
/// [`Defect`] when the work panics.
pub fn in_place<T>(work: impl FnOnce() -> T) -> Result<T, Defect> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Defect(text.unwrap_or_else(|| "a panic".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_an_answer_an_answer() {
        assert_eq!(offload(|| 1 + 1).await, Ok(2));
        let problem = offload(|| assert_eq!(1 + 1, 3)).await.expect_err("a panic");
        assert!(problem.to_string().contains("left: 2"), "{problem}");
    }
}
