// Mapped files, and what happens when they shrink.
#include "base/file.h"
#include "reference/support.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 6 };
static size_t page(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

// A file of PAGES pages, the last one partly filled, every byte 'x'.
static const char *put_pages(void **state, const char *name) {
  const char *path = support_path(state, name);
  char bytes[1 << 12];
  memset(bytes, 'x', sizeof bytes);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (size_t left = PAGES * page() - 100; left;) {
    size_t count = left < sizeof bytes ? left : sizeof bytes;
    fwrite(bytes, 1, count, file);
    left -= count;
  }
  assert_int_equal(fclose(file), 0);
  return path;
}

static size_t count_of(const volatile uint8_t *data, size_t size, uint8_t value) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += data[i] == value;
  return count;
}

static bool handler_is(void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction now;
  return sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler;
}

static void test_a_file_is_mapped(void **state) {
  mf_error e = {0};
  mf_map map;
  struct sigaction before, inside, after;
  const char *path = support_path(state, "file");
  support_write_file(path, "some bytes", 10);
  sigaction(SIGBUS, NULL, &before);
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK);
  sigaction(SIGBUS, NULL, &inside);
  assert_int_equal(map.size, 10);
  assert_memory_equal(map.data, "some bytes", 10);
  assert_string_equal(map.path, path);
  assert_int_equal(mf_map_check(&map, &e), MF_OK);
  int file = open(path, O_WRONLY | O_APPEND);
  assert_int_equal(write(file, "more", 4), 4);
  close(file);
  assert_int_equal(mf_map_check(&map, &e), MF_OK); // growing does no harm
  mf_map_close(&map);
  assert_null(map.data);
  assert_null(map.path);
  mf_map_close(&map);
  sigaction(SIGBUS, NULL, &after);
  assert_ptr_not_equal(inside.sa_sigaction, before.sa_sigaction);
  assert_ptr_equal(after.sa_sigaction, before.sa_sigaction);
}

static void test_an_empty_file_is_mapped(void **state) {
  mf_error e = {0};
  mf_map map;
  const char *path = support_path(state, "empty");
  support_write_file(path, "", 0);
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK);
  assert_null(map.data);
  assert_int_equal(map.size, 0);
  assert_string_equal(map.path, path);
  assert_int_equal(mf_map_check(&map, &e), MF_OK);
  mf_map_close(&map);
}

static void assert_refused(const char *path, const char *what) {
  mf_error e = {0};
  mf_map map;
  memset(&map, 0xa5, sizeof map);
  assert_int_equal(mf_map_open(&map, path, &e), MF_ERR_FILE);
  assert_memory_equal(e.text, path, strlen(path));
  if (!strstr(e.text, what)) fail_msg("%s (expected: %s)", e.text, what);
  assert_null(map.data);
  mf_map_close(&map);
}

static void test_what_is_no_file_is_refused(void **state) {
  assert_refused(support_path(state, "absent"), ": cannot be read: No such file or directory");
  assert_refused("", "No such file or directory");
  assert_refused(*state, ": not a regular file (it is a folder)");
  assert_refused("/dev/null", ": not a regular file (it is a device)");
  assert_refused("/proc/self/status", ": not a regular file (it is made by the kernel when read)");
  assert_refused("/proc/self/maps", ": not a regular file (it is made by the kernel when read)");
  const char *fifo = support_path(state, "fifo");
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_refused(fifo, ": not a regular file (it is a FIFO)"); // and does not hang
  const char *link = support_path(state, "link");
  assert_int_equal(symlink("fifo", link), 0);
  assert_refused(link, ": not a regular file (it is a FIFO)");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/s", (char *)*state);
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
  assert_refused(address.sun_path, ": not a regular file (it is a socket)");
  close(server);
}

static void test_sysfs_is_refused(void **state) {
  (void)state;
  const char *path = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!mf_file_exists(path)) {
    print_message("skipped: no %s\n", path);
    skip();
  }
  assert_refused(path, ": not a regular file (it is made by the kernel when read)");
}

