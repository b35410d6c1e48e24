#!/bin/sh
# installcheck.sh SBINDIR BINDIR EXAMPLESDIR: `make installcheck`: the installed programs start, and the installed
# mlopsd finds the blueprint that the installed example names. Nothing is written outside a folder of its own.
set -eu
sbindir=$1 bindir=$2 examples=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/mlopsd-installcheck.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$sbindir/mlopsd" --version
"$bindir/mlopsctl" --version
cp "$examples/mlopsd.yaml" "$work/"
mkdir "$work/platforms.d"
cp "$examples/platforms.d/abalone-mlops.yaml" "$work/platforms.d/"
"$sbindir/mlopsd" --check --config "$work/mlopsd.yaml"
