#include "trace_diff.h"
#include "fail.h"
#include "rank_test.h"
#include "report_pair.h"
#include "stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *diff_verdict_name(diff_verdict verdict) {
  static const char *const names[] = {"unknown", "same", "faster", "slower"};
  return names[verdict];
}

double diff_speedup(const diff_time *t) {
  return t->ms[0] > 0 && t->ms[1] > 0 ? t->ms[0] / t->ms[1] : NAN;
}

double diff_lost_ms(const diff_time *t) {
  return t->ms[1] - t->ms[0];
}

// ---- reading

static minfer_trace_level level_of(const minfer_trace_view *view) {
  minfer_trace_level level = MINFER_TRACE_RUN;
  for (size_t i = 0; i < view->span_count; i++) {
    const minfer_span_kind kind = view->spans[i].kind;
    if (kind == MINFER_SPAN_LAYER && level < MINFER_TRACE_LAYER) level = MINFER_TRACE_LAYER;
    if (kind == MINFER_SPAN_PRIMITIVE && level < MINFER_TRACE_PRIMITIVE) level = MINFER_TRACE_PRIMITIVE;
    if (kind == MINFER_SPAN_THREAD) return MINFER_TRACE_THREAD;
  }
  return level;
}

static minfer_status read_side(diff_side *s, const char *path, minfer_error *error) {
  s->path = path;
  TRY(minfer_trace_read(path, &s->trace, error));
  s->view = minfer_trace_describe(s->trace);
  s->level = level_of(s->view);
  if (!trace_plan_make(s->view, &s->plan) ||
      !breakdown_make(&s->plan.plan, s->view->spans, s->view->span_count, &s->times))
    return fail_memory(error);
  if (!s->times.runs)
    return fail(error, MINFER_FILE, "%s: holds no whole run (expected a trace of at least one)", path);
  return MINFER_OK;
}

// ---- settings

// What a run came to and not how it was set up: shown elsewhere, or different every time.
static bool is_result(const char *key) {
  static const char *const keys[] = {"activation_bytes", "activation_bound_bytes", "weight_bytes", "scratchpad_bytes"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return strncmp(key, "peak_", 5) == 0;
}

static char *text_of(const minfer_attribute *a) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return NULL;
  if (a && a->type == MINFER_ATTRIBUTE_TEXT) fputs(a->text, stream);
  if (a && a->type == MINFER_ATTRIBUTE_INT) fprintf(stream, "%lld", (long long)a->integer);
  if (a && a->type == MINFER_ATTRIBUTE_DOUBLE) fprintf(stream, "%.6g", a->number);
  for (int64_t i = 0; a && a->type == MINFER_ATTRIBUTE_TEXTS && i < a->integer; i++)
    fprintf(stream, "%s%s", i ? ", " : "", a->texts[i]);
  return fclose(stream) == 0 ? text : (free(text), NULL);
}

static const minfer_attribute *find(const minfer_trace_view *view, const char *key) {
  for (int i = 0; i < view->environment_count; i++)
    if (strcmp(view->environment[i].key, key) == 0) return &view->environment[i];
  return NULL;
}

// false: no memory
static bool add_setting(trace_diff *d, const char *key, const minfer_attribute *a, const minfer_attribute *b) {
  diff_setting *s = &d->settings[d->setting_count];
  *s = (diff_setting){key, text_of(a), text_of(b)};
  if (s->a && s->b && strcmp(s->a, s->b) != 0) {
    d->setting_count++;
    return true;
  }
  const bool done = s->a && s->b;
  free(s->a);
  free(s->b);
  return done;
}

