# shellcheck shell=bash
# For the shell of a case, which sources it: puts it into a control group (version 1 or 2) with a quota of one CPU. Where none can be made the
# case is skipped.
skip() {
  echo "SKIP: $1"
  exit 77
}

leave() {
  echo $$ >"${group%/*}/cgroup.procs"
  rmdir "$group"
} 2>/dev/null

group=/sys/fs/cgroup/cpu/minfer-test-$$
[ -e /sys/fs/cgroup/cpu/cgroup.procs ] || group=/sys/fs/cgroup/minfer-test-$$
mkdir "$group" 2>/dev/null || skip 'no control group can be made here'
trap leave EXIT
if [ -e "$group/cpu.cfs_quota_us" ]; then
  echo 100000 >"$group/cpu.cfs_quota_us"
elif [ -e "$group/cpu.max" ]; then
  echo '100000 100000' >"$group/cpu.max"
else
  false
fi 2>/dev/null || skip 'no limit of CPUs can be set here'
{ echo $$ >"$group/cgroup.procs"; } 2>/dev/null || skip 'no process can be moved into a control group here'
