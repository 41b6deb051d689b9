// Peaks as JSON: written for people to read, read with suspicion.
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "run/peaks.h"
#include "thread/pool.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "minfer.peaks/1"

mf_status mf_peaks_path(const mf_peaks *m, char *path, size_t size, mf_error *e) {
  char key[512];
  snprintf(key, sizeof key, "%s\n%d\n%d\n%s\n%s", m->cpu, m->cpus, m->cores, m->isa, m->onednn);
  const uint64_t hash = mf_text_hash(key, strlen(key), 0);
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = -1;
  if (cache && cache[0] == '/') // others are to be ignored, says the XDG Base Directory Specification
    length = snprintf(path, size, "%s/minfer/peaks-%016" PRIx64 ".json", cache, hash);
  else if (home && home[0])
    length = snprintf(path, size, "%s/.cache/minfer/peaks-%016" PRIx64 ".json", home, hash);
  if (length > 0 && (size_t)length < size) return MF_OK;
  mf_fail(e, MF_ERR_OUTPUT, "there is no folder to keep peaks in");
  return mf_hint(e, "XDG_CACHE_HOME or HOME names one");
}

// ---- writing

static void write_peak(mf_json *j, const char *key, const char *unit, const mf_peak *peak) {
  if (!(peak->rate > 0)) return;
  mf_json_object(j, key);
  mf_json_double(j, unit, peak->rate);
  mf_json_double(j, "clock_ghz", peak->clock_ghz);
  mf_json_end(j);
}

static void write_levels(mf_json *j, const char *key, const mf_peak peaks[MF_MEMORY_LEVELS]) {
  mf_json_object(j, key);
  for (mf_memory i = 0; i < MF_MEMORY_LEVELS; i++) write_peak(j, mf_memory_name(i), "gbytes_per_s", &peaks[i]);
  mf_json_end(j);
}

static void write_row(mf_json *j, const mf_peak_row *row) {
  mf_json_object(j, NULL);
  mf_json_int(j, "threads", row->threads);
  mf_json_object(j, "compute");
  for (mf_peak_type i = 0; i < MF_PEAK_TYPES; i++) write_peak(j, mf_peak_type_name(i), "gflops", &row->compute[i]);
  mf_json_end(j);
  write_levels(j, "read", row->read);
  write_levels(j, "copy", row->copy);
  mf_json_end(j);
}

static mf_status fill(FILE *file, void *context, mf_error *e) {
  const mf_peaks *p = context;
  mf_json j = mf_json_start(file, true);
  (void)e;
  mf_json_object(&j, NULL);
  mf_json_string(&j, "schema", SCHEMA);
  mf_json_string(&j, "cpu", p->cpu);
  mf_json_int(&j, "cpus", p->cpus);
  mf_json_int(&j, "cores", p->cores);
  mf_json_string(&j, "isa", p->isa);
  mf_json_string(&j, "onednn", p->onednn);
  mf_json_array(&j, "cache_bytes");
  for (int i = 0; i < MF_MEMORY_DRAM; i++) mf_json_int(&j, NULL, (int64_t)p->cache_bytes[i]);
  mf_json_end(&j);
  mf_json_int(&j, "measured_s", p->measured_s);
  mf_json_double(&j, "clock_ghz", p->clock_ghz);
  mf_json_array(&j, "rows");
  for (int i = 0; i < p->row_count; i++) write_row(&j, &p->rows[i]);
  mf_json_end(&j);
  mf_json_end(&j);
  fputc('\n', file);
  return MF_OK;
}

mf_status mf_peaks_write(const mf_peaks *peaks, const char *path, mf_error *e) {
  mf_peaks copy = *peaks;
  MF_TRY(mf_file_make_folders(path, e));
  return mf_file_write(path, fill, &copy, e);
}

// ---- reading

typedef struct reader {
  const char *path;
  mf_error *e;
} reader;

static mf_status wrong(const reader *r, const char *what, const char *expected) {
  return mf_fail(r->e, MF_ERR_FILE, "%s: %s (expected %s)", r->path, what, expected);
}