static void test_a_shrunken_file_reads_as_zero(void **state) {
  mf_error e = {0};
  mf_map map;
  const char *path = put_pages(state, "file");
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK);
  assert_int_equal(truncate(path, (off_t)page() + 10), 0);
  errno = E2BIG;
  assert_int_equal(count_of(map.data, map.size, 'x'), page() + 10);
  assert_int_equal(count_of(map.data, map.size, 0), map.size - page() - 10);
  assert_int_equal(errno, E2BIG);
  assert_int_equal(mf_map_check(&map, &e), MF_ERR_FILE);
  char expected[700];
  snprintf(expected, sizeof expected, "%s: shrank while it was read (from %zu bytes to %zu)", path, map.size,
           page() + 10);
  assert_string_equal(e.text, expected);
  assert_int_equal(truncate(path, (off_t)map.size), 0); // growing again does not undo it
  assert_int_equal(mf_map_check(&map, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, ": changed while it was read"));
  mf_map_close(&map);
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK); // the next map of the file is a new one
  assert_int_equal(mf_map_check(&map, &e), MF_OK);
  assert_int_equal(count_of(map.data, map.size, 'x'), page() + 10);
  mf_map_close(&map);
}

static void test_shrinking_is_noticed_without_a_fault(void **state) {
  mf_error e = {0};
  mf_map map;
  const char *path = put_pages(state, "file");
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK);
  assert_int_equal(truncate(path, (off_t)map.size - 1), 0);
  assert_int_equal(mf_map_check(&map, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, ": shrank while it was read"));
  mf_map_close(&map);
}

static void test_other_maps_stay_whole(void **state) {
  mf_error e = {0};
  mf_map a, b;
  const char *first = put_pages(state, "a"), *second = put_pages(state, "b");
  assert_int_equal(mf_map_open(&a, first, &e), MF_OK);
  assert_int_equal(mf_map_open(&b, second, &e), MF_OK);
  assert_int_equal(truncate(second, 0), 0);
  assert_int_equal(count_of(b.data, b.size, 0), b.size);
  assert_int_equal(mf_map_check(&b, &e), MF_ERR_FILE);
  assert_int_equal(mf_map_check(&a, &e), MF_OK);
  mf_map_close(&b);
  assert_int_equal(truncate(first, 0), 0); // still guarded after another was closed
  assert_int_equal(count_of(a.data, a.size, 0), a.size);
  mf_map_close(&a);
}

static void *read_map(void *context) {
  const mf_map *map = context;
  return (void *)(uintptr_t)count_of(map->data, map->size, 0);
}

static void test_threads_fault_together(void **state) {
  mf_error e = {0};
  mf_map map;
  pthread_t threads[4];
  const char *path = put_pages(state, "file");
  assert_int_equal(mf_map_open(&map, path, &e), MF_OK);
  assert_int_equal(truncate(path, 0), 0);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_map, &map), 0);
  for (int i = 0; i < 4; i++) {
    void *zeros = NULL;
    pthread_join(threads[i], &zeros);
    assert_int_equal((uintptr_t)zeros, map.size);
  }
  mf_map_close(&map);
}

static void test_the_number_of_maps_is_bounded(void **state) {
  enum { MOST = 400 };
  static mf_map maps[MOST];
  mf_error e = {0};
  mf_status status = MF_OK;
  int count = 0;
  const char *path = put_pages(state, "file");
  while (count < MOST && (status = mf_map_open(&maps[count], path, &e)) == MF_OK) count++;
  assert_int_equal(status, MF_ERR_UNSUPPORTED);
  assert_in_range(count, 64, MOST - 1);
  mf_map_close(&maps[0]);
  assert_int_equal(mf_map_open(&maps[0], path, &e), MF_OK);
  for (int i = 0; i < count; i++) mf_map_close(&maps[i]);
}

static mf_status open_and_close(void *path, mf_error *e) {
  mf_map map;
  const mf_status status = mf_map_open(&map, path, e);
  const bool empty = !map.data && !map.path;
  mf_map_close(&map);
  return status != MF_OK && !empty ? mf_fail(e, MF_ERR_FILE, "something was left in the map") : status;
}

// Opening gives back what it took: descriptors and slots, on success, on a refusal and on an error.
static void test_open_survives_every_refusal(void **state) {
  char path[SUPPORT_PATH];
  snprintf(path, sizeof path, "%s", put_pages(state, "file"));
  int before = dup(0);
  close(before);
  assert_true(support_refuse_allocations(open_and_close, path) > 0);
  assert_refused(*state, "a folder");
  assert_refused("/proc/self/maps", "made by the kernel");
  int after = dup(0);
  close(after);
  assert_int_equal(after, before);
}

// Below: faults and signals that are not ours. Each in a child process, because the handler belongs to the process.
static int in_child(void (*body)(void **state), void **state) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    body(state);
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

