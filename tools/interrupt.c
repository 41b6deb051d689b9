#include "interrupt.h"
#include <signal.h>
#include <stdatomic.h>

// The signal; 0: none. Instances look at it from threads of their own; it is lock-free, so a handler may write it.
static atomic_int seen;

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
