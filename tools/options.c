#include "options.h"
#include "fail.h"
#include "suggest.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

#define FLAG(field) OPTION_FLAG, offsetof(options, field), 0, 0
#define TEXT(field) OPTION_TEXT, offsetof(options, field), 0, 0
#define WORDS(field) OPTION_WORDS, offsetof(options, field), 0, 0
#define OPTIONAL(field) OPTION_OPTIONAL, offsetof(options, field), 0, 0
#define OPTIONAL_WORD(field) OPTION_OPTIONAL_WORD, offsetof(options, field), 0, 0
#define LIST(field) OPTION_LIST, offsetof(options, field), 0, 0
#define SIZE(field) OPTION_SIZE, offsetof(options, field), 1, 8192
#define INTEGER(field, low, high) OPTION_INTEGER, offsetof(options, field), low, high
#define REAL(field, low, high) OPTION_REAL, offsetof(options, field), low, high
#define CHOICE(field) OPTION_CHOICE, offsetof(options, field), 0, 0
#define CONSTANT(field, number) OPTION_CONSTANT, offsetof(options, field), number, 0
#define OPTION(name, letter, form, value, group, commands, help)                                                       \
  {name, letter, value, help, GROUP_##group, commands, form},
const option option_table[] = {
#include "options.def"
};
#undef OPTION
const size_t option_count = sizeof option_table / sizeof *option_table;

const char *const option_group_titles[GROUP_COUNT] = {
    [GROUP_NETWORK] = "Network", [GROUP_INPUT] = "Input and output", [GROUP_PRECISION] = "Precision",
    [GROUP_PLANNING] = "Plan",   [GROUP_THREADS] = "Threads",        [GROUP_MEASURING] = "Measuring",
    [GROUP_TRACE] = "Trace",     [GROUP_RESULTS] = "Results",
};

bool option_belongs(const option *o, const command *c) {
  return o->commands & (1 << (c - commands));
}

const char *options_dtype_name(int dtype) {
  static const char *const names[] = {
      [MINFER_F32] = "f32", [MINFER_BF16] = "bf16", [MINFER_F16] = "f16", [MINFER_INT8] = "int8"};
  return names[dtype];
}

// How the user wrote it, for messages: "--batch" or "-o".
typedef struct spelling {
  char text[64];
} spelling;

static spelling spell(const option *spec) {
  spelling s;
  if (spec->name)
    snprintf(s.text, sizeof s.text, "--%s", spec->name);
  else
    snprintf(s.text, sizeof s.text, "-%c", spec->letter);
  return s;
}

static minfer_status set_choice(const option *spec, const char *text, int *out, minfer_error *e) {
  suggestion near = {.wanted = text};
  int index = 0;
  for (const char *name = spec->value; *name; index++) {
    size_t length = strcspn(name, "|");
    if (strlen(text) == length && memcmp(text, name, length) == 0) {
      *out = index;
      return MINFER_OK;
    }
    suggest(&near, name, length);
    name += length + (name[length] == '|');
  }
  fail(e, MINFER_USAGE, "%s: \"%s\" is none of %s", spell(spec).text, text, spec->value);
  return suggest_hint(&near, "", e);
}

static minfer_status set_size(const option *spec, const char *text, image_size *out, minfer_error *e) {
  int low = (int)spec->low, high = (int)spec->high;
  const char *cross = strchr(text, 'x');
  char height[16];
  size_t length = cross ? (size_t)(cross - text) : strlen(text);
  if (length < sizeof height) {
    memcpy(height, text, length);
    height[length] = 0;
    if (text_to_int(height, low, high, &out->height) && text_to_int(cross ? cross + 1 : height, low, high, &out->width))
      return MINFER_OK;
  }
  return fail(e, MINFER_USAGE, "%s: \"%s\" is no size (HxW or S, each from %d to %d)", spell(spec).text, text, low,
              high);
}

static minfer_status add_to_list(path_list *list, const char *text, minfer_error *e) {
  const char **items = reallocarray(list->items, list->count + 1, sizeof *items);
  if (!items) return fail_memory(e);
  list->items = items;
  list->items[list->count++] = text;
  return MINFER_OK;
}

static minfer_status set_integer(const option *spec, const char *text, int *out, minfer_error *e) {
  if (text_to_int(text, (int)spec->low, (int)spec->high, out)) return MINFER_OK;
  return fail(e, MINFER_USAGE, "%s: \"%s\" is no whole number from %.0f to %.0f", spell(spec).text, text, spec->low,
              spec->high);
}

static minfer_status set_real(const option *spec, const char *text, double *out, minfer_error *e) {
  if (text_to_real(text, spec->low, spec->high, out)) return MINFER_OK;
  return fail(e, MINFER_USAGE, "%s: \"%s\" is no number from %g to %g", spell(spec).text, text, spec->low, spec->high);
}

static bool is_optional(const option *spec) {
  return spec->form == OPTION_OPTIONAL || spec->form == OPTION_OPTIONAL_WORD;
}

// An option without a value.
static void set_plain(options *o, const option *spec) {
  void *field = (char *)o + spec->field;
  if (spec->form == OPTION_FLAG) *(bool *)field = true;
  if (spec->form == OPTION_CONSTANT) *(int *)field = (int)spec->low;
  if (is_optional(spec)) *(optional_text *)field = (optional_text){.given = true};
}

static minfer_status set_value(options *o, const option *spec, const char *text, minfer_error *e) {
  void *field = (char *)o + spec->field;
  switch (spec->form) {
  case OPTION_TEXT:
  case OPTION_WORDS:
    *(const char **)field = text;
    break;
  case OPTION_OPTIONAL:
  case OPTION_OPTIONAL_WORD:
    *(optional_text *)field = (optional_text){true, text};
    break;
  case OPTION_LIST:
    return add_to_list(field, text, e);
  case OPTION_SIZE:
    return set_size(spec, text, field, e);
  case OPTION_INTEGER:
    return set_integer(spec, text, field, e);
  case OPTION_REAL:
    return set_real(spec, text, field, e);
  case OPTION_CHOICE:
    return set_choice(spec, text, field, e);
  case OPTION_FLAG:
  case OPTION_CONSTANT:
    break;
  }
  return MINFER_OK;
}

static minfer_status unknown_option(const command *c, const char *name, minfer_error *e) {
  fail(e, MINFER_USAGE, "unknown option --%s", name);
  suggestion near = {.wanted = name};
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].name && option_belongs(&option_table[i], c))
      suggest(&near, option_table[i].name, strlen(option_table[i].name));
  if (near.best[0]) return suggest_hint(&near, "--", e);
  return hint(e, "minfer help %s lists its options", c->name);
}

