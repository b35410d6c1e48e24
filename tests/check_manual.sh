#!/bin/sh
# What the programs take stands in the manual, and what the manual names they take: options of mlopsd,
# options and commands of mlopsctl, keys of the daemon's file; the pages build, and mandoc can read them. TAP.
top=${srcdir:-.}
build=${MLOPSD_BUILD:-.}
man=$top/docs/man
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
number=0

skip() { # DESCRIPTION REASON
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

# same DESCRIPTION PROGRAM-LIST MANUAL-LIST: both not empty, and equal as sets
same() {
    number=$((number + 1))
    sort -u "$2" >"$work/left"
    sort -u "$3" >"$work/right"
    if [ -s "$work/left" ] && cmp -s "$work/left" "$work/right"; then
        echo "ok $number - $1"
        return
    fi
    echo "not ok $number - $1"
    [ -s "$work/left" ] || echo '# the program tells nothing'
    comm -23 "$work/left" "$work/right" | sed 's/^/# not in the manual: /'
    comm -13 "$work/left" "$work/right" | sed 's/^/# only in the manual: /'
}

options() { grep -o -- '--[a-z][a-z-]*' | sort -u; }

# The lines of a page between a heading of the first level and the next.
section() { awk -v heading="# $2" '$0 == heading { on = 1; next } /^# / { on = 0 } on' "$1"; }

echo 1..8

if [ -x "$build/mlopsd" ]; then
    "$build/mlopsd" --help | options >"$work/program"
    section "$man/mlopsd.8.scd" OPTIONS | grep '^\*--' | options >"$work/manual"
    same 'mlopsd(8) has every option of mlopsd --help' "$work/program" "$work/manual"
    section "$man/mlopsd.8.scd" SYNOPSIS | options >"$work/synopsis"
    number=$((number + 1))
    if [ -s "$work/synopsis" ] && [ -z "$(comm -23 "$work/synopsis" "$work/program")" ]; then
        echo "ok $number - the synopsis of mlopsd(8) names no other option"
    else
        echo "not ok $number - the synopsis of mlopsd(8) names no other option"
    fi
else
    skip 'mlopsd(8) has every option of mlopsd --help' "no mlopsd in $build"
    skip 'the synopsis of mlopsd(8) names no other option' "no mlopsd in $build"
fi

if [ -x "$build/mlopsctl" ]; then
    "$build/mlopsctl" help >"$work/help"
    sed '/^Options/,$d' "$work/help" | sed -n 's/^  \([a-z]\)/\1/p' | cut -c1-22 |
        awk '{ name = $1; if ($2 ~ /^[a-z]+$/) name = name " " $2; print name }' >"$work/program"
    section "$man/mlopsctl.1.scd" COMMANDS | sed -n 's/^\*\([a-z][a-z ]*\)\*.*/\1/p' >"$work/manual"
    same 'mlopsctl(1) has every command of mlopsctl help' "$work/program" "$work/manual"

    # Per command: its own options, beside those that every command takes.
    sed -n '/^Options/,$p' "$work/help" | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort -u >"$work/common"
    : >"$work/pairs"
    sort -u "$work/program" | while read -r command; do
        # shellcheck disable=SC2086
        "$build/mlopsctl" help $command | options | comm -23 - "$work/common" | sed "s/^/$command /"
    done >"$work/pairs"
    section "$man/mlopsctl.1.scd" COMMANDS | grep '^\*[a-z]' | while read -r line; do
        command=$(printf '%s\n' "$line" | sed 's/^\*\([a-z][a-z ]*\)\*.*/\1/')
        printf '%s\n' "$line" | options | sed "s/^/$command /"
    done >"$work/manual"
    same 'mlopsctl(1) has the options of each command' "$work/pairs" "$work/manual"
    section "$man/mlopsctl.1.scd" OPTIONS | grep '^\*--' | options >"$work/manual"
    { cat "$work/common"; echo --platform; } >"$work/program"
    same 'mlopsctl(1) has the options of every command' "$work/program" "$work/manual"
else
    for what in 'mlopsctl(1) has every command of mlopsctl help' 'mlopsctl(1) has the options of each command' \
        'mlopsctl(1) has the options of every command'; do
        skip "$what" "no mlopsctl in $build"
    done
fi

sed -n '/field config_fields\[\] = {/,/^};/s/^ *{\.name = "\([a-z_]*\)".*/\1/p' "$top/desired/daemon_config.c" >"$work/program"
section "$man/mlopsd.yaml.5.scd" "THE DAEMON'S FILE" | grep '^\*[a-z_]*\*\(:.*\)\{0,1\}$' | sed 's/^\*\([a-z_]*\)\*.*/\1/' \
    >"$work/manual"
same "mlopsd.yaml(5) has every key of the daemon's file" "$work/program" "$work/manual"

if command -v scdoc >/dev/null 2>&1; then
    number=$((number + 1))
    failed=
    for page in "$man"/*.scd; do
        scdoc <"$page" >"$work/$(basename "$page" .scd)" 2>"$work/scdoc.err" || failed="$failed $(basename "$page")"
    done
    if [ -z "$failed" ]; then
        echo "ok $number - scdoc makes every page"
    else
        echo "not ok $number - scdoc makes every page"
        echo "# $failed: $(cat "$work/scdoc.err")"
    fi
else
    skip 'scdoc makes every page' 'scdoc is not installed'
fi

if command -v scdoc >/dev/null 2>&1 && command -v mandoc >/dev/null 2>&1; then
    number=$((number + 1))
    # Left out: what scdoc writes on every page (empty paragraphs, long input lines, a title in small letters).
    find "$work" -name '*.[158]' -exec mandoc -T lint {} + |
        grep -v 'STYLE: \|skipping paragraph macro: PP \(empty\|after SH\)' >"$work/lint"
    if [ -s "$work/lint" ]; then
        echo "not ok $number - mandoc has nothing to complain about"
        sed 's/^/# /' "$work/lint"
    else
        echo "ok $number - mandoc has nothing to complain about"
    fi
else
    skip 'mandoc has nothing to complain about' 'scdoc or mandoc is not installed'
fi
