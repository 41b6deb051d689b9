#include "base/file.h"
#include "reference/support.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static mf_status put_text(FILE *file, void *context, mf_error *e) {
  (void)e;
  fputs(context, file);
  return MF_OK;
}

static mf_status put_much(FILE *file, void *context, mf_error *e) {
  (void)context;
  (void)e;
  for (int i = 0; i < 1 << 17; i++) fputs("12345678", file); // 1 MiB
  return MF_OK;
}

static mf_status put_and_fail(FILE *file, void *context, mf_error *e) {
  fputs("half of it", file);
  return mf_fail(e, MF_ERR_GATE, "%s", (const char *)context);
}

static void assert_names(const char *folder, const char *expected) {
  mf_error e = {0};
  char **names = NULL, all[512] = "";
  size_t count = 0;
  assert_int_equal(mf_file_list(folder, &names, &count, &e), MF_OK);
  for (size_t i = 0; i < count; i++) {
    strcat(all, names[i]);
    strcat(all, "|");
  }
  mf_file_list_free(names, count);
  assert_string_equal(all, expected);
}

static void test_a_file_is_written_and_replaced(void **state) {
  mf_error e = {0};
  const char *path = support_path(state, "out.txt");
  mode_t mask = umask(027);
  assert_int_equal(mf_file_write(path, put_text, "first", &e), MF_OK);
  support_file_holds(path, "first");
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
  umask(mask);
  assert_int_equal(mf_file_write(path, put_text, "2", &e), MF_OK);
  support_file_holds(path, "2");
  assert_int_equal(mf_file_write(path, put_text, "", &e), MF_OK);
  support_file_holds(path, "");
  assert_names(*state, "out.txt|");
}

static void test_a_name_without_a_folder(void **state) {
  mf_error e = {0};
  int before = open(".", O_RDONLY | O_DIRECTORY);
  assert_int_equal(chdir(*state), 0);
  mf_status status = mf_file_write("plain.txt", put_text, "here", &e);
  assert_int_equal(fchdir(before), 0);
  close(before);
  assert_int_equal(status, MF_OK);
  support_file_holds(support_path(state, "plain.txt"), "here");
  assert_names(*state, "plain.txt|");
}

static void test_the_longest_name_can_be_written(void **state) {
  mf_error e = {0};
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  const char *path = support_path(state, name);
  assert_int_equal(mf_file_write(path, put_text, "x", &e), MF_OK);
  support_file_holds(path, "x");
}

static void test_a_failed_fill_leaves_nothing(void **state) {
  mf_error e = {0};
  const char *path = support_path(state, "out.txt");
  assert_int_equal(mf_file_write(path, put_and_fail, "the gate", &e), MF_ERR_GATE);
  assert_string_equal(e.text, "the gate");
  assert_names(*state, "");
  support_write_file(path, "old", 3);
  assert_int_equal(mf_file_write(path, put_and_fail, "the gate", &e), MF_ERR_GATE);
  support_file_holds(path, "old");
  assert_names(*state, "out.txt|");
}

