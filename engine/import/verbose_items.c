#include "import/verbose_items.h"
#include "trace/attributes.h"
#include <stdlib.h>
#include <string.h>

enum { REASONS = 20 };

static mf_status copied(mf_arena *arena, const char **out, const char *from, mf_error *e) {
  *out = from && *from ? mf_arena_copy(arena, from) : "";
  return *out ? MF_OK : mf_fail_memory(e, 64);
}

// "sum:1:0:f32+eltwise_relu" from attr-post-ops:..., and from the older post_ops:'sum;eltwise_relu;'.
static mf_status post_ops(mf_arena *arena, const char *from, const char **out, mf_error *e) {
  const char *begin = strstr(from, "post-ops:"), *old = strstr(from, "post_ops:");
  *out = "";
  if (!begin && !old) return MF_OK;
  begin = (begin ? begin : old) + 9;
  const bool quoted = *begin == '\'';
  begin += quoted;
  size_t length = strcspn(begin, quoted ? "'" : " ");
  while (length && begin[length - 1] == ';') length--;
  char *copy = mf_arena_format(arena, "%.*s", (int)length, begin);
  if (!copy) return mf_fail_memory(e, length);
  for (char *c = copy; *c; c++)
    if (*c == ';') *c = '+';
  *out = copy;
  return MF_OK;
}

// A reorder does not say whether it is of weights: nchw is their oihw, ncdhw goihw.
static void name_as_weights(char *format) {
  static const char plain[] = "ncNC", filters[] = "oiOI", grouped_plain[] = "ncdNCD", grouped[] = "goiGOI";
  const bool groups = strpbrk(format, "dD") != NULL;
  for (char *c = format; *c; c++) {
    const char *at = strchr(groups ? grouped_plain : plain, *c);
    if (at) *c = groups ? grouped[at - grouped_plain] : filters[at - plain];
  }
}

static mf_status operand(mf_arena *arena, mf_trace_attributes *a, const char *format_key, const char *dtype_key,
                         const mf_verbose_memory *m, bool weights, mf_error *e) {
  const char *format, *dtype;
  mf_verbose_memory named = *m;
  if (weights && !strchr(named.format, 'o') && !strchr(named.format, 'O')) name_as_weights(named.format);
  MF_TRY(copied(arena, &format, named.format, e));
  MF_TRY(copied(arena, &dtype, m->dtype, e));
  mf_trace_attributes_text(a, format_key, format);
  mf_trace_attributes_text(a, dtype_key, dtype);
  return MF_OK;
}

// Texts of the log are copied: its arena goes away.
static mf_status primitive_item(mf_item *out, mf_arena *arena, const mf_verbose_log *log, size_t index,
                                const char *name, const mf_verbose_place *place, mf_error *e) {
  const mf_verbose_primitive *p = log->primitives[index];
  mf_trace_attributes a = {.count = 0};
  const char *kind, *copy, *posts;
  MF_TRY(copied(arena, &kind, p->label, e));
  mf_trace_attributes_text(&a, "kind", kind);
  const struct {
    const char *key, *value;
  } plain[] = {{"implementation", p->impl}, {"problem", p->problem},       {"prop_kind", p->prop},
               {"auxiliary", p->aux},       {"attributes", p->attributes}, {"engine", p->engine}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    MF_TRY(copied(arena, &copy, plain[i].value, e));
    mf_trace_attributes_text(&a, plain[i].key, copy);
  }
  const bool of_weights = place && strcmp(place->from, "weights") == 0;
  MF_TRY(operand(arena, &a, "source_format", "source_dtype", &p->parsed.source, of_weights, e));
  MF_TRY(operand(arena, &a, "weights_format", "weights_dtype", &p->parsed.weights, false, e));
  MF_TRY(operand(arena, &a, "bias_format", "bias_dtype", &p->parsed.bias, false, e));
  MF_TRY(operand(arena, &a, "destination_format", "destination_dtype", &p->parsed.destination, of_weights, e));
  MF_TRY(post_ops(arena, p->attributes, &posts, e));
  mf_trace_attributes_text(&a, "post_ops", posts);
  if (place) {
    mf_trace_attributes_text(&a, "from", place->from);
    mf_trace_attributes_text(&a, "to", place->to);
    mf_trace_attributes_text(&a, "reason", place->reason);
  }
  const double bytes = p->parsed.bytes_read + p->parsed.bytes_written;
  if (bytes > 0 && bytes < 1e18) {
    mf_trace_attributes_integer(&a, "bytes_read", (size_t)p->parsed.bytes_read);
    mf_trace_attributes_integer(&a, "bytes_written", (size_t)p->parsed.bytes_written);
  }
  if (p->parsed.flops > 0) {
    mf_trace_attributes_number(&a, "flops", p->parsed.flops);
    if (bytes > 0) mf_trace_attributes_number(&a, "flops_per_byte", p->parsed.flops / bytes);
  }
  mf_trace_attributes_integer(&a, "descriptor", index);
  mf_trace_attributes_integer(&a, "executions", p->executions);
  mf_trace_attributes_number(&a, "log_ms", p->ms);
  *out = (mf_item){.name = name, .category = kind, .flops = p->parsed.flops, .bytes = bytes < 1e18 ? bytes : 0};
  return mf_trace_attributes_keep(arena, &a, &out->attributes, &out->attribute_count, e);
}

