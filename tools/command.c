#include "command.h"
#include "fail.h"
#include "suggest.h"
#include <string.h>

#define COMMAND(name, summary, synopsis, ...) {#name, cmd_##name, summary, synopsis, {__VA_ARGS__}},
const command commands[COMMAND_COUNT] = {
#include "commands.def"
};
#undef COMMAND

const command *command_find(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

minfer_status command_unknown(const char *name, minfer_error *error) {
  fail(error, MINFER_USAGE, "unknown command \"%s\" (minfer help lists them)", name);
  for (int i = 0; i < minfer_network_count(); i++)
    if (strcmp(minfer_network_at(i)->name, name) == 0)
      return hint(error, "a network is chosen with --model: minfer --model %s", name);
  suggestion near = {.wanted = name};
  for (size_t i = 0; i < COMMAND_COUNT; i++) suggest(&near, commands[i].name, strlen(commands[i].name));
  return suggest_hint(&near, "minfer ", error);
}
