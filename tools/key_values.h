// Lists as OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES have them: "name=value,name=value", values
// percent-encoded (W3C Baggage without properties).
#ifndef TOOLS_KEY_VALUES_H
#define TOOLS_KEY_VALUES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct key_values {
  char *text;         // what the items point into
  const char **items; // name, value, name, value, ..., NULL
  size_t count;       // pairs
} key_values;

// False, and an empty list, when an entry is broken: no "=", no name, a % without two digits, a control character.
// Spaces around names and values go, empty entries are passed over; of a name given twice the last counts. Also false
// without memory. Free with key_values_free.
bool key_values_parse(key_values *out, const char *text);
void key_values_free(key_values *list);
const char *key_values_get(const key_values *list, const char *name); // NULL when there is none

#endif
