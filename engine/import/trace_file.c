// Two passes over the events: spans first, which tells how many items there are, then the items' names and attributes.
#include "import/trace_file.h"
#include "base/file.h"
#include "base/json.h"
#include <math.h>
#include <stdarg.h>
#include <string.h>

#define SCHEMA "minfer.trace/1"
#define WROTE "a trace that minfer wrote"
#define LARGEST 9007199254740992.0 // 2^53: up to here a double holds every integer
// Indices may be larger than a small file has events: layers and primitives that no run of it executed.
enum { WORKER_TRACK = 100, WORKERS = 65536, INDICES = 4096 };

typedef struct reader {
  mf_trace *out;
  mf_arena *arena;
  const char *path;
  mf_error *e;
  const char *text; // of the file
  size_t size;
  uint64_t origin;                         // where ts is 0
  double index_end;                        // indices are below
  size_t event;                            // being read, from 1; 0: what stands beside the events
  mf_span *spans;                          // of the events so far
  size_t span_count;                       // likewise
  const mf_span *open[MF_SPAN_KIND_COUNT]; // spans around the next one, outermost first
  int depth;
} reader;

static mf_status wrong(const reader *r, const char *expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static mf_status wrong(const reader *r, const char *expected, const char *format, ...) {
  char what[256], event[32] = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  if (r->event) snprintf(event, sizeof event, "event %zu: ", r->event);
  return mf_fail(r->e, MF_ERR_FILE, "%s: %s%s (expected %s)", r->path, event, what, expected);
}

static const cJSON *member(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static mf_status read_text(const reader *r, const cJSON *object, const char *key, const char **out) {
  const cJSON *value = member(object, key);
  if (!cJSON_IsString(value)) return wrong(r, WROTE, "\"%s\" is missing or no text", key);
  *out = value->valuestring;
  return MF_OK;
}

static mf_status read_list(const reader *r, const cJSON *object, const char *key, const cJSON **out) {
  *out = member(object, key);
  return cJSON_IsArray(*out) ? MF_OK : wrong(r, WROTE, "\"%s\" is missing or no list", key);
}

static mf_status copy(const reader *r, const char *text, const char **out) {
  *out = mf_arena_copy(r->arena, text);
  return *out ? MF_OK : mf_fail_memory(r->e, strlen(text) + 1);
}

static mf_status array(const reader *r, size_t count, size_t size, void *out) {
  size_t bytes = SIZE_MAX;
  void *block = mf_mul(count ? count : 1, size, &bytes) ? mf_arena_alloc(r->arena, bytes) : NULL;
  if (!block) return mf_fail_memory(r->e, bytes);
  memcpy(out, &block, sizeof block);
  return MF_OK;
}

// An integer from 0 to below `end`, which is at most 2^53.
static mf_status read_below(const reader *r, const cJSON *object, const char *key, double end, double *out) {
  const cJSON *value = member(object, key);
  *out = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (*out >= 0 && *out < end && *out == floor(*out)) return MF_OK;
  return wrong(r, WROTE, "\"%s\" is missing or no integer in range", key);
}

static mf_status read_count(const reader *r, const cJSON *object, const char *key, uint64_t *out) {
  double value;
  MF_TRY(read_below(r, object, key, LARGEST, &value));
  *out = (uint64_t)value;
  return MF_OK;
}

// Microseconds, so written that rounding gives the ns.
static mf_status read_ns(const reader *r, const cJSON *event, const char *key, uint64_t *out) {
  const cJSON *value = member(event, key);
  const double us = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (!(us >= 0 && us < LARGEST)) return wrong(r, WROTE, "\"%s\" is missing or no time in range", key);
  *out = (uint64_t)llround(us * 1e3);
  return MF_OK;
}

// Moments on a clock have more digits than a double: they are taken from the text, where they stand behind their key.
// What is found there counts only if it is what the parser found.
static mf_status read_moment(const reader *r, const cJSON *clock, const char *key, uint64_t *out) {
  const cJSON *value = member(clock, key);
  const double rounded = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (!(rounded >= 0 && rounded < 0x1p63)) return wrong(r, WROTE, "\"%s\" is missing or no time in range", key);
  *out = (uint64_t)rounded;
  char quoted[32];
  const size_t length = (size_t)snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char *at = memmem(r->text, r->size, quoted, length);
  uint64_t exact = 0;
  for (at = at ? at + length : r->text + r->size; at < r->text + r->size && *at >= '0' && *at <= '9'; at++)
    if (__builtin_mul_overflow(exact, 10, &exact) || __builtin_add_overflow(exact, (uint64_t)(*at - '0'), &exact))
      return MF_OK;
  if ((double)exact == rounded) *out = exact;
  return MF_OK;
}

// ---- attributes

static mf_status read_texts(const reader *r, const cJSON *list, mf_attribute *a) {
  const char **texts;
  const cJSON *item;
  a->type = MF_ATTRIBUTE_TEXTS;
  MF_TRY(array(r, (size_t)cJSON_GetArraySize(list), sizeof *texts, &texts));
  a->texts = texts;
  cJSON_ArrayForEach(item, list) {
    if (!cJSON_IsString(item)) return wrong(r, WROTE, "\"%s\" is no list of texts", list->string);
    MF_TRY(copy(r, item->valuestring, &texts[a->integer++]));
  }
  return MF_OK;
}

static mf_status read_attribute(const reader *r, const cJSON *value, mf_attribute *a) {
  MF_TRY(copy(r, value->string, &a->key));
  if (cJSON_IsString(value)) {
    a->type = MF_ATTRIBUTE_TEXT;
    return copy(r, value->valuestring, &a->text);
  }
  if (cJSON_IsArray(value)) return read_texts(r, value, a);
  a->type = MF_ATTRIBUTE_DOUBLE;
  a->number = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (cJSON_IsNull(value)) return MF_OK; // how a number that is none is written
  if (!cJSON_IsNumber(value) || !isfinite(a->number))
    return wrong(r, "text, a number or a list of texts", "\"%s\" is nothing that is known", value->string);
  if (a->number == floor(a->number) && fabs(a->number) < LARGEST && !(a->number == 0 && signbit(a->number))) {
    a->type = MF_ATTRIBUTE_INT;
    a->integer = (int64_t)a->number;
  }
  return MF_OK;
}

// Not attributes of an item: the span's own, and the rates, which are computed when a trace is written.
static bool is_of_span(const char *key) {
  static const char *const keys[] = {"span", "id", "parent", "index", "gflops", "gbytes_per_s"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

static mf_status read_attributes(const reader *r, const cJSON *object, bool of_item, const mf_attribute **out,
                                 int *count) {
  mf_attribute *list;
  const cJSON *value;
  MF_TRY(array(r, (size_t)cJSON_GetArraySize(object), sizeof *list, &list));
  *out = list;
  cJSON_ArrayForEach(value, object) if (!of_item || !is_of_span(value->string))
      MF_TRY(read_attribute(r, value, &list[(*count)++]));
  return MF_OK;
}

// ---- what stands beside the events

static mf_status read_clock(reader *r, const cJSON *root) {
  const cJSON *clock = member(root, "clock");
  if (!cJSON_IsObject(clock)) return wrong(r, WROTE, "\"clock\" is missing");
  MF_TRY(read_moment(r, clock, "origin_monotonic_ns", &r->origin));
  MF_TRY(read_moment(r, clock, "monotonic_ns", &r->out->monotonic));
  return read_moment(r, clock, "epoch_ns", &r->out->epoch);
}

static mf_status read_buffer(const reader *r, const cJSON *from, mf_buffer *b) {
  const char *name = NULL;
  double offset, bytes, first, last;
  MF_TRY(read_text(r, from, "name", &name));
  MF_TRY(copy(r, name, &b->name));
  MF_TRY(read_below(r, from, "offset", LARGEST, &offset));
  MF_TRY(read_below(r, from, "bytes", LARGEST, &bytes));
  MF_TRY(read_below(r, from, "first_primitive", r->index_end, &first));
  MF_TRY(read_below(r, from, "last_primitive", r->index_end, &last));
  if (last < first) return wrong(r, "a last_primitive not before the first", "a buffer's life ends before it begins");
  b->offset = (size_t)offset;
  b->bytes = (size_t)bytes;
  b->first = (int)first;
  b->last = (int)last;
  return MF_OK;
}

static mf_status read_memory(reader *r, const cJSON *root) {
  const cJSON *list, *item;
  mf_buffer *buffers;
  MF_TRY(read_list(r, root, "memory", &list));
  MF_TRY(array(r, (size_t)cJSON_GetArraySize(list), sizeof *buffers, &buffers));
  r->out->buffers = buffers;
  cJSON_ArrayForEach(item, list) MF_TRY(read_buffer(r, item, &buffers[r->out->buffer_count++]));
  return MF_OK;
}

// ---- spans

static mf_status read_kind(const reader *r, const cJSON *arguments, mf_span_kind *out) {
  const char *name = NULL;
  MF_TRY(read_text(r, arguments, "span", &name));
  for (int k = 0; k < MF_SPAN_KIND_COUNT; k++)
    if (strcmp(name, mf_span_kind_name((mf_span_kind)k)) == 0) {
      *out = (mf_span_kind)k;
      return MF_OK;
    }
  return wrong(r, "application, run, layer, primitive or thread", "there is no kind of span %s", name);
}

static mf_status read_worker(const reader *r, const cJSON *event, const cJSON *arguments, mf_span *s) {
  double track, chunks;
  MF_TRY(read_below(r, event, "tid", WORKER_TRACK + WORKERS, &track));
  if (track < WORKER_TRACK) return wrong(r, "100 or more", "\"tid\" %d is no worker's", (int)track);
  s->thread = (int)track - WORKER_TRACK;
  MF_TRY(read_count(r, arguments, "effective_ns", &s->effective));
  MF_TRY(read_count(r, arguments, "spin_ns", &s->spin));
  MF_TRY(read_count(r, arguments, "wait_ns", &s->wait));
  MF_TRY(read_count(r, arguments, "overhead_ns", &s->overhead));
  MF_TRY(read_below(r, arguments, "chunks", (double)INT32_MAX + 1, &chunks));
  s->chunks = (uint32_t)chunks;
  return MF_OK;
}

static uint64_t end_of(const mf_span *s) {
  return s->start + s->duration;
}

static bool fits(const mf_span *s, const mf_span *parent) {
  switch (s->kind) {
  case MF_SPAN_APPLICATION:
  case MF_SPAN_RUN:
    return !parent;
  case MF_SPAN_LAYER:
    return !parent || parent->kind == MF_SPAN_RUN;
  case MF_SPAN_PRIMITIVE:
    return !parent || parent->kind == MF_SPAN_RUN || parent->kind == MF_SPAN_LAYER;
  default:
    return parent && parent->kind == MF_SPAN_PRIMITIVE && parent->index == s->index;
  }
}

// Where the span stands among those in front of it. Workers run at the same time, all others one after the other.
static mf_status place(reader *r, const mf_span *s) {
  const mf_span *last = r->span_count ? &r->spans[r->span_count - 1] : NULL;
  if (last && s->id <= last->id)
    return wrong(r, "ids that ascend", "id %llu comes after id %llu", (unsigned long long)s->id,
                 (unsigned long long)last->id);
  if (last && s->start < last->start)
    return wrong(r, "events in order of time", "begins before the one in front of it");
  const mf_span *inner = NULL;
  while (r->depth && r->open[r->depth - 1]->id != s->parent) inner = r->open[--r->depth];
  const mf_span *parent = r->depth ? r->open[r->depth - 1] : NULL;
  if (s->parent && !parent)
    return wrong(r, "an open span", "parent %llu is not around it", (unsigned long long)s->parent);
  if (!fits(s, parent))
    return wrong(r, WROTE, "a span of kind %s %s %s", mf_span_kind_name(s->kind), parent ? "within" : "outside of",
                 parent ? mf_span_kind_name(parent->kind) : "all");
  if (parent && end_of(s) > end_of(parent)) return wrong(r, WROTE, "reaches out of its parent");
  if (inner && s->kind != MF_SPAN_THREAD && end_of(inner) > s->start)
    return wrong(r, WROTE, "begins before span %llu ends", (unsigned long long)inner->id);
  r->open[r->depth++] = s;
  return MF_OK;
}

static mf_status read_span(reader *r, const cJSON *event, mf_span *s) {
  const cJSON *arguments = member(event, "args");
  double index;
  MF_TRY(read_kind(r, arguments, &s->kind));
  MF_TRY(read_count(r, arguments, "id", &s->id));
  if (!s->id) return wrong(r, "at least 1", "\"id\" is 0");
  if (member(arguments, "parent")) MF_TRY(read_count(r, arguments, "parent", &s->parent));
  MF_TRY(read_below(r, arguments, "index", s->kind == MF_SPAN_RUN ? INT32_MAX : r->index_end, &index));
  s->index = (int)index;
  MF_TRY(read_ns(r, event, "ts", &s->start));
  MF_TRY(read_ns(r, event, "dur", &s->duration));
  if (__builtin_add_overflow(s->start, r->origin, &s->start) || s->start > INT64_MAX ||
      s->duration > INT64_MAX - s->start)
    return wrong(r, WROTE, "ends after the clock does");
  if (s->kind == MF_SPAN_THREAD) MF_TRY(read_worker(r, event, arguments, s));
  return place(r, s);
}

static bool is_span(const cJSON *event) {
  const cJSON *phase = member(event, "ph");
  return cJSON_IsString(phase) && strcmp(phase->valuestring, "X") == 0;
}

// The only event besides spans that counts: the name of the whole.
static mf_status read_name(const reader *r, const cJSON *event) {
  const char *phase = NULL, *what = NULL, *name = NULL;
  MF_TRY(read_text(r, event, "ph", &phase));
  if (strcmp(phase, "M") != 0) return wrong(r, "X or M", "an event of type %s", phase);
  MF_TRY(read_text(r, event, "name", &what));
  if (strcmp(what, "process_name") != 0) return MF_OK;
  MF_TRY(read_text(r, member(event, "args"), "name", &name));
  return copy(r, name, &r->out->name);
}

static mf_status read_spans(reader *r, const cJSON *events) {
  const cJSON *event;
  size_t count = 0;
  cJSON_ArrayForEach(event, events) count += is_span(event);
  MF_TRY(array(r, count, sizeof *r->spans, &r->spans));
  r->out->spans = r->spans;
  r->event = 0;
  cJSON_ArrayForEach(event, events) {
    r->event++;
    if (is_span(event)) {
      MF_TRY(read_span(r, event, &r->spans[r->span_count]));
      r->span_count++;
    } else
      MF_TRY(read_name(r, event));
  }
  r->event = 0;
  r->out->span_count = r->span_count;
  return MF_OK;
}

// ---- items

static const mf_attribute *find(const mf_item *item, const char *key) {
  for (int i = 0; i < item->attribute_count; i++)
    if (strcmp(item->attributes[i].key, key) == 0) return &item->attributes[i];
  return NULL;
}

static double number_of(const mf_item *item, const char *key) {
  const mf_attribute *a = find(item, key);
  return a && a->number > 0 ? a->number : 0;
}

static mf_status read_item(const reader *r, const cJSON *event, mf_span_kind kind, mf_item *item) {
  const char *name = NULL, *category = NULL;
  MF_TRY(read_text(r, event, "name", &name));
  MF_TRY(read_text(r, event, "cat", &category));
  if (item->name) {
    if (strcmp(name, item->name) == 0) return MF_OK;
    return wrong(r, "one name", "%s of the same index is called %s and %s", mf_span_kind_name(kind), item->name, name);
  }
  MF_TRY(copy(r, name, &item->name));
  MF_TRY(read_attributes(r, member(event, "args"), true, &item->attributes, &item->attribute_count));
  item->flops = number_of(item, "flops");
  item->bytes = number_of(item, "bytes_read") + number_of(item, "bytes_written");
  const mf_attribute *told = kind == MF_SPAN_LAYER ? find(item, "kind") : NULL;
  return copy(r, told && told->type == MF_ATTRIBUTE_TEXT ? told->text : category, &item->category);
}

_Static_assert(MF_SPAN_PRIMITIVE == 3 && MF_SPAN_THREAD == 4, "one table a kind, threads have none");
#define TABLES 4 // phases, none of runs, layers, primitives

static mf_status read_items(reader *r, const cJSON *events) {
  int counts[TABLES] = {0};
  mf_item *items[TABLES] = {NULL};
  for (size_t i = 0; i < r->span_count; i++) {
    const mf_span *s = &r->spans[i];
    if (s->kind != MF_SPAN_THREAD && s->kind != MF_SPAN_RUN && s->index >= counts[s->kind])
      counts[s->kind] = s->index + 1;
  }
  for (int k = 0; k < TABLES; k++) MF_TRY(array(r, (size_t)counts[k], sizeof **items, &items[k]));
  const cJSON *event;
  const mf_span *s = r->spans;
  cJSON_ArrayForEach(event, events) {
    r->event++;
    if (!is_span(event)) continue;
    if (s->kind != MF_SPAN_THREAD && s->kind != MF_SPAN_RUN)
      MF_TRY(read_item(r, event, s->kind, &items[s->kind][s->index]));
    s++;
  }
  r->event = 0;
  for (int k = 0; k < TABLES; k++)
    for (int i = 0; i < counts[k]; i++)
      if (!items[k][i].name) items[k][i].name = items[k][i].category = "";
  r->out->phases = items[MF_SPAN_APPLICATION];
  r->out->phase_count = counts[MF_SPAN_APPLICATION];
  r->out->layers = items[MF_SPAN_LAYER];
  r->out->layer_count = counts[MF_SPAN_LAYER];
  r->out->primitives = items[MF_SPAN_PRIMITIVE];
  r->out->primitive_count = counts[MF_SPAN_PRIMITIVE];
  return MF_OK;
}

// ---- the whole

static mf_status read_root(reader *r, const cJSON *root) {
  const char *schema = NULL;
  const cJSON *environment = member(root, "environment"), *events;
  uint64_t dropped;
  MF_TRY(read_text(r, root, "schema", &schema));
  if (strcmp(schema, SCHEMA) != 0) return wrong(r, SCHEMA, "schema %s, another kind or version of file", schema);
  MF_TRY(read_list(r, root, "traceEvents", &events));
  r->index_end = (double)INDICES + cJSON_GetArraySize(events);
  MF_TRY(read_clock(r, root));
  if (!cJSON_IsObject(environment)) return wrong(r, WROTE, "\"environment\" is missing");
  MF_TRY(read_attributes(r, environment, false, &r->out->environment, &r->out->environment_count));
  MF_TRY(read_memory(r, root));
  MF_TRY(read_count(r, root, "dropped_records", &dropped));
  r->out->dropped = (size_t)dropped;
  MF_TRY(read_spans(r, events));
  return read_items(r, events);
}

mf_status mf_import_trace(mf_trace *out, mf_arena *arena, const char *bytes, size_t size, const char *path,
                          mf_error *e) {
  const char *why = NULL;
  size_t offset = 0;
  *out = (mf_trace){.name = ""};
  if (size > MF_TRACE_FILE_BYTES)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu MiB (expected a trace of up to %zu MiB)", path, size >> 20,
                   MF_TRACE_FILE_BYTES >> 20);
  cJSON *root = mf_json_parse(bytes, size, &why, &offset);
  if (!root && strcmp(why, "out of memory") == 0) return mf_fail_memory(e, size);
  if (!root) return mf_fail(e, MF_ERR_FILE, "%s: byte %zu: %s (expected a trace in JSON)", path, offset, why);
  reader r = {.out = out, .arena = arena, .path = path, .e = e, .text = bytes, .size = size};
  const mf_status status = read_root(&r, root);
  cJSON_Delete(root);
  return status;
}

mf_status mf_import_trace_file(mf_trace *out, mf_arena *arena, const char *path, mf_error *e) {
  mf_map map = {0};
  *out = (mf_trace){.name = ""};
  MF_TRY(mf_map_open(&map, path, e));
  mf_status status = mf_import_trace(out, arena, (const char *)map.data, map.size, path, e);
  if (status == MF_OK || status == MF_ERR_FILE) {
    const mf_status whole = mf_map_check(&map, e); // a file that shrinks is no broken file
    if (whole != MF_OK) status = whole;
  }
  mf_map_close(&map);
  return status;
}
