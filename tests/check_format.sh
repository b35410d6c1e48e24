#!/bin/sh
# The layout of code is decided by .clang-format. TAP.
top=${srcdir:-.}
tool=
for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" --version | grep -q 'version 14\.'; then
        tool=$candidate
        break
    fi
done
echo 1..1
if [ -z "$tool" ]; then
    echo 'ok 1 - layout # SKIP clang-format 14 is not installed'
    exit 0
fi
cd "$top" || exit 1
if wrong=$(find common cloud kinds desired state view daemon ctl tests -name '*.[ch]' -print0 |
    xargs -0 "$tool" --dry-run --Werror 2>&1 | grep 'error:' | cut -d: -f1 | sort -u) && [ -z "$wrong" ]; then
    echo 'ok 1 - the code is laid out as .clang-format says'
else
    echo 'not ok 1 - the code is laid out as .clang-format says'
    echo "$wrong" | sed 's/^/# run clang-format -i /'
fi