static mf_status name_of(mf_arena *arena, const mf_verbose_parts *parts, const mf_verbose_place *place,
                         const char **out, mf_error *e) {
  *out = place->layer >= 0 ? parts->layers->layers[place->layer].name
                           : mf_arena_format(arena, "%s -> %s", place->from, place->to);
  return *out ? MF_OK : mf_fail_memory(e, 64);
}

static mf_status primitives(mf_trace *out, mf_arena *arena, mf_verbose_parts *parts, mf_error *e) {
  const mf_verbose_log *log = parts->log;
  const mf_verbose_runs *runs = parts->runs;
  size_t count = (size_t)parts->length;
  for (size_t i = 0; i < log->primitive_count; i++) parts->outside[i] = -1;
  for (size_t i = 0; i < runs->count; i++)
    if (runs->run[i] < 0) parts->outside[log->events[runs->event[i]].primitive] = 0;
  for (size_t i = 0; i < log->primitive_count; i++)
    if (parts->outside[i] >= 0) parts->outside[i] = (int)count++;
  mf_item *items = mf_arena_alloc(arena, (count + 1) * sizeof *items);
  if (!items) return mf_fail_memory(e, (count + 1) * sizeof *items);
  for (int i = 0; i < parts->length; i++) {
    const char *name;
    MF_TRY(name_of(arena, parts, &parts->layers->places[i], &name, e));
    MF_TRY(primitive_item(&items[i], arena, log, (size_t)parts->sequence[i], name, &parts->layers->places[i], e));
  }
  for (size_t i = 0; i < log->primitive_count; i++) {
    if (parts->outside[i] < 0) continue;
    const mf_verbose_primitive *p = log->primitives[i];
    const char *name = mf_arena_format(arena, "%s %s", p->label, p->problem);
    if (!name) return mf_fail_memory(e, 64);
    MF_TRY(primitive_item(&items[parts->outside[i]], arena, log, i, name, NULL, e));
  }
  out->primitives = items;
  out->primitive_count = (int)count;
  return MF_OK;
}

static const char *shape(mf_arena *arena, int64_t mb, int64_t c, int64_t h, int64_t w) {
  if (c == 0) return "";
  if (h * w == 1) return mf_arena_format(arena, "%lldx%lld", (long long)mb, (long long)c);
  return mf_arena_format(arena, "%lldx%lldx%lldx%lld", (long long)mb, (long long)c, (long long)h, (long long)w);
}

