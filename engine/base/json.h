// JSON: reading through cJSON behind our allocation hook, and a writer that streams.
#ifndef MF_BASE_JSON_H
#define MF_BASE_JSON_H

#include "base/error.h"
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// Parse `size` bytes (need not end in NUL). The whole input must be one value; free it with cJSON_Delete. MF_ERR_FILE
// for broken text: *why says what is wrong and *offset where, for the caller's own line. MF_ERR_UNSUPPORTED when memory
// was refused. *out is NULL then.
mf_status mf_json_parse(cJSON **out, const char *bytes, size_t size, const char **why, size_t *offset);

// Streams one JSON value to a FILE; commas, escaping and indentation are the writer's. Doubles are written
// shortest-exact; NaN and infinities as null. Write errors show in ferror(file), which the caller checks once.
typedef struct mf_json {
  FILE *file;
  int depth;
  bool indent;             // two spaces a level; else one line
  unsigned char first[32]; // nothing written yet at this depth
  char closing[32];        // the bracket that ends it
  bool after_key;
} mf_json;
mf_json mf_json_start(FILE *file, bool indent);
void mf_json_object(mf_json *j, const char *key); // key: NULL inside arrays and at the top
void mf_json_array(mf_json *j, const char *key);
void mf_json_end(mf_json *j);                                        // of the innermost object or array
void mf_json_string(mf_json *j, const char *key, const char *value); // value NULL is written as null
void mf_json_int(mf_json *j, const char *key, int64_t value);
void mf_json_double(mf_json *j, const char *key, double value);
void mf_json_bool(mf_json *j, const char *key, bool value);

#endif
