#!/bin/bash
# Runs one test for ctest: run.sh PROGRAM [ARGUMENT...]. Gives it the defaults of $MINFER_DATA and $MINFER_PEERS and empty data and cache folders, so that
# what a user has fetched or measured changes no test. A cmocka program that failed nowhere and skipped every case exits with 77, ctest's "skipped".
set -u
export MINFER_DATA=${MINFER_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/minfer-data}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
export MINFER_PEERS=${MINFER_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/minfer-peers}
export XDG_DATA_HOME=$scratch/data XDG_CACHE_HOME=$scratch/cache

"$@" 2>&1 | tee "$scratch/output"
status=${PIPESTATUS[0]}
if [ "$status" = 0 ] && grep -q '^\[  SKIPPED \]' "$scratch/output" && ! grep -q '^\[       OK \]' "$scratch/output"; then
  status=77
fi
exit "$status"
