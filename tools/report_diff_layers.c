// The layers of a diff for people: how their times changed, why, and the reorders at them.
#include "report_diff.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *diff_p_text(char out[16], double p) {
  if (isnan(p))
    snprintf(out, 16, "-");
  else if (p < 0.0001)
    snprintf(out, 16, "<0.0001");
  else
    snprintf(out, 16, "%.*f", p < 0.01 ? 4 : 3, p);
  return out;
}

static int order(double x, double y, const diff_row *a, const diff_row *b) {
  if (x < y || x > y) return x < y ? 1 : -1;
  return a < b ? -1 : a > b;
}

static double changed_ms(const diff_row *row) {
  const double lost = diff_lost_ms(&row->own);
  return isnan(lost) ? 0 : fabs(lost);
}

static int most_changed_first(const void *a, const void *b) {
  const diff_row *const *x = a, *const *y = b;
  return order(changed_ms(*x), changed_ms(*y), *x, *y);
}

static int most_lost_first(const void *a, const void *b) {
  const diff_row *const *x = a, *const *y = b;
  return order(diff_lost_ms(&(*x)->own), diff_lost_ms(&(*y)->own), *x, *y);
}

// The rows that are wanted in order; NULL without memory. Free it.
static const diff_row **rank_rows(const diff_report *r, bool only_exceeding, int (*by)(const void *, const void *),
                                  size_t *count) {
  const trace_diff *d = r->diff;
  const diff_row **rows = calloc(d->groups.count + 1, sizeof *rows);
  *count = 0;
  for (size_t i = 0; rows && i < d->groups.count; i++)
    if (!only_exceeding || diff_exceeds(r, &d->rows[i].own)) rows[(*count)++] = &d->rows[i];
  if (rows) qsort(rows, *count, sizeof *rows, by);
  return rows;
}

// "brg_conv_fwd:avx512_core" and "jit:avx512_core": what differs of them, "brg_conv_fwd" and "jit".
static void put_impl_change(FILE *out, const diff_change *c) {
  const char *a = strrchr(c->a, ':'), *b = strrchr(c->b, ':');
  const size_t a_name = a ? (size_t)(a - c->a) : 0, b_name = b ? (size_t)(b - c->b) : 0;
  if (a && b && strcmp(a, b) == 0)
    fprintf(out, "%.*s -> %.*s", (int)a_name, c->a, (int)b_name, c->b);
  else if (a && b && a_name == b_name && memcmp(c->a, c->b, a_name) == 0)
    fprintf(out, "%.*s for %s -> %s", (int)a_name, c->a, a + 1, b + 1);
  else
    fprintf(out, "%s -> %s", c->a, c->b);
}

static const diff_change *find_change(const diff_row *row, const char *what) {
  for (int i = 0; i < row->change_count; i++)
    if (strcmp(row->changes[i].what, what) == 0) return &row->changes[i];
  return NULL;
}

static bool same_change(const diff_change *x, const diff_change *y) {
  return x && y && strcmp(x->a, y->a) == 0 && strcmp(x->b, y->b) == 0;
}

// "f32 -> int8; brg_conv_fwd -> jit; nhwc -> nChw16c". The weights' format follows from the implementation.
static void put_changes(FILE *out, const diff_row *row) {
  const diff_change *source = find_change(row, "source format"), *destination = find_change(row, "destination format");
  const bool once = same_change(source, destination);
  const char *between = "";
  for (int i = 0; i < row->change_count; i++) {
    const diff_change *c = &row->changes[i];
    const bool implementation = strcmp(c->what, "implementation") == 0;
    if (strcmp(c->what, "weights format") == 0 || (once && c == destination)) continue;
    fputs(between, out);
    between = "; ";
    if (implementation)
      put_impl_change(out, c);
    else if (strcmp(c->what, "dtype") == 0 || (once && c == source))
      fprintf(out, "%s -> %s", c->a, c->b);
    else
      fprintf(out, "%s %s -> %s", c->what, c->a[0] ? c->a : "none", c->b[0] ? c->b : "none");
  }
  if (!row->group->counts[0] || !row->group->counts[1]) fprintf(out, "only in %c", row->group->counts[0] ? 'a' : 'b');
}

void report_diff_changes(table *t, const diff_row *row) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (stream) put_changes(stream, row);
  if (stream && fclose(stream) == 0)
    table_cell(t, "%s", text);
  else
    t->failed = true;
  free(text);
}

static void time_cells(table *t, const diff_time *time) {
  char p[16];
  table_number(t, time->ms[0], 3);
  table_number(t, time->ms[1], 3);
  if (isnan(diff_speedup(time)))
    table_cell(t, "-");
  else
    table_cell(t, "%.2fx", diff_speedup(time));
  table_cell(t, "%s", diff_p_text(p, time->p));
  table_cell(t, "%s", time->verdict == DIFF_SLOWER ? "slower" : time->verdict == DIFF_FASTER ? "faster" : "");
}

