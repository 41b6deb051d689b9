// minfer help [COMMAND]
#include "console.h"
#include "fail.h"
#include "help.h"

static bool render(FILE *out, const void *context) {
  if (context)
    help_command(out, context);
  else
    help_program(out);
  return true;
}

minfer_status cmd_help(const options *o, console *c, minfer_error *error) {
  const command *explained = NULL;
  if (o->help) {
    explained = o->command;
  } else if (o->argument) {
    explained = command_find(o->argument);
    if (!explained) return command_unknown(o->argument, error);
  }
  return console_emit(c, NULL, render, explained, error);
}
