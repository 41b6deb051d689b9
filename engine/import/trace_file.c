// The events are nearly all of a file. They are parsed one by one, so that a long trace takes little more memory than
// what is kept of it; the document around them is parsed without them.
#include "import/trace_file.h"
#include "base/file.h"
#include "import/trace_reader.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA "minfer.trace/1"
// Indices may be larger than a small file has events: layers and primitives that no run of it executed.
enum { INDICES = 4096 };
// No span is written in fewer bytes: {"ph":"X","ts":0,"dur":0,"args":{"span":"run","id":1,"index":0}}
enum { SPAN_BYTES = 60 };

static mf_status read_list(const mf_trace_reader *r, const cJSON *object, const char *key, const cJSON **out) {
  *out = mf_reader_member(object, key);
  return cJSON_IsArray(*out) ? MF_OK : mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is missing or no list", key);
}

// Moments on a clock have more digits than a double: they are taken from the text, where they stand behind their key.
// What is found there counts only if it is what the parser found.
static mf_status read_moment(const mf_trace_reader *r, const cJSON *clock, const char *key, uint64_t *out) {
  const cJSON *value = mf_reader_member(clock, key);
  const double rounded = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (!(rounded >= 0 && rounded < 0x1p63))
    return mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is missing or no time in range", key);
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

static mf_status read_texts(const mf_trace_reader *r, const cJSON *list, mf_attribute *a) {
  const char **texts;
  const cJSON *item;
  a->type = MF_ATTRIBUTE_TEXTS;
  MF_TRY(mf_reader_array(r, (size_t)cJSON_GetArraySize(list), sizeof *texts, &texts));
  a->texts = texts;
  cJSON_ArrayForEach(item, list) {
    if (!cJSON_IsString(item)) return mf_reader_wrong(r, MF_READER_WROTE, "\"%s\" is no list of texts", list->string);
    MF_TRY(mf_reader_copy(r, item->valuestring, &texts[a->integer++]));
  }
  return MF_OK;
}

static mf_status read_attribute(const mf_trace_reader *r, const cJSON *value, mf_attribute *a) {
  MF_TRY(mf_reader_copy(r, value->string, &a->key));
  if (cJSON_IsString(value)) {
    a->type = MF_ATTRIBUTE_TEXT;
    return mf_reader_copy(r, value->valuestring, &a->text);
  }
  if (cJSON_IsArray(value)) return read_texts(r, value, a);
  a->type = MF_ATTRIBUTE_DOUBLE;
  a->number = cJSON_IsNumber(value) ? value->valuedouble : NAN;
  if (cJSON_IsNull(value)) return MF_OK; // how a number that is none is written
  if (!cJSON_IsNumber(value) || !isfinite(a->number))
    return mf_reader_wrong(r, "text, a number or a list of texts", "\"%s\" is nothing that is known", value->string);
  if (a->number == floor(a->number) && fabs(a->number) < MF_READER_LARGEST && !(a->number == 0 && signbit(a->number))) {
    a->type = MF_ATTRIBUTE_INT;
    a->integer = (int64_t)a->number;
  }
  return MF_OK;
}

// Not attributes of an item: the span's own, its counters, and the rates, which are computed when a trace is written.
static bool is_of_span(const char *key) {
  static const char *const keys[] = {"span",
                                     "id",
                                     "parent",
                                     "index",
                                     "chunk",
                                     "gflops",
                                     "gbytes_per_s",
                                     "roof_share",
                                     "page_faults",
                                     "cycles",
                                     "instructions",
                                     "cache_misses",
                                     "voluntary_switches",
                                     "involuntary_switches"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

static mf_status read_attributes(const mf_trace_reader *r, const cJSON *object, bool of_item, const mf_attribute **out,
                                 int *count) {
  mf_attribute *list;
  const cJSON *value;
  MF_TRY(mf_reader_array(r, (size_t)cJSON_GetArraySize(object), sizeof *list, &list));
  *out = list;
  cJSON_ArrayForEach(value, object) if (!of_item || !is_of_span(value->string))
      MF_TRY(read_attribute(r, value, &list[(*count)++]));
  return MF_OK;
}

// ---- what stands beside the events

static mf_status read_clock(mf_trace_reader *r, const cJSON *root) {
  const cJSON *clock = mf_reader_member(root, "clock");
  if (!cJSON_IsObject(clock)) return mf_reader_wrong(r, MF_READER_WROTE, "\"clock\" is missing");
  MF_TRY(read_moment(r, clock, "origin_monotonic_ns", &r->origin));
  MF_TRY(read_moment(r, clock, "monotonic_ns", &r->out->monotonic));
  return read_moment(r, clock, "epoch_ns", &r->out->epoch);
}

static mf_status read_buffer(const mf_trace_reader *r, const cJSON *from, mf_buffer *b) {
  const char *name = NULL;
  double offset, bytes, first, last;
  MF_TRY(mf_reader_text(r, from, "name", &name));
  MF_TRY(mf_reader_copy(r, name, &b->name));
  MF_TRY(mf_reader_below(r, from, "offset", MF_READER_LARGEST, &offset));
  MF_TRY(mf_reader_below(r, from, "bytes", MF_READER_LARGEST, &bytes));
  MF_TRY(mf_reader_below(r, from, "first_primitive", r->index_end, &first));
  MF_TRY(mf_reader_below(r, from, "last_primitive", r->index_end, &last));
  if (last < first)
    return mf_reader_wrong(r, "a last_primitive not before the first", "a buffer's life ends before it begins");
  b->offset = (size_t)offset;
  b->bytes = (size_t)bytes;
  b->first = (int)first;
  b->last = (int)last;
  return MF_OK;
}

static mf_status read_memory(mf_trace_reader *r, const cJSON *root) {
  const cJSON *list, *item;
  mf_buffer *buffers;
  MF_TRY(read_list(r, root, "memory", &list));
  MF_TRY(mf_reader_array(r, (size_t)cJSON_GetArraySize(list), sizeof *buffers, &buffers));
  r->out->buffers = buffers;
  cJSON_ArrayForEach(item, list) MF_TRY(read_buffer(r, item, &buffers[r->out->buffer_count++]));
  return MF_OK;
}

static bool is_span(const cJSON *event) {
  const cJSON *phase = mf_reader_member(event, "ph");
  return cJSON_IsString(phase) && strcmp(phase->valuestring, "X") == 0;
}

// The only event besides spans that counts: the name of the whole.
static mf_status read_name(const mf_trace_reader *r, const cJSON *event) {
  const char *phase = NULL, *what = NULL, *name = NULL;
  MF_TRY(mf_reader_text(r, event, "ph", &phase));
  if (strcmp(phase, "M") != 0) return mf_reader_wrong(r, "X or M", "an event of type %s", phase);
  MF_TRY(mf_reader_text(r, event, "name", &what));
  if (strcmp(what, "process_name") != 0) return MF_OK;
  MF_TRY(mf_reader_text(r, mf_reader_member(event, "args"), "name", &name));
  return mf_reader_copy(r, name, &r->out->name);
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

static mf_status read_item(const mf_trace_reader *r, const cJSON *event, mf_span_kind kind, mf_item *item) {
  const char *name = NULL, *category = NULL;
  MF_TRY(mf_reader_text(r, event, "name", &name));
  MF_TRY(mf_reader_text(r, event, "cat", &category));
  if (item->name) {
    if (strcmp(name, item->name) == 0) return MF_OK;
    return mf_reader_wrong(r, "one name", "%s of the same index is called %s and %s", mf_span_kind_name(kind),
                           item->name, name);
  }
  MF_TRY(mf_reader_copy(r, name, &item->name));
  MF_TRY(read_attributes(r, mf_reader_member(event, "args"), true, &item->attributes, &item->attribute_count));
  item->flops = number_of(item, "flops");
  item->bytes = number_of(item, "bytes_read") + number_of(item, "bytes_written");
  item->roof = number_of(item, "roof_ns");
  const mf_attribute *told = kind == MF_SPAN_LAYER ? find(item, "kind") : NULL;
  return mf_reader_copy(r, told && told->type == MF_ATTRIBUTE_TEXT ? told->text : category, &item->category);
}

static mf_status place_item(mf_trace_reader *r, const mf_span *s, mf_item **out) {
  mf_item_table *t = &r->tables[s->kind];
  const size_t index = (size_t)s->index;
  if (index >= t->capacity) {
    mf_item *items;
    const size_t capacity = index + 1 > 2 * t->capacity ? index + 1 : 2 * t->capacity;
    MF_TRY(mf_reader_array(r, capacity, sizeof *items, &items)); // zeroed
    if (t->count) memcpy(items, t->items, (size_t)t->count * sizeof *items);
    t->items = items;
    t->capacity = capacity;
  }
  if (s->index >= t->count) t->count = s->index + 1;
  *out = &t->items[index];
  return MF_OK;
}

static bool has_item(const mf_span *s) {
  return s->kind != MF_SPAN_RUN && s->kind != MF_SPAN_THREAD;
}

static void take_items(mf_trace_reader *r, mf_span_kind kind, const mf_item **items, int *count) {
  const mf_item_table *t = &r->tables[kind];
  for (int i = 0; i < t->count; i++)
    if (!t->items[i].name) t->items[i].name = t->items[i].category = "";
  *items = t->items;
  *count = t->count;
}

// ---- the list of events

// The end of the value or list that begins at `at`: the next comma, bracket that closes more than was opened, or `end`.
static size_t skip_value(const char *text, size_t at, size_t end) {
  int64_t depth = 0;
  for (bool in_string = false; at < end; at++) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') at++;
      in_string = c != '"';
    } else if (c == '"')
      in_string = true;
    else if (c == '{' || c == '[')
      depth++;
    else if (depth == 0 && (c == ',' || c == '}' || c == ']'))
      return at;
    else if (c == '}' || c == ']')
      depth--;
  }
  return end;
}

static size_t skip_blanks(const char *text, size_t at, size_t end) {
  while (at < end && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) at++;
  return at;
}

// Where the outermost object has its events; no bytes when it has none, or when the text is broken.
static void find_events(mf_trace_reader *r) {
  static const char key[] = "\"traceEvents\"";
  size_t at = skip_blanks(r->text, 0, r->size);
  if (at == r->size || r->text[at] != '{') return;
  while (at < r->size && (r->text[at] == '{' || r->text[at] == ',')) {
    at = skip_blanks(r->text, at + 1, r->size);
    const bool found = r->size - at > sizeof key - 1 && memcmp(r->text + at, key, sizeof key - 1) == 0;
    size_t value = found ? skip_blanks(r->text, at + sizeof key - 1, r->size) : r->size;
    if (value < r->size && r->text[value] == ':') value = skip_blanks(r->text, value + 1, r->size);
    if (value < r->size && r->text[value] == '[') {
      size_t end = value + 1;
      while ((end = skip_value(r->text, end, r->size)) < r->size && r->text[end] == ',') end++;
      if (end == r->size || r->text[end] != ']') return;
      r->events = value + 1;
      r->events_end = end;
      return;
    }
    at = skip_value(r->text, at, r->size);
  }
}

static mf_status parse(const mf_trace_reader *r, const char *bytes, size_t size, size_t before, cJSON **out) {
  const char *why = NULL;
  size_t offset = 0;
  const mf_status status = mf_json_parse(out, bytes, size, &why, &offset);
  if (status == MF_OK) return MF_OK;
  if (status != MF_ERR_FILE) return mf_fail_memory(r->e, size);
  if (before + offset >= r->events && r->events_end > r->events && !r->event) offset += r->events_end - r->events;
  return mf_fail(r->e, MF_ERR_FILE, "%s: byte %zu: %s (expected a trace in JSON)", r->path, before + offset, why);
}

static mf_status read_event(mf_trace_reader *r, const cJSON *event) {
  if (!is_span(event)) return read_name(r, event);
  mf_span *s = &r->spans[r->span_count];
  mf_item *item = NULL;
  MF_TRY(mf_reader_span(r, event, s));
  r->span_count++;
  if (!has_item(s)) return MF_OK;
  MF_TRY(place_item(r, s, &item));
  return read_item(r, event, s->kind, item);
}

static size_t count_events(const mf_trace_reader *r) {
  size_t count = skip_blanks(r->text, r->events, r->events_end) < r->events_end;
  for (size_t at = r->events; (at = skip_value(r->text, at, r->events_end)) < r->events_end; at++) count++;
  return count;
}

static mf_status read_events(mf_trace_reader *r, size_t count) {
  MF_TRY(mf_reader_array(r, (r->events_end - r->events) / SPAN_BYTES + 1, sizeof *r->spans, &r->spans));
  r->out->spans = r->spans;
  for (size_t at = r->events, end; r->event < count; at = end + 1) {
    cJSON *event = NULL;
    end = skip_value(r->text, at, r->events_end);
    r->event++;
    MF_TRY(parse(r, r->text + at, end - at, at, &event));
    const mf_status status = read_event(r, event);
    cJSON_Delete(event);
    MF_TRY(status);
  }
  r->event = 0;
  r->out->span_count = r->span_count;
  take_items(r, MF_SPAN_APPLICATION, &r->out->phases, &r->out->phase_count);
  take_items(r, MF_SPAN_LAYER, &r->out->layers, &r->out->layer_count);
  take_items(r, MF_SPAN_PRIMITIVE, &r->out->primitives, &r->out->primitive_count);
  mf_item *last; // one more than primitives, whichever were seen
  MF_TRY(place_item(r, &(mf_span){.kind = MF_SPAN_GAP, .index = r->out->primitive_count}, &last));
  take_items(r, MF_SPAN_GAP, &r->out->gaps, &(int){0});
  return MF_OK;
}

// ---- the whole

static mf_status read_root(mf_trace_reader *r, const cJSON *root) {
  const char *schema = NULL;
  const cJSON *environment = mf_reader_member(root, "environment"), *events;
  const size_t count = count_events(r);
  uint64_t dropped;
  MF_TRY(mf_reader_text(r, root, "schema", &schema));
  if (strcmp(schema, SCHEMA) != 0)
    return mf_reader_wrong(r, SCHEMA, "schema %s, another kind or version of file", schema);
  MF_TRY(read_list(r, root, "traceEvents", &events));
  if (events->child)
    return mf_reader_wrong(r, MF_READER_WROTE, "\"traceEvents\" is written with escapes"); // else it is empty by now
  r->index_end = (double)INDICES + (double)count;
  MF_TRY(read_clock(r, root));
  if (!cJSON_IsObject(environment)) return mf_reader_wrong(r, MF_READER_WROTE, "\"environment\" is missing");
  MF_TRY(read_attributes(r, environment, false, &r->out->environment, &r->out->environment_count));
  MF_TRY(read_memory(r, root));
  MF_TRY(mf_reader_count(r, root, "dropped_records", &dropped));
  r->out->dropped = (size_t)dropped;
  return read_events(r, count);
}

// The document without its events.
static mf_status parse_frame(const mf_trace_reader *r, cJSON **root) {
  const size_t size = r->size - (r->events_end - r->events);
  char *frame = mf_alloc(size);
  if (!frame) return mf_fail_memory(r->e, size);
  if (r->events) memcpy(frame, r->text, r->events);
  if (r->size) memcpy(frame + r->events, r->text + r->events_end, r->size - r->events_end);
  const mf_status status = parse(r, frame, size, 0, root);
  mf_free(frame);
  return status;
}

mf_status mf_import_trace(mf_trace *out, mf_arena *arena, const char *bytes, size_t size, const char *path,
                          mf_error *e) {
  cJSON *root = NULL;
  *out = (mf_trace){.name = ""};
  if (size > MF_TRACE_FILE_BYTES)
    return mf_fail(e, MF_ERR_FILE, "%s: %zu MiB (expected a trace of up to %zu MiB)", path, size >> 20,
                   MF_TRACE_FILE_BYTES >> 20);
  mf_trace_reader r = {.out = out, .arena = arena, .path = path, .e = e, .text = bytes, .size = size};
  find_events(&r);
  MF_TRY(parse_frame(&r, &root));
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