static mf_status layer_items(mf_trace *out, mf_arena *arena, const mf_verbose_parts *parts, mf_error *e) {
  const int count = parts->layers->layer_count;
  mf_item *items = mf_arena_alloc(arena, ((size_t)count + 1) * sizeof *items);
  if (!items) return mf_fail_memory(e, ((size_t)count + 1) * sizeof *items);
  for (int i = 0; i < count; i++) {
    const mf_verbose_layer *l = &parts->layers->layers[i];
    const mf_verbose_primitive *p = parts->log->primitives[parts->sequence[l->first]];
    const mf_verbose_problem *q = &p->parsed;
    mf_trace_attributes a = {.count = 0};
    const char *kind, *impl, *dtype = q->source.dtype;
    if (strcmp(dtype, "u8") == 0 || strcmp(dtype, "s8") == 0) dtype = "int8";
    MF_TRY(copied(arena, &kind, l->kind, e));
    MF_TRY(copied(arena, &impl, p->impl, e));
    MF_TRY(copied(arena, &dtype, dtype, e));
    const char *in = shape(arena, q->mb, q->in_channels, q->in_height, q->in_width);
    const char *to = shape(arena, q->mb, q->out_channels, q->out_height, q->out_width);
    if (!in || !to) return mf_fail_memory(e, 64);
    mf_trace_attributes_text(&a, "kind", kind);
    if (l->source_count) mf_trace_attributes_texts(&a, "sources", l->sources, l->source_count);
    mf_trace_attributes_text(&a, "stage", l->stage);
    mf_trace_attributes_text(&a, "dtype", dtype);
    mf_trace_attributes_text(&a, "implementation", impl);
    mf_trace_attributes_text(&a, "input_shape", in);
    mf_trace_attributes_text(&a, "output_shape", to);
    items[i] = (mf_item){.name = l->name, .category = kind};
    MF_TRY(mf_trace_attributes_keep(arena, &a, &items[i].attributes, &items[i].attribute_count, e));
  }
  out->layers = items;
  out->layer_count = count;
  return MF_OK;
}

// Creations, then the primitives of outside: out->primitives behind those of a run.
static mf_status phase_items(mf_trace *out, mf_arena *arena, const mf_verbose_parts *parts, mf_error *e) {
  const mf_verbose_log *log = parts->log;
  const size_t outside = (size_t)(out->primitive_count - parts->length), count = log->creation_count + outside;
  mf_item *items = mf_arena_alloc(arena, (count + 1) * sizeof *items);
  if (!items) return mf_fail_memory(e, (count + 1) * sizeof *items);
  for (size_t i = 0; i < log->creation_count; i++) {
    const mf_verbose_creation *c = &log->creations[i];
    mf_trace_attributes a = {.count = 0};
    const char *kind, *status;
    MF_TRY(copied(arena, &kind, c->kind, e));
    MF_TRY(copied(arena, &status, c->status, e));
    mf_trace_attributes_text(&a, "kind", kind);
    mf_trace_attributes_text(&a, "status", status);
    mf_trace_attributes_integer(&a, "count", c->count);
    mf_trace_attributes_number(&a, "time_ms", c->ms);
    const char *name =
        *status ? mf_arena_format(arena, "create %s (%s)", kind, status) : mf_arena_format(arena, "create %s", kind);
    if (!name) return mf_fail_memory(e, 64);
    items[i] = (mf_item){.name = name, .category = "create"};
    MF_TRY(mf_trace_attributes_keep(arena, &a, &items[i].attributes, &items[i].attribute_count, e));
  }
  for (size_t i = 0; i < outside; i++) {
    items[log->creation_count + i] = out->primitives[(size_t)parts->length + i];
    items[log->creation_count + i].category = "outside";
  }
  out->phases = items;
  out->phase_count = (int)count;
  return MF_OK;
}

static int by_count(const void *a, const void *b) {
  const mf_verbose_reason *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  const int order = strcmp(x->kind, y->kind);
  return order ? order : strcmp(x->text, y->text);
}

// "12 convolution: unsupported format tag", the most frequent first.
static mf_status reasons(mf_trace_attributes *a, mf_arena *arena, const mf_verbose_log *log, mf_error *e) {
  if (log->reason_count == 0) return MF_OK;
  const size_t shown = log->reason_count < REASONS ? log->reason_count : REASONS;
  const char **list = mf_arena_alloc(arena, shown * sizeof *list);
  if (!list) return mf_fail_memory(e, shown * sizeof *list);
  qsort(log->reasons, log->reason_count, sizeof *log->reasons, by_count);
  for (size_t i = 0; i < shown; i++) {
    const mf_verbose_reason *r = &log->reasons[i];
    list[i] = mf_arena_format(arena, "%zu %s: %s", r->count, r->kind, r->text);
    if (!list[i]) return mf_fail_memory(e, 64);
  }
  mf_trace_attributes_texts(a, "dispatch_reasons", list, (int)shown);
  return MF_OK;
}

