#!/bin/bash
# tools/test.sh [--preset NAME] [CTEST OPTION...]: sets up what the tests need, builds and runs them all (labels unit, cli, slow, peers,
# data; -L LABEL picks, -R NAME too). Preset: release, or one of CMakePresets.json. Ends with the line "N passed, N failed, N skipped";
# exit status 0 only when nothing failed. $MINFER_DATA names the folder of test data (default ~/.cache/minfer-data); tests that need it
# are skipped without it.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
preset=release
if [ "${1-}" = --preset ]; then
  preset=${2-}
  [ -n "$preset" ] || die 2 "--preset wants a name (dev, release, asan, tsan, coverage)"
  shift 2
fi
need "${build_packages[@]}"
build "$preset"
cd "$root"
results=$root/build/$preset/results.xml
rm -f "$results"
# Whole outputs, so that no reason for a skip is cut off. The results say what failed.
ctest --preset "$preset" -j "$(nproc)" --output-junit "$results" --test-output-size-passed 1000000 --test-output-size-failed 1000000 "$@" || true
python3 tests/summary.py "$results"