static void test_a_link_is_followed(void **state) {
  mf_error e = {0};
  const char *file = support_path(state, "file"), *link = support_path(state, "link");
  support_write_file(file, "old", 3);
  assert_int_equal(symlink("file", link), 0);
  assert_int_equal(mf_file_write(link, put_text, "new", &e), MF_OK);
  struct stat info;
  assert_int_equal(lstat(link, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  support_file_holds(file, "new");
}

static void assert_not_writable(const char *path, int number) {
  mf_error e = {0};
  assert_int_equal(mf_file_write(path, put_text, "x", &e), MF_ERR_OUTPUT);
  assert_non_null(strstr(e.text, strerror(number)));
  assert_memory_equal(e.text, path, strlen(path));
}

static void test_targets_that_cannot_be_written(void **state) {
  const char *folder = support_path(state, "folder");
  assert_int_equal(mkdir(folder, 0777), 0);
  assert_not_writable(folder, EISDIR);
  assert_not_writable(support_path(state, "absent/out.txt"), ENOENT);
  assert_not_writable(support_path(state, "new/"), ENOENT);
  assert_not_writable("", ENOENT);
  support_write_file(support_path(state, "file"), "x", 1);
  assert_not_writable(support_path(state, "file/out.txt"), ENOTDIR);
  const char *loop = support_path(state, "loop");
  assert_int_equal(symlink("loop", loop), 0);
  assert_not_writable(loop, ELOOP);
  char path[6000];
  memset(path, 'p', sizeof path);
  path[sizeof path - 1] = 0;
  mf_error e = {0};
  assert_int_equal(mf_file_write(path, put_text, "x", &e), MF_ERR_OUTPUT);
  assert_names(*state, "file|folder|loop|");
}

static void test_devices_are_written_in_place(void **state) {
  (void)state;
  mf_error e = {0};
  struct stat info;
  assert_int_equal(mf_file_write("/dev/null", put_text, "x", &e), MF_OK);
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
  // Both when the buffer is flushed at the end and when it overflows before.
  assert_int_equal(mf_file_write("/dev/full", put_text, "x", &e), MF_ERR_OUTPUT);
  assert_string_equal(e.text, "/dev/full: cannot be written: No space left on device");
  assert_int_equal(mf_file_write("/dev/full", put_much, NULL, &e), MF_ERR_OUTPUT);
  assert_string_equal(e.text, "/dev/full: cannot be written: No space left on device");
  assert_int_equal(stat("/dev/full", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
}

static void test_a_fifo_is_written_in_place(void **state) {
  mf_error e = {0};
  const char *path = support_path(state, "fifo");
  assert_int_equal(mkfifo(path, 0600), 0);
  int reader = open(path, O_RDONLY | O_NONBLOCK);
  assert_int_equal(mf_file_write(path, put_text, "through", &e), MF_OK);
  char bytes[16] = "";
  assert_int_equal(read(reader, bytes, sizeof bytes), 7);
  assert_string_equal(bytes, "through");
  close(reader);
  assert_names(*state, "fifo|");
}

// Run `body` in a child process and return its wait status.
static int in_child(void (*body)(void **state), void **state) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    body(state);
    fflush(NULL);
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void write_to_own_output(void **state) {
  mf_error e = {0};
  int file = open(support_path(state, "log"), O_WRONLY | O_CREAT, 0600);
  if (dup2(file, STDOUT_FILENO) < 0) _exit(1);
  printf("before ");
  if (mf_file_write("/dev/stdout", put_text, "result", &e) != MF_OK) _exit(2);
  printf(" after");
}

static void test_own_output_is_not_replaced(void **state) {
  struct stat info;
  assert_int_equal(in_child(write_to_own_output, state), 0);
  support_file_holds(support_path(state, "log"), "before result after");
  assert_int_equal(lstat("/dev/stdout", &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  assert_names(*state, "log|");
}

// Exit status 0: as it should be; 1: not; 77: no tmpfs can be mounted here.
static void write_to_full_disk(void **state) {
  mf_error e = {0};
  const char *disk = support_path(state, "disk"), *path = support_path(state, "disk/out.bin");
  if (mkdir(disk, 0777) != 0) _exit(1);
  if (unshare(CLONE_NEWNS) != 0) _exit(77);
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(77);
  if (mount("tmpfs", disk, "tmpfs", 0, "size=64k") != 0) _exit(77);
  support_write_file(path, "old", 3);
  if (mf_file_write(path, put_much, NULL, &e) != MF_ERR_OUTPUT) _exit(1);
  char expected[700];
  snprintf(expected, sizeof expected, "%s: cannot be written: No space left on device", path);
  assert_string_equal(e.text, expected);
  support_file_holds(path, "old");
  assert_names(disk, "out.bin|");
}

static void test_a_full_disk_is_noticed(void **state) {
  int status = in_child(write_to_full_disk, state);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    print_message("skipped: a small tmpfs cannot be mounted here (needs root)\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_kinds_of_files(void **state) {
  const char *file = support_path(state, "file"), *fifo = support_path(state, "fifo");
  support_write_file(file, "x", 1);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_true(mf_file_exists(file));
  assert_false(mf_file_exists(*state) || mf_file_exists(fifo) || mf_file_exists(support_path(state, "absent")));
  assert_true(mf_file_is_folder(*state));
  assert_false(mf_file_is_folder(file) || mf_file_is_folder(support_path(state, "absent")));
}

static void test_names_are_in_byte_order(void **state) {
  static const char *const names[] = {"b", "a10", "a2", ".hidden", "B", "\xc3\xa9", "a"};
  assert_names(*state, "");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) support_write_file(support_path(state, names[i]), "", 0);
  assert_int_equal(mkdir(support_path(state, "c"), 0777), 0);
  assert_names(*state, ".hidden|B|a|a10|a2|b|c|\xc3\xa9|");
}

static void test_what_cannot_be_listed(void **state) {
  mf_error e = {0};
  char **names = NULL;
  size_t count = 0;
  const char *file = support_path(state, "file");
  support_write_file(file, "x", 1);
  assert_int_equal(mf_file_list(file, &names, &count, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, "cannot be listed: Not a directory"));
  assert_int_equal(mf_file_list(support_path(state, "absent"), &names, &count, &e), MF_ERR_FILE);
  assert_non_null(strstr(e.text, "No such file or directory"));
}

static mf_status list(void *folder, mf_error *e) {
  char **names = NULL;
  size_t count = 0;
  const mf_status status = mf_file_list(folder, &names, &count, e);
  const bool right = status == MF_OK ? count == 70 : !names && !count;
  mf_file_list_free(names, count);
  return right ? status : mf_fail(e, MF_ERR_FILE, "%zu names, status %d", count, (int)status);
}

static void test_list_survives_every_refusal(void **state) {
  char name[16];
  for (int i = 0; i < 70; i++) { // more than the list's first room
    snprintf(name, sizeof name, "%02d", i);
    support_write_file(support_path(state, name), "", 0);
  }
  assert_int_equal(support_refuse_allocations(list, *state), 72); // 70 names, the list twice
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, support_folder_setup, support_folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_a_file_is_written_and_replaced),
      IN_FOLDER(test_a_name_without_a_folder),
      IN_FOLDER(test_the_longest_name_can_be_written),
      IN_FOLDER(test_a_failed_fill_leaves_nothing),
      IN_FOLDER(test_a_link_is_followed),
      IN_FOLDER(test_targets_that_cannot_be_written),
      cmocka_unit_test(test_devices_are_written_in_place),
      IN_FOLDER(test_a_fifo_is_written_in_place),
      IN_FOLDER(test_own_output_is_not_replaced),
      IN_FOLDER(test_a_full_disk_is_noticed),
      IN_FOLDER(test_kinds_of_files),
      IN_FOLDER(test_names_are_in_byte_order),
      IN_FOLDER(test_what_cannot_be_listed),
      IN_FOLDER(test_list_survives_every_refusal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