static void total_row(table *t, const char *name, const diff_time *time) {
  table_cell(t, "%s", name);
  time_cells(t, time);
  table_cell(t, "%s", "");
}

static void put_layers(page *p, const diff_report *r) {
  static const char *const titles[] = {"ms a", "ms b", "speed-up", "p"};
  const trace_diff *d = r->diff;
  size_t count;
  const diff_row **rows = rank_rows(r, false, most_changed_first, &count);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  page_heading(p, "Layers by how much their time changed: %zu of %zu", shown, count);
  table t = {0};
  char name[160];
  table_column(&t, "layer", TABLE_ELASTIC);
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) table_column(&t, titles[i], TABLE_RIGHT);
  table_column(&t, "b is", TABLE_LEFT);
  table_column(&t, "what changed", TABLE_ELASTIC);
  diff_time rest = {.p = NAN};
  for (size_t i = 0; i < count; i++) {
    if (i >= shown) {
      for (int k = 0; k < 2; k++) rest.ms[k] += rows[i]->own.ms[k];
      continue;
    }
    table_cell(&t, "%s", diff_name(name, r, rows[i]));
    time_cells(&t, &rows[i]->own);
    report_diff_changes(&t, rows[i]);
  }
  free(rows);
  snprintf(name, sizeof name, "%zu more", count - shown);
  if (shown < count) total_row(&t, name, &rest);
  total_row(&t, "reorders", &d->reorders);
  total_row(&t, "gaps", &d->gaps);
  total_row(&t, "run", &d->run);
  page_table(p, &t);
}

static void reorder_cell(table *t, const diff_row *row, int which) {
  const minfer_primitive *x = row->reorder[which];
  if (!x)
    table_cell(t, "-");
  else
    table_cell(t, "%s %s -> %s %s%s", x->source.dtype, x->source.format, x->destination.dtype, x->destination.format,
               row->reorder_counts[which] > 1 ? ", ..." : "");
}

static void put_reorders(page *p, const diff_report *r) {
  const trace_diff *d = r->diff;
  int counts[2] = {0, 0};
  for (size_t i = 0; i < d->groups.count; i++)
    for (int k = 0; k < 2; k++) counts[k] += d->rows[i].reorder_counts[k];
  if (!counts[0] && !counts[1]) return;
  page_heading(p, "Reorders: %d in a, %d in b", counts[0], counts[1]);
  table t = {0};
  char name[160];
  table_column(&t, "at", TABLE_ELASTIC);
  table_column(&t, "ms a", TABLE_RIGHT);
  table_column(&t, "ms b", TABLE_RIGHT);
  table_column(&t, "a", TABLE_ELASTIC);
  table_column(&t, "b", TABLE_ELASTIC);
  for (size_t i = 0; i < d->groups.count; i++) {
    const diff_row *row = &d->rows[i];
    if (!row->reorder[0] && !row->reorder[1]) continue;
    table_cell(&t, "%s", diff_name(name, r, row));
    for (int k = 0; k < 2; k++) table_number(&t, row->reorder[k] ? row->reorders.ms[k] : NAN, 3);
    for (int k = 0; k < 2; k++) reorder_cell(&t, row, k);
  }
  page_table(p, &t);
}

static void put_reasons(page *p, const diff_report *r) {
  size_t count;
  const diff_row **rows = rank_rows(r, true, most_lost_first, &count);
  if (!rows) {
    p->failed = true;
    return;
  }
  const size_t shown = (size_t)r->options->top < count ? (size_t)r->options->top : count;
  if (count && !isnan(r->limit))
    page_heading(p, "Layers that are slower by more than %g %%: %zu of %zu", r->limit, shown, count);
  else if (count)
    page_heading(p, "%s: %zu of %zu",
                 rows[0]->why.text[0] ? "Why layers are slower in b" : "Layers that are slower in b", shown, count);
  double rest = 0;
  for (size_t i = 0; i < count; i++) {
    const diff_row *row = rows[i];
    char name[160];
    if (i < shown)
      page_line(p, "%s (%.3f to %.3f ms)%s%s.", diff_name(name, r, row), row->own.ms[0], row->own.ms[1],
                row->why.text[0] ? ": " : "", row->why.text);
    else
      rest += diff_lost_ms(&row->own);
  }
  if (shown < count)
    page_line(p, "... %zu more lose %.3f ms together (--format json has them all)", count - shown, rest);
  free(rows);
}

void report_diff_layers(page *p, const diff_report *r) {
  put_layers(p, r);
  put_reasons(p, r);
  put_reorders(p, r);
}
