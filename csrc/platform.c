/* All that is not standard C11 but for threads: aligned memory, a clock, loading a library, the environment, and what
 * the processor can do. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif
#include "chainrule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#include <malloc.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define X86_64 1
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

void *cr_aligned_alloc(size_t bytes) {
    size_t rounded = (bytes + 63) / 64 * 64;
    if (rounded < bytes) return NULL;
#ifdef _WIN32
    void *block = _aligned_malloc(rounded, 64);
#else
    void *block = aligned_alloc(64, rounded);
#endif
    if (block) memset(block, 0, rounded);
    return block;
}

void cr_aligned_free(void *block) {
#ifdef _WIN32
    _aligned_free(block);
#else
    free(block);
#endif
}

int cr_has_memory(size_t bytes) {
    void *volatile block = malloc(bytes); /* volatile: else compilers leave both calls out */
    const int has = block != NULL;
    free(block);
    return has;
}

double cr_seconds(void) {
#ifdef _WIN32
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    return (double)ticks.QuadPart / (double)per_second.QuadPart;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#endif
}

#ifdef _WIN32

void *cr_library_open(const char *path) {
    return LoadLibraryExA(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

void *cr_library_symbol(void *library, const char *name) { return (void *)GetProcAddress((HMODULE)library, name); }

const char *cr_library_error(void) {
    static char message[64];
    snprintf(message, sizeof message, "Windows error %lu", (unsigned long)GetLastError());
    return message;
}

int cr_getenv(const char *name, char *value, size_t size) {
    DWORD length = GetEnvironmentVariableA(name, value, (DWORD)size);
    return length > 0 && length < size;
}

void cr_setenv(const char *name, const char *value) { _putenv_s(name, value ? value : ""); }

#else

void *cr_library_open(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }

void *cr_library_symbol(void *library, const char *name) { return dlsym(library, name); }

const char *cr_library_error(void) { return dlerror(); }

int cr_getenv(const char *name, char *value, size_t size) {
    const char *found = getenv(name);
    return found && snprintf(value, size, "%s", found) < (int)size;
}

void cr_setenv(const char *name, const char *value) {
    if (value) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

#endif

#ifdef X86_64

static void cpuid(unsigned leaf, unsigned part, unsigned out[4]) {
#ifdef _MSC_VER
    int registers[4];
    __cpuidex(registers, (int)leaf, (int)part);
    for (int i = 0; i < 4; i++) out[i] = (unsigned)registers[i];
#else
    out[0] = out[1] = out[2] = out[3] = 0;
    __get_cpuid_count(leaf, part, &out[0], &out[1], &out[2], &out[3]);
#endif
}

/* which register files the operating system saves */
static unsigned long long saved_registers(void) {
#ifdef _MSC_VER
    return _xgetbv(0);
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((unsigned long long)high << 32) | low;
#endif
}

cr_cpu cr_detect_cpu(void) {
    cr_cpu cpu = {0, 0, 0};
    unsigned leaves[4], first[4], seventh[4], more[4]; /* eax, ebx, ecx, edx */
    cpuid(0, 0, leaves);
    cpuid(1, 0, first);
    cpuid(7, 0, seventh);
    cpuid(7, 1, more); /* all 0 where there is no more */
    const int osxsave = first[2] >> 27 & 1, avx = first[2] >> 28 & 1, fma = first[2] >> 12 & 1;
    if (leaves[0] < 7 || !osxsave || !avx) return cpu;
    const unsigned long long saved = saved_registers();
    const unsigned avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    cpu.avx2 = (saved & 0x6) == 0x6 && fma && (seventh[1] >> 5 & 1);
    cpu.avx512 = cpu.avx2 && (saved & 0xe6) == 0xe6 && (seventh[1] & avx512_f_dq_bw_vl) == avx512_f_dq_bw_vl;
    cpu.avx512bf16 = cpu.avx512 && seventh[0] >= 1 && (more[0] >> 5 & 1);
    return cpu;
}

#else

cr_cpu cr_detect_cpu(void) {
    cr_cpu cpu = {0, 0, 0};
    return cpu;
}

#endif
