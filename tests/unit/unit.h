// Every unit test's main under the name of its file. CMake writes unit_tests.def and includes this header everywhere.
#ifndef MF_TESTS_UNIT_H
#define MF_TESTS_UNIT_H

#define UNIT_TEST(name) int name(void);
#include "unit_tests.def"
#undef UNIT_TEST

#endif
