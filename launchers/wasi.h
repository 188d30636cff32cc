// The part of WASI preview 1 that the guest calls, for engines that come without one.
//
// A call gets its arguments as 64-bit slots, of which an i32 fills the low half, and answers with WASI's error number.
// The guest sees the working directory as descriptor 3, named ".", and no path that leaves it: none with "..", none
// that is absolute, and no symbolic link in its last place. Nothing in it can make a link.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, BADF = 8, FAULT = 21, INVAL = 28, IO = 29, NFILE = 41, NOTCAPABLE = 76 };
enum { DIRECTORY_FD = 3, DESCRIPTORS = 64, PIECES = 64, PATH_BYTES = 4096 };
enum { TYPE_CHARACTERS = 2, TYPE_DIRECTORY = 3, TYPE_FILE = 4 };

static int argument_count;
static char **argument_values;
static int descriptors[DESCRIPTORS] = {0, 1, 2};

// The guest's memory and its size in bytes, as the engine has them now: they change when it grows.
static uint8_t *guest_memory(uint64_t *size);

static void *at(uint32_t offset, uint64_t length) {
    uint64_t size;
    uint8_t *memory = guest_memory(&size);
    return offset + length <= size ? memory + offset : NULL;
}

static uint32_t put(uint32_t offset, uint64_t value, size_t bytes) {
    void *place = at(offset, bytes);
    return place ? (memcpy(place, &value, bytes), OK) : FAULT;  // both sides are little-endian
}

static int host_fd(uint32_t fd) { return fd < DESCRIPTORS ? descriptors[fd] : -1; }

static uint32_t failed(void) {
    static const struct { int host, wasi; } known[] = {
        {EACCES, 2},   {EBADF, BADF}, {EEXIST, 20}, {EINVAL, INVAL}, {EISDIR, 31}, {ELOOP, 32},  {EMFILE, 33},
        {ENOENT, 44},  {ENOSPC, 51},  {ENOTDIR, 54}, {EPERM, 63},    {EPIPE, 64},  {EROFS, 69},  {ESPIPE, 70},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].host == errno) return known[i].wasi;
    return IO;
}

static uint32_t args_sizes_get(const uint64_t *a) {
    uint64_t bytes = 0;
    for (int i = 0; i < argument_count; i++) bytes += strlen(argument_values[i]) + 1;
    return put(a[0], argument_count, 4) | put(a[1], bytes, 4);
}

static uint32_t args_get(const uint64_t *a) {
    uint32_t place = a[1];
    for (int i = 0; i < argument_count; i++) {
        size_t length = strlen(argument_values[i]) + 1;
        char *text = at(place, length);
        if (!text || put(a[0] + 4 * i, place, 4)) return FAULT;
        memcpy(text, argument_values[i], length);
        place += length;
    }
    return OK;
}

static uint32_t environ_sizes_get(const uint64_t *a) { return put(a[0], 0, 4) | put(a[1], 0, 4); }

static uint32_t environ_get(const uint64_t *a) { return (void)a, OK; }

static uint32_t clock_time_get(const uint64_t *a) {
    struct timespec now;
    if (clock_gettime((uint32_t)a[0] == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now)) return failed();
    return put(a[2], now.tv_sec * UINT64_C(1000000000) + now.tv_nsec, 8);
}

static uint32_t random_get(const uint64_t *a) {
    uint32_t length = a[1];
    uint8_t *place = at(a[0], length);
    if (!place) return FAULT;
    for (ssize_t got; length > 0; place += got, length -= got)
        if ((got = getrandom(place, length, 0)) < 0) return failed();
    return OK;
}

static uint32_t give_way(const uint64_t *a) { return (void)a, sched_yield(), OK; }

static uint32_t fd_close(const uint64_t *a) {
    if (host_fd(a[0]) < 0) return BADF;
    int result = close(host_fd(a[0]));
    descriptors[(uint32_t)a[0]] = -1;
    return result ? failed() : OK;
}

static int type_of(const struct stat *status) {
    return S_ISDIR(status->st_mode) ? TYPE_DIRECTORY : S_ISREG(status->st_mode) ? TYPE_FILE : TYPE_CHARACTERS;
}

static uint32_t fd_fdstat_get(const uint64_t *a) {
    struct stat status;
    if (fstat(host_fd(a[0]), &status)) return failed();
    // type, flags, and all rights: what is not allowed fails when it is tried
    return put(a[1], type_of(&status), 8) | put(a[1] + 8, UINT64_MAX, 8) | put(a[1] + 16, UINT64_MAX, 8);
}

static uint32_t put_status(uint32_t place, const struct stat *status) {
    const uint64_t fields[] = {
        status->st_dev,  status->st_ino,
        type_of(status), status->st_nlink,
        status->st_size, status->st_atim.tv_sec * UINT64_C(1000000000),
        status->st_mtim.tv_sec * UINT64_C(1000000000), status->st_ctim.tv_sec * UINT64_C(1000000000),
    };
    void *record = at(place, sizeof fields);
    return record ? (memcpy(record, fields, sizeof fields), OK) : FAULT;
}

