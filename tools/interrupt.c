#include "interrupt.h"
#include <signal.h>
#include <stdatomic.h>

static atomic_int
    seen; // instances look at it from threads of their own; lock-free, so a handler may write it // the signal; 0: none

static void note(int signal_number) {
  seen = signal_number;
}

void interrupt_install(void) {
  // SA_RESETHAND: the second one finds the default action. SA_RESTART: nothing half-read or half-written.
  struct sigaction action = {.sa_handler = note, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void) {
  return seen != 0;
}

int interrupt_exit_status(void) {
  return 128 + (seen ? seen : SIGINT);
}
