// How many images of a batch go through the network at once when nobody says so.
#ifndef MF_PLAN_CHUNK_H
#define MF_PLAN_CHUNK_H

#include <stdbool.h>

// The largest divisor of the batch up to 32: more images at once only take more memory (bench/NOTES.md: the time of an
// image is level from 16 on, and fewer read the weights too often). With AMX, which is so fast that memory is what it
// waits for, up to 8. A batch that has no such divisor of half of that or more stays whole.
int mf_plan_chunk(int batch, bool amx);

#endif