static minfer_status compare_settings(trace_diff *d, minfer_error *error) {
  static const char *const levels[] = {"run", "layer", "primitive", "thread"};
  const minfer_trace_view *a = d->sides[0].view, *b = d->sides[1].view;
  const size_t most = (size_t)a->environment_count + (size_t)b->environment_count + 1;
  bool done = (d->settings = calloc(most, sizeof *d->settings)) != NULL;
  for (int i = 0; done && i < a->environment_count; i++)
    if (!is_result(a->environment[i].key))
      done = add_setting(d, a->environment[i].key, &a->environment[i], find(b, a->environment[i].key));
  for (int i = 0; done && i < b->environment_count; i++)
    if (!is_result(b->environment[i].key) && !find(a, b->environment[i].key))
      done = add_setting(d, b->environment[i].key, NULL, &b->environment[i]);
  minfer_attribute told[2] = {{.type = MINFER_ATTRIBUTE_TEXT, .text = levels[d->sides[0].level]},
                              {.type = MINFER_ATTRIBUTE_TEXT, .text = levels[d->sides[1].level]}};
  done = done && add_setting(d, "trace_level", &told[0], &told[1]);
  return done ? MINFER_OK : fail_memory(error);
}

// What has to be the same for the times to mean anything.
static minfer_status check_comparable(const trace_diff *d, minfer_error *error) {
  static const struct {
    const char *key, *what;
  } same[] = {{"model", "network"}, {"width_multiplier", "width"}, {"batch", "batch"}};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    for (size_t k = 0; k < d->setting_count; k++) {
      const diff_setting *s = &d->settings[k];
      if (strcmp(s->key, same[i].key) == 0)
        return fail(error, MINFER_USAGE, "%s is of %s %s, %s of %s (expected traces of the same %s)", d->sides[0].path,
                    same[i].what, s->a[0] ? s->a : "unknown", d->sides[1].path, s->b[0] ? s->b : "unknown",
                    same[i].what);
    }
  return MINFER_OK;
}

// ---- times

// A value a run of each side; `sorted` for medians.
typedef struct scratch {
  double *values[2], *sorted;
} scratch;

static double median_of(const scratch *x, int side, size_t count) {
  if (!count) return NAN;
  memcpy(x->sorted, x->values[side], count * sizeof *x->sorted);
  return stats_median(x->sorted, count);
}

// Judges what `x` holds.
static bool judge(const trace_diff *d, const scratch *x, diff_time *out) {
  const size_t n = d->sides[0].times.runs, m = d->sides[1].times.runs;
  out->ms[0] = median_of(x, 0, n);
  out->ms[1] = median_of(x, 1, m);
  return rank_test(x->values[0], n, x->values[1], m, &out->p);
}

static void decide(const trace_diff *d, diff_time *t) {
  t->verdict = DIFF_UNKNOWN;
  if (isnan(t->p) || rank_test_least(d->sides[0].times.runs, d->sides[1].times.runs) > TRACE_DIFF_LEVEL) return;
  t->verdict = DIFF_SAME;
  if (t->p > TRACE_DIFF_LEVEL || t->ms[0] == t->ms[1]) return;
  t->verdict = t->ms[1] < t->ms[0] ? DIFF_FASTER : DIFF_SLOWER;
}

// Sums of a run: of all its primitives, or of its reorders.
static double sum_of_run(const diff_side *s, size_t run, bool reorders) {
  const size_t count = (size_t)s->plan.plan.primitive_count;
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    if (!reorders || strcmp(s->plan.plan.primitives[i].kind, "reorder") == 0) sum += s->times.by_run[run * count + i];
  return sum;
}

static bool has_primitives(const trace_diff *d) {
  return d->sides[0].times.by_run && d->sides[1].times.by_run;
}

// What no primitive takes of a run; whole ns, for differences of sums are off by less.
static double gap_of_run(const diff_side *s, size_t run) {
  return round((s->times.run_times[run] - sum_of_run(s, run, false)) * 1e6) * 1e-6;
}

static bool judge_totals(trace_diff *d, const scratch *x) {
  for (int k = 0; k < 2; k++)
    memcpy(x->values[k], d->sides[k].times.run_times, d->sides[k].times.runs * sizeof(double));
  bool done = judge(d, x, &d->run);
  decide(d, &d->run);
  d->reorders = d->gaps = (diff_time){.ms = {NAN, NAN}, .p = NAN};
  for (int gaps = 0; done && gaps < 2 && has_primitives(d); gaps++) {
    diff_time *t = gaps ? &d->gaps : &d->reorders;
    for (int k = 0; k < 2; k++)
      for (size_t r = 0; r < d->sides[k].times.runs; r++)
        x->values[k][r] = gaps ? gap_of_run(&d->sides[k], r) : sum_of_run(&d->sides[k], r, true);
    done = judge(d, x, t);
    if (t->ms[0] == 0 && t->ms[1] == 0) t->p = NAN; // there are none
    decide(d, t);
  }
  return done;
}