static void count_lines(mf_trace_attributes *a, const mf_verbose_log *log) {
  const struct {
    const char *key;
    size_t value;
  } counts[] = {
      {"lines", log->lines},           {"lines_verbose", log->verbose},       {"lines_executed", log->executions},
      {"lines_created", log->creates}, {"lines_dispatched", log->dispatches}, {"lines_info", log->infos},
      {"lines_graph", log->graphs},    {"lines_message", log->messages},      {"lines_unreadable", log->unreadable},
      {"lines_odd", log->odd},         {"first_odd_line", log->first_odd},    {"lines_dropped", log->dropped}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    mf_trace_attributes_integer(a, counts[i].key, counts[i].value);
}

static mf_status environment(mf_trace *out, mf_arena *arena, const mf_verbose_parts *parts, mf_error *e) {
  const mf_verbose_log *log = parts->log;
  mf_trace_attributes a = {.count = 0};
  const struct {
    const char *key, *value;
  } said[] = {{"log", parts->path},
              {"marker", log->marker},
              {"onednn_version", log->version},
              {"onednn_runtime", log->runtime},
              {"isa", log->isa},
              {"gpu_runtime", log->gpu_runtime},
              {"model", parts->model},
              {"time_axis", parts->time_axis},
              {"first_message", log->first_message}};
  mf_trace_attributes_text(&a, "source", "verbose log");
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    const char *copy;
    MF_TRY(copied(arena, &copy, said[i].value, e));
    mf_trace_attributes_text(&a, said[i].key, copy);
  }
  if (log->threads) mf_trace_attributes_integer(&a, "threads", (size_t)log->threads);
  count_lines(&a, log);
  if (log->unreadable) {
    const char *first = mf_arena_format(arena, "line %zu: %s", log->first_unreadable, log->unreadable_why);
    if (!first) return mf_fail_memory(e, 64);
    mf_trace_attributes_text(&a, "first_unreadable", first);
  }
  const mf_verbose_runs *runs = parts->runs;
  size_t before = 0, behind = 0, outside = 0;
  while (before < runs->count && runs->run[before] < 0) before++;
  while (behind < runs->count - before && runs->run[runs->count - 1 - behind] < 0) behind++;
  for (size_t i = 0; i < runs->count; i++) outside += runs->run[i] < 0;
  mf_trace_attributes_integer(&a, "runs", (size_t)runs->runs);
  mf_trace_attributes_integer(&a, "repeats", runs->repeats);
  mf_trace_attributes_integer(&a, "primitives_per_run", (size_t)runs->length);
  mf_trace_attributes_integer(&a, "executions_outside", outside);
  mf_trace_attributes_integer(&a, "executions_before", before);
  mf_trace_attributes_integer(&a, "executions_behind", behind);
  mf_trace_attributes_integer(&a, "folded", parts->folded);
  if (parts->model) {
    mf_trace_attributes_number(&a, "width_multiplier", parts->multiplier);
    mf_trace_attributes_integer(&a, "layers_found", (size_t)parts->layers->found);
    mf_trace_attributes_integer(&a, "layers_expected", (size_t)parts->layers->expected);
    mf_trace_attributes_text(&a, "match_note", parts->layers->note);
  }
  MF_TRY(reasons(&a, arena, log, e));
  out->name = parts->model ? mf_arena_format(arena, "oneDNN log %s", parts->model) : "oneDNN log";
  if (!out->name) return mf_fail_memory(e, 64);
  return mf_trace_attributes_keep(arena, &a, &out->environment, &out->environment_count, e);
}

mf_status mf_verbose_items(mf_trace *out, mf_arena *arena, mf_verbose_parts *parts, mf_error *e) {
  MF_TRY(layer_items(out, arena, parts, e));
  MF_TRY(primitives(out, arena, parts, e));
  MF_TRY(phase_items(out, arena, parts, e));
  return environment(out, arena, parts, e);
}
