/* Threads that work together: a team is the calling thread and workers lent to it until it is closed.
 *
 * Workers are shared by all callers and never end; they wait by spinning for a moment, then asleep. A team of one does
 * without any of this, as does a compiler without C11's atomics (MSVC without /experimental:c11atomics).
 *
 * A run hands out the parts 0 ... parts - 1 of some work, each to one thread. Thread t begins with the t-th share of
 * them, so that a part of the same number meets the same thread (and its cache) again, and then takes what the others
 * have not begun. So a run ends as soon as every part is done, be it by the caller alone: a worker that the system has
 * put aside, or one that a fork has left behind, keeps nobody waiting, unless in the midst of a part. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif
#include "chainrule.h"

int (*cr_make_ready)(void);

#ifdef __STDC_NO_ATOMICS__

cr_team *cr_team_open(int threads, int cores) {
    (void)threads, (void)cores;
    return NULL;
}
int cr_team_size(const cr_team *team) { return team ? 0 : 1; }
void cr_team_close(cr_team *team) { (void)team; }
void cr_team_run(cr_team *team, cr_part part, void *context, size_t parts) {
    (void)team;
    for (size_t i = 0; i < parts; i++) part(context, i, 0);
}

#else

#include "threads.h"

#include <stdatomic.h>

enum { MOST_THREADS = 256, LINE = 64, PAUSES = 200 };
static const double SPIN_SECONDS = 50e-6; /* longer than between the runs of a training step */

/* A run has a number that no other run of any team has had for billions of runs. What is handed out and what is counted
 * bears it, so that a thread that comes late finds nothing of its run left. */
static _Atomic uint32_t last_run;

typedef struct {
    _Atomic uint64_t left; /* of a thread's share of a run: run << 32 | end << 16 | the first that nobody has begun */
    char rest[LINE - sizeof(uint64_t)];
} share;
enum { MOST_PARTS = 0xffff };

static uint64_t some_left(uint32_t run, size_t begin, size_t end) {
    return (uint64_t)run << 32 | (uint64_t)end << 16 | begin;
}

typedef struct worker worker;
struct worker {
    _Atomic uint32_t run; /* which to take part in */
    _Atomic(cr_team *) team;
    atomic_int thread; /* its number there: 1 ... size - 1 */
    atomic_int asleep;
    cr_mutex mutex;
    cr_condition wake;
    worker *next_idle;
};

/* Teams are kept for later callers: a worker that comes late may still look into one. */
struct cr_team {
    atomic_int size;
    _Atomic(cr_part) part;
    _Atomic(void *) context;
    _Atomic size_t base;           /* the first part of this run */
    worker *workers[MOST_THREADS]; /* from 1 on */
    int forks;                     /* of the process, when it was opened */
    cr_team *next_idle;
    char before[LINE];
    _Atomic uint64_t done; /* run << 32 | how many parts are */
    char after[LINE];
    share shares[MOST_THREADS];
};

static cr_mutex office = CR_MUTEX; /* for all that follows */
static worker *idle_workers;
static cr_team *idle_teams;
static int at_work;    /* threads in teams, callers included */
static int forks = -1; /* -1: not yet watched for */

static void before_fork(void) { cr_lock(&office); }
static void after_fork(void) { cr_unlock(&office); }
static void in_child(void) {
    idle_workers = NULL; /* threads are not copied */
    at_work = 0;
    forks++;
    cr_unlock(&office);
}

/* What is left of a share; returns how many parts this thread did. */
static size_t take(cr_team *team, uint32_t run, int whose, int thread) {
    _Atomic uint64_t *left = &team->shares[whose].left;
    uint64_t seen = atomic_load_explicit(left, memory_order_acquire);
    size_t done = 0;
    while (seen >> 32 == run && (seen & 0xffff) < (seen >> 16 & 0xffff)) {
        if (atomic_compare_exchange_weak_explicit(left, &seen, seen + 1, memory_order_acq_rel, memory_order_acquire)) {
            /* while this part is not done, the run goes on and the team is as it was set up for it */
            cr_part part = atomic_load_explicit(&team->part, memory_order_relaxed);
            void *context = atomic_load_explicit(&team->context, memory_order_relaxed);
            part(context, atomic_load_explicit(&team->base, memory_order_relaxed) + (seen & 0xffff), thread);
            done++;
            seen = atomic_load_explicit(left, memory_order_acquire);
        }
    }
    return done;
}

/* What a thread does in a run: its share, then what is left of the others'. */
static void take_part(cr_team *team, uint32_t run, int thread) {
    const int size = atomic_load_explicit(&team->size, memory_order_relaxed);
    size_t done = 0;
    for (int i = 0; i < size; i++) done += take(team, run, (thread + i) % size, thread);
    if (done) atomic_fetch_add_explicit(&team->done, done, memory_order_acq_rel);
}