// A mapping made without mf_map_open, behind the end of its file.
static const volatile uint8_t *foreign_fault(void **state) {
  int file = open(support_path(state, "foreign"), O_RDWR | O_CREAT, 0600);
  const volatile uint8_t *data = mmap(NULL, page(), PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  return data;
}

static volatile sig_atomic_t others;
static struct sigaction below;
static void other_handler(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  others++;
  if (info->si_code > 0) {
    uintptr_t at = (uintptr_t)info->si_addr;
    mmap((void *)(at - at % page()), page(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
}

static void plain_handler(int number) {
  (void)number;
  _exit(42);
}

static void on_top_handler(int number, siginfo_t *info, void *context) {
  others++;
  below.sa_sigaction(number, info, context);
}

static void use_handler(void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, &below);
}

static void open_shrunken(mf_map *map, void **state, const char *name) {
  mf_error e = {0};
  const char *path = put_pages(state, name);
  if (mf_map_open(map, path, &e) != MF_OK || truncate(path, 0) != 0) _exit(100);
}

#define CHILD_CHECK(condition)                                                                                         \
  do {                                                                                                                 \
    if (!(condition)) _exit(__LINE__ % 200 + 1);                                                                       \
  } while (0)

static void fault_below_handler(void **state) {
  mf_map map;
  use_handler(other_handler);
  open_shrunken(&map, state, "file");
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size && others == 0);
  CHILD_CHECK(*foreign_fault(state) == 0 && others == 1);
  raise(SIGBUS);
  CHILD_CHECK(others == 2);
  mf_map_close(&map);
  CHILD_CHECK(handler_is(other_handler));
}

static void fault_below_plain_handler(void **state) {
  mf_map map;
  signal(SIGBUS, plain_handler);
  open_shrunken(&map, state, "file");
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size);
  CHILD_CHECK(*foreign_fault(state) == 0); // exits with 42
}

// Somebody's handler came on top of ours and stays when our last map is closed.
static void fault_with_handler_on_top(void **state) {
  mf_map map;
  use_handler(other_handler);
  open_shrunken(&map, state, "a");
  use_handler(on_top_handler);
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size && others == 1);
  mf_map_close(&map);
  CHILD_CHECK(handler_is(on_top_handler));
  open_shrunken(&map, state, "b");
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size && others == 2);
  CHILD_CHECK(*foreign_fault(state) == 0 && others == 4); // from the top through ours to the one below
  sigaction(SIGBUS, &below, NULL);
  mf_map_close(&map);
  CHILD_CHECK(handler_is(other_handler));
}

static void fault_by_default(void **state) {
  mf_map map;
  signal(SIGBUS, SIG_DFL);
  open_shrunken(&map, state, "file");
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size);
  CHILD_CHECK(*foreign_fault(state) == 0); // dies
}

static void signal_by_default(void **state) {
  mf_map map;
  signal(SIGBUS, SIG_DFL);
  open_shrunken(&map, state, "file");
  raise(SIGBUS); // dies
}

static void signal_ignored(void **state) {
  mf_map map;
  signal(SIGBUS, SIG_IGN);
  open_shrunken(&map, state, "file");
  raise(SIGBUS);
  CHILD_CHECK(count_of(map.data, map.size, 0) == map.size);
}

static void test_other_faults_are_passed_on(void **state) {
  int status = in_child(fault_below_handler, state);
  assert_int_equal(status, 0);
  status = in_child(fault_below_plain_handler, state);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  assert_int_equal(in_child(fault_with_handler_on_top, state), 0);
  assert_int_equal(in_child(signal_ignored, state), 0);
  status = in_child(fault_by_default, state);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  status = in_child(signal_by_default, state);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_a_file_is_mapped),
      IN_FOLDER(test_an_empty_file_is_mapped),
      IN_FOLDER(test_what_is_no_file_is_refused),
      cmocka_unit_test(test_sysfs_is_refused),
      IN_FOLDER(test_a_shrunken_file_reads_as_zero),
      IN_FOLDER(test_shrinking_is_noticed_without_a_fault),
      IN_FOLDER(test_other_maps_stay_whole),
      IN_FOLDER(test_threads_fault_together),
      IN_FOLDER(test_the_number_of_maps_is_bounded),
      IN_FOLDER(test_open_survives_every_refusal),
      IN_FOLDER(test_other_faults_are_passed_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
