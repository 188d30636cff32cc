// A guest that wasm2c and a C compiler made a shared library of: wasm2c-run GUEST.so ARGUMENTS…

#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: wasm2c-run GUEST.so ARGUMENTS...\n"), 2;
    char path[4096];
    // without a slash it would be looked for among the system's libraries
    snprintf(path, sizeof path, "./%s", argv[1]);
    void *library = dlopen(path, RTLD_NOW);
    int (*run)(int, char **) = library ? (int (*)(int, char **))dlsym(library, "run_guest") : NULL;
    if (!run) return fprintf(stderr, "wasm2c-run: %s\n", dlerror()), 1;
    return run(argc - 1, argv + 1);
}
