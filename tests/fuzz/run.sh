#!/bin/bash
# tests/fuzz/run.sh [SECONDS [TARGET...]]: fuzzes each target (or the named ones) for SECONDS (300), two at a time, starting from its
# corpus. Findings stay in build/fuzz/findings; exit status 1 when there is one. Not part of the test suite: that replays the corpora.
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/setup.sh"
seconds=${1-300}
shift || true
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die 2 "seconds: \"$seconds\" (expected a number)"
need "${build_packages[@]}" "${clang_packages[@]}"
build fuzz
cd "$root/build/fuzz"
mkdir -p findings
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd tests && find . -maxdepth 1 -name 'fuzz_*' -type f -executable -printf '%P\n' | sort)

# fuzz TARGET: what it finds of new inputs goes to a folder of the build, the corpus in the repository is only read.
fuzz() {
  local name=${1#fuzz_} status=0
  local new=corpus/$name seeds=$root/tests/fuzz/corpus/$name dictionary=$root/tests/fuzz/$name.dict options=()
  mkdir -p "$new"
  if [ -f "$dictionary" ]; then options+=(-dict="$dictionary"); fi
  "tests/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -artifact_prefix="findings/$name-" "${options[@]}" "$new" "$seeds" \
    >"findings/$name.log" 2>&1 || status=$?
  if [ "$status" = 0 ]; then
    echo "$name: $(grep -c '' <(find "$new" -type f)) new inputs kept, $(awk '/^stat::number_of_executed_units|^Done/ { print $2 }' "findings/$name.log" | tail -n 1) runs, no finding"
  else
    echo "$name: FINDING, see $root/build/fuzz/findings/$name.log"
    return 1
  fi
}
export -f fuzz
export root seconds
printf '%s\n' "${targets[@]#fuzz_}" | xargs -P 2 -I NAME bash -c 'fuzz NAME' || exit 1
