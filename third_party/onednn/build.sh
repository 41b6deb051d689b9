#!/bin/sh
# Builds oneDNN once per user and prints the folder it is installed in (the only line on stdout).
# Source: Debian trixie's source package through apt, checked by apt's signed hashes; why so: ../README.md.
# Needs apt-get, cmake, ninja, g++, patch, xz. Interrupted, it goes on where it stopped. Cache: $XDG_CACHE_HOME/minfer (~/.cache/minfer).
set -eu

version=3.7.2
revision=$version+ds-2
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/minfer
# One library for every preset: the compiler is the system's, whatever compiles minfer.
unset CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS
compiler=$(c++ -dumpfullversion 2>/dev/null || c++ -dumpversion)
# What changes the library names its folder (comments do not), so an older one stays usable for other checkouts.
key=$({ echo "$revision $compiler"; sed -e 's/ *#.*//' -e '/^$/d' "$here/options.cmake" "$here/defer.cmake"; } | sha256sum | cut -c1-8)
prefix=$cache/onednn-$version-$key
work=$prefix.build

say() { printf '%s\n' "$*" >&2; }
die() { say "third_party/onednn/build.sh: $*"; exit 4; }
done_already() { [ -f "$prefix/lib/cmake/dnnl/dnnl-config.cmake" ]; }

fetch() {
  # The mirror is the one this machine uses, the package lists are our own: the system's stay as they are.
  # shellcheck disable=SC2016 # apt expands this
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
  [ -n "$uri" ] || die "apt knows no Debian mirror (run 'apt-get update'; on another system name an installed oneDNN with -DMINFER_ONEDNN=DIR)"
  mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/download"
  printf 'Types: deb-src\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$uri" > "$work/apt/parts/trixie.sources"
  set -- -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/parts" -o Dir::State::lists="$work/apt/lists" \
    -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User="$(id -un)"
  say "Downloading oneDNN $version, Debian's source package (10 MB)"
  apt-get "$@" update >&2 || die "the package lists of Debian trixie could not be read"
  (cd "$work/download" && apt-get "$@" source --download-only "onednn=$revision" >&2) || die "onednn $revision could not be downloaded"
}

unpack() {
  rm -rf "$work/source" "$work/source.part"
  mkdir -p "$work/source.part"
  tar -xf "$work/download/onednn_$version+ds.orig.tar.xz" -C "$work/source.part" --strip-components=1
  tar -xf "$work/download/onednn_$revision.debian.tar.xz" -C "$work/download"
  # The one patch we want: upstream's own 3.7.3. The others are Debian's wishes for its system libraries.
  patch -s -p1 -d "$work/source.part" < "$work/download/debian/patches/upstream-3.7.3.patch"
  mv "$work/source.part" "$work/source"
}

configure() {
  cmake -C "$here/options.cmake" -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_INSTALL_PREFIX="$prefix.part" \
    > "$work/configure.log" 2>&1 || { tail -n 20 "$work/configure.log" >&2; die "oneDNN could not be configured (whole output: $work/configure.log)"; }
  grep -q 'minfer: dnnl_cpu_x64' "$work/configure.log" || die "oneDNN's build no longer includes defer.cmake"
}

# ninja's status lines with the time that is left: one moving line on a terminal, a line every 15 seconds in a log.
progress() {
  moving=0; [ -t 2 ] && moving=1
  awk -v moving="$moving" -v log_file="$work/build.log" '
    /^@@/ { split($1, n, "/"); built = substr(n[1], 3) + 0; all = n[2] + 0; spent = $2 + 0
            left = built > 10 ? int(spent * (all - built) / built) : -1
            line = sprintf("oneDNN: %d of %d files, %d:%02d", built, all, spent / 60, spent % 60)
            if (left >= 0) line = line sprintf(", about %d:%02d left", left / 60, left % 60)
            if (moving) printf "\r\033[K%s", line > "/dev/stderr"
            else if (spent - last >= 15 || built == all) { print line > "/dev/stderr"; last = spent }
            fflush("/dev/stderr"); next }
    { print > log_file }
    END { if (moving) printf "\n" > "/dev/stderr" }'
}

compile() {
  say "Building oneDNN $version once for this user, about 15 to 20 minutes on two cores; it may be interrupted and run again"
  # sh has no pipefail: ninja's status goes through a file.
  { NINJA_STATUS='@@%f/%t %e ' ninja -C "$work/build" install 2>&1; echo $? > "$work/status"; } | progress
  [ "$(cat "$work/status")" = 0 ] || { grep -v '^$' "$work/build.log" | tail -n 20 >&2; die "oneDNN did not build (whole output: $work/build.log)"; }
  # A file too many dropped by defer.cmake would show only in a program that happens to need it.
  c++ -shared -o "$work/whole.so" -Wl,-z,defs -Wl,--whole-archive "$prefix.part/lib/libdnnl.a" -Wl,--no-whole-archive >"$work/link.log" 2>&1 ||
    { tail -n 3 "$work/link.log" >&2; die "oneDNN is not whole (whole output: $work/link.log)"; }
}

if done_already; then echo "$prefix"; exit 0; fi
mkdir -p "$work"
exec 9>"$work/lock"
flock -n 9 || { say "another build of oneDNN is running; waiting for it"; flock 9; }
if ! done_already; then
  [ -d "$work/source" ] || { fetch; unpack; }
  configure
  compile
  rm -rf "$prefix"
  mv "$prefix.part" "$prefix"
  rm -rf "$work"
fi
echo "$prefix"
