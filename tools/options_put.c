// Options back to the words of a command line.
#include "options.h"
#include <string.h>

void options_put_word(FILE *out, const char *word) {
  const bool plain =
      strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:,+-") == strlen(word);
  if (plain && *word) {
    fprintf(out, " %s", word);
    return;
  }
  fputs(" '", out);
  for (; *word; word++)
    if (*word == '\'')
      fputs("'\\''", out);
    else
      putc(*word, out);
  putc('\'', out);
}

// The name of a choice; its value in help lists all.
static void put_choice(FILE *out, const char *names, int choice) {
  while (choice-- > 0) names += strcspn(names, "|") + 1;
  fprintf(out, " %.*s", (int)strcspn(names, "|"), names);
}

static size_t size_of(option_form form) {
  switch (form) {
  case OPTION_FLAG:
    return sizeof(bool);
  case OPTION_TEXT:
  case OPTION_WORDS:
    return sizeof(char *);
  case OPTION_SIZE:
    return sizeof(image_size);
  case OPTION_INTEGER:
  case OPTION_CHOICE:
    return sizeof(int);
  case OPTION_REAL:
    return sizeof(double);
  case OPTION_OPTIONAL:
  case OPTION_OPTIONAL_WORD:
  case OPTION_LIST:
  case OPTION_CONSTANT:
    break;
  }
  return 0; // none is written: a constant is another's short form
}

static void put_one(FILE *out, const option *spec, const void *field) {
  fprintf(out, " --%s", spec->name);
  switch (spec->form) {
  case OPTION_SIZE:
    fprintf(out, " %dx%d", ((const image_size *)field)->height, ((const image_size *)field)->width);
    break;
  case OPTION_INTEGER:
    fprintf(out, " %d", *(const int *)field);
    break;
  case OPTION_REAL:
    fprintf(out, " %.15g", *(const double *)field);
    break;
  case OPTION_CHOICE:
    put_choice(out, spec->value, *(const int *)field);
    break;
  case OPTION_TEXT:
  case OPTION_WORDS:
    options_put_word(out, *(const char *const *)field);
    break;
  default:
    break;
  }
}

static bool is_named(const char *const *names, const char *name) {
  for (; names && *names; names++)
    if (strcmp(*names, name) == 0) return true;
  return false;
}

void options_put(FILE *out, const options *o, unsigned groups, const char *const *except) {
  for (size_t i = 0; i < option_count; i++) {
    const option *spec = &option_table[i];
    const char *field = (const char *)o + spec->field, *standard = (const char *)&options_default + spec->field;
    if (!spec->name || !(groups & 1U << spec->group) || !option_belongs(spec, o->command)) continue;
    if (is_named(except, spec->name) || memcmp(field, standard, size_of(spec->form)) == 0) continue;
    put_one(out, spec, field);
  }
}
