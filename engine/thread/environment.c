#include "thread/environment.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VALUE_SIZE 8192 // a longer value is not understood

// Copies `value` up to `stop` without blanks around it; false when it does not fit.
static bool copy_word(char *word, size_t size, const char *value, size_t length) {
  while (length > 0 && strchr(" \t", value[0])) value++, length--;
  while (length > 0 && strchr(" \t", value[length - 1])) length--;
  if (length >= size) return false;
  memcpy(word, value, length);
  word[length] = 0;
  return true;
}

static bool is_one_of(const char *word, const char *const *words) {
  for (; *words; words++)
    if (strcasecmp(word, *words) == 0) return true;
  return false;
}

static bool parse_threads(mf_thread_environment *environment, const char *value) {
  char word[32];
  int64_t threads;
  if (!copy_word(word, sizeof word, value, strcspn(value, ",")) || !mf_text_to_int(word, 1, MF_POOL_THREADS, &threads))
    return false;
  environment->threads = (int)threads;
  return true;
}

static bool parse_blocktime(mf_thread_environment *environment, const char *value) {
  static const struct {
    const char *name;
    int64_t us;
  } units[] = {{"", 1000},
               {"ms", 1000},
               {"us", 1},
               {"s", 1000000},
               {"m", 60 * 1000000ll},
               {"h", 3600 * 1000000ll},
               {"d", 86400 * 1000000ll}};
  char number[32], unit[32];
  const size_t digits = strspn(value + strspn(value, " \t"), "0123456789") + strspn(value, " \t");
  if (!copy_word(number, sizeof number, value, digits)) return false;
  if (!copy_word(unit, sizeof unit, value + digits, strlen(value + digits))) return false;
  if (!*number && is_one_of(unit, (const char *const[]){"infinite", "infinity", NULL})) {
    environment->spin_us = MF_SPIN_FOREVER;
    return true;
  }
  int64_t count;
  if (!mf_text_to_int(number, 0, INT64_MAX, &count)) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcasecmp(unit, units[i].name) == 0) {
      if (__builtin_mul_overflow(count, units[i].us, &environment->spin_us)) environment->spin_us = MF_SPIN_FOREVER;
      return true;
    }
  return false;
}

static bool parse_settings(mf_thread_environment *environment, const char *value) {
  char word[32];
  if (!copy_word(word, sizeof word, value, strlen(value))) return false;
  environment->print_settings = is_one_of(word, (const char *const[]){"1", "true", "yes", "on", NULL});
  return environment->print_settings || is_one_of(word, (const char *const[]){"0", "false", "no", "off", NULL});
}

// "[0,2-3]" with or without the brackets.
static bool parse_proclist(mf_affinity *affinity, char *list) {
  mf_error ignored;
  size_t length = strlen(list);
  if (length >= 2 && list[0] == '[' && list[length - 1] == ']') {
    list[length - 1] = 0;
    list++;
  }
  return mf_affinity_parse(affinity, list, &ignored) == MF_OK && affinity->kind == MF_AFFINITY_LIST;
}

static bool parse_kmp_affinity(mf_thread_environment *environment, const char *value) {
  static const char *const modifiers[] = {"verbose",   "noverbose", "warnings", "nowarnings", "respect",
                                          "norespect", "reset",     "noreset",  NULL};
  static const struct {
    const char *name;
    mf_affinity_kind kind;
  } kinds[] = {{"none", MF_AFFINITY_NONE},
               {"disabled", MF_AFFINITY_NONE},
               {"compact", MF_AFFINITY_COMPACT},
               {"scatter", MF_AFFINITY_SCATTER},
               {"explicit", MF_AFFINITY_LIST}};
  mf_affinity affinity = {0}, list = {0};
  size_t numbers = 0;
  for (const char *rest = value;; rest++) {
    size_t length = strcspn(rest, ",");
    if (strncasecmp(rest, "proclist=[", 10) == 0) length = strcspn(rest, "]") + (strchr(rest, ']') != NULL);
    char word[VALUE_SIZE];
    int64_t number;
    if (!copy_word(word, sizeof word, rest, length)) return false;
    rest += length;
    bool understood = is_one_of(word, modifiers) || strncasecmp(word, "granularity=", 12) == 0;
    if (strncasecmp(word, "proclist=", 9) == 0) understood = parse_proclist(&list, word + 9);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      if (strcasecmp(word, kinds[i].name) == 0) {
        understood = affinity.kind == MF_AFFINITY_DEFAULT;
        affinity.kind = kinds[i].kind;
      }
    if (affinity.kind != MF_AFFINITY_DEFAULT && numbers < 2 && mf_text_to_int(word, 0, MF_POOL_THREADS, &number)) {
      *(numbers++ == 0 ? &affinity.permute : &affinity.offset) = (size_t)number;
      understood = true;
    }
    if (!understood) return false;
    if (!*rest) break;
    if (*rest != ',') return false;
  }
  if ((affinity.kind == MF_AFFINITY_LIST) != (list.cpu_count > 0)) return false;
  environment->affinity = affinity.kind == MF_AFFINITY_LIST ? list : affinity;
  return true;
}

static bool parse_proc_bind(mf_thread_environment *environment, const char *value) {
  char word[32];
  if (!copy_word(word, sizeof word, value, strcspn(value, ","))) return false;
  mf_affinity affinity = {0};
  if (is_one_of(word, (const char *const[]){"true", "close", NULL})) {
    affinity.kind = MF_AFFINITY_COMPACT;
    affinity.permute = 1;
  } else if (strcasecmp(word, "spread") == 0) {
    affinity.kind = MF_AFFINITY_SCATTER;
  } else if (strcasecmp(word, "false") == 0) {
    affinity.kind = MF_AFFINITY_NONE;
  } else {
    return false;
  }
  if (environment->affinity.kind == MF_AFFINITY_DEFAULT) environment->affinity = affinity;
  return true;
}

void mf_thread_environment_read(mf_thread_environment *environment, mf_getenv get, void *context) {
  static const struct {
    const char *name;
    bool (*parse)(mf_thread_environment *, const char *);
    const char *expected;
  } variables[MF_THREAD_VARIABLES] = {
      {"OMP_NUM_THREADS", parse_threads, "a number of threads"},
      {"KMP_BLOCKTIME", parse_blocktime, "milliseconds, a time such as 50us, or infinite"},
      {"KMP_SETTINGS", parse_settings, "true or false"},
      {"KMP_AFFINITY", parse_kmp_affinity, "none, compact, scatter or explicit,proclist=[CPUS]"},
      {"OMP_PROC_BIND", parse_proc_bind, "true, false, close or spread"}, // after KMP_AFFINITY, which goes before it
  };
  *environment = (mf_thread_environment){0};
  for (size_t i = 0; i < MF_THREAD_VARIABLES; i++) {
    const char *value = get(variables[i].name, context);
    if (!value || !*value) continue;
    if (variables[i].parse(environment, value)) {
      environment->has_spin |= variables[i].parse == parse_blocktime;
      continue;
    }
    mf_error note; // its wording escapes what would break a line
    mf_fail(&note, MF_ERR_USAGE, "%s=%.64s: ignored (expected %s)", variables[i].name, value, variables[i].expected);
    snprintf(environment->notes[environment->note_count++], sizeof environment->notes[0], "%.191s", note.text);
  }
}
