/*
 * fiber_canary.c: mistakes made on purpose inside a fiber. fiber_canary.sh runs
 * each under the tool that must report it: if a tool lost track of our stacks,
 * this is where it shows.
 *
 *     fiber_canary tools | clean | parked | leak | use-after-free | overflow | uninitialised
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fiber-internal.h"
#include "common/fiber.h"
#include "common/macro.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

#define GUARD_WAS_HIT 42

static struct fibers fibers;
static volatile unsigned sink; /* keeps the compiler from removing what has no effect */
static const char *guard_begin, *guard_end;

static void canary_clean(void *arg)
{
    char *text = strdup("fine");

    (void)arg;
    fiber_wake(fiber_self(), 0);
    (void)fiber_wait();
    sink = (unsigned)text[0];
    free(text);
}

/* Holds memory while it is parked for ever: that is no leak. */
static void canary_parked(void *arg)
{
    char *volatile texts[8]; /* more than a register or two, which are saved elsewhere */

    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        texts[i] = strdup("held by a parked fiber");
    fiber_set_where("for ever");
    (void)fiber_wait();
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
}

static void canary_leak(void *arg)
{
    char *volatile text = malloc(123); /* volatile: memory that nobody needs would not be allocated at all */

    (void)arg;
    text[0] = 'x';
    (void)fiber_wait(); /* what the tool knows of this stack must survive a switch */
    sink = (unsigned)text[0];
}

static void canary_use_after_free(void *arg)
{
    char *volatile text = malloc(123); /* volatile: the compiler would see the mistake, too */

    (void)arg;
    text[0] = 'x';
    (void)fiber_wait();
    free(text);
    sink = (unsigned)text[0];
}

static unsigned __attribute__((noinline)) canary_deeper(unsigned depth)
{
    volatile char frame[1024];

    frame[0] = (char)depth;
    if (depth == 0)
        return 0;
    return canary_deeper(depth - 1) + (unsigned)frame[0];
}

static void canary_overflow(void *arg)
{
    (void)arg;
    (void)fiber_wait();
    guard_end = fiber_self()->stack->bottom;
    guard_begin = guard_end - FIBER_GUARD_BYTES;
    sink = canary_deeper(1u << 20); /* a gigabyte */
}

static void canary_uninitialised(void *arg)
{
    unsigned *number = malloc(sizeof(*number));

    (void)arg;
    (void)fiber_wait();
    if (*(volatile unsigned *)number == 7)
        sink = 7;
    free(number);
}

/* A fault in the guard is the end we want; any other is not. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;

    (void)signal_number;
    (void)context;
    _exit(at >= guard_begin && at < guard_end ? GUARD_WAS_HIT : 1);
}

static int catch_faults(void)
{
    static char stack_for_signals[64 << 10];
    stack_t stack = {.ss_sp = stack_for_signals, .ss_size = sizeof(stack_for_signals)};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (sigaltstack(&stack, NULL) < 0)
        return -1;
    return sigaction(SIGSEGV, &action, NULL);
}

static const struct {
    const char *name;
    fiber_fn fn;
} canaries[] = {
    {"clean", canary_clean},       {"parked", canary_parked},
    {"leak", canary_leak},         {"use-after-free", canary_use_after_free},
    {"overflow", canary_overflow}, {"uninitialised", canary_uninitialised},
};

static int run(const char *name, fiber_fn fn)
{
    struct fiber *fiber = NULL;

    fibers_init(&fibers);
    if (fiber_spawn(&fibers, name, fn, NULL, &fiber) < 0)
        return 1;
    fibers_run(&fibers);
    if (fn == canary_parked)
        return fibers.living == 1 ? 0 : 1;
    if (fibers.living > 0) {
        fiber_wake(fiber, 0);
        fibers_run(&fibers);
    }
    fibers_close(&fibers);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 64;
    if (strcmp(argv[1], "tools") == 0) {
        puts(WITH_ASAN ? "asan" : "none");
        return 0;
    }
    if (!WITH_ASAN && catch_faults() < 0)
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(canaries); i++) {
        if (strcmp(argv[1], canaries[i].name) == 0)
            return run(canaries[i].name, canaries[i].fn);
    }
    return 64;
}
