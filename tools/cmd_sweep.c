// minfer sweep: every combination, group by group; rows as each group ends.
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "report.h"
#include "setup.h"
#include "sweep.h"
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sweep {
  const options *options;
  console *console;
  sweep_plan plan;
  sweep_rows rows;       // in the order of the file, earlier ones first
  size_t shown;          // rows that stdout has
  const char *path;      // of --resume or -o; NULL: stdout
  int format;            // output_format
  combination **todo;    // of the group
  minfer_model *model;   // that is open
  const char *open_name; // its name
  minfer_error model_failure, first_failure;
  size_t done, failed, resumed, measured_groups;
  double spent_s;
  minfer_json *json; // the document on stdout, over `text`
  FILE *stream;
  char *text;
  size_t text_size, text_shown;
} sweep;

// ---- rows for people: a table a group

static bool varies(const sweep *s, const char *what) {
  const sweep_plan *p = &s->plan;
  if (strcmp(what, "instances") == 0) return p->instances.count > 1 || p->instances.items[0] > 1;
  if (strcmp(what, "chunk") == 0) return p->chunks.count > 1 || p->chunks.items[0] > 0;
  return strcmp(what, "spin us") == 0 ? p->spins.count > 0 : p->affinities.count > 1 || s->options->affinities;
}

static void put_rate(table *t, double value, double first) {
  if (isnan(value) || isnan(first))
    table_cell(t, "-");
  else
    table_cell(t, "%.2fx", value / first);
}

static bool any_failed(const sweep_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(rows[i].status, "ok") != 0) return true;
  return false;
}

static void put_group(page *p, const sweep *s, const sweep_row *rows, size_t count) {
  const bool failed = any_failed(rows, count), shares = varies(s, "spin us") || varies(s, "affinity");
  table t = {0};
  table_column(&t, "dtype", TABLE_LEFT);
  if (varies(s, "chunk")) table_column(&t, "chunk", TABLE_RIGHT);
  table_column(&t, "threads", TABLE_RIGHT);
  if (varies(s, "instances")) table_column(&t, "instances", TABLE_RIGHT);
  if (varies(s, "spin us")) table_column(&t, "spin us", TABLE_RIGHT);
  if (varies(s, "affinity")) table_column(&t, "affinity", TABLE_LEFT);
  static const char *const titles[] = {"p50 ms", "+-%", "p99 ms", "images/s", "to first", "runs"};
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_RIGHT);
  if (shares) table_column(&t, "effective %", TABLE_RIGHT);
  if (shares) table_column(&t, "spin %", TABLE_RIGHT);
  if (shares) table_column(&t, "wait %", TABLE_RIGHT);
  if (failed) table_column(&t, "status", TABLE_ELASTIC);
  for (size_t i = 0; i < count; i++) {
    const sweep_row *r = &rows[i];
    table_cell(&t, "%s", r->dtype);
    if (varies(s, "chunk")) table_cell(&t, "%d", r->chunk);
    table_cell(&t, "%d", r->threads);
    if (varies(s, "instances")) table_cell(&t, "%d", r->instances);
    if (varies(s, "spin us")) table_cell(&t, "%s", sweep_spin_text((char[24]){0}, r->spin_us));
    if (varies(s, "affinity")) table_cell(&t, "%s", r->affinity);
    table_number(&t, r->p50, 3);
    table_number(&t, 100 * (r->high - r->low) / 2 / r->p50, 1);
    table_number(&t, r->p99, 3);
    table_number(&t, r->images_per_s, 2);
    put_rate(&t, r->images_per_s, rows[0].images_per_s);
    table_cell(&t, "%d", r->runs);
    if (shares) table_number(&t, 100 * r->effective, 1);
    if (shares) table_number(&t, 100 * r->spin, 1);
    if (shares) table_number(&t, 100 * r->wait, 1);
    if (failed) table_cell(&t, "%s", r->status);
  }
  page_heading(p, "%s, batch %d", rows[0].model, rows[0].batch);
  page_table(p, &t);
}

static bool put_page(FILE *out, const sweep *s, size_t from, size_t to) {
  page p = console_page(s->console, s->options, out);
  for (size_t i = from, end; i < to; i = end) {
    for (end = i + 1; end < to; end++)
      if (strcmp(s->rows.items[i].model, s->rows.items[end].model) != 0 ||
          s->rows.items[i].batch != s->rows.items[end].batch)
        break;
    if (i) p.last = PAGE_TABLE; // an empty line before the next
    put_group(&p, s, &s->rows.items[i], end - i);
  }
  return !p.failed;
}

// ---- where rows go

static void put_head(const sweep *s, minfer_json *j) {
  const options *o = s->options;
  report_json_head(j, "minfer.sweep/2");
  minfer_json_string(j, "onednn", minfer_environment_get()->onednn_version);
  minfer_json_string(j, "cpu", minfer_environment_get()->cpu);
  minfer_json_int(j, "combinations", (int64_t)s->plan.count);
  minfer_json_double(j, "precision_percent", o->precision > 0 ? o->precision : 2);
  minfer_json_double(j, "budget_s", o->budget_s > 0 ? o->budget_s : 10);
  minfer_json_array(j, "rows");
}

