/* The one seam to the system's threads, POSIX or Windows:
 *
 *     cr_mutex, cr_lock, cr_unlock    a static one begins as CR_MUTEX, any other as cr_mutex_init leaves it
 *     cr_condition, cr_wait, cr_wake  whoever waits has the mutex, and has it again after; it may wake without cr_wake
 *     cr_start                        returns whether there is one more thread, for whose end nobody can wait; what it
 *                                     runs is CR_THREAD name(void *argument), and returns 0
 *     cr_give_way, cr_pause           to any thread that waits for this processor; within a loop that waits for another
 *     cr_watch_forks                  have these called around each fork (there are none on Windows); returns 0, or an
 *                                     error */
#ifndef CR_THREADS_H
#define CR_THREADS_H

enum { CR_STACK_BYTES = 1 << 21 };

#ifdef _WIN32

#include <process.h>
#include <stdint.h>
#include <windows.h>

typedef SRWLOCK cr_mutex;
typedef CONDITION_VARIABLE cr_condition;
#define CR_MUTEX SRWLOCK_INIT
#define CR_THREAD unsigned __stdcall

static inline void cr_mutex_init(cr_mutex *mutex) { InitializeSRWLock(mutex); }
static inline void cr_lock(cr_mutex *mutex) { AcquireSRWLockExclusive(mutex); }
static inline void cr_unlock(cr_mutex *mutex) { ReleaseSRWLockExclusive(mutex); }
static inline void cr_condition_init(cr_condition *condition) { InitializeConditionVariable(condition); }
static inline void cr_wait(cr_condition *condition, cr_mutex *mutex) {
    SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}
static inline void cr_wake(cr_condition *condition) { WakeConditionVariable(condition); }

static inline int cr_start(unsigned(__stdcall *work)(void *), void *argument) {
    const uintptr_t thread =
        _beginthreadex(NULL, CR_STACK_BYTES, work, argument, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (!thread) return 0;
    CloseHandle((HANDLE)thread);
    return 1;
}

static inline void cr_give_way(void) { SwitchToThread(); }
static inline void cr_pause(void) { YieldProcessor(); }
static inline int cr_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    (void)before, (void)in_parent, (void)in_child;
    return 0;
}

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>

typedef pthread_mutex_t cr_mutex;
typedef pthread_cond_t cr_condition;
#define CR_MUTEX PTHREAD_MUTEX_INITIALIZER
#define CR_THREAD void *

static inline void cr_mutex_init(cr_mutex *mutex) { pthread_mutex_init(mutex, NULL); }
static inline void cr_lock(cr_mutex *mutex) { pthread_mutex_lock(mutex); }
static inline void cr_unlock(cr_mutex *mutex) { pthread_mutex_unlock(mutex); }
static inline void cr_condition_init(cr_condition *condition) { pthread_cond_init(condition, NULL); }
static inline void cr_wait(cr_condition *condition, cr_mutex *mutex) { pthread_cond_wait(condition, mutex); }
static inline void cr_wake(cr_condition *condition) { pthread_cond_signal(condition); }

static inline int cr_start(void *(*work)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, CR_STACK_BYTES);
    sigset_t all, before; /* signals are for the threads of the program */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const int failed = pthread_create(&thread, &attributes, work, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

static inline void cr_give_way(void) { sched_yield(); }
static inline void cr_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline int cr_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    return pthread_atfork(before, in_parent, in_child);
}

#endif
#endif
