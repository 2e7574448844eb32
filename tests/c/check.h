/* What a test counts and prints, and the memory its arrays lie in. */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif

#if !defined(ADDRESS_SANITIZER) && !defined(_WIN32)
#define GUARD_PAGES 1
#include <sys/mman.h>
#include <unistd.h>
#endif

/* --- where we are, for messages --------------------------------------------------------------------------------- */

enum { MOST_MESSAGES = 20, MOST_VALUES = 10 };

static unsigned long checks, failures;
static struct {
    const char *simd, *kernel, *names;
    long values[MOST_VALUES];
    size_t count;
} here;

/* AT("gemm", m, n, k): what is called next, and with what numbers */
#define AT(kernel, ...)                                                                                                \
    enter(kernel, #__VA_ARGS__, (const long[]){__VA_ARGS__}, sizeof((const long[]){__VA_ARGS__}) / sizeof(long))

static void enter(const char *kernel, const char *names, const long *values, size_t count) {
    here.kernel = kernel;
    here.names = names;
    here.count = count;
    memcpy(here.values, values, count * sizeof *values);
}

static void print_place(FILE *to) {
    fprintf(to, "%s %s, (%s) = (", here.simd, here.kernel, here.names);
    for (size_t i = 0; i < here.count; i++) fprintf(to, i ? ", %ld" : "%ld", here.values[i]);
    fprintf(to, ")");
}

/* One check: the message says what was found. Returns ok. */
static int check(int ok, const char *message, ...) {
    checks++;
    if (ok) return 1;
    if (failures++ < MOST_MESSAGES) {
        va_list arguments;
        printf("FAILED: ");
        print_place(stdout);
        printf(": ");
        va_start(arguments, message);
        vprintf(message, arguments);
        va_end(arguments);
        printf("\n");
    }
    return 0;
}

/* An access out of bounds ends the program, and so does what a sanitizer finds (run.sh): say where it was. */
static void crashed(int number) {
    fflush(stdout);
    fprintf(stderr, "FAILED: signal %d in ", number);
    print_place(stderr);
    fprintf(stderr, "\n");
    _Exit(2);
}

static void report_crashes(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGABRT, crashed);
    signal(SIGILL, crashed);
#ifdef GUARD_PAGES
    signal(SIGBUS, crashed);
    signal(SIGSEGV, crashed);
#endif
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* Room for `count` numbers of `size` bytes, and not a byte more: AddressSanitizer sees any access beyond, or else the
 * page after it, which nobody may touch, and which masked vector instructions run into as well. It starts at all
 * alignments, and is full of NaN. Each slot holds one array at a time. */
enum { SLOTS = 12, PAGES = 2048 };

static void *room(int slot, size_t count, size_t size) {
    static char *slots[SLOTS];
    const size_t bytes = count * size;
#ifdef GUARD_PAGES
    static size_t page;
    if (!slots[slot]) {
        page = (size_t)sysconf(_SC_PAGESIZE);
        char *start = mmap(NULL, (PAGES + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED || mprotect(start + PAGES * page, page, PROT_NONE)) abort();
        slots[slot] = start + PAGES * page;
    }
    if (bytes > PAGES * page) abort();
    char *array = slots[slot] - bytes;
#else
    static unsigned calls;
    const size_t shift = calls++ % 4 * size;
    free(slots[slot]);
    slots[slot] = malloc(bytes + shift ? bytes + shift : 1);
    if (!slots[slot]) abort();
    char *array = slots[slot] + shift;
#endif
    memset(array, 0xFF, bytes);
    return array;
}

/* --- random numbers, the same in every run ---------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static uint32_t random_word(void) { /* Marsaglia's xorshift */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

/* a whole number from -bound to bound */
static int whole(int bound) { return (int)(random_word() % (2u * (unsigned)bound + 1u)) - bound; }

/* from 0 to 1 */
static double uniform(void) { return random_word() / 4294967296.0; }

#endif
