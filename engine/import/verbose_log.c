#include "import/verbose_log.h"
#include "base/text.h"
#include "import/verbose_line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 16, CHUNK = 1 << 16, REASONS = 1024 }; // what a line has behind LINE bytes is not looked at

static mf_status grow(void **block, size_t *capacity, size_t count, size_t size, mf_error *e) {
  if (count < *capacity) return MF_OK;
  const size_t wanted = *capacity ? 2 * *capacity : 16;
  void *grown = mf_grow(*block, *capacity * size, wanted * size);
  if (!grown) return mf_fail_memory(e, wanted * size);
  *block = grown;
  *capacity = wanted;
  return MF_OK;
}

// Kept texts are printed: bytes that are no printable ASCII become '?'.
static mf_status keep(mf_verbose_log *log, const char *text, size_t length, const char **out, mf_error *e) {
  *out = "";
  if (length == 0) return MF_OK;
  char *copy = mf_arena_alloc(&log->arena, length + 1);
  if (!copy) return mf_fail_memory(e, length + 1);
  for (size_t i = 0; i < length; i++) copy[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
  *out = copy;
  return MF_OK;
}

static bool same(const mf_slice *a, const char *b) {
  return mf_slice_is(*a, b);
}

// oneDNN 2.x printed the second version of a primitive's API as pooling_v2, eltwise_v2, ...
static size_t label_length(const char *kind, size_t length) {
  return length > 3 && memcmp(kind + length - 3, "_v2", 3) == 0 ? length - 3 : length;
}

// ---- distinct primitives

static const char **field_of(mf_verbose_primitive *p, int field) {
  const char **const fields[] = {&p->engine, &p->kind,       &p->impl, &p->prop,
                                 &p->memory, &p->attributes, &p->aux,  &p->problem};
  return fields[field];
}

static uint64_t hash_line(const mf_verbose_line *line) {
  uint64_t hash = 0;
  for (int i = 0; i < MF_VERBOSE_FIELDS; i++) {
    hash = mf_text_hash(line->fields[i].text ? line->fields[i].text : "", line->fields[i].length, hash);
    hash = mf_text_hash(",", 1, hash);
  }
  return hash;
}

static bool matches(mf_verbose_primitive *p, const mf_verbose_line *line) {
  for (int i = 0; i < MF_VERBOSE_FIELDS; i++)
    if (line->fields[i].length != strlen(*field_of(p, i)) ||
        (line->fields[i].length && memcmp(line->fields[i].text, *field_of(p, i), line->fields[i].length) != 0))
      return false;
  return true;
}

static mf_status add_primitive(mf_verbose_log *log, const mf_verbose_line *line, mf_error *e) {
  MF_TRY(grow((void **)&log->primitives, &log->primitive_capacity, log->primitive_count, sizeof *log->primitives, e));
  mf_verbose_primitive *p = mf_arena_alloc(&log->arena, sizeof *p);
  if (!p) return mf_fail_memory(e, sizeof *p);
  for (int i = 0; i < MF_VERBOSE_FIELDS; i++)
    MF_TRY(keep(log, line->fields[i].text, line->fields[i].length, field_of(p, i), e));
  MF_TRY(keep(log, p->kind, label_length(p->kind, strlen(p->kind)), &p->label, e));
  mf_verbose_problem_read(&p->parsed, p->label, p->impl, p->memory, p->attributes, p->problem);
  log->primitives[log->primitive_count++] = p;
  return MF_OK;
}

static mf_status enlarge_table(mf_verbose_log *log, mf_error *e) {
  const size_t size = log->table_size ? 2 * log->table_size : 256;
  uint32_t *table = mf_alloc_zero(size * sizeof *table);
  if (!table) return mf_fail_memory(e, size * sizeof *table);
  for (size_t i = 0; i < log->primitive_count; i++) {
    mf_verbose_line line = {.ms = 0};
    for (int k = 0; k < MF_VERBOSE_FIELDS; k++) {
      const char *text = *field_of(log->primitives[i], k);
      line.fields[k] = (mf_slice){text, strlen(text)};
    }
    size_t at = hash_line(&line) & (size - 1);
    while (table[at]) at = (at + 1) & (size - 1);
    table[at] = (uint32_t)i + 1;
  }
  mf_free(log->table);
  log->table = table;
  log->table_size = size;
  return MF_OK;
}

// *index is -1 behind the limit.
static mf_status find_primitive(mf_verbose_log *log, const mf_verbose_line *line, int *index, mf_error *e) {
  if (2 * (log->primitive_count + 1) > log->table_size) MF_TRY(enlarge_table(log, e));
  size_t at = hash_line(line) & (log->table_size - 1);
  for (; log->table[at]; at = (at + 1) & (log->table_size - 1)) {
    *index = (int)log->table[at] - 1;
    if (matches(log->primitives[*index], line)) return MF_OK;
  }
  *index = -1;
  if (log->primitive_count == MF_VERBOSE_DISTINCT) return MF_OK;
  MF_TRY(add_primitive(log, line, e));
  *index = (int)log->primitive_count - 1;
  log->table[at] = (uint32_t)log->primitive_count;
  return MF_OK;
}

// ---- what lines say

static mf_status add_event(mf_verbose_log *log, mf_verbose_event event, mf_error *e) {
  if (log->event_count == MF_VERBOSE_EVENTS) {
    log->dropped++;
    return MF_OK;
  }
  MF_TRY(grow((void **)&log->events, &log->event_capacity, log->event_count, sizeof *log->events, e));
  log->events[log->event_count++] = event;
  return MF_OK;
}

static mf_status add_execution(mf_verbose_log *log, mf_verbose_line *line, mf_error *e) {
  int index;
  log->executions++;
  for (int i = 0; i < MF_VERBOSE_FIELDS; i++) { // as they are kept, so that what is kept compares equal
    char *text = (char *)line->fields[i].text;
    for (size_t k = 0; k < line->fields[i].length; k++)
      if (text[k] < ' ' || text[k] > '~') text[k] = '?';
  }
  MF_TRY(find_primitive(log, line, &index, e));
  if (index < 0) {
    log->dropped++;
    return MF_OK;
  }
  if (log->primitives[index]->parsed.odd && !log->odd++) log->first_odd = log->lines;
  log->primitives[index]->executions++;
  log->primitives[index]->ms += line->ms;
  return add_event(log, (mf_verbose_event){index, -1, line->ms, line->timestamp}, e);
}

static mf_status add_creation(mf_verbose_log *log, const mf_verbose_line *line, mf_error *e) {
  mf_slice kind = line->fields[MF_VERBOSE_KIND];
  size_t i = 0;
  log->creates++;
  kind.length = label_length(kind.text, kind.length);
  while (i < log->creation_count &&
         !(same(&kind, log->creations[i].kind) && same(&line->status, log->creations[i].status)))
    i++;
  if (i == log->creation_count) {
    if (i == REASONS) {
      log->dropped++;
      return MF_OK;
    }
    MF_TRY(grow((void **)&log->creations, &log->creation_capacity, i, sizeof *log->creations, e));
    mf_verbose_creation *c = &log->creations[i];
    *c = (mf_verbose_creation){.count = 0};
    MF_TRY(keep(log, kind.text, kind.length, &c->kind, e));
    MF_TRY(keep(log, line->status.text, line->status.length, &c->status, e));
    log->creation_count++;
  }
  log->creations[i].count++;
  log->creations[i].ms += line->ms;
  return add_event(log, (mf_verbose_event){-1, (int)i, line->ms, line->timestamp}, e);
}

static mf_status add_reason(mf_verbose_log *log, const mf_verbose_line *line, mf_error *e) {
  const mf_slice *kind = &line->fields[MF_VERBOSE_KIND];
  size_t i = 0;
  log->dispatches++;
  while (i < log->reason_count && !(same(kind, log->reasons[i].kind) && same(&line->message, log->reasons[i].text)))
    i++;
  if (i == REASONS) return MF_OK;
  if (i == log->reason_count) {
    MF_TRY(grow((void **)&log->reasons, &log->reason_capacity, i, sizeof *log->reasons, e));
    mf_verbose_reason *r = &log->reasons[i];
    *r = (mf_verbose_reason){.count = 0};
    MF_TRY(keep(log, kind->text, kind->length, &r->kind, e));
    MF_TRY(keep(log, line->message.text, line->message.length, &r->text, e));
    log->reason_count++;
  }
  log->reasons[i].count++;
  return MF_OK;
}

static mf_status keep_first(mf_verbose_log *log, const char **to, const char *text, size_t length, mf_error *e) {
  return (*to)[0] ? MF_OK : keep(log, text, length, to, e);
}

// "oneDNN v3.7.2 (commit N/A)", "Intel(R) MKL-DNN v0.20.0 (Git Hash ...),ISA", "cpu,runtime:OpenMP,nthr:2",
// "cpu,isa:Intel AVX2", "Detected ISA is Intel AVX2", "gpu,runtime:none"
static mf_status add_info(mf_verbose_log *log, mf_slice m, mf_error *e) {
  const char *end = m.text + m.length;
  log->infos++;
  if (mf_slice_begins(m, "cpu,runtime:")) {
    const char *text = m.text + 12, *stop = memchr(text, ',', (size_t)(end - text));
    MF_TRY(keep_first(log, &log->runtime, text, (size_t)((stop ? stop : end) - text), e));
    if (stop && end - stop > 6 && memcmp(stop, ",nthr:", 6) == 0) {
      int threads = 0;
      for (const char *c = stop + 6; c < end && *c >= '0' && *c <= '9' && threads < 100000; c++)
        threads = 10 * threads + (*c - '0');
      if (!log->threads) log->threads = threads;
    }
  } else if (mf_slice_begins(m, "cpu,isa:")) {
    MF_TRY(keep_first(log, &log->isa, m.text + 8, m.length - 8, e));
  } else if (mf_slice_begins(m, "Detected ISA is ")) {
    MF_TRY(keep_first(log, &log->isa, m.text + 16, m.length - 16, e));
  } else if (mf_slice_begins(m, "gpu,runtime:")) {
    MF_TRY(keep_first(log, &log->gpu_runtime, m.text + 12, m.length - 12, e));
  } else if (mf_slice_begins(m, "oneDNN v") || mf_slice_begins(m, "DNNL v") ||
             mf_slice_begins(m, "Intel(R) MKL-DNN v") || mf_slice_begins(m, "Intel MKL-DNN v")) {
    const char *v = memchr(m.text, 'v', m.length), *stop = memchr(m.text, ' ', m.length);
    while (stop && stop < v) stop = memchr(stop + 1, ' ', (size_t)(end - stop - 1));
    const char *isa = memchr(v, ')', (size_t)(end - v));
    if (isa && end - isa > 2 && isa[1] == ',') {
      isa += isa[2] == ' ' ? 3 : 2;
      MF_TRY(keep_first(log, &log->isa, isa, (size_t)(end - isa), e));
    }
    MF_TRY(keep_first(log, &log->version, v + 1, (size_t)((stop ? stop : end) - v - 1), e));
  }
  return MF_OK;
}

static mf_status add_line(mf_verbose_log *log, mf_verbose_template *order, char *text, size_t count, bool cut,
                          mf_error *e) {
  mf_verbose_line line;
  mf_verbose_parse(&line, order, text, count);
  if (cut && (line.kind == MF_VERBOSE_EXEC || line.kind == MF_VERBOSE_CREATE || line.kind == MF_VERBOSE_UNREADABLE)) {
    line.kind = MF_VERBOSE_UNREADABLE;
    line.message = (mf_slice){"the line is too long", 20};
  }
  log->verbose++;
  if (!log->marker[0]) MF_TRY(keep(log, text, strcspn(text, ",\t"), &log->marker, e));
  switch (line.kind) {
  case MF_VERBOSE_EXEC:
    return add_execution(log, &line, e);
  case MF_VERBOSE_CREATE:
    return add_creation(log, &line, e);
  case MF_VERBOSE_DISPATCH:
    return add_reason(log, &line, e);
  case MF_VERBOSE_INFO:
    return add_info(log, line.message, e);
  case MF_VERBOSE_TEMPLATE:
    log->infos++;
    return MF_OK;
  case MF_VERBOSE_GRAPH:
    log->graphs++;
    return MF_OK;
  case MF_VERBOSE_MESSAGE:
    log->messages++;
    return keep_first(log, &log->first_message, line.message.text,
                      line.message.length < 200 ? line.message.length : 200, e);
  case MF_VERBOSE_UNREADABLE:
    break;
  }
  if (!log->unreadable++) {
    log->first_unreadable = log->lines;
    return keep(log, line.message.text, line.message.length, &log->unreadable_why, e);
  }
  return MF_OK;
}

static mf_status whole_line(mf_verbose_log *log, mf_verbose_template *order, char *text, size_t count, bool cut,
                            mf_error *e) {
  log->lines++;
  for (size_t at = mf_verbose_marker(text, count, 0); at < count;) {
    const size_t next = mf_verbose_marker(text, count, at + 1 < count ? at + 6 : count);
    MF_TRY(add_line(log, order, text + at, next - at, cut && next == count, e));
    at = next;
  }
  return MF_OK;
}

typedef struct line_buffer {
  char text[LINE + 1];
  size_t length;
  bool cut;
} line_buffer;

static mf_status read_lines(mf_verbose_log *log, FILE *file, const char *name, line_buffer *line, char *chunk,
                            mf_error *e) {
  mf_verbose_template order = {.columns = 0};
  size_t count;
  errno = 0;
  while ((count = fread(chunk, 1, CHUNK, file)) > 0) {
    for (const char *at = chunk, *end = chunk + count; at < end;) {
      const char *stop = memchr(at, '\n', (size_t)(end - at));
      const size_t length = (size_t)((stop ? stop : end) - at);
      const size_t room = LINE - line->length, taken = length < room ? length : room;
      memcpy(line->text + line->length, at, taken);
      line->length += taken;
      line->cut |= taken < length;
      if (!stop) break;
      line->text[line->length] = 0;
      MF_TRY(whole_line(log, &order, line->text, line->length, line->cut, e));
      line->length = 0;
      line->cut = false;
      at = stop + 1;
    }
  }
  if (ferror(file)) return mf_fail(e, MF_ERR_FILE, "%s: cannot be read: %s", name, strerror(errno));
  line->text[line->length] = 0;
  return line->length ? whole_line(log, &order, line->text, line->length, line->cut, e) : MF_OK;
}

mf_status mf_verbose_log_stream(mf_verbose_log *log, FILE *file, const char *name, mf_error *e) {
  const char **const texts[] = {&log->unreadable_why, &log->first_message, &log->marker,     &log->version,
                                &log->runtime,        &log->isa,           &log->gpu_runtime};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = "";
  line_buffer *line = mf_alloc_zero(sizeof *line);
  char *chunk = mf_alloc(CHUNK);
  mf_status status = line && chunk ? read_lines(log, file, name, line, chunk, e) : mf_fail_memory(e, sizeof *line);
  mf_free(line);
  mf_free(chunk);
  MF_TRY(status);
  if (log->verbose == 0)
    return mf_fail(e, MF_ERR_FILE,
                   "%s: no verbose line of oneDNN in %zu line%s (expected onednn_verbose,exec,... or an older form)",
                   name, log->lines, log->lines == 1 ? "" : "s");
  return MF_OK;
}

mf_status mf_verbose_log_read(mf_verbose_log *log, const char *path, mf_error *e) {
  if (strcmp(path, "-") == 0) return mf_verbose_log_stream(log, stdin, "stdin", e);
  errno = 0;
  FILE *file = fopen(path, "rb");
  if (!file) return mf_fail(e, MF_ERR_FILE, "%s: cannot be opened: %s", path, strerror(errno));
  mf_status status = mf_verbose_log_stream(log, file, path, e);
  fclose(file);
  return status;
}

void mf_verbose_log_free(mf_verbose_log *log) {
  mf_free(log->primitives);
  mf_free(log->creations);
  mf_free(log->reasons);
  mf_free(log->events);
  mf_free(log->table);
  mf_arena_free(&log->arena);
  *log = (mf_verbose_log){.lines = 0};
}
