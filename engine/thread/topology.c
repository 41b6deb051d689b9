#include "thread/topology.h"
#include "base/text.h"
#include "thread/cgroup.h"
#include "thread/sysfile.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_LIMIT (1 << 20) // far above any kernel's

// /sys/devices/system/cpu/cpuID/NAME
static bool read_cpu_file(const char *root, int id, const char *name, char *text, size_t size) {
  char path[128];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", id, name);
  return mf_sysfile_read(root, path, text, size);
}

// The first number of the file: of a list such as 0-1 or 0,32 the lowest.
static int read_cpu_number(const char *root, int id, const char *name, int otherwise) {
  char text[64];
  int64_t value;
  if (!read_cpu_file(root, id, name, text, sizeof text)) return otherwise;
  text[strcspn(text, ",-")] = 0;
  return mf_text_to_int(text, 0, CPU_LIMIT, &value) ? (int)value : otherwise;
}

static int compare_ids(const void *left, const void *right) {
  const mf_cpu *a = left, *b = right;
  return (a->id > b->id) - (a->id < b->id);
}

static int compare_places(const void *left, const void *right) {
  const mf_cpu *a = left, *b = right;
  if (a->package != b->package) return a->package < b->package ? -1 : 1;
  if (a->core != b->core) return a->core < b->core ? -1 : 1;
  return compare_ids(a, b);
}

// Turns the kernel's core numbers into ranks among the CPUs of the mask; returns the number of cores.
static size_t rank_cpus(mf_cpu *cpus, size_t count) {
  qsort(cpus, count, sizeof *cpus, compare_places);
  size_t cores = 0;
  int package = -1, core = -1, rank = 0, thread = 0;
  for (size_t i = 0; i < count; i++) {
    const bool new_package = i == 0 || cpus[i].package != package, new_core = new_package || cpus[i].core != core;
    rank = new_package ? 0 : rank + new_core;
    thread = new_core ? 0 : thread + 1;
    cores += new_core;
    package = cpus[i].package;
    core = cpus[i].core;
    cpus[i].core = rank;
    cpus[i].thread = thread;
  }
  qsort(cpus, count, sizeof *cpus, compare_ids);
  return cores;
}

static mf_status read_cpus(mf_topology *topology, const char *root, const int *ids, size_t count, mf_error *e) {
  size_t bytes;
  if (!mf_mul(count, sizeof(mf_cpu), &bytes)) bytes = SIZE_MAX;
  mf_cpu *cpus = mf_arena_alloc(&topology->arena, bytes);
  if (!cpus) return mf_fail_memory(e, bytes);
  for (size_t i = 0; i < count; i++)
    cpus[i] = (mf_cpu){
        .id = ids[i],
        .package = read_cpu_number(root, ids[i], "topology/physical_package_id", 0),
        .core = read_cpu_number(root, ids[i], "topology/thread_siblings_list", ids[i]),
    };
  topology->cpus = cpus;
  topology->cpu_count = count;
  topology->core_count = rank_cpus(cpus, count);
  return MF_OK;
}

// "32K", "1M", "123"; 0 when not understood.
static size_t parse_size(char *text) {
  int64_t value;
  const size_t length = strlen(text);
  const char unit = length ? text[length - 1] : 0;
  const int64_t factor = unit == 'K' ? 1 << 10 : unit == 'M' ? 1 << 20 : 1;
  if (factor > 1) text[length - 1] = 0;
  return mf_text_to_int(text, 0, INT64_MAX >> 20, &value) ? (size_t)(value * factor) : 0;
}

static void read_caches(mf_topology *topology, const char *root) {
  const int first = topology->cpus[0].id;
  for (int i = 0; i < 16; i++) {
    char name[64], text[64];
    snprintf(name, sizeof name, "cache/index%d/type", i);
    if (!read_cpu_file(root, first, name, text, sizeof text)) return;
    if (strcmp(text, "Instruction") == 0) continue;
    snprintf(name, sizeof name, "cache/index%d/level", i);
    const int level = read_cpu_number(root, first, name, 0);
    size_t *bytes = level == 1   ? &topology->l1d_bytes
                    : level == 2 ? &topology->l2_bytes
                    : level == 3 ? &topology->l3_bytes
                                 : NULL;
    snprintf(name, sizeof name, "cache/index%d/size", i);
    if (bytes && read_cpu_file(root, first, name, text, sizeof text)) *bytes = parse_size(text);
  }
}

// The value of the first line "NAME<blanks>: VALUE", or "".
static mf_status copy_field(mf_arena *arena, const char *text, const char *name, const char **out, mf_error *e) {
  *out = "";
  const size_t length = strlen(name);
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, name, length) != 0) continue;
    const char *value = line + length + strspn(line + length, " \t");
    if (*value != ':') continue;
    value += 1 + strspn(value + 1, " \t");
    *out = mf_arena_format(arena, "%.*s", (int)strcspn(value, "\n"), value);
    return *out ? MF_OK : mf_fail_memory(e, strcspn(value, "\n"));
  }
  return MF_OK;
}

