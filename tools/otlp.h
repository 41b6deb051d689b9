// --otlp: posts the session's trace to a collector.
#ifndef TOOLS_OTLP_H
#define TOOLS_OTLP_H

#include "otlp_settings.h"

// Requests that the collector was too busy for (429, 502, 503, 504) or that did not reach it are repeated after longer
// and longer pauses, or after that of its Retry-After, until the settings' timeout is over. MINFER_OUTPUT when a
// request could not be delivered (those behind it are not sent) or spans were refused, MINFER_INTERRUPTED after a
// signal.
minfer_status otlp_post(minfer_session *session, const otlp_settings *settings, console *c, minfer_error *error);

#endif
