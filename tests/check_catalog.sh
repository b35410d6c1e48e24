#!/bin/sh
# Every MESSAGE_ID of the event table has a text in the journal catalog, and no other; journalctl can read it. TAP.
top=${srcdir:-.}
echo 1..3
events=$(grep -o '"[0-9a-f]\{32\}"' "$top/daemon/events.c" | tr -d '"' | sort)
texts=$(sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$top/systemd/mlopsd.catalog" | sort)
if [ -n "$events" ] && [ "$events" = "$texts" ]; then
    echo 'ok 1 - one catalog text per MESSAGE_ID'
else
    echo 'not ok 1 - one catalog text per MESSAGE_ID'
fi
if [ "$(echo "$events" | uniq -d)" = "" ]; then
    echo 'ok 2 - no MESSAGE_ID twice'
else
    echo 'not ok 2 - no MESSAGE_ID twice'
fi
if ! command -v journalctl >/dev/null 2>&1; then
    echo 'ok 3 - journalctl compiles the catalog # SKIP journalctl is not installed'
    exit 0
fi
root=$(mktemp -d)
mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
cp "$top/systemd/mlopsd.catalog" "$root/usr/lib/systemd/catalog/"
if out=$(journalctl --update-catalog --root="$root" 2>&1) && [ -s "$root/var/lib/systemd/catalog/database" ]; then
    echo 'ok 3 - journalctl compiles the catalog'
else
    echo 'not ok 3 - journalctl compiles the catalog'
    echo "$out" | sed 's/^/# /'
fi
rm -rf "$root"
