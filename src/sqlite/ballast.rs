//! Space set aside, to be given up when the disk is full.
//!
//! On a full disk SQLite cannot even delete: that, too, is written first. With the ballast gone, what is in
//! hand can be recorded and old rows can be removed, while polling and sending wait for room.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// Enough for what is in hand when the disk fills up, and for the first steps of retention.
const LARGEST: u64 = 16 << 20;

/// Less would not hold one batch of writes.
const SMALLEST: u64 = 1 << 20;

/// On a small file system no more than this part of it.
const SHARE: u64 = 64;

/// A file of nothing beside the database.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    short: AtomicBool,
}

impl Ballast {
    /// The ballast of `database`, laid where there is room for it.
    pub(super) fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".ballast");
        let ballast = Self { path: path.into(), short: AtomicBool::new(false) };
        if let Err(problem) = ballast.lay() {
            tracing::warn!(
                error = %problem,
                "cannot set aside space at {}; on a full disk wirewatch will wait until somebody makes room",
                ballast.path.display()
            );
        }
        ballast
    }

    /// The disk is full: gives the space back. Says so once.
    pub(super) fn give_up(&self) {
        if self.short.swap(true, Ordering::AcqRel) {
            return;
        }
        // Without a file there is nothing to gain, and waiting is all that is left.
        let gained = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        drop(std::fs::remove_file(&self.path));
        tracing::error!(
            bytes = gained,
            "the disk is full: polling and sending wait until there is room; nothing is lost. Free space beside the database"
        );
    }

    /// Whether there is no room for new work.
    pub(super) fn is_given_up(&self) -> bool {
        self.short.load(Ordering::Acquire)
    }

    /// Takes the space again where as much stays free for others; answers whether there is room for new work.
    pub(super) fn lay_again(&self) -> bool {
        if !self.is_given_up() {
            return true;
        }
        if self.lay().is_err() {
            return false;
        }
        self.short.store(false, Ordering::Release);
        true
    }

    fn lay(&self) -> io::Result<()> {
        let directory = self.path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let disk = statvfs(directory.unwrap_or(Path::new(".")))?;
        let bytes = (disk.f_blocks.saturating_mul(disk.f_frsize) / SHARE).clamp(SMALLEST, LARGEST);
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= bytes) {
            return Ok(());
        }
        if disk.f_bavail.saturating_mul(disk.f_frsize) < 2 * bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        let laid = fill(&file, bytes);
        if laid.is_err() {
            drop(std::fs::remove_file(&self.path));
        }
        laid
    }
}

/// Reserves blocks; writes them where the file system cannot reserve.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            io::copy(&mut io::Read::take(io::repeat(0xa5), bytes), &mut file)?;
            file.sync_all()
        }
        reserved => Ok(reserved?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_up_once_and_laid_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let database = dir.path().join("w.db");
        let file = dir.path().join("w.db.ballast");
        let ballast = Ballast::beside(&database);
        assert!(!ballast.is_given_up());
        let laid = std::fs::metadata(&file).expect("it is there").len();
        assert!((SMALLEST..=LARGEST).contains(&laid), "{laid}");
        ballast.give_up();
        assert!(ballast.is_given_up() && !file.exists());
        assert!(ballast.lay_again() && !ballast.is_given_up());
        assert_eq!(std::fs::metadata(&file).expect("it is there again").len(), laid);
    }

    #[test]
    fn where_it_cannot_be_laid_work_goes_on_until_the_disk_is_full() {
        let ballast = Ballast::beside(Path::new("/nowhere/at/all/w.db"));
        assert!(!ballast.is_given_up());
        ballast.give_up();
        assert!(!ballast.lay_again() && ballast.is_given_up());
    }
}