static minfer_status check_belongs(const option *spec, const command *c, unsigned groups, minfer_error *e) {
  if (option_belongs(spec, c) && !(groups & 1U << spec->group))
    return fail(e, MINFER_USAGE, "%s cannot differ (options of precision, plan and threads can)", spell(spec).text);
  if (option_belongs(spec, c)) return MINFER_OK;
  return fail(e, MINFER_USAGE, "%s does not take %s (minfer help %s lists its options)", c->name, spell(spec).text,
              c->name);
}

// The words that are still to be read.
typedef struct words {
  char **next;
  char **end;
  unsigned groups; // of options that may stand among them
} words;

// `value`: what the word itself brought along, or NULL. An option that needs one takes the next word, unless that is an
// option.
static minfer_status read_value(options *o, const option *spec, const char *value, words *w, minfer_error *e) {
  TRY(check_belongs(spec, o->command, w->groups, e));
  if (value && !spec->value) return fail(e, MINFER_USAGE, "%s takes no value", spell(spec).text);
  if (!value && spec->form == OPTION_OPTIONAL_WORD && w->next < w->end && **w->next != '-') value = *w->next++;
  if (!spec->value || (!value && is_optional(spec))) {
    set_plain(o, spec);
    return MINFER_OK;
  }
  if (!value && (w->next == w->end || (spec->form != OPTION_WORDS && strncmp(*w->next, "--", 2) == 0)))
    return fail(e, MINFER_USAGE, "%s needs a value (%s %s)", spell(spec).text, spell(spec).text, spec->value);
  if (!value) value = *w->next++;
  return set_value(o, spec, value, e);
}

static minfer_status read_long(options *o, const char *word, words *w, minfer_error *e) {
  const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
  size_t length = equals ? (size_t)(equals - word) : strlen(word);
  const option *spec = NULL, *named = NULL;
  for (size_t i = 0; i < option_count && !spec; i++) {
    const char *name = option_table[i].name;
    if (name && strlen(name) == length && memcmp(name, word, length) == 0) named = &option_table[i];
    if (named && option_belongs(named, o->command)) spec = named; // some names mean a list to one command
  }
  if (!spec) spec = named;
  if (!spec) {
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(length < 100 ? length : 100), word);
    return unknown_option(o->command, name, e);
  }
  if (value && !*value) return fail(e, MINFER_USAGE, "--%s= has an empty value", spec->name);
  return read_value(o, spec, value, w, e);
}

