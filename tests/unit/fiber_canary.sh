#!/bin/sh
# fiber_canary.sh [BINARY]: each mistake that fiber_canary makes inside a fiber
# must be reported by the tool that looks for it, with the function's name.
# With AddressSanitizer where the binary has it, else under valgrind where that
# is installed; what neither can see is skipped, with the reason. Prints TAP.

set -u
canary=${1:-tests/unit/fiber_canary}
report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT
number=0
failed=0

ok() { # DESCRIPTION
    number=$((number + 1))
    echo "ok $number - $1"
}

not_ok() { # DESCRIPTION
    number=$((number + 1))
    failed=1
    echo "not ok $number - $1"
    sed 's/^/# /' "$report"
}

skip() { # DESCRIPTION REASON
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

# Run the canary with what the caller put in $tool; its status is in $status, its words in $report.
run() { # NAME
    $tool "$canary" "$1" >"$report" 2>&1
    status=$?
}

quiet() { # NAME DESCRIPTION
    run "$1"
    if [ "$status" -eq 0 ]; then ok "$2"; else not_ok "$2 (status $status)"; fi
}

reported() { # NAME TEXT FUNCTION DESCRIPTION
    run "$1"
    if [ "$status" -ne 0 ] && grep -q "$2" "$report" && grep -q "$3" "$report"; then
        ok "$4"
    else
        not_ok "$4 (status $status)"
    fi
}

if [ ! -x "$canary" ]; then
    echo "1..0 # SKIP no $canary: build it first"
    exit 0
fi
echo "1..7"

tool=
ASAN_OPTIONS=detect_leaks=1:exitcode=99:detect_stack_use_after_return=1
export ASAN_OPTIONS
mode=$("$canary" tools)

if [ "$mode" = asan ]; then
    reported overflow "stack-overflow" canary_deeper "a stack overflow is reported"
else
    run overflow
    if [ "$status" -eq 42 ]; then
        ok "a stack overflow dies at the guard page"
    else
        not_ok "a stack overflow dies at the guard page (status $status)"
    fi
fi
quiet clean "a fiber without a mistake is not reported"

if [ "$mode" = asan ]; then
    # Frames kept to find a use after return lie outside of our stacks, where the leak check does not look.
    ASAN_OPTIONS=detect_leaks=1:exitcode=99:detect_stack_use_after_return=0
    quiet parked "what a parked fiber holds is no leak"
    ASAN_OPTIONS=detect_leaks=1:exitcode=99:detect_stack_use_after_return=1
    reported leak "LeakSanitizer.*\|Direct leak of 123" canary_leak "a leak is reported"
    reported use-after-free "heap-use-after-free" canary_use_after_free "a use after free is reported"
    skip "an uninitialised read is reported" "the sanitizers built in do not look for it; valgrind does"
    skip "valgrind knows of every switch" "built with sanitizers"
elif [ -n "${MLOPSD_BUILD:-}" ] && ! grep -q '^#define HAVE_VALGRIND_VALGRIND_H' "$MLOPSD_BUILD/config.h"; then
    why="built without valgrind's header: it was installed after ./configure ran"
    skip "what a parked fiber holds is no leak" "$why"
    skip "a leak is reported" "$why"
    skip "a use after free is reported" "$why"
    skip "an uninitialised read is reported" "$why"
    skip "valgrind knows of every switch" "$why"
elif command -v valgrind >/dev/null 2>&1; then
    tool="valgrind -q --error-exitcode=99 --leak-check=full"
    tool="$tool --show-leak-kinds=definite --errors-for-leak-kinds=definite"
    quiet parked "what a parked fiber holds is no leak"
    reported leak "123 bytes in 1 blocks are definitely lost" canary_leak "a leak is reported"
    reported use-after-free "Invalid read" canary_use_after_free "a use after free is reported"
    reported uninitialised "depends on uninitialised" canary_uninitialised "an uninitialised read is reported"
    tool="valgrind --error-exitcode=99"
    run clean
    if [ "$status" -eq 0 ] && ! grep -q "switching stacks" "$report"; then
        ok "valgrind knows of every switch"
    else
        not_ok "valgrind knows of every switch (status $status)"
    fi
else
    why="built without sanitizers, and there is no valgrind"
    skip "what a parked fiber holds is no leak" "$why"
    skip "a leak is reported" "$why"
    skip "a use after free is reported" "$why"
    skip "an uninitialised read is reported" "$why"
    skip "valgrind knows of every switch" "$why"
fi
exit $failed