static uint32_t fd_filestat_get(const uint64_t *a) {
    struct stat status;
    return fstat(host_fd(a[0]), &status) ? failed() : put_status(a[1], &status);
}

static uint32_t fd_prestat_get(const uint64_t *a) {
    return (uint32_t)a[0] == DIRECTORY_FD ? put(a[1], 0, 4) | put(a[1] + 4, 1, 4) : BADF;
}

static uint32_t fd_prestat_dir_name(const uint64_t *a) {
    return (uint32_t)a[0] == DIRECTORY_FD ? put(a[1], '.', 1) : BADF;
}

typedef ssize_t transfer(int, const struct iovec *, int);

static uint32_t move(const uint64_t *a, transfer *how) {
    struct iovec pieces[PIECES];
    uint32_t count = a[2];
    if (count > PIECES) return INVAL;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *piece = at(a[1] + 8 * i, 8);
        void *bytes = piece ? at(piece[0], piece[1]) : NULL;
        if (!bytes) return FAULT;
        pieces[i] = (struct iovec){bytes, piece[1]};
    }
    ssize_t moved = how(host_fd(a[0]), pieces, count);
    return moved < 0 ? failed() : put(a[3], moved, 4);
}

static uint32_t fd_read(const uint64_t *a) { return move(a, readv); }

static uint32_t fd_write(const uint64_t *a) { return move(a, writev); }

static uint32_t fd_seek(const uint64_t *a) {
    static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    if ((uint32_t)a[2] > 2) return INVAL;
    off_t place = lseek(host_fd(a[0]), a[1], whence[(uint32_t)a[2]]);
    return place < 0 ? failed() : put(a[3], place, 8);
}

static uint32_t take_path(char path[PATH_BYTES], uint32_t offset, uint32_t length) {
    const char *text = at(offset, length);
    if (!text) return FAULT;
    if (length >= PATH_BYTES) return INVAL;
    memcpy(path, text, length);
    path[length] = 0;
    if (strlen(path) != length) return INVAL;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return NOTCAPABLE;
    return path[0] == '/' ? NOTCAPABLE : OK;
}

static uint32_t path_filestat_get(const uint64_t *a) {
    char path[PATH_BYTES];
    struct stat status;
    uint32_t refused = take_path(path, a[2], a[3]);
    if (refused) return refused;
    return fstatat(host_fd(a[0]), path, &status, AT_SYMLINK_NOFOLLOW) ? failed() : put_status(a[4], &status);
}

static uint32_t path_open(const uint64_t *a) {
    static const int host[] = {O_CREAT, O_DIRECTORY, O_EXCL, O_TRUNC};
    const int reads = a[5] & 1 << 1, writes = a[5] & 1 << 6;
    int flags = O_CLOEXEC | O_NOFOLLOW | (writes ? reads ? O_RDWR : O_WRONLY : O_RDONLY) | (a[7] & 1 ? O_APPEND : 0);
    char path[PATH_BYTES];
    uint32_t refused = take_path(path, a[2], a[3]), free_one = DIRECTORY_FD;
    if (refused) return refused;
    for (int i = 0; i < 4; i++) flags |= a[4] & 1 << i ? host[i] : 0;
    while (free_one < DESCRIPTORS && descriptors[free_one] >= 0) free_one++;
    if (free_one == DESCRIPTORS) return NFILE;
    int opened = openat(host_fd(a[0]), path, flags, 0644);
    if (opened < 0) return failed();
    descriptors[free_one] = opened;
    return put(a[8], free_one, 4);
}

static uint32_t proc_exit(const uint64_t *a) { exit((int)a[0]); }

static const struct call {
    const char *name, *parameters;  // i: i32, I: i64
    uint32_t (*answer)(const uint64_t *arguments);
} calls[] = {
    {"args_get", "ii", args_get},
    {"args_sizes_get", "ii", args_sizes_get},
    {"clock_time_get", "iIi", clock_time_get},
    {"environ_get", "ii", environ_get},
    {"environ_sizes_get", "ii", environ_sizes_get},
    {"fd_close", "i", fd_close},
    {"fd_fdstat_get", "ii", fd_fdstat_get},
    {"fd_filestat_get", "ii", fd_filestat_get},
    {"fd_prestat_dir_name", "iii", fd_prestat_dir_name},
    {"fd_prestat_get", "ii", fd_prestat_get},
    {"fd_read", "iiii", fd_read},
    {"fd_seek", "iIii", fd_seek},
    {"fd_write", "iiii", fd_write},
    {"path_filestat_get", "iiiii", path_filestat_get},
    {"path_open", "iiiiiIIii", path_open},
    {"proc_exit", "i", proc_exit},
    {"random_get", "ii", random_get},
    {"sched_yield", "", give_way},
};

enum { CALLS = sizeof calls / sizeof *calls };

// Open the working directory to the guest, and keep its arguments, its own name first.
static void open_to_guest(int argc, char **argv) {
    argument_count = argc;
    argument_values = argv;
    for (int i = DIRECTORY_FD; i < DESCRIPTORS; i++) descriptors[i] = -1;
    descriptors[DIRECTORY_FD] = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
