// Beside the C that wasm2c makes of a guest: its WASI, and `run_guest`, which wasm2c-run.c calls.

#include <stdio.h>

#include "guest.h"
#include "wasi.h"
#include "wasm-rt-impl.h"

typedef struct w2c_wasi__snapshot__preview1 { char none; } *host;

static w2c_guest guest;

static uint8_t *guest_memory(uint64_t *size) {
    wasm_rt_memory_t *memory = w2c_guest_memory(&guest);
    return *size = memory->size, memory->data;
}

#define IMPORT(name, parameters, ...) \
    u32 w2c_wasi__snapshot__preview1_##name parameters { return (void)h, name((uint64_t[]){__VA_ARGS__}); }

IMPORT(args_get, (host h, u32 a, u32 b), a, b)
IMPORT(args_sizes_get, (host h, u32 a, u32 b), a, b)
IMPORT(clock_time_get, (host h, u32 a, u64 b, u32 c), a, b, c)
IMPORT(environ_get, (host h, u32 a, u32 b), a, b)
IMPORT(environ_sizes_get, (host h, u32 a, u32 b), a, b)
IMPORT(fd_close, (host h, u32 a), a)
IMPORT(fd_fdstat_get, (host h, u32 a, u32 b), a, b)
IMPORT(fd_filestat_get, (host h, u32 a, u32 b), a, b)
IMPORT(fd_prestat_dir_name, (host h, u32 a, u32 b, u32 c), a, b, c)
IMPORT(fd_prestat_get, (host h, u32 a, u32 b), a, b)
IMPORT(fd_read, (host h, u32 a, u32 b, u32 c, u32 d), a, b, c, d)
IMPORT(fd_seek, (host h, u32 a, u64 b, u32 c, u32 d), a, b, c, d)
IMPORT(fd_write, (host h, u32 a, u32 b, u32 c, u32 d), a, b, c, d)
IMPORT(path_filestat_get, (host h, u32 a, u32 b, u32 c, u32 d, u32 e), a, b, c, d, e)
IMPORT(path_open, (host h, u32 a, u32 b, u32 c, u32 d, u32 e, u64 f, u64 g, u32 i, u32 j), a, b, c, d, e, f, g, i, j)
IMPORT(random_get, (host h, u32 a, u32 b), a, b)

u32 w2c_wasi__snapshot__preview1_sched_yield(host h) { return (void)h, give_way(NULL); }

void w2c_wasi__snapshot__preview1_proc_exit(host h, u32 code) { (void)h, proc_exit((uint64_t[]){code}); }

int run_guest(int argc, char **argv) {
    open_to_guest(argc, argv);
    wasm_rt_init();
    wasm_rt_trap_t trap = WASM_RT_SETJMP(g_wasm_rt_jmp_buf);  // where a trap comes back to
    if (trap) return fprintf(stderr, "wasm2c: the guest trapped: %s\n", wasm_rt_strerror(trap)), 1;
    wasm2c_guest_instantiate(&guest, NULL);
    w2c_guest_0x5Fstart(&guest);
    return 0;
}
