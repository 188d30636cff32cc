// Wasm3 on the command line: wasm3 GUEST.wasm ARGUMENTS…

#include <stdio.h>

#include "wasi.h"
#include "wasm3.h"

enum { STACK_BYTES = 8 * 1024 * 1024 };

static IM3Runtime runtime;

static uint8_t *guest_memory(uint64_t *size) {
    uint32_t bytes;
    uint8_t *memory = m3_GetMemory(runtime, &bytes, 0);
    return *size = bytes, memory;
}

static const void *answer(IM3Runtime caller, IM3ImportContext context, uint64_t *stack, void *memory) {
    const struct call *call = context->userdata;
    (void)caller, (void)memory;
    if (call->answer == proc_exit) proc_exit(stack);  // returns nothing, so its argument comes first
    *(uint32_t *)stack = call->answer(stack + 1);
    return m3Err_none;
}

static int complain(const char *what, M3Result result) {
    M3ErrorInfo info = {0};
    if (runtime) m3_GetErrorInfo(runtime, &info);
    fprintf(stderr, "wasm3: %s: %s%s%s\n", what, result, info.message ? ": " : "", info.message ? info.message : "");
    return 1;
}

static M3Result load(const char *path, IM3Environment environment, IM3Module *module) {
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status)) return "it cannot be opened";
    uint8_t *bytes = malloc(status.st_size);
    ssize_t got = 0;
    for (ssize_t part; got < status.st_size; got += part)
        if ((part = read(file, bytes + got, status.st_size - got)) <= 0) return "it cannot be read";
    close(file);
    return m3_ParseModule(environment, module, bytes, got);  // which keeps pointers into the bytes
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--version")) return puts("wasm3 " M3_VERSION) < 0;
    if (argc < 2) return fprintf(stderr, "usage: wasm3 GUEST.wasm ARGUMENTS...\n"), 2;
    open_to_guest(argc - 1, argv + 1);
    IM3Environment environment = m3_NewEnvironment();
    IM3Module module;
    IM3Function start;
    M3Result result = load(argv[1], environment, &module);
    if (result) return complain(argv[1], result);
    runtime = m3_NewRuntime(environment, STACK_BYTES, NULL);
    if ((result = m3_LoadModule(runtime, module))) return complain("loading", result);
    for (int i = 0; i < CALLS; i++) {
        char signature[16];
        snprintf(signature, sizeof signature, "%c(%s)", calls[i].answer == proc_exit ? 'v' : 'i', calls[i].parameters);
        result = m3_LinkRawFunctionEx(module, "wasi_snapshot_preview1", calls[i].name, signature, answer, &calls[i]);
        if (result && result != m3Err_functionLookupFailed) return complain(calls[i].name, result);
    }
    if ((result = m3_FindFunction(&start, runtime, "_start"))) return complain("_start", result);
    if ((result = m3_CallV(start))) return complain("running", result);
    return 0;
}
