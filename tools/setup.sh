# shellcheck shell=bash disable=SC2034 # what it sets is used by the scripts that source it
# Shared by quickstart.sh, test.sh, fetch_weights.sh, .ci/run and tests/fuzz/run.sh, which source it: what the project needs on a Debian
# machine, and the build. Everything here is safe to interrupt and to run again; where nothing is missing it asks no network.
set -euo pipefail
trap 'exit 130' INT
trap 'exit 143' TERM
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# cmake to cairo: minfer itself. patch and xz-utils: unpacking oneDNN. cmocka and python3: the tests.
build_packages=(cmake ninja-build g++ pkg-config libpng-dev libstb-dev libcjson-dev libxxhash-dev libcurl4-openssl-dev libcairo2-dev patch xz-utils
  libcmocka-dev python3)
fetch_packages=(python3 python3-pip)
clang_packages=(clang clang-tidy clang-format libclang-rt-14-dev)

say() { printf '%s\n' "$*" >&2; }
die() { # die STATUS LINE: statuses as minfer's
  printf 'minfer: %s\n' "$2" >&2
  exit "$1"
}

# Output of a long command as one moving line on a terminal; a log elsewhere gets nothing until it fails.
moving_line() {
  if [ -t 2 ]; then
    awk '{ printf "\r\033[K%.78s", $0; fflush() } END { printf "\r\033[K" }' >&2
  else
    cat >/dev/null
  fi
}

missing_packages() {
  local package status
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
    [ "$status" = installed ] || echo "$package"
  done
}

# privileged LOG COMMAND...: as root or through sudo, never asking, its output in LOG.
privileged() {
  local log=$1 command=(env DEBIAN_FRONTEND=noninteractive "${@:2}")
  [ "$(id -u)" = 0 ] || command=(sudo "${command[@]}")
  "${command[@]}" 2>&1 | tee -a "$log" | moving_line
}

# install LOG PACKAGE...: what it downloads may be interrupted; the step that changes the system ends first.
install() {
  local log=$1 apt=(apt-get -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends)
  privileged "$log" "${apt[@]}" --download-only install "${@:2}" || return
  (
    trap '' INT
    privileged "$log" "${apt[@]}" install "${@:2}"
  )
}

# need PACKAGE...: install the Debian packages that are not there.
need() {
  command -v dpkg-query >/dev/null || die 4 "this is no Debian system; install what these packages hold and build with 'cmake --workflow release': $*"
  local missing log
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die 4 "Debian packages are missing and this is neither root nor is there sudo; as root run: apt-get install ${missing[*]}"
  fi
  say "Installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  # An installation that was killed is finished first. Package lists are read again only where the ones here do not do.
  if [ -n "$(dpkg --audit)" ]; then
    privileged "$log" dpkg --configure -a || true
    privileged "$log" apt-get -y -q --fix-broken install || true
  fi
  if ! apt-get -s install "${missing[@]}" >/dev/null 2>&1 || ! install "$log" "${missing[@]}"; then
    privileged "$log" apt-get -q update || true
    install "$log" "${missing[@]}" || {
      grep '^E:' "$log" | tail -n 3 >&2 || tail -n 5 "$log" >&2
      die 4 "these packages could not be installed: ${missing[*]} (whole output: $log)"
    }
  fi
  rm -f "$log"
}

# python_with_pip: sets $python.
python_with_pip() {
  python=python3
  python3 -m pip --version >/dev/null 2>&1 && return
  need "${fetch_packages[@]}"
  python=/usr/bin/python3 # where Debian's pip is, whichever python3 is first in PATH
}

# build PRESET [CMAKE OPTION...]: configures (oneDNN's first build happens here) and compiles.
build() {
  local preset=$1 log=$root/build/$1.configure.log
  shift
  mkdir -p "$root/build"
  # CMake's findings go to a log; its errors and oneDNN's progress stay on stderr.
  (cd "$root" && cmake --preset "$preset" "$@" >"$log") || die 4 "the build could not be configured (whole output: $log)"
  say "Building minfer ($preset)"
  # A log gets no progress, but every file's errors at once.
  local ninja=()
  [ -t 1 ] || ninja=(-- --quiet -k 0)
  (cd "$root" && cmake --build --preset "$preset" "${ninja[@]}") || die 4 "the build failed"
}