static mf_status read_cpuinfo(mf_topology *topology, const char *root, mf_error *e) {
  char text[16384]; // the first CPU's block is a few thousand bytes
  mf_sysfile_read(root, "/proc/cpuinfo", text, sizeof text);
  MF_TRY(copy_field(&topology->arena, text, "model name", &topology->model, e));
  MF_TRY(copy_field(&topology->arena, text, "flags", &topology->flags, e));
  topology->hypervisor = mf_topology_has_flag(topology, "hypervisor");
  return MF_OK;
}

static void read_memory(mf_topology *topology, const char *root) {
  char text[256];
  const char *name = "MemTotal:"; // the first line: "MemTotal:  123 kB"
  if (!mf_sysfile_read(root, "/proc/meminfo", text, sizeof text) || strncmp(text, name, strlen(name)) != 0) return;
  char *number = text + strlen(name);
  number += strspn(number, " ");
  number[strcspn(number, " \n")] = 0;
  int64_t kilobytes;
  if (mf_text_to_int(number, 0, INT64_MAX >> 10, &kilobytes)) topology->memory_bytes = (uint64_t)kilobytes << 10;
}

static mf_status read_tree(mf_topology *topology, const char *root, const int *cpus, size_t count, mf_error *e) {
  MF_TRY(read_cpus(topology, root, cpus, count, e));
  read_caches(topology, root);
  MF_TRY(read_cpuinfo(topology, root, e));
  read_memory(topology, root);
  const mf_cgroup limits = mf_cgroup_read(root);
  topology->quota_cpus = limits.cpus;
  if (!topology->memory_bytes || limits.memory_bytes < topology->memory_bytes)
    topology->memory_limit_bytes = limits.memory_bytes;
  return MF_OK;
}

mf_status mf_topology_read_tree(mf_topology *topology, const char *root, const int *cpus, size_t count, mf_error *e) {
  *topology = (mf_topology){.model = "", .flags = ""};
  if (count == 0) return mf_fail(e, MF_ERR_UNSUPPORTED, "this process may use no CPU (expected at least one)");
  const mf_status status = read_tree(topology, root, cpus, count, e);
  if (status != MF_OK) mf_topology_free(topology);
  return status;
}

// The numbers of the mask's CPUs, mf_free'd by the caller. The kernel refuses masks shorter than its own, whose size it
// does not tell: they grow until it accepts.
static mf_status read_mask(int **ids, size_t *count, mf_error *e) {
  for (size_t limit = 1024; limit <= CPU_LIMIT; limit *= 2) {
    const size_t bytes = CPU_ALLOC_SIZE(limit);
    cpu_set_t *mask = mf_alloc_zero(bytes);
    if (!mask) return mf_fail_memory(e, bytes);
    if (sched_getaffinity(0, bytes, mask) != 0) {
      const int why = errno;
      mf_free(mask);
      if (why == EINVAL) continue;
      return mf_fail(e, MF_ERR_UNSUPPORTED, "the CPUs of this process cannot be read: %s", strerror(why));
    }
    *count = 0;
    *ids = mf_alloc(limit * sizeof **ids);
    for (size_t id = 0; *ids && id < limit; id++)
      if (CPU_ISSET_S(id, bytes, mask)) (*ids)[(*count)++] = (int)id;
    mf_free(mask);
    return *ids ? MF_OK : mf_fail_memory(e, limit * sizeof **ids);
  }
  return mf_fail(e, MF_ERR_UNSUPPORTED, "the CPUs of this process cannot be read: more than %d", CPU_LIMIT);
}

mf_status mf_topology_read(mf_topology *topology, mf_error *e) {
  int *cpus = NULL;
  size_t count = 0;
  *topology = (mf_topology){0};
  MF_TRY(read_mask(&cpus, &count, e));
  const mf_status status = mf_topology_read_tree(topology, "", cpus, count, e);
  mf_free(cpus);
  return status;
}

void mf_topology_free(mf_topology *topology) {
  mf_arena_free(&topology->arena);
  *topology = (mf_topology){0};
}

size_t mf_topology_default_threads(const mf_topology *topology) {
  size_t threads = topology->core_count;
  if (topology->quota_cpus > 0 && topology->quota_cpus < (double)threads) threads = (size_t)topology->quota_cpus;
  return threads > 0 ? threads : 1;
}

bool mf_topology_has_flag(const mf_topology *topology, const char *flag) {
  const size_t length = strlen(flag);
  for (const char *at = topology->flags; (at = strstr(at, flag)); at += length)
    if ((at == topology->flags || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
  return false;
}

void mf_topology_format_cpus(const mf_topology *topology, char *text, size_t size) {
  size_t used = 0;
  text[0] = 0;
  for (size_t i = 0, last; i < topology->cpu_count && used < size; i = last + 1) {
    for (last = i; last + 1 < topology->cpu_count && topology->cpus[last + 1].id == topology->cpus[last].id + 1;)
      last++;
    const char *comma = i > 0 ? "," : "";
    const int length =
        last > i ? snprintf(text + used, size - used, "%s%d-%d", comma, topology->cpus[i].id, topology->cpus[last].id)
                 : snprintf(text + used, size - used, "%s%d", comma, topology->cpus[i].id);
    used += (size_t)length;
  }
}
