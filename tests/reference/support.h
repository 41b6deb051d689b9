// What the cmocka tests share: temporary folders, test data, visible skips, refused allocations.
#ifndef REFERENCE_SUPPORT_H
#define REFERENCE_SUPPORT_H

// cmocka.h needs the four before it. clang-format off keeps them in that order.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/error.h"

#define SUPPORT_PATH 4096 // bytes for any path below

// Fails the test with the error's line unless `status` is MF_OK.
#define support_ok(status, e) support_check_ok((status), (e), __FILE__, __LINE__)
void support_check_ok(mf_status status, const mf_error *e, const char *file, int line);

// A new, empty folder under $TMPDIR, or /tmp. Fails the test when it cannot be made.
void support_folder_create(char path[SUPPORT_PATH]);
void support_folder_remove(const char *path); // with all it contains; links are not followed

// cmocka's setup and teardown of a test that has such a folder to itself: *state is its path.
int support_folder_setup(void **state);
int support_folder_teardown(void **state);
const char *support_path(void **state, const char *name); // of `name` in it; valid until the fourth next call

void support_write_file(const char *path, const void *bytes, size_t count);
void support_file_holds(const char *path, const char *text); // fails the test unless the file holds just that

// Prints "SKIP: reason" as a line and skips the running test. Does not return.
#define support_skip(...) support_skip_at(__FILE__, __LINE__, __VA_ARGS__)
void support_skip_at(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

// The path of a file of the test data: under $MINFER_DATA, or ~/.cache/minfer-data. Skips the running test when it is
// not there.
#define support_data(path, name) support_data_at(__FILE__, __LINE__, (path), (name))
void support_data_at(const char *file, int line, char path[SUPPORT_PATH], const char *name);

// Calls `attempt` again and again, refusing its first allocation, then its second, ... until it needs no more than were
// granted. A refused allocation has to come back as MF_ERR_UNSUPPORTED with a line that speaks of memory, the last call
// has to succeed. `attempt` frees what it made in either case (run it under a leak checker) and reports by its status
// only: it must not assert. Returns the number of refusals.
int support_refuse_allocations(mf_status (*attempt)(void *context, mf_error *e), void *context);

#endif