static void put_rows(const sweep *s, minfer_json *j, size_t from) {
  for (size_t i = from; i < s->rows.count; i++) {
    minfer_json_object(j, NULL);
    sweep_write_keys(j, &s->rows.items[i]);
    minfer_json_end(j);
  }
}

static void put_tail(minfer_json *j) {
  minfer_json_end(j);
  minfer_json_bool(j, "interrupted", interrupt_seen());
  minfer_json_close(j);
}

static bool render_document(FILE *out, const sweep *s) {
  minfer_json *j = minfer_json_open(out, true);
  if (!j) return false;
  minfer_json_object(j, NULL);
  put_head(s, j);
  put_rows(s, j, 0);
  put_tail(j);
  return true;
}

static bool render_rows(FILE *out, const sweep *s, size_t from) {
  const sweep_row *rows = s->rows.items + from;
  const size_t count = s->rows.count - from;
  switch (s->format) {
  case FORMAT_CSV:
    return sweep_write_csv(out, rows, count, from == 0);
  case FORMAT_JSONL:
    return sweep_write_jsonl(out, rows, count);
  case FORMAT_JSON:
    return render_document(out, s);
  default:
    return put_page(out, s, from, s->rows.count);
  }
}

static bool render_all(FILE *out, const void *context) {
  return render_rows(out, context, 0);
}

static bool render_new(FILE *out, const void *context) {
  const sweep *s = context;
  return render_rows(out, s, s->shown);
}

static bool render_text(FILE *out, const void *context) {
  const sweep *s = context;
  return fwrite(s->text + s->text_shown, 1, s->text_size - s->text_shown, out) == s->text_size - s->text_shown;
}

// A JSON document grows on stdout: what its writer has written since the last time.
static minfer_status emit_document(sweep *s, bool last, minfer_error *error) {
  if (!s->stream) {
    s->stream = open_memstream(&s->text, &s->text_size);
    s->json = s->stream ? minfer_json_open(s->stream, true) : NULL;
    if (!s->json) return fail_memory(error);
    minfer_json_object(s->json, NULL);
    put_head(s, s->json);
  }
  put_rows(s, s->json, s->shown);
  if (last) {
    put_tail(s->json);
    s->json = NULL;
  }
  if (fflush(s->stream) != 0 || ferror(s->stream)) return fail_memory(error);
  TRY(console_emit(s->console, NULL, render_text, s, error));
  s->text_shown = s->text_size;
  return MINFER_OK;
}

// A file is written anew with all of its rows, so that it is whole at any moment.
static minfer_status emit(sweep *s, bool last, minfer_error *error) {
  minfer_status status = MINFER_OK;
  if (s->path)
    status = console_emit(s->console, s->path, render_all, s, error);
  else if (s->format == FORMAT_JSON)
    status = emit_document(s, last, error);
  else if (s->shown < s->rows.count)
    status = console_emit(s->console, NULL, render_new, s, error);
  s->shown = s->rows.count;
  return status;
}

// ---- the work

static minfer_status resume(sweep *s, minfer_error *error) {
  bool jsonl = false, cut = false;
  if (s->options->out) return fail(error, MINFER_USAGE, "--resume names the file of the results: -o cannot be given");
  TRY(sweep_read(s->path, &s->rows, &jsonl, &cut, error));
  const bool fresh = s->rows.count == 0;
  if (s->format == FORMAT_TABLE) s->format = jsonl || text_ends_with(s->path, ".jsonl") ? FORMAT_JSONL : FORMAT_CSV;
  if (s->format != FORMAT_CSV && s->format != FORMAT_JSONL)
    return fail(error, MINFER_USAGE, "--resume goes with --format csv and jsonl");
  if (!fresh && jsonl != (s->format == FORMAT_JSONL))
    return fail(error, MINFER_USAGE, "%s: holds %s (--format says %s)", s->path, jsonl ? "JSONL" : "CSV",
                jsonl ? "csv" : "jsonl");
  TRY(sweep_check_rows(&s->plan, &s->rows, s->path, error));
  if (cut) console_note(s->console, "%s: its last line was cut and is left out", s->path);
  for (size_t i = 0; i < s->plan.count; i++) s->resumed += sweep_rows_find(&s->rows, &s->plan.items[i].key) != NULL;
  if (!fresh) console_note(s->console, "%zu of %zu combinations are done", s->resumed, s->plan.count);
  return MINFER_OK;
}

