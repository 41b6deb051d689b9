#include "base/json.h"
#include "api/handles.h"
#include "base/file.h"
#include "load/npy.h"

struct minfer_json {
  mf_json json;
};

minfer_json *minfer_json_open(FILE *file, bool indent) {
  minfer_json *j = mf_alloc(sizeof *j);
  if (j) j->json = mf_json_start(file, indent);
  return j;
}

void minfer_json_object(minfer_json *j, const char *key) {
  mf_json_object(&j->json, key);
}

void minfer_json_array(minfer_json *j, const char *key) {
  mf_json_array(&j->json, key);
}

void minfer_json_end(minfer_json *j) {
  mf_json_end(&j->json);
}

void minfer_json_string(minfer_json *j, const char *key, const char *value) {
  mf_json_string(&j->json, key, value);
}

void minfer_json_int(minfer_json *j, const char *key, int64_t value) {
  mf_json_int(&j->json, key, value);
}

void minfer_json_double(minfer_json *j, const char *key, double value) {
  mf_json_double(&j->json, key, value);
}

void minfer_json_bool(minfer_json *j, const char *key, bool value) {
  mf_json_bool(&j->json, key, value);
}

void minfer_json_close(minfer_json *j) {
  if (!j) return;
  while (j->json.depth) mf_json_end(&j->json);
  putc('\n', j->json.file);
  mf_free(j);
}

minfer_status minfer_npy_write(const char *path, const float *rows, size_t row_count, size_t columns,
                               minfer_error *error) {
  mf_error e = {0};
  mf_shape shape = {2, {(int64_t)row_count, (int64_t)columns}};
  return mf_api_report(error, &e, mf_npy_write(path, &shape, rows, &e));
}

typedef struct bytes {
  const char *data;
  size_t count;
} bytes;

static mf_status fill(FILE *file, void *context, mf_error *e) {
  const bytes *b = context;
  (void)e; // what could not be written shows in ferror
  fwrite(b->data, 1, b->count, file);
  return MF_OK;
}

minfer_status minfer_file_write(const char *path, const char *data, size_t count, minfer_error *error) {
  mf_error e = {0};
  return mf_api_report(error, &e, mf_file_write(path, fill, &(bytes){data, count}, &e));
}
