// Help texts, from commands.def and options.def.
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include "command.h"
#include <stdio.h>

void help_program(FILE *out);
void help_command(FILE *out, const command *c);

#endif