// -o FILE or -oFILE
static minfer_status read_short(options *o, const char *word, words *w, minfer_error *e) {
  for (size_t i = 0; i < option_count; i++)
    if (option_table[i].letter == word[0]) return read_value(o, &option_table[i], word[1] ? word + 1 : NULL, w, e);
  return fail(e, MINFER_USAGE, "unknown option -%s (minfer help %s lists its options)", word, o->command->name);
}

static minfer_status read_argument(options *o, const char *word, minfer_error *e) {
  const bool takes_one =
      o->command->run == cmd_help || o->command->run == cmd_verbose || o->command->run == cmd_scenario;
  if (takes_one && !o->argument) {
    o->argument = word;
    return MINFER_OK;
  }
  if (o->command->run == cmd_report) return add_to_list(&o->traces, word, e);
  if (o->command->run == cmd_diff && o->traces.count < 2) return add_to_list(&o->traces, word, e);
  fail(e, MINFER_USAGE, "unexpected argument \"%s\" (options begin with --)", word);
  if (command_find(word)) hint(e, "the command comes first: minfer %s ...", word);
  return e->status;
}

static minfer_status check(const options *o, minfer_error *e) {
  bool network = o->command->run == cmd_run || o->command->run == cmd_inspect || o->command->run == cmd_compare ||
                 o->command->run == cmd_accuracy || o->command->run == cmd_calibrate ||
                 o->command->run == cmd_scenario || o->command->run == cmd_ladder || o->command->run == cmd_tune;
  if (network && !o->model) {
    fail(e, MINFER_USAGE, "%s needs --model NAME", o->command->name);
    return hint(e, "minfer models lists the networks, minfer help %s the options", o->command->name);
  }
  if (o->command->run == cmd_sweep && !o->models) {
    fail(e, MINFER_USAGE, "sweep needs --models NAME,...");
    return hint(e, "minfer models lists the networks, minfer help sweep the options");
  }
  if (o->command->run == cmd_report && !o->traces.count) {
    fail(e, MINFER_USAGE, "report needs a trace (minfer report TRACE...)");
    return hint(e, "minfer --model NAME --trace writes one");
  }
  if (o->command->run == cmd_diff && o->traces.count < 2) {
    fail(e, MINFER_USAGE, "diff needs two traces (minfer diff A B)");
    return hint(e, "minfer --model NAME --trace=FILE writes one");
  }
  if (o->images.count && o->inputs.count) return fail(e, MINFER_USAGE, "--image and --input cannot be given together");
  if (o->iterations && (o->min_time_s >= 0 || o->precision > 0))
    return fail(e, MINFER_USAGE,
                "--iterations fixes how many runs are measured: --min-time and --precision cannot be "
                "given with it");
  if (o->iterations && o->budget_s > 0)
    return fail(e, MINFER_USAGE, "--iterations fixes how many rounds are measured: --budget cannot be given with it");
  if (o->trace_format && !o->trace.given) return fail(e, MINFER_USAGE, "--trace-format needs --trace");
  return MINFER_OK;
}

static minfer_status read_words(options *o, words *w, minfer_error *e) {
  bool only_arguments = false;
  while (w->next < w->end && !o->help && !o->version) {
    const char *word = *w->next++;
    if (only_arguments || word[0] != '-' || !word[1])
      TRY(read_argument(o, word, e));
    else if (word[1] != '-')
      TRY(read_short(o, word + 1, w, e));
    else if (word[2])
      TRY(read_long(o, word + 2, w, e));
    else
      only_arguments = true;
  }
  return MINFER_OK;
}

const options options_default = {.command = &commands[0],
                                 .top = 10,
                                 .spin_us = -1,
                                 .warmup = -1,
                                 .min_time_s = -1,
                                 .jit_profile = -1,
                                 .window_ms = -1,
                                 .trace_level = MINFER_TRACE_PRIMITIVE};

minfer_status options_parse(options *o, int argc, char **argv, minfer_error *e) {
  *o = options_default;
  words w = {argv + 1, argv + argc, ~0U};
  if (w.next < w.end && **w.next != '-') {
    const char *name = *w.next++;
    const command *named = command_find(name);
    if (!named) return command_unknown(name, e);
    o->command = named;
  }
  TRY(read_words(o, &w, e));
  return o->help || o->version ? MINFER_OK : check(o, e);
}

minfer_status options_override(options *o, unsigned groups, char **list, size_t count, minfer_error *e) {
  return read_words(o, &(words){list, list + count, groups}, e);
}

void options_free(options *o) {
  free(o->images.items);
  free(o->inputs.items);
  free(o->traces.items);
  *o = (options){0};
}
