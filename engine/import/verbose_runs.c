#include "import/verbose_runs.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 64 }; // primitives that may begin a run: the first ones of the log that come again

typedef struct segment {
  uint64_t hash;
  size_t begin, length; // executions; length: those that are no noise
} segment;

typedef struct finder {
  const int *ids;
  size_t n;
  const size_t *counts; // of an id
  size_t rare;          // ids with fewer executions are noise
  segment *segments, *sorted;
} finder;

typedef struct choice { // of where runs begin
  int id;
  size_t covered, length, begin; // begin: of a segment that shows what a run is
  size_t rare;
} choice;

static bool is_noise(const finder *f, int id) {
  return f->counts[id] < f->rare;
}

static size_t next_of(const finder *f, int id, size_t from) {
  while (from < f->n && f->ids[from] != id) from++;
  return from;
}

static size_t cut(const finder *f, int id) {
  size_t count = 0;
  for (size_t at = next_of(f, id, 0); at < f->n; count++) {
    segment *s = &f->segments[count];
    const size_t end = next_of(f, id, at + 1);
    *s = (segment){.begin = at};
    for (; at < end; at++) {
      if (is_noise(f, f->ids[at])) continue;
      s->hash = mf_text_hash(&f->ids[at], sizeof f->ids[at], s->hash);
      s->length++;
    }
  }
  return count;
}

static int by_hash(const void *a, const void *b) {
  const segment *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->begin < y->begin ? -1 : x->begin > y->begin;
}

// The segment that comes most often, and how often; the last one may be cut and does not count.
static const segment *most_frequent(const finder *f, size_t count, size_t *times) {
  memcpy(f->sorted, f->segments, count * sizeof *f->sorted);
  qsort(f->sorted, count, sizeof *f->sorted, by_hash);
  const segment *best = f->sorted;
  *times = 0;
  for (size_t i = 0; i < count;) {
    size_t end = i + 1;
    while (end < count && f->sorted[end].hash == f->sorted[i].hash) end++;
    if (end - i > *times) {
      *times = end - i;
      best = &f->sorted[i];
    }
    i = end;
  }
  return best;
}

// How far two stretches agree, noise left out.
static size_t common(const finder *f, size_t a, size_t b, size_t limit) {
  size_t same = 0;
  while (same < limit) {
    while (a < f->n && is_noise(f, f->ids[a])) a++;
    while (b < f->n && is_noise(f, f->ids[b])) b++;
    if (a >= f->n || b >= f->n || f->ids[a] != f->ids[b]) break;
    same++;
    a++;
    b++;
  }
  return same;
}

static void consider(finder *f, int id, choice *best) {
  f->rare = f->counts[id] / 2 + (f->counts[id] == 2);
  const size_t count = cut(f, id);
  if (count < 2) return;
  size_t times;
  const segment usual = *most_frequent(f, count - 1, &times), *last = &f->segments[count - 1];
  if (usual.length < 2) return;
  const size_t agreeing = common(f, last->begin, usual.begin, usual.length);
  const bool whole = agreeing == usual.length;
  const size_t rest = f->n - last->begin; // noise included
  const size_t most = whole ? 2 * usual.length : usual.length + usual.length / 10 + 1;
  if (rest >= most || (!whole && agreeing < last->length)) return; // the runs end before the log does
  if (!whole && times == 1 && f->segments[0].begin != 0) return;   // nothing repeats
  const size_t covered = times * usual.length + agreeing;
  if (3 * covered < f->n) return;
  if (covered > best->covered || (covered == best->covered && usual.length > best->length))
    *best = (choice){id, covered, usual.length, usual.begin, f->rare};
}