static const cJSON *member(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static mf_status read_text(const reader *r, const cJSON *root, const char *key, char *out, size_t size) {
  const cJSON *value = member(root, key);
  char what[64];
  snprintf(what, sizeof what, "\"%s\" is missing or too long", key);
  if (!cJSON_IsString(value) || strlen(value->valuestring) >= size) return wrong(r, what, "peaks that minfer wrote");
  memcpy(out, value->valuestring, strlen(value->valuestring) + 1);
  return MF_OK;
}

static mf_status read_number(const reader *r, const cJSON *value, const char *key, double low, double high,
                             double *out) {
  char what[64], expected[64];
  if (cJSON_IsNumber(value) && value->valuedouble >= low && value->valuedouble <= high) {
    *out = value->valuedouble;
    return MF_OK;
  }
  snprintf(what, sizeof what, "\"%s\" is missing or out of range", key);
  snprintf(expected, sizeof expected, "%g to %g", low, high);
  return wrong(r, what, expected);
}

static mf_status read_int(const reader *r, const cJSON *root, const char *key, int low, int high, int *out) {
  double value = 0;
  MF_TRY(read_number(r, member(root, key), key, low, high, &value));
  *out = (int)value;
  return MF_OK;
}

// Absent: there is no such peak, which only some may be.
static mf_status read_peak(const reader *r, const cJSON *from, const char *key, const char *unit, bool needed,
                           mf_peak *out) {
  const cJSON *peak = member(from, key);
  if (!peak && !needed) return MF_OK;
  MF_TRY(read_number(r, member(peak, unit), key, 1e-3, 1e9, &out->rate));
  return read_number(r, member(peak, "clock_ghz"), "clock_ghz", 0, 100, &out->clock_ghz);
}

static mf_status read_levels(const reader *r, const cJSON *from, const char *key, mf_peak out[MF_MEMORY_LEVELS]) {
  for (mf_memory i = 0; i < MF_MEMORY_LEVELS; i++)
    MF_TRY(read_peak(r, member(from, key), mf_memory_name(i), "gbytes_per_s", i == MF_MEMORY_DRAM, &out[i]));
  return MF_OK;
}

static mf_status read_row(const reader *r, const cJSON *from, mf_peak_row *out) {
  MF_TRY(read_int(r, from, "threads", 1, MF_POOL_THREADS, &out->threads));
  for (mf_peak_type i = 0; i < MF_PEAK_TYPES; i++)
    MF_TRY(read_peak(r, member(from, "compute"), mf_peak_type_name(i), "gflops", i == MF_PEAK_F32, &out->compute[i]));
  MF_TRY(read_levels(r, from, "read", out->read));
  return read_levels(r, from, "copy", out->copy);
}

static mf_status read_rows(const reader *r, const cJSON *root, mf_peaks *out) {
  const cJSON *rows = member(root, "rows");
  if (!cJSON_IsArray(rows) || !rows->child)
    return wrong(r, "\"rows\" is missing or empty", "a row a number of threads");
  for (const cJSON *row = rows->child; row; row = row->next) {
    if (out->row_count == MF_PEAK_ROWS) return wrong(r, "there are too many rows", "at most 16");
    MF_TRY(read_row(r, row, &out->rows[out->row_count]));
    const int before = out->row_count ? out->rows[out->row_count - 1].threads : 0;
    if (out->rows[out->row_count++].threads <= before)
      return wrong(r, "the rows are not in order", "rising numbers of threads");
  }
  return out->rows[0].threads == 1 ? MF_OK : wrong(r, "the rows do not begin with 1 thread", "a row for 1 thread");
}

static mf_status read_root(const reader *r, const cJSON *root, mf_peaks *out) {
  char schema[32];
  double value = 0;
  MF_TRY(read_text(r, root, "schema", schema, sizeof schema));
  if (strcmp(schema, SCHEMA) != 0) return wrong(r, "another kind or version of file", "schema " SCHEMA);
  MF_TRY(read_text(r, root, "cpu", out->cpu, sizeof out->cpu));
  MF_TRY(read_text(r, root, "isa", out->isa, sizeof out->isa));
  MF_TRY(read_text(r, root, "onednn", out->onednn, sizeof out->onednn));
  MF_TRY(read_int(r, root, "cpus", 1, 1 << 20, &out->cpus));
  MF_TRY(read_int(r, root, "cores", 1, 1 << 20, &out->cores));
  const cJSON *bytes = member(root, "cache_bytes");
  if (cJSON_GetArraySize(bytes) != MF_MEMORY_DRAM) return wrong(r, "\"cache_bytes\" is missing or broken", "3 sizes");
  for (int i = 0; i < MF_MEMORY_DRAM; i++) {
    MF_TRY(read_number(r, cJSON_GetArrayItem(bytes, i), "cache_bytes", 0, 1e15, &value));
    out->cache_bytes[i] = (size_t)value;
  }
  MF_TRY(read_number(r, member(root, "measured_s"), "measured_s", 0, 1e15, &value));
  out->measured_s = (int64_t)value;
  MF_TRY(read_number(r, member(root, "clock_ghz"), "clock_ghz", 0, 100, &out->clock_ghz));
  return read_rows(r, root, out);
}

mf_status mf_peaks_parse(mf_peaks *out, const char *bytes, size_t size, const char *path, mf_error *e) {
  const char *why = NULL;
  size_t offset = 0;
  *out = (mf_peaks){0};
  cJSON *root;
  mf_status status = mf_json_parse(&root, bytes, size, &why, &offset);
  if (status == MF_ERR_FILE) return mf_fail(e, status, "%s: byte %zu: %s (expected peaks in JSON)", path, offset, why);
  if (status != MF_OK) return mf_fail_memory(e, size);
  status = read_root(&(reader){path, e}, root, out);
  cJSON_Delete(root);
  return status;
}

mf_status mf_peaks_read(mf_peaks *out, const mf_peaks *m, const char *path, mf_error *e) {
  mf_map map;
  MF_TRY(mf_map_open(&map, path, e));
  mf_status status = mf_peaks_parse(out, (const char *)map.data, map.size, path, e);
  mf_error shrunk;
  if (mf_map_check(&map, &shrunk) != MF_OK) {
    *e = shrunk;
    status = shrunk.status;
  }
  mf_map_close(&map);
  if (status != MF_OK) return status;
  const bool same = strcmp(out->cpu, m->cpu) == 0 && strcmp(out->isa, m->isa) == 0 &&
                    strcmp(out->onednn, m->onednn) == 0 && out->cpus == m->cpus && out->cores == m->cores;
  return same ? MF_OK : mf_fail(e, MF_ERR_FILE, "%s: holds for another machine (expected %s)", path, m->cpu);
}
