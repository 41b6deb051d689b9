// One side of a comparison: a session that is measured in blocks, in this process or in one of its own.
#ifndef TOOLS_SIDE_H
#define TOOLS_SIDE_H

#include "breakdown.h"
#include "classify.h"
#include "console.h"
#include "measure.h"
#include "setup.h"

typedef struct side_block {
  int runs;    // measured, untraced
  bool rewarm; // one more in front that is not counted
  int traced;  // one traced run: 1 behind the others, -1 in front of them; 0: none
} side_block;

typedef struct side_process side_process;

// Fill letter to setup, the rest zero; model and input in setup are borrowed. Free with side_free, also after a
// failure.
typedef struct side {
  char letter; // 'a', 'b'
  const options *options;
  console *console;
  setup setup;           // its session is NULL when the side has a process of its own
  side_process *process; // NULL: this one
  // From side_open on:
  const minfer_plan *plan;
  classification answers; // to every input, with logits
  int64_t spin_us;        // how long its idle workers poll after a run; 0 with one thread
  measurement measured;   // latency and pairs grow with each block
  samples rounds;         // medians of its blocks, in ms (rounds.h)
  samples rates;          // and their images/s
  // From side_close on:
  breakdown times;
  size_t rss_peak; // bytes, of its process
} side;

// Have the side run in a process of its own, before any session is made in this one. MINFER_UNSUPPORTED when the system
// refuses.
minfer_status side_detach(side *s, minfer_error *error);
// Session, answers to every input, the first batch loaded, warm-up.
minfer_status side_open(side *s, minfer_error *error);
minfer_status side_run_block(side *s, const side_block *block, minfer_error *error);
// Everything measured is summed up.
minfer_status side_close(side *s, minfer_error *error);
void side_free(side *s); // ends its process

// ---- the same in this process, which is what a process of its own does on request
minfer_status side_open_here(side *s, minfer_error *error);
minfer_status side_run_block_here(side *s, const side_block *block, minfer_error *error);
minfer_status side_close_here(side *s, minfer_error *error);

// ---- side_process.c
minfer_status side_process_open(side *s, minfer_error *error);
minfer_status side_process_run_block(side *s, const side_block *block, minfer_error *error);
minfer_status side_process_close(side *s, minfer_error *error);
void side_process_end(side *s);

#endif
