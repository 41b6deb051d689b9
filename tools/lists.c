#include "lists.h"
#include "fail.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

typedef struct range {
  int first, last, step;
  bool times; // the step multiplies
} range;

static bool copy_number(const char **text, const char *ends, int low, int high, int *out) {
  char number[16];
  const size_t length = strcspn(*text, ends);
  if (length == 0 || length >= sizeof number) return false;
  memcpy(number, *text, length);
  number[length] = 0;
  *text += length;
  return text_to_int(number, low, high, out);
}

static bool parse_range(const char *text, int low, int high, range *r) {
  *r = (range){.step = 1};
  if (!copy_number(&text, "-", low, high, &r->first)) return false;
  r->last = r->first;
  if (!*text) return true;
  text++;
  if (!copy_number(&text, "+*", low, high, &r->last) || r->last < r->first) return false;
  if (!*text) return true;
  r->times = *text++ == '*';
  if (r->times && r->first == 0) return false; // would stay there
  return copy_number(&text, "", r->times ? 2 : 1, high, &r->step);
}

static bool add_number(number_list *l, int value) {
  for (size_t i = 0; i < l->count; i++)
    if (l->items[i] == value) return true;
  if (l->count == LIST_ITEMS) return false;
  l->items[l->count++] = value;
  return true;
}

static bool add_range(number_list *l, const range *r) {
  for (long long value = r->first; value <= r->last; value = r->times ? value * r->step : value + r->step)
    if (!add_number(l, (int)value)) return false;
  return true;
}

minfer_status number_list_parse(number_list *out, const char *what, const char *text, int low, int high,
                                minfer_error *error) {
  *out = (number_list){.items = calloc(LIST_ITEMS, sizeof(int))};
  name_list parts;
  if (!out->items) return fail_memory(error);
  minfer_status status = name_list_parse(&parts, what, text, error);
  for (size_t i = 0; i < parts.count && status == MINFER_OK; i++) {
    range r;
    if (!parse_range(parts.items[i], low, high, &r))
      status = fail(error, MINFER_USAGE,
                    "%s: \"%s\" is no number or range (N, A-B, A-B+STEP or A-B*FACTOR, each from %d to %d)", what,
                    parts.items[i], low, high);
    else if (!add_range(out, &r))
      status = fail(error, MINFER_USAGE, "%s: more than %d numbers", what, LIST_ITEMS);
  }
  name_list_free(&parts);
  return status;
}

void number_list_free(number_list *l) {
  free(l->items);
  *l = (number_list){0};
}

static bool has_name(const name_list *l, const char *name, size_t length) {
  for (size_t i = 0; i < l->count; i++)
    if (strlen(l->items[i]) == length && memcmp(l->items[i], name, length) == 0) return true;
  return false;
}

static minfer_status add_name(name_list *l, const char *name, size_t length, const char *what, minfer_error *error) {
  if (has_name(l, name, length)) return MINFER_OK;
  if (l->count == LIST_ITEMS) return fail(error, MINFER_USAGE, "%s: more than %d items", what, LIST_ITEMS);
  char *copy = strndup(name, length), **items = reallocarray(l->items, l->count + 1, sizeof *items);
  if (items) l->items = items;
  if (!copy || !items) {
    free(copy);
    return fail_memory(error);
  }
  l->items[l->count++] = copy;
  return MINFER_OK;
}

minfer_status name_list_add(name_list *l, const char *name, minfer_error *error) {
  return add_name(l, name, strlen(name), name, error);
}

minfer_status name_list_parse(name_list *out, const char *what, const char *text, minfer_error *error) {
  *out = (name_list){0};
  for (const char *item = text;; item++) {
    const size_t length = strcspn(item, ",");
    if (length == 0) return fail(error, MINFER_USAGE, "%s: \"%s\" has an empty item", what, text);
    TRY(add_name(out, item, length, what, error));
    item += length;
    if (!*item) return MINFER_OK;
  }
}

void name_list_free(name_list *l) {
  for (size_t i = 0; i < l->count; i++) free(l->items[i]);
  free(l->items);
  *l = (name_list){0};
}
