// Why a layer is slower on side b than on side a: rules over what both plans and both traces say.
#ifndef TOOLS_WHY_H
#define TOOLS_WHY_H

#include "match.h"

// Below so many FLOPs (two for a multiply-add) a byte, moving the data takes longer than computing on it: a core of
// today does some ten in f32 while memory gives it one byte, and a multiple of that in int8.
#define WHY_FLOPS_PER_BYTE 10.0
// Handing work to other threads and waiting for the last of them takes microseconds: below this little is left to gain.
#define WHY_THREADED_MS 0.030

typedef struct why_case {
  const minfer_plan *plans[2];   // a, b
  const layer_group *group;      // with layers on both sides
  const double *primitive_ms[2]; // of every primitive of the plans
} why_case;

typedef struct why_reason {
  const char *rule; // "reorder", "fallback", ...: why.c has the table
  char text[384];   // one sentence, without a full stop
} why_reason;

// The first rule that holds; the last always does.
void why_slower(const why_case *c, why_reason *out);

#endif