// Follows one stretch along the sequence; positions go to `position`. False when it is no complete run.
static bool follow(const mf_verbose_runs *r, const finder *f, size_t begin, size_t end, int *position) {
  const size_t length = (size_t)r->length, slack = length / 10;
  size_t next = 0, matched = 0, extra = 0, last = begin;
  for (size_t i = begin; i < end && next < length; i++) {
    size_t at = next;
    if (!is_noise(f, f->ids[i]))
      while (at < length && at <= next + slack && r->sequence[at] != f->ids[i]) at++;
    const bool found = !is_noise(f, f->ids[i]) && at < length && at <= next + slack;
    position[i] = found ? (int)at : -1;
    extra += !found;
    if (!found) continue;
    next = at + 1;
    matched++;
    last = i;
  }
  for (size_t i = last + 1; i < end; i++) position[i] = -1;
  return matched + slack >= length && extra <= slack + (length < 10);
}

static void number(mf_verbose_runs *r, const finder *f, int id) {
  for (size_t at = next_of(f, id, 0); at < f->n;) {
    const size_t end = next_of(f, id, at + 1);
    const bool complete = follow(r, f, at, end, r->position);
    for (size_t i = at; i < end; i++) {
      if (complete && r->position[i] >= 0)
        r->run[i] = r->runs;
      else
        r->position[i] = -1;
    }
    r->runs += complete;
    at = end;
  }
}

static void all_in_one(mf_verbose_runs *r, const finder *f) {
  r->runs = f->n > 0;
  r->repeats = false;
  r->length = (int)f->n;
  for (size_t i = 0; i < f->n; i++) {
    r->sequence[i] = f->ids[i];
    r->run[i] = 0;
    r->position[i] = (int)i;
  }
}

static void search(mf_verbose_runs *r, finder *f, size_t primitives, bool *seen) {
  choice best = {.id = -1};
  int tried = 0;
  for (size_t i = 0; i < f->n && tried < CANDIDATES; i++) {
    const int id = f->ids[i];
    if ((size_t)id >= primitives || seen[id] || f->counts[id] < 2) continue;
    seen[id] = true;
    tried++;
    consider(f, id, &best);
  }
  if (best.id >= 0) {
    f->rare = best.rare;
    for (size_t i = best.begin; r->length < (int)best.length; i++)
      if (!is_noise(f, f->ids[i])) r->sequence[r->length++] = f->ids[i];
    for (size_t i = 0; i < f->n; i++) r->run[i] = r->position[i] = -1;
    number(r, f, best.id);
    r->repeats = r->runs > 0;
  }
  if (!r->repeats) all_in_one(r, f);
}

mf_status mf_verbose_runs_find(mf_verbose_runs *out, const mf_verbose_log *log, mf_error *e) {
  size_t n = 0;
  for (size_t i = 0; i < log->event_count; i++) n += log->events[i].primitive >= 0;
  *out = (mf_verbose_runs){.count = n};
  const size_t bytes = (n + 1) * sizeof(int);
  int *ids = mf_alloc(bytes);
  out->event = mf_alloc(bytes);
  out->sequence = mf_alloc(bytes);
  out->run = mf_alloc(bytes);
  out->position = mf_alloc(bytes);
  size_t *counts = mf_alloc_zero((log->primitive_count + 1) * sizeof *counts);
  bool *seen = mf_alloc_zero(log->primitive_count + 1);
  finder f = {.ids = ids,
              .n = n,
              .counts = counts,
              .segments = mf_alloc((n + 1) * sizeof(segment)),
              .sorted = mf_alloc((n + 1) * sizeof(segment))};
  mf_status status = MF_OK;
  if (ids && out->event && out->sequence && out->run && out->position && counts && seen && f.segments && f.sorted) {
    n = 0;
    for (size_t i = 0; i < log->event_count; i++) {
      if (log->events[i].primitive < 0) continue;
      out->event[n] = (int)i;
      counts[log->events[i].primitive]++;
      ids[n++] = log->events[i].primitive;
    }
    search(out, &f, log->primitive_count, seen);
  } else
    status = mf_fail_memory(e, (n + 1) * sizeof(segment));
  mf_free(ids);
  mf_free(counts);
  mf_free(seen);
  mf_free(f.segments);
  mf_free(f.sorted);
  return status;
}

void mf_verbose_runs_free(mf_verbose_runs *r) {
  mf_free(r->event);
  mf_free(r->sequence);
  mf_free(r->run);
  mf_free(r->position);
  *r = (mf_verbose_runs){.runs = 0};
}
