// Runs every file of the folders on the command line through a fuzz target: the corpus as a regression test without
// libFuzzer.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return perror(path), 1;
  // The block has exactly the file's size, so that a sanitizer sees the first byte read behind it.
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  uint8_t *data = size < 0 ? NULL : malloc(size > 0 ? (size_t)size : 1);
  rewind(file);
  int failed = !data || fread(data, 1, (size_t)size, file) != (size_t)size;
  if (failed)
    perror(path);
  else
    LLVMFuzzerTestOneInput(data, (size_t)size);
  free(data);
  fclose(file);
  return failed;
}

static int replay_folder(const char *folder, int *count) {
  DIR *dir = opendir(folder);
  if (!dir) return perror(folder), 1;
  int failed = 0;
  for (struct dirent *entry; !failed && (entry = readdir(dir));) {
    if (entry->d_name[0] == '.') continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    printf("%s\n", path); // before the target runs: the last line of a crash names its file
    fflush(stdout);
    failed = replay(path);
    ++*count;
  }
  closedir(dir);
  return failed;
}

int main(int argc, char **argv) {
  int count = 0, failed = 0;
  for (int i = 1; i < argc && !failed; i++) failed = replay_folder(argv[i], &count);
  if (!failed && count == 0)
    return fprintf(stderr, "no files to replay: every fuzz target has seeds in its corpus\n"), 1;
  printf("%d files replayed\n", count);
  return failed;
}
