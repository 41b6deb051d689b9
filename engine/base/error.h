// Errors: every function that can fail returns an mf_status and fills an mf_error the caller owns.
// The first failure writes the error; callers above unwind with MF_TRY and leave it as it is.
#ifndef MF_BASE_ERROR_H
#define MF_BASE_ERROR_H

#include <stddef.h>

// The values are minfer's exit statuses and those of minfer_status in minfer.h.
typedef enum mf_status {
  MF_OK = 0,
  MF_ERR_GATE = 1,        // a gate failed: accuracy below target, regression over the limit
  MF_ERR_USAGE = 2,       // wrong use: an unknown name, options that contradict each other
  MF_ERR_FILE = 3,        // a file is broken or does not fit
  MF_ERR_UNSUPPORTED = 4, // this machine or build cannot do it: ISA, operator, permission, out of memory
  MF_ERR_OUTPUT = 5,      // the result could not be written or delivered
  MF_ERR_INTERRUPTED = 130
} mf_status;

typedef struct mf_error {
  mf_status status;
  char text[768]; // one line, UTF-8, no control characters: what is wrong (what was expected)
  char hint[256]; // what to do, or empty
  const char *file;
  int line; // where in the source the failure was noticed, for bug reports
} mf_error;

// Lets compilers and analysers see which status a failure returns, without looking into another file.
static inline mf_status mf_base_same(mf_status returned, mf_status status) {
  (void)returned;
  return status;
}

// Fill *e and return `status`. Bytes that would break a terminal line are escaped, overlong text ends in "...".
#define mf_fail(e, status, ...) mf_base_same(mf_base_fail((e), (status), __FILE__, __LINE__, __VA_ARGS__), (status))
mf_status mf_base_fail(mf_error *e, mf_status status, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// The one wording for a refused allocation (MF_ERR_UNSUPPORTED).
#define mf_fail_memory(e, bytes) mf_base_same(mf_base_fail_memory((e), (bytes), __FILE__, __LINE__), MF_ERR_UNSUPPORTED)
mf_status mf_base_fail_memory(mf_error *e, size_t bytes, const char *file, int line);

// Add what to do to an error that mf_fail has just filled; returns e->status.
mf_status mf_hint(mf_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define MF_TRY(call)                                                                                                   \
  do {                                                                                                                 \
    mf_status mf_try_status = (call);                                                                                  \
    if (mf_try_status != MF_OK) return mf_try_status;                                                                  \
  } while (0)

#endif