// The times of a group's layers in each run of a side; false when the trace does not have them.
static bool layer_times(const diff_side *s, int which, const layer_group *g, double *out) {
  const size_t layers = (size_t)s->plan.plan.layer_count, primitives = (size_t)s->plan.plan.primitive_count;
  for (size_t r = 0; r < s->times.runs; r++) out[r] = 0;
  if (s->times.layers_by_run) {
    for (size_t r = 0; r < s->times.runs; r++)
      for (int i = 0; i < g->counts[which]; i++)
        out[r] += s->times.layers_by_run[r * layers + (size_t)g->layers[which][i]];
    return true;
  }
  for (size_t i = 0; i < primitives; i++)
    if (layer_group_part(g, which, &s->plan.plan, (int)i) == GROUP_PART_LAYER)
      for (size_t r = 0; r < s->times.runs; r++) out[r] += s->times.by_run[r * primitives + i];
  return s->times.by_run != NULL;
}

static void add_reorders(const diff_side *s, int which, diff_row *row, double *sums) {
  const size_t primitives = s->times.by_run ? (size_t)s->plan.plan.primitive_count : 0;
  for (size_t r = 0; r < s->times.runs; r++) sums[r] = 0;
  for (size_t i = 0; i < primitives; i++) {
    if (layer_group_part(row->group, which, &s->plan.plan, (int)i) != GROUP_PART_REORDER) continue;
    row->reorder_counts[which]++;
    row->reorder[which] = &s->plan.plan.primitives[i];
    for (size_t r = 0; r < s->times.runs; r++) sums[r] += s->times.by_run[r * primitives + i];
  }
}

static bool judge_row(const trace_diff *d, const scratch *x, diff_row *row) {
  bool known = true;
  for (int k = 0; k < 2; k++) known &= layer_times(&d->sides[k], k, row->group, x->values[k]);
  bool done = judge(d, x, &row->own);
  if (!known || !row->group->counts[0] || !row->group->counts[1]) row->own.p = NAN;
  for (int k = 0; k < 2; k++) {
    add_reorders(&d->sides[k], k, row, x->values[k]);
    row->reorders.ms[k] = median_of(x, k, d->sides[k].times.runs);
  }
  row->reorders.p = NAN;
  return done;
}

// ---- what changed

static void add_change(diff_row *row, const char *what, const char *a, const char *b) {
  if (strcmp(a, b) == 0 || row->change_count == DIFF_CHANGES) return;
  diff_change *c = &row->changes[row->change_count++];
  c->what = what;
  snprintf(c->a, sizeof c->a, "%s", a);
  snprintf(c->b, sizeof c->b, "%s", b);
}

static void list_changes(const trace_diff *d, diff_row *row) {
  const minfer_plan *plans[2] = {&d->sides[0].plan.plan, &d->sides[1].plan.plan};
  const minfer_layer *a = report_group_main(row->group, 0, plans[0]), *b = report_group_main(row->group, 1, plans[1]);
  if (!a || !b) return;
  char counts[2][16];
  for (int k = 0; k < 2; k++) snprintf(counts[k], sizeof counts[k], "%d", row->group->counts[k]);
  add_change(row, "layers", counts[0], counts[1]);
  add_change(row, "dtype", a->dtype, b->dtype);
  add_change(row, "implementation", a->impl, b->impl);
  if (a->primitive_count && b->primitive_count) {
    const minfer_primitive *x = &plans[0]->primitives[a->first_primitive],
                           *y = &plans[1]->primitives[b->first_primitive];
    add_change(row, "source format", x->source.format, y->source.format);
    add_change(row, "destination format", x->destination.format, y->destination.format);
    add_change(row, "weights format", x->weights.format, y->weights.format);
  }
  add_change(row, "input shape", a->input_shape, b->input_shape);
  add_change(row, "output shape", a->output_shape, b->output_shape);
}

