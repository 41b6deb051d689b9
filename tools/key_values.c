#include "key_values.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// In place; false for a broken escape and for what is no clean text.
static bool decode(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    const int high = digit(from[1]), low = high < 0 ? -1 : digit(from[2]);
    if (low < 0) return false;
    *to++ = (char)(high << 4 | low);
    from += 2;
  }
  *to = 0;
  return text_is_clean(text, (size_t)(to - text));
}

// Without the spaces around it; `end` is where it ends.
static char *trim(char *text, char *end) {
  while (end > text && (end[-1] == ' ' || end[-1] == '\t')) end--;
  *end = 0;
  return text + strspn(text, " \t");
}

static bool add(key_values *list, const char *name, const char *value) {
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->items[2 * i], name) == 0) {
      list->items[2 * i + 1] = value;
      return true;
    }
  const char **items = reallocarray(list->items, 2 * list->count + 3, sizeof *items);
  if (!items) return false;
  list->items = items;
  items[2 * list->count] = name;
  items[2 * list->count + 1] = value;
  items[2 * ++list->count] = NULL;
  return true;
}

static bool parse(key_values *list) {
  for (char *entry = list->text, *next = NULL; entry; entry = next) {
    char *end = entry + strcspn(entry, ",");
    next = *end ? end + 1 : NULL;
    entry = trim(entry, end);
    if (!*entry) continue;
    char *equals = strchr(entry, '=');
    if (!equals) return false;
    const char *name = trim(entry, equals);
    char *value = trim(equals + 1, equals + 1 + strlen(equals + 1));
    if (!*name || !text_is_clean(name, strlen(name)) || !decode(value) || !add(list, name, value)) return false;
  }
  return true;
}

bool key_values_parse(key_values *out, const char *text) {
  *out = (key_values){.text = strdup(text)};
  if (out->text && parse(out)) return true;
  key_values_free(out);
  return false;
}

void key_values_free(key_values *list) {
  free(list->text);
  free(list->items);
  *list = (key_values){0};
}

const char *key_values_get(const key_values *list, const char *name) {
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->items[2 * i], name) == 0) return list->items[2 * i + 1];
  return NULL;
}
