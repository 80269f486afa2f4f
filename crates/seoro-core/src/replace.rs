//! Files that are there whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file under a temporary name beside `path`, and renames it once all of it is on the disk: whoever opens `path`
/// sees the old file or the new one, and where writing fails, nothing is left.
///
/// ```
/// use std::io::Write;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("file");
/// seoro_core::replace_file(&path, |file| file.write_all(b"new"))?;
/// assert_eq!(std::fs::read(&path)?, b"new");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `write`, and what the system says.
pub fn replace_file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (part, mut file) = create_part(path)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| std::fs::rename(&part, path)) {
        // The error at hand says more than one about the leftover would.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    sync_folder(path)
}

/// A file beside `path` that no other writer has.
fn create_part(path: &Path) -> io::Result<(PathBuf, File)> {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.{number}.part", std::process::id()));
        let part = path.with_file_name(name);
        match File::create_new(&part) {
            // Left behind by a process that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return file.map(|file| (part, file)),
        }
    }
}

/// Puts the new name on the disk, where a folder can be opened to do so.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) { File::open(folder.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}
