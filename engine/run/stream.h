// Loops that do one thing as fast as a core can: read memory, copy memory, count clock cycles.
#ifndef MF_RUN_STREAM_H
#define MF_RUN_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define MF_STREAM_STEP ((size_t)512) // blocks are whole steps, aligned to 64 bytes

// Reads `bytes` with the widest loads of this processor. The result only keeps the loop alive.
uint64_t mf_stream_read(const void *block, size_t bytes);
// Copies with the widest loads and ordinary stores, as primitives do: what is not in a cache is fetched before it is
// overwritten.
void mf_stream_copy(void *to, const void *from, size_t bytes);

// The clock of the calling core right now, in GHz: additions that wait for each other take one cycle each, on every
// x86-64, whatever rate its time stamp counter has. Takes some 20 us. 0 where there is no such loop.
double mf_stream_clock(void);

#endif
