// Rows, and their text.
#include "sweep.h"
#include "table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sweep_rows_add(sweep_rows *rows, const sweep_row *row) {
  sweep_row *items = reallocarray(rows->items, rows->count + 1, sizeof *items);
  if (!items) return false;
  rows->items = items;
  sweep_row *own = &rows->items[rows->count++];
  *own = *row;
  own->model = strdup(row->model);
  own->dtype = strdup(row->dtype);
  own->affinity = strdup(row->affinity);
  own->isa = strdup(row->isa);
  own->status = strdup(row->status);
  return own->model && own->dtype && own->affinity && own->isa && own->status;
}

void sweep_rows_cut(sweep_rows *rows, size_t count) {
  while (rows->count > count) {
    const sweep_row *row = &rows->items[--rows->count];
    free(row->model);
    free(row->dtype);
    free(row->affinity);
    free(row->isa);
    free(row->status);
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

bool sweep_write_csv(FILE *out, const sweep_row *rows, size_t count, bool titles) {
  static const char *const names[] = {SWEEP_COLUMNS};
  table t = {0};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) table_column(&t, names[i], TABLE_LEFT);
  for (size_t i = 0; i < count; i++) {
    const sweep_row *r = &rows[i];
    table_cell(&t, "%s", r->model);
    table_cell(&t, "%s", r->dtype);
    table_cell(&t, "%d", r->batch);
    table_cell(&t, "%d", r->threads);
    table_cell(&t, "%d", r->instances);
    table_cell(&t, "%s", sweep_spin_text((char[24]){0}, r->spin_us));
    table_cell(&t, "%s", r->affinity);
    table_number(&t, r->p50, 6);
    table_number(&t, r->p99, 6);
    table_number(&t, r->images_per_s, 3);
    table_cell(&t, "%s", r->status);
    table_number(&t, r->low, 6);
    table_number(&t, r->high, 6);
    table_cell(&t, "%d", r->runs);
    table_cell(&t, "%s", r->isa);
    table_cell(&t, "%d", r->chunk);
  }
  const bool whole = !t.failed;
  if (titles)
    table_print_csv(&t, out);
  else
    table_print_csv_rows(&t, out);
  table_free(&t);
  return whole;
}

void sweep_write_keys(minfer_json *j, const sweep_row *r) {
  minfer_json_string(j, "model", r->model);
  minfer_json_string(j, "dtype", r->dtype);
  minfer_json_int(j, "batch", r->batch);
  minfer_json_int(j, "threads", r->threads);
  minfer_json_int(j, "instances", r->instances);
  if (r->spin_us == INT64_MAX)
    minfer_json_string(j, "spin_us", NULL);
  else
    minfer_json_int(j, "spin_us", r->spin_us);
  minfer_json_string(j, "affinity", r->affinity);
  minfer_json_double(j, "latency_ms_p50", r->p50);
  minfer_json_double(j, "latency_ms_p99", r->p99);
  minfer_json_double(j, "images_per_s", r->images_per_s);
  minfer_json_string(j, "status", r->status);
  minfer_json_double(j, "latency_ms_ci95_low", r->low);
  minfer_json_double(j, "latency_ms_ci95_high", r->high);
  minfer_json_int(j, "runs", r->runs);
  minfer_json_string(j, "isa", r->isa);
  minfer_json_int(j, "chunk", r->chunk);
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