static uint32_t await_run(worker *self, uint32_t last) {
    const double began = cr_seconds();
    uint32_t run;
    do {
        for (int i = 0; i < PAUSES; i++) {
            run = atomic_load_explicit(&self->run, memory_order_acquire);
            if (run != last) return run;
            cr_pause();
        }
    } while (cr_seconds() - began < SPIN_SECONDS);
    cr_lock(&self->mutex);
    atomic_store(&self->asleep, 1);
    while ((run = atomic_load(&self->run)) == last) cr_wait(&self->wake, &self->mutex);
    atomic_store(&self->asleep, 0);
    cr_unlock(&self->mutex);
    return run;
}

static CR_THREAD work(void *argument) {
    worker *self = argument;
    uint32_t run = 0;
    for (;;) {
        run = await_run(self, run);
        cr_team *team = atomic_load_explicit(&self->team, memory_order_relaxed);
        if (cr_is_ready()) take_part(team, run, atomic_load_explicit(&self->thread, memory_order_relaxed));
    }
    return 0;
}

static worker *new_worker(void) {
    worker *self = cr_aligned_alloc(sizeof(worker));
    if (!self) return NULL;
    cr_mutex_init(&self->mutex);
    cr_condition_init(&self->wake);
    if (cr_start(work, self)) return self;
    cr_aligned_free(self);
    return NULL;
}

cr_team *cr_team_open(int threads, int cores) {
    cr_team *team = NULL;
    cr_lock(&office);
    if (forks < 0) forks = cr_watch_forks(before_fork, after_fork, in_child);
    if (cores > 0 && threads > cores - at_work) threads = cores - at_work;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    if (threads > 1) {
        team = idle_teams;
        if (team) {
            idle_teams = team->next_idle;
        } else {
            team = cr_aligned_alloc(sizeof(cr_team));
        }
    }
    if (team) {
        int size = 1;
        for (; size < threads; size++) {
            worker *one = idle_workers;
            if (one) {
                idle_workers = one->next_idle;
            } else if (!(one = new_worker())) {
                break; /* the system gives no more: fewer do the same work */
            }
            atomic_store_explicit(&one->team, team, memory_order_relaxed);
            atomic_store_explicit(&one->thread, size, memory_order_relaxed);
            team->workers[size] = one;
        }
        atomic_store_explicit(&team->size, size, memory_order_relaxed);
        team->forks = forks;
        at_work += size;
    }
    cr_unlock(&office);
    return team;
}

int cr_team_size(const cr_team *team) {
    return team ? atomic_load_explicit(&((cr_team *)team)->size, memory_order_relaxed) : 1;
}

void cr_team_close(cr_team *team) {
    if (!team) return;
    cr_lock(&office);
    const int size = cr_team_size(team);
    if (team->forks == forks) { /* else they are the parent's */
        at_work -= size;
        for (int t = size - 1; t > 0; t--) {
            team->workers[t]->next_idle = idle_workers;
            idle_workers = team->workers[t];
        }
    }
    team->next_idle = idle_teams;
    idle_teams = team;
    cr_unlock(&office);
}

/* Parts base ... base + parts - 1, of at most MOST_PARTS. */
static void run_some(cr_team *team, size_t base, size_t parts) {
    const size_t size = (size_t)cr_team_size(team);
    const uint32_t run = atomic_fetch_add(&last_run, 1) + 1;
    atomic_store_explicit(&team->base, base, memory_order_relaxed);
    atomic_store_explicit(&team->done, (uint64_t)run << 32, memory_order_relaxed);
    for (size_t t = 0; t < size; t++) {
        atomic_store_explicit(&team->shares[t].left, some_left(run, parts * t / size, parts * (t + 1) / size),
                              memory_order_release);
    }
    for (size_t t = 1; t < size; t++) {
        worker *one = team->workers[t];
        atomic_store(&one->run, run);
        if (atomic_load(&one->asleep)) {
            cr_lock(&one->mutex);
            cr_wake(&one->wake);
            cr_unlock(&one->mutex);
        }
    }
    take_part(team, run, 0);
    const uint64_t all = (uint64_t)run << 32 | parts;
    for (int i = 0; atomic_load_explicit(&team->done, memory_order_acquire) != all; i++) {
        if (i < 20 * PAUSES) {
            cr_pause();
        } else {
            cr_give_way(); /* the worker may be waiting for this very processor */
        }
    }
}

void cr_team_run(cr_team *team, cr_part part, void *context, size_t parts) {
    if (cr_team_size(team) == 1 || parts < 2 || team->forks != forks) {
        for (size_t i = 0; i < parts; i++) part(context, i, 0);
        return;
    }
    atomic_store_explicit(&team->part, part, memory_order_relaxed);
    atomic_store_explicit(&team->context, context, memory_order_relaxed);
    for (size_t base = 0, some; base < parts; base += some) {
        some = parts - base < MOST_PARTS ? parts - base : MOST_PARTS;
        run_some(team, base, some);
    }
}

#endif
