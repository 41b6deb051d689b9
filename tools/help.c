#include "help.h"
#include "options.h"
#include <string.h>

enum { LINE = 80, HELP_COLUMN = 30 };

void help_program(FILE *out) {
  fprintf(out, "minfer %s: runs networks on the CPU and shows where the time goes\n\n", minfer_version());
  fprintf(out, "Usage: minfer [COMMAND] [OPTIONS]\n\nCommands:\n");
  for (int i = 0; i < COMMAND_COUNT; i++)
    fprintf(out, "  %-9s %s%s\n", commands[i].name, commands[i].summary, i == 0 ? " (the default)" : "");
  fprintf(out, "\nminfer help COMMAND explains a command and its options.\nTo begin: %s\n", commands[0].examples[0]);
}

// Words filled into lines; the cursor stands at `column` and later lines begin at `indent`.
static void fill(FILE *out, const char *text, int column, int indent) {
  while (*text) {
    int length = (int)strcspn(text, " ");
    if (column > indent && column + 1 + length > LINE) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      putc(' ', out);
      column++;
    }
    fprintf(out, "%.*s", length, text);
    column += length;
    text += length + (text[length] == ' ');
  }
  putc('\n', out);
}

static void put_option(FILE *out, const option *o) {
  char form[80];
  const char *value = o->form == OPTION_OPTIONAL ? "[=%s]" : o->form == OPTION_OPTIONAL_WORD ? " [%s]" : " %s";
  int length = 0;
  if (o->letter) length += snprintf(form, sizeof form, "-%c%s", o->letter, o->name ? ", " : "");
  if (o->name) length += snprintf(form + length, sizeof form - (size_t)length, "--%s", o->name);
  if (o->value) snprintf(form + length, sizeof form - (size_t)length, value, o->value);
  length = fprintf(out, "  %s", form);
  if (length + 2 > HELP_COLUMN) {
    putc('\n', out);
    length = 0;
  }
  fprintf(out, "%*s", HELP_COLUMN - length, "");
  fill(out, o->help, HELP_COLUMN, HELP_COLUMN);
}

static void put_group(FILE *out, const command *c, option_group group) {
  bool begun = false;
  for (size_t i = 0; i < option_count; i++) {
    const option *o = &option_table[i];
    if (o->group != group || !option_belongs(o, c)) continue;
    if (!begun) fprintf(out, "\n%s:\n", option_group_titles[group]);
    begun = true;
    put_option(out, o);
  }
}

void help_command(FILE *out, const command *c) {
  fprintf(out, "minfer %s: %s\n\nUsage: %s\n", c->name, c->summary, c->synopsis);
  for (int group = 0; group < GROUP_COUNT; group++) put_group(out, c, (option_group)group);
  fputs("\nValues follow as --option VALUE or --option=VALUE; of an option given twice the last counts.\n\nExamples:\n",
        out);
  for (int i = 0; i < COMMAND_EXAMPLES; i++) fprintf(out, "  %s\n", c->examples[i]);
}
