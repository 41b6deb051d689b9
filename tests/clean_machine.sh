#!/bin/bash
# tests/clean_machine.sh [--seed] [FOLDER]: the two commands of the README on a bare Debian 12, as root: debootstrap into FOLDER (default: a
# temporary one, removed at the end), this checkout's files, this machine's apt and pip settings, certificates and resolver, and nothing
# else; then tools/quickstart.sh twice and tools/test.sh. --seed copies this user's oneDNN build there, to save its 15 minutes. Prints the
# times; exit status 1 when a command failed. Not part of the test suite: takes 25 minutes and a network.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
seed=no
if [ "${1-}" = --seed ]; then
  seed=yes
  shift
fi
[ "$(id -u)" = 0 ] || { echo "clean_machine.sh: only root can make a root folder" >&2; exit 4; }
command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap
folder=${1-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d /var/tmp/minfer-clean-XXXXXX)
  # The mounts below live in a namespace of their own and are gone by then.
  trap 'rm -rf --one-file-system "$folder" "$folder.log"' EXIT
fi

if [ ! -e "$folder/etc/debian_version" ]; then
  # shellcheck disable=SC2016 # apt expands this
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
  debootstrap --variant=minbase bookworm "$folder" "$mirror" >"$folder.log" || { tail -n 5 "$folder.log" >&2; exit 1; }
fi
rm -rf "$folder/etc/apt/sources.list"
for path in etc/apt/apt.conf.d etc/apt/sources.list etc/apt/sources.list.d etc/apt/keyrings etc/apt/trusted.gpg.d etc/resolv.conf etc/hosts \
  etc/pip.conf etc/ssl usr/share/ca-certificates usr/local/share/ca-certificates; do
  if [ -e "/$path" ]; then
    mkdir -p "$(dirname "$folder/$path")"
    cp -rL --remove-destination "/$path" "$(dirname "$folder/$path")/" 2>/dev/null || true # a dangling link in a folder of certificates
  fi
done
rm -rf "$folder/root/minfer"
mkdir -p "$folder/root/minfer" "$folder/root/.cache/minfer"
(cd "$root" && git ls-files -z -co --exclude-standard | tar -c --null -T - -f -) | tar -x -C "$folder/root/minfer" -f -
if [ $seed = yes ]; then cp -r "$("$root/third_party/onednn/build.sh")" "$folder/root/.cache/minfer/"; fi

# inside COMMAND...: in the folder, with no environment but the barest, its own mounts, and no terminal.
inside() {
  # shellcheck disable=SC2016 # the inner shell expands this
  unshare --mount --propagation private bash -c '
    folder=$1; shift
    mount -t proc proc "$folder/proc"; mount --rbind /dev "$folder/dev"; mount --rbind /sys "$folder/sys"
    exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$folder" "$@"' inside "$folder" "$@" </dev/null
}

failed=0 report=()
run() { # run TITLE COMMAND
  local begin=$SECONDS status=0
  printf '\n=== %s\n' "$1"
  inside sh -c "cd /root/minfer && $2" || status=$?
  [ $status = 0 ] || failed=1
  report+=("$(printf '%s: %d:%02d, exit status %d' "$1" $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60)) "$status")")
}
run 'quickstart' tools/quickstart.sh
run 'quickstart again' tools/quickstart.sh
run 'tests' tools/test.sh
run 'tests again' tools/test.sh
printf '\n'
printf '%s\n' "${report[@]}"
exit $failed
