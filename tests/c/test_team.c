/* The team of threads: every part is done once, by a thread of the team, however many callers, runs and forks there
 * are. Built with the thread sanitizer by run.sh. */
#define _DEFAULT_SOURCE
#include "chainrule.h"

#include "callers.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)
#define FORKS 1
#include <sys/wait.h>
#include <unistd.h>
#endif

enum { PARTS = 1000, RUNS = 300, CALLERS = 4 };

typedef struct {
    int size;
    unsigned char done[PARTS]; /* how often, without locks: a part done twice at once is a race that is found */
    long by[64];
    size_t parts;
} job;

static int failures;
#define EXPECT(right, ...)                                                                                             \
    do {                                                                                                               \
        if (!(right)) {                                                                                                \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static void part(void *context, size_t i, int thread) {
    job *j = context;
    if (thread < 0 || thread >= j->size || i >= j->parts) abort();
    j->done[i]++;
    j->by[thread]++;
    for (volatile int k = 0; k < (int)(i % 50); k++) {
    }
}

static void runs(int threads, int count) {
    cr_team *team = cr_team_open(threads, 0);
    const int size = cr_team_size(team);
    EXPECT(size >= 1 && size <= (threads < 1 ? 1 : threads), "a team of %d for %d threads", size, threads);
    for (int r = 0; r < count; r++) {
        job j = {.size = size, .parts = (size_t)(r * 37 % PARTS)};
        cr_team_run(team, part, &j, j.parts);
        long total = 0;
        for (int t = 0; t < size; t++) total += j.by[t];
        EXPECT(total == (long)j.parts, "%ld parts done of %zu", total, j.parts);
        for (size_t i = 0; i < PARTS; i++) EXPECT(j.done[i] == (i < j.parts), "part %zu done %d times", i, j.done[i]);
    }
    cr_team_close(team);
}

static void count(void *context, size_t i, int thread) {
    (void)thread;
    ((unsigned char *)context)[i]++;
}

static void very_many_parts(void) {
    enum { MANY = 200001 };
    static unsigned char done[MANY];
    cr_team *team = cr_team_open(3, 0);
    cr_team_run(team, count, done, MANY);
    for (size_t i = 0; i < MANY; i++) EXPECT(done[i] == 1, "part %zu of many done %d times", i, done[i]);
    cr_team_close(team);
}

static void caller(void *threads) {
    for (int i = 0; i < 10; i++) runs(*(int *)threads + i % 3, RUNS / 10);
}

static void many_callers(void) {
    int threads[CALLERS];
    void *arguments[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        threads[i] = i + 1;
        arguments[i] = &threads[i];
    }
    call_at_once(caller, arguments, CALLERS);
}

/* In the child the workers of the parent do not exist: a team that is open goes on alone, a new one has its own. The
 * thread sanitizer does not know threads of a child. */
#ifdef FORKS
static void forks(void) {
    cr_team *team = cr_team_open(3, 0);
    job j = {.size = 3, .parts = PARTS};
    cr_team_run(team, part, &j, PARTS);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        memset(j.done, 0, sizeof j.done);
        cr_team_run(team, part, &j, PARTS);
        for (size_t i = 0; i < PARTS; i++) EXPECT(j.done[i] == 1, "part %zu done %d times in a child", i, j.done[i]);
        cr_team_close(team);
        runs(4, 20);
        _exit(failures > 0);
    }
    int status = 0;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child ended with %d", status);
    cr_team_close(team);
}
#endif

/* With a limit, all teams together have no more threads than that; a caller counts in any case. */
static void limits(void) {
    cr_team *first = cr_team_open(3, 4), *second = cr_team_open(3, 4);
    EXPECT(cr_team_size(first) == 3 && cr_team_size(second) == 1, "teams of %d and %d out of 4", cr_team_size(first),
           cr_team_size(second));
    cr_team_close(first);
    cr_team_close(second);
    EXPECT(cr_team_open(1, 0) == NULL && cr_team_size(NULL) == 1, "one thread needs no team");
}

int main(void) {
    for (int threads = 0; threads <= 7; threads++) runs(threads, RUNS);
    many_callers();
    very_many_parts();
    limits();
#ifdef FORKS
    forks();
#endif
    runs(2, RUNS);
    for (const double began = cr_seconds(); cr_seconds() - began < 0.2;) cr_give_way(); /* the workers are asleep now */
    runs(3, RUNS);
    if (!failures) puts("team: every part was done once");
    return failures > 0;
}
