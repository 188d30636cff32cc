//! The file that the command was to leave: read with suspicion, since whoever wrote it chose what it is.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

use crate::base64;

/// What is hashed at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The file's identity, and its contents if they were asked for.
#[derive(Debug, PartialEq)]
pub struct Contents {
    pub sha256: String,
    pub bytes: u64,
    pub base64: Option<String>,
}

/// The directory that the command runs in, held before it can put another in its place.
#[derive(Debug)]
pub struct Directory(OwnedFd);

impl Directory {
    /// `cwd`, or the probe's own.
    pub fn open(cwd: Option<&Path>) -> io::Result<Self> {
        let mut options = File::options();
        let directory =
            options.read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(cwd.unwrap_or(Path::new(".")))?;
        Ok(Directory(directory.into()))
    }

    /// Reads a regular file of at most `limit_bytes` below this directory; an error says why it can't be.
    ///
    /// No component is followed if it is a link, and nothing waits: a FIFO or a device is opened without blocking and
    /// then refused.
    pub fn read(&self, path: &Path, limit_bytes: u64, keep: bool) -> Result<Contents, String> {
        let file = self.open_file(path).map_err(|why| match why.raw_os_error() {
            Some(libc::ELOOP) => "it is a symbolic link".to_string(),
            Some(libc::ENOTDIR) => "its directory is none, or a symbolic link".to_string(),
            Some(libc::ENXIO) => "it is no regular file: a socket".to_string(),
            _ => why.to_string(),
        })?;
        let metadata = file.metadata().map_err(|why| why.to_string())?;
        if !metadata.is_file() {
            return Err(format!("it is no regular file: {}", kind(&metadata)));
        }
        if metadata.len() > limit_bytes {
            return Err(format!("{} bytes where at most {limit_bytes} are taken", metadata.len()));
        }
        digest(file, limit_bytes, keep)
    }

    /// Opens one component after the other, the last one as a file.
    fn open_file(&self, path: &Path) -> io::Result<File> {
        let mut directory = self.0.try_clone()?;
        let mut components = path.components().peekable();
        while let Some(component) = components.next() {
            let Component::Normal(name) = component else { return Err(io::ErrorKind::InvalidInput.into()) };
            if components.peek().is_none() {
                return Ok(open_at(&directory, name, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY)?.into());
            }
            directory = open_at(&directory, name, libc::O_PATH | libc::O_DIRECTORY)?;
        }
        Err(io::ErrorKind::InvalidInput.into())
    }
}

fn open_at(directory: &OwnedFd, name: &OsStr, flags: i32) -> io::Result<OwnedFd> {
    let name = CString::new(name.as_bytes())?;
    // SAFETY: the name ends with a zero and outlives the call.
    let fd = unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), flags | libc::O_NOFOLLOW | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// It may grow while it is read, should a process have outlived its killing: the limit holds all the same.
fn digest(file: File, limit_bytes: u64, keep: bool) -> Result<Contents, String> {
    let mut rest = file.take(limit_bytes.saturating_add(1));
    let (mut hash, mut bytes, mut kept) = (Sha256::new(), 0, vec![]);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = match rest.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(why.to_string()),
        };
        hash.update(&chunk[..length]);
        bytes += length as u64;
        if keep {
            kept.extend_from_slice(&chunk[..length]);
        }
    }
    if bytes > limit_bytes {
        return Err(format!("it grew beyond {limit_bytes} bytes while it was read"));
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Contents { sha256, bytes, base64: keep.then(|| base64::encode(&kept)) })
}

fn kind(metadata: &std::fs::Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "something else",
    }
}
