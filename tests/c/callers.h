/* Several callers at once, each a thread of its own. */
#ifndef CALLERS_H
#define CALLERS_H

#include "threads.h"

#include <stdlib.h>

typedef struct {
    void (*call)(void *argument);
    void *argument;
} call_to_make;

static cr_mutex calls_mutex = CR_MUTEX;
static cr_condition calls_ended;
static int calls_to_end;

static CR_THREAD make_call(void *argument) {
    const call_to_make *to_make = argument;
    to_make->call(to_make->argument);
    cr_lock(&calls_mutex);
    if (--calls_to_end == 0) cr_wake(&calls_ended);
    cr_unlock(&calls_mutex);
    return 0;
}

/* call(arguments[i]) for all i < count at once; returns when all have ended. */
static void call_at_once(void (*call)(void *argument), void **arguments, int count) {
    call_to_make *all = calloc((size_t)count, sizeof *all);
    if (!all) abort();
    cr_condition_init(&calls_ended);
    calls_to_end = count;
    for (int i = 0; i < count; i++) {
        all[i] = (call_to_make){call, arguments[i]};
        if (!cr_start(make_call, &all[i])) abort();
    }
    cr_lock(&calls_mutex);
    while (calls_to_end > 0) cr_wait(&calls_ended, &calls_mutex);
    cr_unlock(&calls_mutex);
    free(all);
}

#endif
