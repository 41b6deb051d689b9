// unit NAME: one file's tests. Without a name: all names.
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int (*run)(void);
} tests[] = {
#define UNIT_TEST(name) {#name, name},
#include "unit_tests.def"
#undef UNIT_TEST
};

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    if (argc < 2) puts(tests[i].name);
    if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) return tests[i].run();
  }
  return argc < 2 ? 0 : 2;
}
