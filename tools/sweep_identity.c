// Under what the rows of a sweep are measured, so that a file never mixes rows that cannot be compared.
#include "fail.h"
#include "sweep.h"
#include "text.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// What is in the columns, and the budget: how far it went stands in the row's interval.
static const char *const in_columns[] = {"models", "dtypes", "weights", "chunks", "budget", NULL};
static const unsigned groups =
    1U << GROUP_NETWORK | 1U << GROUP_PRECISION | 1U << GROUP_PLANNING | 1U << GROUP_MEASURING;

// Texts as they come back from a file. NULL without memory.
static char *clean(const char *text) {
  char *out = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&out, &size);
  if (!stream) return NULL;
  text_put(stream, text);
  if (fclose(stream) == 0) return out;
  free(out);
  return NULL;
}

static char *list_settings(const options *o) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return NULL;
  options_put(stream, o, groups, in_columns);
  char *settings = fclose(stream) == 0 ? clean(text + (*text == ' ')) : NULL;
  free(text);
  return settings;
}

static char *find_weights(const options *o, const char *model) {
  char path[PATH_MAX];
  if (o->weights) return clean(o->weights);
  return clean(minfer_weights_find(model, o->multiplier, path, sizeof path) ? path : "synthetic");
}

minfer_status sweep_identify(sweep_plan *p, const options *o, minfer_error *error) {
  p->weights = calloc(p->models.count, sizeof *p->weights);
  p->settings = list_settings(o);
  bool whole = p->weights && p->settings;
  for (size_t i = 0; i < p->models.count && whole; i++)
    whole = (p->weights[i] = find_weights(o, p->models.items[i])) != NULL;
  return whole ? MINFER_OK : fail_memory(error);
}

// "--layout nhwc" among settings, up to the next option; NULL when it is not there.
static const char *find_setting(const char *settings, const char *name, int *length) {
  const size_t named = strlen(name);
  for (const char *at = settings, *next; at; at = next) {
    next = strstr(at, " --");
    if (next) next++;
    if (strncmp(at, "--", 2) != 0 || strncmp(at + 2, name, named) != 0 || (at[2 + named] && at[2 + named] != ' '))
      continue;
    *length = (int)(next ? (size_t)(next - 1 - at) : strlen(at));
    return at;
  }
  *length = 0;
  return NULL;
}

static void name_setting(char out[320], const char *at, int length, const char *name) {
  if (at)
    snprintf(out, 320, "%.*s", length, at);
  else
    snprintf(out, 320, "no --%s", name);
}

static minfer_status differ(const char *path, const char *what, const char *were, const char *are,
                            minfer_error *error) {
  fail(error, MINFER_USAGE, "%s: its rows were measured with %s%s (this sweep has %s)", path, what, were, are);
  return hint(error, "another file for --resume keeps them apart");
}

static minfer_status check_settings(const sweep_plan *p, const char *settings, const char *path, minfer_error *error) {
  if (strcmp(settings, p->settings) == 0) return MINFER_OK;
  for (size_t i = 0; i < option_count; i++) {
    const option *spec = &option_table[i];
    if (!spec->name || !(spec->commands & COMMAND_sweep)) continue;
    int old_length, new_length;
    const char *was = find_setting(settings, spec->name, &old_length),
               *is = find_setting(p->settings, spec->name, &new_length);
    if (old_length == new_length && (!was || strncmp(was, is, (size_t)old_length) == 0)) continue;
    char old_text[320], new_text[320];
    name_setting(old_text, was, old_length, spec->name);
    name_setting(new_text, is, new_length, spec->name);
    return differ(path, "", old_text, new_text, error);
  }
  return differ(path, "", settings, p->settings, error);
}

static const char *weights_of(const sweep_plan *p, const sweep_row *row) {
  for (size_t i = 0; i < p->models.count; i++)
    if (strcmp(p->models.items[i], row->model) == 0) return p->weights[i];
  return row->weights; // a network that this sweep has not
}

minfer_status sweep_check_rows(const sweep_plan *p, const sweep_rows *rows, const char *path, minfer_error *error) {
  const minfer_environment *machine = minfer_environment_get();
  for (size_t i = 0; i < rows->count; i++) {
    const sweep_row *row = &rows->items[i];
    const struct {
      const char *what, *was, *is;
    } facts[] = {{"weights ", row->weights, weights_of(p, row)},
                 {"instruction set ", *row->isa ? row->isa : machine->isa, machine->isa},
                 {"CPU ", row->cpu, machine->cpu},
                 {"minfer ", row->minfer, minfer_version()},
                 {"oneDNN ", row->onednn, machine->onednn_version}};
    TRY(check_settings(p, row->settings, path, error));
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++)
      if (strcmp(facts[k].was, facts[k].is) != 0) return differ(path, facts[k].what, facts[k].was, facts[k].is, error);
  }
  return MINFER_OK;
}
