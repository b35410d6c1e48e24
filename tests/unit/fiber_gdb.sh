#!/bin/sh
# fiber_gdb.sh [BINARY]: gdb with common/mlopsd-gdb.py lists a parked fiber and
# walks its stack, in a live process and, as far as gdb can, in a core file.
# BINARY is fiber_canary. Prints TAP; needs gdb, and the right to trace.

set -u
canary=${1:-tests/unit/fiber_canary}
script=${srcdir:-.}/common/mlopsd-gdb.py

skip_all() { # REASON
    echo "1..0 # SKIP $1"
    exit 0
}

command -v gdb >/dev/null 2>&1 || skip_all "no gdb"
[ -x "$canary" ] || skip_all "no $canary: build it first"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# With the address sanitizer a core file would be of the size of its tables.
save_core="generate-core-file $work/core"
[ "$("$canary" tools)" = none ] || save_core=

cat >"$work/live.gdb" <<END
set debuginfod enabled off
set pagination off
set breakpoint pending on
source $script
break exit
run
fibers
fiber 1
$save_core
kill
END
cat >"$work/core.gdb" <<END
set debuginfod enabled off
set pagination off
source $script
fibers
fiber 1
END

number=0
failed=0
check() { # DESCRIPTION FILE PATTERN...
    number=$((number + 1))
    description=$1
    file=$2
    shift 2
    for pattern in "$@"; do
        if ! grep -q "$pattern" "$file"; then
            failed=1
            echo "not ok $number - $description: no $pattern"
            sed 's/^/# /' "$file"
            return
        fi
    done
    echo "ok $number - $description"
}

gdb -q -nx -batch -x "$work/live.gdb" --args "$canary" parked >"$work/live" 2>&1
grep -qi "not permitted\|could not trace\|Cannot create process" "$work/live" && skip_all "no right to trace"
echo "1..3"
check "a parked fiber is listed" "$work/live" "^ *1 *parked *parked *for ever"
check "its stack is walked" "$work/live" "in fiber_wait " "in canary_parked " "in fiber_main "
if [ -z "$save_core" ]; then
    echo "ok 3 - a core file tells who waited and where # SKIP built with sanitizers"
    exit $failed
fi
gdb -q -nx -batch -x "$work/core.gdb" "$canary" "$work/core" >"$work/dead" 2>&1
check "a core file tells who waited and where" "$work/dead" \
    "^ *1 *parked *parked *for ever" "it waits in fiber_park"
exit $failed
