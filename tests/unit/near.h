// cmocka 1.1.5 compares no doubles. Include after cmocka.h.
#ifndef TESTS_UNIT_NEAR_H
#define TESTS_UNIT_NEAR_H

#include <math.h>
#include <stdio.h>

#define assert_near(actual, expected, tolerance)                                                                       \
  do {                                                                                                                 \
    double near_actual = (actual), near_expected = (expected);                                                         \
    if (!(fabs(near_actual - near_expected) <= (tolerance))) {                                                         \
      char near_text[128];                                                                                             \
      snprintf(near_text, sizeof near_text, "%s is %.17g, not %.17g", #actual, near_actual, near_expected);            \
      fail_msg("%s", near_text);                                                                                       \
    }                                                                                                                  \
  } while (0)

#endif
