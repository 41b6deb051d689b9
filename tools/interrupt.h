// Ctrl-C and SIGTERM: the first asks the program to stop after the current run, the second ends it at once.
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void);
bool interrupt_seen(void);
int interrupt_exit_status(void); // 130 after SIGINT, 143 after SIGTERM

#endif