static minfer_status prepare(sweep *s, minfer_error *error) {
  const options *o = s->options;
  if (o->isa) TRY(minfer_set_isa(o->isa, error)); // before anything asks for it
  TRY(sweep_plan_make(&s->plan, o, error));
  if (s->path) TRY(console_check_path(s->path, error));
  if (o->resume) TRY(resume(s, error));
  for (size_t i = 0; i < s->plan.count; i++) {
    options *own = &s->plan.items[i].options;
    own->isa = NULL;
    own->warmup = 1; // the answers have been one already
    own->quiet = true;
    own->trace_level = MINFER_TRACE_THREAD;
  }
  s->todo = calloc(s->plan.group, sizeof *s->todo);
  return s->todo ? MINFER_OK : fail_memory(error);
}

static minfer_status open_model(sweep *s, const combination *c) {
  if (s->open_name && strcmp(s->open_name, c->options.model) == 0) return s->model_failure.status;
  minfer_model_close(s->model);
  s->model = NULL;
  s->open_name = c->options.model;
  s->model_failure = (minfer_error){0};
  setup opened = {0};
  setup_model(&opened, &c->options, &s->model_failure);
  s->model = opened.model;
  return s->model_failure.status;
}

static minfer_status fail_group(sweep *s, size_t count, minfer_error *error) {
  if (s->first_failure.status == MINFER_OK) s->first_failure = s->model_failure;
  for (size_t i = 0; i < count; i++) TRY(sweep_add_failure(s->todo[i], &s->model_failure, &s->rows, error));
  return MINFER_OK;
}

// What the groups behind number `group` may take: as long as those before it on average, else their budget.
static double left_behind(const sweep *s, size_t group) {
  size_t left = 0;
  for (size_t i = (group + 1) * s->plan.group; i < s->plan.count; i++)
    left += !sweep_rows_find(&s->rows, &s->plan.items[i].key);
  const double budget_s = s->options->budget_s > 0 ? s->options->budget_s : 10;
  return (double)left * (s->done ? s->spent_s / (double)s->done : budget_s);
}

static minfer_status run_group(sweep *s, size_t group, minfer_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < s->plan.group; i++) {
    combination *c = &s->plan.items[group * s->plan.group + i];
    if (!sweep_rows_find(&s->rows, &c->key)) s->todo[count++] = c;
  }
  if (!count) return MINFER_OK;
  const double start = clock_s();
  const size_t groups = s->plan.count / s->plan.group, before = s->rows.count;
  if (open_model(s, s->todo[0]) != MINFER_OK) {
    TRY(fail_group(s, count, error));
  } else {
    sweep_group g = {.options = s->options,
                     .console = s->console,
                     .model = s->model,
                     .items = s->todo,
                     .count = count,
                     .left_s = left_behind(s, group)};
    snprintf(g.where, sizeof g.where, "group %zu of %zu", group + 1, groups);
    TRY(sweep_group_run(&g, &s->rows, &s->first_failure, error));
  }
  for (size_t i = before; i < s->rows.count; i++) s->failed += strcmp(s->rows.items[i].status, "ok") != 0;
  s->done += count;
  s->spent_s += clock_s() - start;
  return emit(s, false, error);
}

static minfer_status run_groups(sweep *s, minfer_error *error) {
  for (size_t group = 0; group < s->plan.count / s->plan.group; group++) {
    if (interrupt_seen()) return fail(error, MINFER_INTERRUPTED, "interrupted");
    TRY(run_group(s, group, error));
  }
  return MINFER_OK;
}

static minfer_status conclude(sweep *s, minfer_status status, minfer_error *error) {
  console *c = s->console;
  if (status == MINFER_INTERRUPTED) {
    minfer_error later = {0};
    fail(error, status, "interrupted: %zu of %zu combinations are done", s->resumed + s->done, s->plan.count);
    if (s->options->resume)
      hint(error, "the same command goes on");
    else if (s->path && (s->format == FORMAT_CSV || s->format == FORMAT_JSONL))
      hint(error, "--resume %s in place of -o goes on", s->path);
    if (!s->path && s->format == FORMAT_JSON && emit(s, true, &later) != MINFER_OK) *error = later;
    return error->status;
  }
  TRY(status);
  TRY(emit(s, true, error));
  if (s->path) console_note(c, "%s is written: %zu rows", s->path, s->rows.count);
  if (s->failed && s->failed < s->done)
    console_note(c, "%zu of %zu combinations did not run: their status says why", s->failed, s->done);
  if (!s->done || s->failed < s->done) return MINFER_OK;
  *error = s->first_failure; // none ran
  return error->status;
}

minfer_status cmd_sweep(const options *o, console *c, minfer_error *error) {
  sweep s = {.options = o, .console = c, .path = o->resume ? o->resume : o->out, .format = o->format};
  minfer_status status = prepare(&s, error);
  if (status == MINFER_OK) status = conclude(&s, run_groups(&s, error), error);
  minfer_json_close(s.json);
  if (s.stream) fclose(s.stream);
  free(s.text);
  free(s.todo);
  minfer_model_close(s.model);
  sweep_rows_free(&s.rows);
  sweep_plan_free(&s.plan);
  return status;
}
