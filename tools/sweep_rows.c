// Rows, and their text.
#include "sweep.h"
#include "table.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(name, field)                                                                                              \
  { name, SWEEP_TEXT, offsetof(sweep_row, field), 0, 0, 0, false }
#define REQUIRED(name, field)                                                                                          \
  { name, SWEEP_TEXT, offsetof(sweep_row, field), 0, 0, 0, true }
#define COUNT(name, field, low, high)                                                                                  \
  { name, SWEEP_COUNT, offsetof(sweep_row, field), low, high, 0, false }
#define REAL(name, field, decimals)                                                                                    \
  { name, SWEEP_REAL, offsetof(sweep_row, field), 0, 0, decimals, false }
const sweep_column sweep_columns[] = {
    REQUIRED("model", model),
    REQUIRED("dtype", dtype),
    COUNT("batch", batch, 1, 65536),
    COUNT("threads", threads, 1, 1024),
    COUNT("instances", instances, 1, 1024),
    {"spin_us", SWEEP_SPIN, offsetof(sweep_row, spin_us), 0, 0, 0, false},
    TEXT("affinity", affinity),
    REAL("latency_ms_p50", p50, 6),
    REAL("latency_ms_p99", p99, 6),
    REAL("images_per_s", images_per_s, 3),
    REQUIRED("status", status),
    REAL("latency_ms_ci95_low", low, 6),
    REAL("latency_ms_ci95_high", high, 6),
    COUNT("runs", runs, 0, INT_MAX),
    TEXT("isa", isa),
    COUNT("chunk", chunk, 0, 65536),
    REAL("effective_share", effective, 4),
    REAL("spin_share", spin, 4),
    REAL("wait_share", wait, 4),
    REAL("overhead_share", overhead, 4),
    TEXT("weights", weights),
    TEXT("settings", settings),
    TEXT("cpu", cpu),
    TEXT("minfer", minfer),
    TEXT("onednn", onednn),
};
_Static_assert(sizeof sweep_columns / sizeof *sweep_columns == SWEEP_COLUMN_COUNT, "every column is there");

static char **text_of(sweep_row *row, const sweep_column *c) {
  return c->form == SWEEP_TEXT ? (char **)((char *)row + c->field) : NULL;
}

bool sweep_rows_add(sweep_rows *rows, const sweep_row *row) {
  sweep_row *items = reallocarray(rows->items, rows->count + 1, sizeof *items);
  if (!items) return false;
  rows->items = items;
  sweep_row *own = &rows->items[rows->count++];
  *own = *row;
  bool whole = true;
  for (int i = 0; i < SWEEP_COLUMN_COUNT; i++) {
    char **text = text_of(own, &sweep_columns[i]);
    if (text) whole &= (*text = strdup(*text)) != NULL;
  }
  return whole;
}

void sweep_rows_cut(sweep_rows *rows, size_t count) {
  while (rows->count > count) {
    sweep_row *row = &rows->items[--rows->count];
    for (int i = 0; i < SWEEP_COLUMN_COUNT; i++) {
      char **text = text_of(row, &sweep_columns[i]);
      if (text) free(*text);
    }
  }
}

void sweep_rows_free(sweep_rows *rows) {
  sweep_rows_cut(rows, 0);
  free(rows->items);
  *rows = (sweep_rows){0};
}

const sweep_row *sweep_rows_find(const sweep_rows *rows, const sweep_row *key) {
  for (size_t i = 0; i < rows->count; i++) {
    const sweep_row *r = &rows->items[i];
    if (r->batch == key->batch && r->chunk == key->chunk && r->threads == key->threads &&
        r->instances == key->instances && r->spin_us == key->spin_us && strcmp(r->model, key->model) == 0 &&
        strcmp(r->dtype, key->dtype) == 0 && strcmp(r->affinity, key->affinity) == 0)
      return r;
  }
  return NULL;
}

const char *sweep_spin_text(char out[24], int64_t spin_us) {
  if (spin_us == INT64_MAX)
    snprintf(out, 24, "infinite"); // as in KMP_BLOCKTIME
  else
    snprintf(out, 24, "%lld", (long long)spin_us);
  return out;
}

static void put_column(table *t, const sweep_row *row, const sweep_column *c) {
  const void *field = (const char *)row + c->field;
  switch (c->form) {
  case SWEEP_TEXT:
    table_cell(t, "%s", *(char *const *)field);
    break;
  case SWEEP_COUNT:
    table_cell(t, "%d", *(const int *)field);
    break;
  case SWEEP_SPIN:
    table_cell(t, "%s", sweep_spin_text((char[24]){0}, *(const int64_t *)field));
    break;
  case SWEEP_REAL:
    table_number(t, *(const double *)field, c->decimals);
    break;
  }
}

bool sweep_write_csv(FILE *out, const sweep_row *rows, size_t count, bool titles) {
  table t = {0};
  for (int c = 0; c < SWEEP_COLUMN_COUNT; c++) table_column(&t, sweep_columns[c].name, TABLE_LEFT);
  for (size_t i = 0; i < count; i++)
    for (int c = 0; c < SWEEP_COLUMN_COUNT; c++) put_column(&t, &rows[i], &sweep_columns[c]);
  const bool whole = !t.failed;
  if (titles)
    table_print_csv(&t, out);
  else
    table_print_csv_rows(&t, out);
  table_free(&t);
  return whole;
}

static void put_key(minfer_json *j, const sweep_row *row, const sweep_column *c) {
  const void *field = (const char *)row + c->field;
  switch (c->form) {
  case SWEEP_TEXT:
    minfer_json_string(j, c->name, *(char *const *)field);
    break;
  case SWEEP_COUNT:
    minfer_json_int(j, c->name, *(const int *)field);
    break;
  case SWEEP_SPIN:
    if (*(const int64_t *)field == INT64_MAX)
      minfer_json_string(j, c->name, NULL);
    else
      minfer_json_int(j, c->name, *(const int64_t *)field);
    break;
  case SWEEP_REAL:
    minfer_json_double(j, c->name, *(const double *)field);
    break;
  }
}

void sweep_write_keys(minfer_json *j, const sweep_row *row) {
  for (int c = 0; c < SWEEP_COLUMN_COUNT; c++) put_key(j, row, &sweep_columns[c]);
}

bool sweep_write_jsonl(FILE *out, const sweep_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    minfer_json *j = minfer_json_open(out, false);
    if (!j) return false;
    minfer_json_object(j, NULL);
    minfer_json_string(j, "schema", SWEEP_ROW_SCHEMA);
    sweep_write_keys(j, &rows[i]);
    minfer_json_close(j);
  }
  return true;
}
