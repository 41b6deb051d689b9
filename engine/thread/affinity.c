#include "thread/affinity.h"
#include "base/alloc.h"
#include "base/text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPU_MAX 99999 // any kernel numbers below

// Up to the next '-', ',' or the end.
static bool parse_cpu(const char **text, int *cpu) {
  char digits[16];
  int64_t value;
  const size_t length = strcspn(*text, "-,");
  if (length >= sizeof digits) return false;
  memcpy(digits, *text, length);
  digits[length] = 0;
  *text += length;
  if (!mf_text_to_int(digits, 0, CPU_MAX, &value)) return false;
  *cpu = (int)value;
  return true;
}

// A comma-separated list of N and N-M. False when it is none; *too_long tells why.
static bool parse_list(mf_affinity *affinity, const char *text, bool *too_long) {
  for (;; text++) {
    int first, last;
    if (!parse_cpu(&text, &first)) return false;
    last = first;
    if (*text == '-') {
      text++;
      if (!parse_cpu(&text, &last) || last < first) return false;
    }
    *too_long = (size_t)(last - first) >= MF_AFFINITY_CPUS - affinity->cpu_count;
    if (*too_long) return false;
    for (int cpu = first; cpu <= last; cpu++) affinity->cpus[affinity->cpu_count++] = cpu;
    if (!*text) return true;
    if (*text != ',') return false;
  }
}

mf_status mf_affinity_parse(mf_affinity *affinity, const char *text, mf_error *e) {
  bool too_long = false;
  *affinity = (mf_affinity){.kind = MF_AFFINITY_LIST};
  if (strcmp(text, "none") == 0)
    affinity->kind = MF_AFFINITY_NONE;
  else if (strcmp(text, "compact") == 0)
    affinity->kind = MF_AFFINITY_COMPACT;
  else if (strcmp(text, "scatter") == 0)
    affinity->kind = MF_AFFINITY_SCATTER;
  else if (!parse_list(affinity, text, &too_long))
    return too_long
               ? mf_fail(e, MF_ERR_USAGE, "affinity %s: too many CPUs (expected at most %d)", text, MF_AFFINITY_CPUS)
               : mf_fail(e, MF_ERR_USAGE,
                         "affinity %s: not understood (expected none, compact, scatter or CPUs such as 0,2-3)", text);
  return MF_OK;
}

static bool is_allowed(const mf_topology *topology, int id) {
  for (size_t i = 0; i < topology->cpu_count; i++)
    if (topology->cpus[i].id == id) return true;
  return false;
}

static mf_status place_list(const mf_affinity *affinity, const mf_topology *topology, size_t workers, int *cpus,
                            mf_error *e) {
  if (affinity->cpu_count == 0) return mf_fail(e, MF_ERR_USAGE, "affinity: no CPU is named (expected at least one)");
  for (size_t i = 0; i < affinity->cpu_count; i++) {
    if (is_allowed(topology, affinity->cpus[i])) continue;
    char allowed[128];
    mf_topology_format_cpus(topology, allowed, sizeof allowed);
    return mf_fail(e, MF_ERR_USAGE, "affinity: CPU %d is not available to this process (expected some of %s)",
                   affinity->cpus[i], allowed);
  }
  for (size_t i = 0; i < workers; i++) cpus[i] = affinity->cpus[i % affinity->cpu_count];
  return MF_OK;
}

typedef struct place {
  int keys[3]; // most significant first
  int id;
} place;

static int compare_places(const void *left, const void *right) {
  const place *a = left, *b = right;
  for (int k = 0; k < 3; k++)
    if (a->keys[k] != b->keys[k]) return a->keys[k] < b->keys[k] ? -1 : 1;
  return 0;
}

// Orders the CPUs by their levels: the `inner` innermost ones first, from the inside out, then the others from the
// outside in. So 0 is compact, 2 (all but the package) is scatter.
static mf_status place_ordered(size_t inner, size_t offset, const mf_topology *topology, size_t workers, int *cpus,
                               mf_error *e) {
  const size_t count = topology->cpu_count;
  size_t bytes;
  if (count == 0) return mf_fail(e, MF_ERR_UNSUPPORTED, "this process may use no CPU (expected at least one)");
  if (!mf_mul(count, sizeof(place), &bytes)) bytes = SIZE_MAX;
  place *places = mf_alloc(bytes);
  if (!places) return mf_fail_memory(e, bytes);
  for (size_t i = 0; i < count; i++) {
    const mf_cpu *cpu = &topology->cpus[i];
    const int levels[3] = {cpu->package, cpu->core, cpu->thread};
    for (size_t k = 0; k < 3; k++) places[i].keys[k] = levels[k < inner ? 2 - k : k - inner];
    places[i].id = cpu->id;
  }
  qsort(places, count, sizeof *places, compare_places);
  for (size_t i = 0; i < workers; i++) cpus[i] = places[(offset % count + i) % count].id;
  mf_free(places);
  return MF_OK;
}

mf_status mf_affinity_place(const mf_affinity *affinity, const mf_topology *topology, size_t workers, int *cpus,
                            mf_error *e) {
  const size_t swapped = affinity->permute < 2 ? affinity->permute : 2; // of three levels two can trade places
  switch (affinity->kind) {
  case MF_AFFINITY_COMPACT:
    return place_ordered(swapped, affinity->offset, topology, workers, cpus, e);
  case MF_AFFINITY_SCATTER:
    return place_ordered(2 - swapped, affinity->offset, topology, workers, cpus, e);
  case MF_AFFINITY_LIST:
    return place_list(affinity, topology, workers, cpus, e);
  case MF_AFFINITY_DEFAULT:
    if (workers <= topology->core_count) return place_ordered(1, 0, topology, workers, cpus, e);
    break;
  case MF_AFFINITY_NONE:
    break;
  }
  for (size_t i = 0; i < workers; i++) cpus[i] = -1;
  return MF_OK;
}
