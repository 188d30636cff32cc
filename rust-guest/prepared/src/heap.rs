//! A heap that is written to a file, and mapped again, where it was, by another process of the same program.
//!
//! What is allocated while it is being kept lies in one region at a fixed address. Mapped copy-on-write, it is as the
//! first process left it: pointers within it hold because of that address, pointers to functions and tables because
//! the program is linked to fixed addresses. What else the first process had, statics above all, is not there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::{addr_of, copy_nonoverlapping, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use dlmalloc::{Allocator, Dlmalloc};

/// Where the region begins: far from where programs, libraries and stacks are, on processors with 39 bits of address too.
const BASE: usize = 64 << 30;
const LIMIT_BYTES: usize = 16 << 30;
/// The header's place in the file, so that what follows can be mapped.
const PAGE_BYTES: usize = 1 << 16;
const MAGIC: u64 = u64::from_le_bytes(*b"keptheap");

/// The program's allocator: the system's, but for what is allocated between `keep` and `write`.
pub struct Heap {
    is_keeping: AtomicBool,
    kept: Mutex<Dlmalloc<Region>>,
}

/// The first bytes of the file.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Header {
    magic: u64,
    /// Ends of the program's code, data and zeroed data: they differ between any two programs.
    program: [u64; 3],
    /// Address of what the heap was kept for.
    root: u64,
    /// Length of the region.
    bytes: u64,
}

impl Heap {
    pub const fn new() -> Self {
        Heap { is_keeping: AtomicBool::new(false), kept: Mutex::new(Dlmalloc::new_with_allocator(Region)) }
    }

    /// From here on, everything is allocated in the region.
    pub fn keep(&self) -> io::Result<()> {
        map(LIMIT_BYTES, libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, None)?;
        self.is_keeping.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes everything that was allocated since `keep` to a file; `root` is for `root` to find.
    pub fn write(&self, path: &Path, root: *const u8) -> io::Result<()> {
        self.is_keeping.store(false, Ordering::Relaxed);
        let bytes = Region::used();
        let header = Header { magic: MAGIC, program: program(), root: root as u64, bytes: bytes as u64 };
        let mut page = vec![0; PAGE_BYTES];
        page[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        let mut file = File::create(path)?;
        file.write_all(&page)?;
        // SAFETY: the region is mapped so far, and nothing writes to it any more.
        file.write_all(unsafe { std::slice::from_raw_parts(BASE as *const u8, bytes) })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Dlmalloc<Region>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Maps a kept heap to where it was; its root.
pub fn root(path: &Path) -> io::Result<*const u8> {
    let file = File::open(path)?;
    let mut bytes = [0; size_of::<Header>()];
    io::Read::read_exact(&mut &file, &mut bytes)?;
    // SAFETY: any bytes are numbers.
    let header: Header = unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
    if header.magic != MAGIC {
        return Err(io::Error::other("it is no kept heap"));
    }
    if header.program != program() {
        return Err(io::Error::other("it was kept by another program"));
    }
    let length = file.metadata()?.len();
    let range = BASE as u64..BASE as u64 + header.bytes;
    if header.bytes > LIMIT_BYTES as u64 || length != PAGE_BYTES as u64 + header.bytes || !range.contains(&header.root)
    {
        return Err(io::Error::other("it is not whole"));
    }
    map(header.bytes as usize, 0, Some(&file))?;
    Ok(header.root as *const u8)
}

/// Maps the region, for this process alone: of a file, what follows the header.
fn map(bytes: usize, flags: i32, file: Option<&File>) -> io::Result<()> {
    let (descriptor, offset) = file.map_or((-1, 0), |file| (file.as_raw_fd(), PAGE_BYTES as libc::off_t));
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_FIXED_NOREPLACE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: nothing else is mapped there, or the kernel refuses.
    let place = unsafe { libc::mmap(BASE as *mut libc::c_void, bytes, access, flags, descriptor, offset) };
    if place as usize == BASE {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn program() -> [u64; 3] {
    extern "C" {
        // what the linker defines
        static etext: u8;
        static edata: u8;
        static end: u8;
    }
    [addr_of!(etext) as u64, addr_of!(edata) as u64, addr_of!(end) as u64]
}

impl Header {
    fn as_bytes(&self) -> &[u8] {
        // SAFETY: numbers without gaps between them.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

fn is_kept(place: *mut u8) -> bool {
    (place as usize).wrapping_sub(BASE) < LIMIT_BYTES
}

// SAFETY: each block is given back to the allocator that it came from; one of a mapped heap stays allocated.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.is_keeping.load(Ordering::Relaxed) {
            return self.kept().malloc(layout.size(), layout.align());
        }
        System.alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.is_keeping.load(Ordering::Relaxed) {
            return self.kept().calloc(layout.size(), layout.align());
        }
        System.alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if !is_kept(place) {
            System.dealloc(place, layout);
        } else if self.is_keeping.load(Ordering::Relaxed) {
            self.kept().free(place, layout.size(), layout.align());
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        match (is_kept(place), self.is_keeping.load(Ordering::Relaxed)) {
            (false, false) => System.realloc(place, layout, bytes),
            (true, true) => self.kept().realloc(place, layout.size(), layout.align(), bytes),
            _ => {
                let moved = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
                if !moved.is_null() {
                    copy_nonoverlapping(place, moved, layout.size().min(bytes));
                    self.dealloc(place, layout);
                }
                moved
            }
        }
    }
}

/// The region's memory, handed out from its beginning; none is ever given back.
struct Region;

static USED_BYTES: AtomicUsize = AtomicUsize::new(0);

impl Region {
    fn used() -> usize {
        USED_BYTES.load(Ordering::Relaxed)
    }
}

// SAFETY: every call gets memory that no earlier one got.
unsafe impl Allocator for Region {
    fn alloc(&self, bytes: usize) -> (*mut u8, usize, u32) {
        let bytes = bytes.next_multiple_of(PAGE_BYTES);
        let begin = USED_BYTES.fetch_add(bytes, Ordering::Relaxed);
        if begin + bytes > LIMIT_BYTES {
            return (null_mut(), 0, 0);
        }
        ((BASE + begin) as *mut u8, bytes, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}
