// The commands, from commands.def.
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <minfer.h>

struct options;
struct console;

#define COMMAND(name, ...) COMMAND_INDEX_##name,
typedef enum command_index {
#include "commands.def"
  COMMAND_COUNT
} command_index;
#undef COMMAND

#define COMMAND(name, ...) COMMAND_##name = 1 << COMMAND_INDEX_##name,
enum {
#include "commands.def"
  COMMAND_ALL = (1 << COMMAND_COUNT) - 1
};
#undef COMMAND

typedef minfer_status command_function(const struct options *options, struct console *console, minfer_error *error);
#define COMMAND(name, ...) command_function cmd_##name;
#include "commands.def"
#undef COMMAND

enum { COMMAND_EXAMPLES = 3 };
typedef struct command {
  const char *name;
  command_function *run;
  const char *summary, *synopsis;
  const char *examples[COMMAND_EXAMPLES];
} command;

extern const command commands[COMMAND_COUNT];
const command *command_find(const char *name); // NULL when there is none
// "unknown command", with the nearest name.
minfer_status command_unknown(const char *name, minfer_error *error);

#endif