static bool can_explain(const trace_diff *d, const layer_group *g) {
  for (int k = 0; k < 2; k++) {
    const minfer_layer *main = report_group_main(g, k, &d->sides[k].plan.plan);
    if (!d->sides[k].times.by_run || !main || !main->primitive_count) return false;
  }
  return true;
}

// All layers are tested, so some come out different by chance: their p are adjusted together.
static bool decide_rows(trace_diff *d) {
  double *p = calloc(d->groups.count + 1, sizeof *p);
  if (!p) return false;
  for (size_t i = 0; i < d->groups.count; i++) p[i] = d->rows[i].own.p;
  const bool done = rank_test_adjust(p, d->groups.count);
  for (size_t i = 0; done && i < d->groups.count; i++) {
    diff_row *row = &d->rows[i];
    row->own.p = p[i];
    decide(d, &row->own);
    if (row->own.verdict == DIFF_SLOWER && can_explain(d, row->group))
      why_slower(&(why_case){.plans = {&d->sides[0].plan.plan, &d->sides[1].plan.plan},
                             .group = row->group,
                             .primitive_ms = {d->sides[0].times.primitive_ms, d->sides[1].times.primitive_ms}},
                 &row->why);
  }
  free(p);
  return done;
}

static bool compare_times(trace_diff *d) {
  const size_t n = d->sides[0].times.runs + 1, m = d->sides[1].times.runs + 1;
  double *block = calloc(n + m + (n > m ? n : m), sizeof *block);
  d->rows = calloc(d->groups.count + 1, sizeof *d->rows);
  const scratch x = {{block, block + n}, block + n + m};
  bool done = block && d->rows && judge_totals(d, &x);
  for (size_t i = 0; done && i < d->groups.count; i++) {
    d->rows[i].group = &d->groups.items[i];
    done = judge_row(d, &x, &d->rows[i]);
    list_changes(d, &d->rows[i]);
  }
  free(block);
  return done && decide_rows(d);
}

// A trace does not know layers that no run executed: they have no name and no sources.
static void drop_unknown(trace_diff *d) {
  size_t kept = 0;
  for (size_t i = 0; i < d->groups.count; i++) {
    const layer_group g = d->groups.items[i];
    const int side = g.counts[0] ? 0 : 1;
    if (d->sides[side].plan.plan.layers[g.layers[side][0]].name[0]) d->groups.items[kept++] = g;
  }
  d->groups.count = kept;
}

static bool have_common_layers(const trace_diff *d) {
  for (size_t i = 0; i < d->groups.count; i++)
    if (d->groups.items[i].counts[0] && d->groups.items[i].counts[1]) return true;
  return false;
}

minfer_status trace_diff_make(trace_diff *d, const char *a, const char *b, minfer_error *error) {
  TRY(read_side(&d->sides[0], a, error));
  TRY(read_side(&d->sides[1], b, error));
  TRY(compare_settings(d, error));
  TRY(check_comparable(d, error));
  if (!d->sides[0].plan.plan.layer_count || !d->sides[1].plan.plan.layer_count) // recorded whole runs only
    return compare_times(d) ? MINFER_OK : fail_memory(error);
  if (!match_layers(&d->sides[0].plan.plan, &d->sides[1].plan.plan, &d->groups)) return fail_memory(error);
  drop_unknown(d);
  if (!have_common_layers(d))
    return fail(error, MINFER_USAGE, "%s and %s have no layer in common (expected traces of the same network)", a, b);
  return compare_times(d) ? MINFER_OK : fail_memory(error);
}

void trace_diff_free(trace_diff *d) {
  for (size_t i = 0; i < d->setting_count; i++) {
    free(d->settings[i].a);
    free(d->settings[i].b);
  }
  free(d->settings);
  free(d->rows);
  layer_groups_free(&d->groups);
  for (int k = 0; k < 2; k++) {
    breakdown_free(&d->sides[k].times);
    trace_plan_free(&d->sides[k].plan);
    minfer_trace_free(d->sides[k].trace);
  }
  *d = (trace_diff){0};
}
