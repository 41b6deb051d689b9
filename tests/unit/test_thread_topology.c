// Topology and control groups, from trees of files as kernels write them, and on this machine under a narrowed mask.
#include "reference/support.h"
#include "thread/cgroup.h"
#include "thread/topology.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- trees ----

typedef struct entry {
  const char *path, *content;
} entry;

static char root[SUPPORT_PATH];

static void write_file(const char *path, const char *content) {
  char full[PATH_MAX];
  assert_true((size_t)snprintf(full, sizeof full, "%s%s", root, path) < sizeof full);
  for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(full, 0755);
    *slash = '/';
  }
  FILE *file = fopen(full, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
  assert_int_equal(fclose(file), 0);
}

static void plant(const entry *entries) {
  support_folder_create(root);
  for (; entries->path; entries++) write_file(entries->path, entries->content);
}

static void uproot(void) {
  support_folder_remove(root);
}

// ---- control groups ----

typedef struct limits_case {
  const char *name;
  double cpus;
  uint64_t memory_bytes;
  entry entries[10];
} limits_case;

#define V2_MOUNT "30 23 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:4 - cgroup2 cgroup rw,nsdelegate\n"
#define OTHER_MOUNTS                                                                                                   \
  "22 1 0:21 / /proc rw,relatime - proc proc rw\n"                                                                     \
  "23 1 0:22 / /sys rw,relatime shared:2 master:1 - sysfs sysfs rw\n"

