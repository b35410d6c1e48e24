#!/bin/sh
# Every fuzzer over its kept seeds and finds: what once broke a parser stays tested. TAP.
build=${MLOPSD_BUILD:-.}
top=${srcdir:-.}
n=0
for program in "$build"/tests/fuzz/fuzz_*; do
    case $program in *.c | *.o | *.h | *.log | *.trs) continue ;; esac
    [ -x "$program" ] || continue
    name=$(basename "$program")
    n=$((n + 1))
    # shellcheck disable=SC2046
    if find "$top/tests/fuzz/corpus/${name#fuzz_}" -type f -print0 2>/dev/null | xargs -0 -r "$program" >"/tmp/$name.$$" 2>&1; then
        echo "ok $n - $name holds on its corpus"
    else
        echo "not ok $n - $name holds on its corpus"
        sed 's/^/# /' "/tmp/$name.$$" | tail -40
    fi
    rm -f "/tmp/$name.$$"
done
echo "1..$n"
