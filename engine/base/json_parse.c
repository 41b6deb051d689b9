#include "base/alloc.h"
#include "base/json.h"
#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <string.h>

// cJSON's hooks take no context and its result does not tell a refusal from broken text; this remembers it for
// mf_json_parse.
static _Thread_local bool refused;

static void *hook_alloc(size_t bytes) {
  void *block = mf_alloc(bytes);
  if (!block) refused = true;
  return block;
}

static void hook_install(void) {
  cJSON_Hooks hooks = {.malloc_fn = hook_alloc, .free_fn = mf_free};
  cJSON_InitHooks(&hooks);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// What cJSON takes without complaint but JSON forbids, or a C string cannot hold: any control byte as a blank or inside
// a string, \u without four digits (read as NUL), \u0000. Returns what is wrong at *offset, or NULL.
static const char *check_bytes(const char *bytes, size_t size, size_t *offset) {
  bool in_string = false;
  int64_t depth = 0;
  for (size_t i = 0; i < size; i++) {
    char c = bytes[i];
    *offset = i;
    if ((unsigned char)c < 0x20 && (in_string || !is_blank(c))) return "a control character";
    if (!in_string) {
      in_string = c == '"';
      if (c == '{' || c == '[') depth++;
      if (c == '}' || c == ']') depth--;
      if (depth > CJSON_NESTING_LIMIT) return "nested too deeply";
    } else if (c == '"') {
      in_string = false;
    } else if (c == '\\' && i + 1 < size && bytes[++i] == 'u') {
      for (size_t k = 1; k <= 4; k++)
        if (i + k >= size || !isxdigit((unsigned char)bytes[i + k])) return "a broken \\u escape";
      if (memcmp(bytes + i + 1, "0000", 4) == 0) return "\\u0000 in a string";
    }
  }
  return NULL;
}

// `text` is `bytes` with a NUL behind it: cJSON 1.7.15 reads one byte past the end after a last comma.
static mf_status parse_text(cJSON **out, const char *text, size_t size, const char **why, size_t *offset) {
  const char *end = text;
  refused = false;
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); // cJSON reads numbers with the thread's decimal point
  locale_t before = uselocale(plain);
  cJSON *value = cJSON_ParseWithLengthOpts(text, size + 1, &end, false);
  uselocale(before);
  if (plain) freelocale(plain);
  *offset = (size_t)(end - text);
  *why = "not valid JSON";
  if (!value) return refused ? MF_ERR_UNSUPPORTED : MF_ERR_FILE;
  while (*offset < size && is_blank(text[*offset])) ++*offset;
  if (*offset < size) {
    *why = "bytes after the value";
    cJSON_Delete(value);
    return MF_ERR_FILE;
  }
  *out = value;
  return MF_OK;
}

mf_status mf_json_parse(cJSON **out, const char *bytes, size_t size, const char **why, size_t *offset) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, hook_install);
  *out = NULL;
  *offset = 0;
  *why = size ? check_bytes(bytes, size, offset) : "empty";
  if (*why) return MF_ERR_FILE;
  size_t room;
  char *text = mf_add(size, 1, &room) ? mf_alloc(room) : NULL;
  if (!text) return MF_ERR_UNSUPPORTED;
  memcpy(text, bytes, size);
  text[size] = 0;
  const mf_status status = parse_text(out, text, size, why, offset);
  mf_free(text);
  return status;
}
