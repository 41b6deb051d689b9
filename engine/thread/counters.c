#include "thread/counters.h"
#include "base/alloc.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CYCLES, INSTRUCTIONS, CACHE_MISSES, EVENTS };

struct mf_counters {
  int events[EVENTS]; // descriptors; -1
  char text[192];
};

static int open_event(uint64_t config) {
  struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                 .size = sizeof attr,
                                 .config = config,
                                 .inherit = 1, // threads started from now on count too
                                 .exclude_kernel = 1,
                                 .exclude_hv = 1};
  return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void close_events(mf_counters *c) {
  for (int i = 0; i < EVENTS; i++) {
    if (c->events[i] >= 0) close(c->events[i]);
    c->events[i] = -1;
  }
}

// All of them or none.
static void open_events(mf_counters *c) {
  static const uint64_t configs[EVENTS] = {PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS,
                                           PERF_COUNT_HW_CACHE_MISSES};
  int why = 0;
  for (int i = 0; i < EVENTS; i++) c->events[i] = -1;
  for (int i = 0; i < EVENTS && !why; i++)
    if ((c->events[i] = open_event(configs[i])) < 0) why = errno;
  if (!why) {
    snprintf(c->text, sizeof c->text, "page faults, context switches, cycles, instructions, cache misses");
    return;
  }
  close_events(c);
  snprintf(c->text, sizeof c->text, "page faults, context switches; no hardware counters: %s",
           why == ENOENT || why == ENODEV || why == EOPNOTSUPP ? "this machine shows none" : strerror(why));
}

mf_status mf_counters_open(mf_counters **out, mf_error *e) {
  mf_counters *c = mf_alloc_zero(sizeof *c);
  if (!c) return mf_fail_memory(e, sizeof *c);
  open_events(c);
  *out = c;
  return MF_OK;
}

void mf_counters_close(mf_counters *c) {
  if (!c) return;
  close_events(c);
  mf_free(c);
}

bool mf_counters_hardware(const mf_counters *c) {
  return c->events[CYCLES] >= 0;
}

const char *mf_counters_describe(const mf_counters *c) {
  return c->text;
}

static uint64_t read_event(int event) {
  uint64_t value = 0;
  return event >= 0 && read(event, &value, sizeof value) == (ssize_t)sizeof value ? value : 0;
}

void mf_counters_read(const mf_counters *c, mf_counts *out) {
  struct rusage usage = {0};
  getrusage(RUSAGE_SELF, &usage);
  *out = (mf_counts){.cycles = read_event(c->events[CYCLES]),
                     .instructions = read_event(c->events[INSTRUCTIONS]),
                     .cache_misses = read_event(c->events[CACHE_MISSES]),
                     .page_faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt,
                     .voluntary = (uint64_t)usage.ru_nvcsw,
                     .involuntary = (uint64_t)usage.ru_nivcsw};
}