static const limits_case limits_table[] = {
    {"nothing to read", 0, 0, {{NULL, NULL}}},
    {"v2, a container with a namespace of its own",
     1.5,
     536870912,
     {{"/proc/self/cgroup", "0::/\n"},
      {"/proc/self/mountinfo", OTHER_MOUNTS V2_MOUNT},
      {"/sys/fs/cgroup/cpu.max", "150000 100000\n"},
      {"/sys/fs/cgroup/memory.max", "536870912\n"}}},
    {"v2, no limit",
     0,
     0,
     {{"/proc/self/cgroup", "0::/user.slice\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/user.slice/memory.max", "max\n"}}},
    {"v2, the parent is tighter",
     1,
     1073741824,
     {{"/proc/self/cgroup", "0::/a.slice/b.scope\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/a.slice/b.scope/cpu.max", "400000 100000\n"},
      {"/sys/fs/cgroup/a.slice/cpu.max", "50000 50000\n"},
      {"/sys/fs/cgroup/a.slice/b.scope/memory.max", "1073741824\n"},
      {"/sys/fs/cgroup/a.slice/memory.max", "2147483648\n"}}},
    {"v2, only the top is limited",
     2,
     0,
     {{"/proc/self/cgroup", "0::/a/b/c\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}},
    {"v2, siblings and children do not count",
     0,
     0,
     {{"/proc/self/cgroup", "0::/a\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/b/cpu.max", "200000 100000\n"},
      {"/sys/fs/cgroup/a/c/cpu.max", "200000 100000\n"}}},
    {"v1, a container without a namespace: the mount shows its own group as the top",
     2.5,
     268435456,
     {{"/proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/docker/abc\n"},
      {"/proc/self/mountinfo", "40 30 0:31 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n"
                               "41 30 0:32 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
                               "42 30 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "100000\n"},
      {"/sys/fs/cgroup/cpuset/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"}}},
    {"v1, on the host, a group below the top; memory has no limit there",
     3,
     0,
     {{"/proc/self/cgroup", "2:memory:/jobs/7\n1:cpu:/jobs/7\n"},
      {"/proc/self/mountinfo", "41 30 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                               "42 30 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"},
      {"/sys/fs/cgroup/cpu/jobs/7/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu/jobs/7/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us", "300000\n"},
      {"/sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "9223372036854771712\n"}}},
    {"hybrid: v1 for CPUs, v2 for memory",
     0.5,
     4096,
     {{"/proc/self/cgroup", "1:cpu:/\n0::/x\n"},
      {"/proc/self/mountinfo", "41 30 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                               "43 30 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"},
      {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/unified/x/memory.max", "4096\n"}}},
    {"a folder with a space and a colon in the group's name",
     2,
     0,
     {{"/proc/self/cgroup", "0::/a:b c\n"},
      {"/proc/self/mountinfo", "30 23 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"},
      {"/mnt/my groups/a:b c/cpu.max", "200000 100000\n"}}},
    {"the second mount is the one that shows the group",
     2,
     0,
     {{"/proc/self/cgroup", "0::/mine/x\n"},
      {"/proc/self/mountinfo",
       "30 23 0:26 /other /mnt/a rw - cgroup2 c rw\n30 23 0:26 /mine /mnt/b rw - cgroup2 c rw\n"},
      {"/mnt/a/cpu.max", "100000 100000\n"},
      {"/mnt/b/x/cpu.max", "200000 100000\n"}}},
    {"/mine is not the top of /mineral",
     1,
     0,
     {{"/proc/self/cgroup", "0::/mineral\n"},
      {"/proc/self/mountinfo", "30 23 0:26 /mine /mnt/a rw - cgroup2 c rw\n30 23 0:26 / /mnt/b rw - cgroup2 c rw\n"},
      {"/mnt/a/cpu.max", "300000 100000\n"},
      {"/mnt/a/ral/cpu.max", "200000 100000\n"},
      {"/mnt/b/mineral/cpu.max", "100000 100000\n"}}},
    {"a group outside of the namespace counts as the top",
     2,
     0,
     {{"/proc/self/cgroup", "0::/../../x\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/cpu.max", "200000 100000\n"},
      {"/sys/x/cpu.max", "100000 100000\n"}}},
    {"mounts that come after a very long line",
     2,
     0,
     {{"/proc/self/cgroup", "0::/\n"},
      {"/proc/self/mountinfo", "LONG"}, // see below
      {"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}},
    {"nonsense limits nothing",
     0,
     0,
     {{"/proc/self/cgroup", "\n:\n::\n0:\n1:cpu:relative\n0::/\n9:memory:/\n"},
      {"/proc/self/mountinfo", "\n- - -\n1 2 3 4 5 6\n1 2 3 / /a - cgroup2\n"
                               "1 2 3 / /v1 rw - cgroup c rw,memory\n1 2 3 / /v2 rw - cgroup2 c rw\n"},
      {"/v1/memory.limit_in_bytes", "-5\n"},
      {"/v2/cpu.max", "100000\n"},
      {"/v2/memory.max", "99999999999999999999999\n"}}},
    {"zeros and words limit nothing",
     0,
     0,
     {{"/proc/self/cgroup", "0::/a\n"},
      {"/proc/self/mountinfo", V2_MOUNT},
      {"/sys/fs/cgroup/a/cpu.max", "100000 0\n"},
      {"/sys/fs/cgroup/cpu.max", "0x10 many\n"},
      {"/sys/fs/cgroup/a/memory.max", "0\n"},
      {"/sys/fs/cgroup/memory.max", "1 2\n"}}},
    {"no mountinfo", 0, 0, {{"/proc/self/cgroup", "0::/\n"}, {"/cpu.max", "100000 100000\n"}}},
};

static void test_cgroup_trees(void **state) {
  (void)state;
  static char long_line[20000 + sizeof V2_MOUNT];
  memset(long_line, 'x', 20000);
  long_line[19999] = '\n';
  memcpy(long_line + 20000, V2_MOUNT, sizeof V2_MOUNT);
  for (size_t i = 0; i < sizeof limits_table / sizeof *limits_table; i++) {
    const limits_case *c = &limits_table[i];
    plant(c->entries);
    if (c->entries[1].content && strcmp(c->entries[1].content, "LONG") == 0) write_file(c->entries[1].path, long_line);
    const mf_cgroup limits = mf_cgroup_read(root);
    uproot();
    if (limits.cpus != c->cpus || limits.memory_bytes != c->memory_bytes)
      fail_msg("%s: %g CPUs, %llu bytes", c->name, limits.cpus, (unsigned long long)limits.memory_bytes);
  }
}

// ---- topology ----

#define CPU "/sys/devices/system/cpu/cpu"

// Two packages of two cores of two CPUs, numbered as servers often are: first all cores, then their second CPUs.
static const entry server[] = {
    {CPU "0/topology/physical_package_id", "0\n"},
    {CPU "0/topology/thread_siblings_list", "0,4\n"},
    {CPU "1/topology/physical_package_id", "0\n"},
    {CPU "1/topology/thread_siblings_list", "1,5\n"},
    {CPU "2/topology/physical_package_id", "1\n"},
    {CPU "2/topology/thread_siblings_list", "2,6\n"},
    {CPU "3/topology/physical_package_id", "1\n"},
    {CPU "3/topology/thread_siblings_list", "3,7\n"},
    {CPU "4/topology/physical_package_id", "0\n"},
    {CPU "4/topology/thread_siblings_list", "0,4\n"},
    {CPU "5/topology/physical_package_id", "0\n"},
    {CPU "5/topology/thread_siblings_list", "1,5\n"},
    {CPU "6/topology/physical_package_id", "1\n"},
    {CPU "6/topology/thread_siblings_list", "2,6\n"},
    {CPU "7/topology/physical_package_id", "1\n"},
    {CPU "7/topology/thread_siblings_list", "3,7\n"},
    {CPU "0/cache/index0/level", "1\n"},
    {CPU "0/cache/index0/type", "Data\n"},
    {CPU "0/cache/index0/size", "48K\n"},
    {CPU "0/cache/index1/level", "1\n"},
    {CPU "0/cache/index1/type", "Instruction\n"},
    {CPU "0/cache/index1/size", "32K\n"},
    {CPU "0/cache/index2/level", "2\n"},
    {CPU "0/cache/index2/type", "Unified\n"},
    {CPU "0/cache/index2/size", "2048K\n"},
    {CPU "0/cache/index3/level", "3\n"},
    {CPU "0/cache/index3/type", "Unified\n"},
    {CPU "0/cache/index3/size", "107520K\n"},
    {"/proc/cpuinfo", "processor\t: 0\nvendor_id\t: Maker\nmodel\t\t: 143\nmodel name\t: Maker (R) Fast CPU @ 2.00GHz\n"
                      "flags\t\t: fpu avx2 avx512f hypervisor avx512_vnni\nvmx flags\t: ept\n\nprocessor\t: 1\n"
                      "model name\t: Another\nflags\t\t: fpu amx_tile\n"},
    {"/proc/meminfo", "MemTotal:       24684096 kB\nMemFree:        1 kB\n"},
    {"/proc/self/cgroup", "0::/\n"},
    {"/proc/self/mountinfo", V2_MOUNT},
    {"/sys/fs/cgroup/cpu.max", "350000 100000\n"},
    {"/sys/fs/cgroup/memory.max", "1073741824\n"},
    {NULL, NULL},
};

static void check_cpu(const mf_cpu *cpu, int id, int package, int core, int thread) {
  if (cpu->id != id || cpu->package != package || cpu->core != core || cpu->thread != thread)
    fail_msg("cpu %d %d %d %d, expected %d %d %d %d", cpu->id, cpu->package, cpu->core, cpu->thread, id, package, core,
             thread);
}

static void test_server(void **state) {
  (void)state;
  mf_topology t;
  mf_error e = {0};
  char text[64];
  plant(server);
  assert_int_equal(mf_topology_read_tree(&t, root, (const int[]){0, 1, 2, 3, 4, 5, 6, 7}, 8, &e), MF_OK);
  uproot();
  assert_int_equal(t.cpu_count, 8);
  assert_int_equal(t.core_count, 4);
  for (int i = 0; i < 8; i++) check_cpu(&t.cpus[i], i, i / 2 % 2, i % 2, i / 4);
  assert_int_equal(t.l1d_bytes, 48 << 10);
  assert_int_equal(t.l2_bytes, 2 << 20);
  assert_int_equal(t.l3_bytes, 105 << 20);
  assert_string_equal(t.model, "Maker (R) Fast CPU @ 2.00GHz");
  assert_string_equal(t.flags, "fpu avx2 avx512f hypervisor avx512_vnni");
  assert_true(t.hypervisor);
  assert_true(mf_topology_has_flag(&t, "fpu") && mf_topology_has_flag(&t, "avx512_vnni"));
  assert_false(mf_topology_has_flag(&t, "avx") || mf_topology_has_flag(&t, "amx_tile") ||
               mf_topology_has_flag(&t, "vnni"));
  assert_true(t.memory_bytes == 24684096ull * 1024);
  assert_true(t.memory_limit_bytes == 1073741824);
  assert_true(t.quota_cpus == 3.5);
  assert_int_equal(mf_topology_default_threads(&t), 3);
  mf_topology_format_cpus(&t, text, sizeof text);
  assert_string_equal(text, "0-7");
  mf_topology_free(&t);
  mf_topology_free(&t); // is empty by now
}

// Ranks count only what the mask allows: CPU 5 is the first of its core when CPU 1 is not there.
static void test_masked_server(void **state) {
  (void)state;
  mf_topology t;
  mf_error e = {0};
  char text[64];
  plant(server);
  assert_int_equal(mf_topology_read_tree(&t, root, (const int[]){2, 3, 5, 6, 7}, 5, &e), MF_OK);
  uproot();
  assert_int_equal(t.core_count, 3);
  check_cpu(&t.cpus[0], 2, 1, 0, 0);
  check_cpu(&t.cpus[1], 3, 1, 1, 0);
  check_cpu(&t.cpus[2], 5, 0, 0, 0);
  check_cpu(&t.cpus[3], 6, 1, 0, 1);
  check_cpu(&t.cpus[4], 7, 1, 1, 1);
  assert_int_equal(t.l2_bytes, 0); // only CPU 0 of the tree has files about caches
  mf_topology_format_cpus(&t, text, sizeof text);
  assert_string_equal(text, "2-3,5-7");
  mf_topology_format_cpus(&t, text, 4);
  assert_string_equal(text, "2-3");
  mf_topology_free(&t);
}

static void test_silent_kernel(void **state) {
  (void)state;
  mf_topology t;
  mf_error e = {0};
  plant((const entry[]){
      {"/proc/cpuinfo", "processor : 0\nflags\n"}, {CPU "0/topology/thread_siblings_list", "?\n"}, {NULL, NULL}});
  assert_int_equal(mf_topology_read_tree(&t, root, (const int[]){0, 9}, 2, &e), MF_OK);
  uproot();
  check_cpu(&t.cpus[0], 0, 0, 0, 0);
  check_cpu(&t.cpus[1], 9, 0, 1, 0);
  assert_int_equal(t.core_count, 2);
  assert_string_equal(t.model, "");
  assert_string_equal(t.flags, "");
  assert_false(t.hypervisor || mf_topology_has_flag(&t, "fpu"));
  assert_true(t.memory_bytes == 0 && t.memory_limit_bytes == 0 && t.quota_cpus == 0);
  assert_int_equal(mf_topology_default_threads(&t), 2);
  mf_topology_free(&t);
}

static void test_default_threads(void **state) {
  (void)state;
  static const struct {
    size_t cores;
    double quota;
    size_t threads;
  } table[] = {{4, 0, 4},   {4, 4, 4},    {4, 3.99, 3}, {4, 1.5, 1}, {4, 1, 1},
               {4, 0.5, 1}, {4, 0.01, 1}, {4, 64, 4},   {1, 0, 1},   {1, 0.3, 1}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const mf_topology t = {.core_count = table[i].cores, .quota_cpus = table[i].quota};
    assert_int_equal(mf_topology_default_threads(&t), table[i].threads);
  }
}

static void test_no_cpu(void **state) {
  (void)state;
  mf_topology t;
  mf_error e = {0};
  assert_int_equal(mf_topology_read_tree(&t, "/nowhere", NULL, 0, &e), MF_ERR_UNSUPPORTED);
  assert_non_null(strstr(e.text, "no CPU"));
}

// ---- this machine ----

static mf_status read_and_free(void *context, mf_error *e) {
  (void)context;
  mf_topology t;
  const mf_status status = mf_topology_read(&t, e);
  if (status == MF_OK) mf_topology_free(&t);
  return status;
}

static void test_refused_allocations(void **state) {
  (void)state;
  assert_in_range(support_refuse_allocations(read_and_free, NULL), 2, 19);
}

static void test_this_machine(void **state) {
  (void)state;
  mf_topology t;
  mf_error e = {0};
  cpu_set_t mask;
  assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
  assert_int_equal(mf_topology_read(&t, &e), MF_OK);
  assert_int_equal(t.cpu_count, CPU_COUNT(&mask));
  for (size_t i = 0; i < t.cpu_count; i++) assert_true(CPU_ISSET((size_t)t.cpus[i].id, &mask));
  assert_in_range(t.core_count, 1, t.cpu_count);
  const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  assert_in_range(t.memory_bytes, memory / 2, memory * 2); // a virtual machine's may change at any time
#if defined(__x86_64__)
  __builtin_cpu_init();
  assert_int_equal(mf_topology_has_flag(&t, "avx2"), __builtin_cpu_supports("avx2") != 0);
  assert_int_equal(mf_topology_has_flag(&t, "avx512f"), __builtin_cpu_supports("avx512f") != 0);
#endif
  mf_topology_free(&t);
}

// As under `taskset -c N`.
static void test_one_cpu_of_the_mask(void **state) {
  (void)state;
  cpu_set_t mask;
  assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
  size_t last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &mask)) last--;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    mf_topology t;
    mf_error e = {0};
    CPU_ZERO(&mask);
    CPU_SET(last, &mask);
    if (sched_setaffinity(0, sizeof mask, &mask) != 0) _exit(1);
    if (mf_topology_read(&t, &e) != MF_OK) _exit(2);
    if (t.cpu_count != 1 || t.core_count != 1 || mf_topology_default_threads(&t) != 1) _exit(3);
    _exit(t.cpus[0].id == (int)last && t.cpus[0].core == 0 && t.cpus[0].thread == 0 ? 0 : 4);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cgroup_trees),        cmocka_unit_test(test_server),
      cmocka_unit_test(test_masked_server),       cmocka_unit_test(test_silent_kernel),
      cmocka_unit_test(test_default_threads),     cmocka_unit_test(test_no_cpu),
      cmocka_unit_test(test_refused_allocations), cmocka_unit_test(test_this_machine),
      cmocka_unit_test(test_one_cpu_of_the_mask),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
