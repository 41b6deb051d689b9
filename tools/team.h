// Instances: sessions over one plan that run at once, each on cores and with a thread of its own.
#ifndef TOOLS_TEAM_H
#define TOOLS_TEAM_H

#include <minfer.h>

typedef struct team team;

// `session` is instance 0, run by the calling thread and borrowed; the others are clones of it. `options` as for
// minfer_session_clone, `instance` left out. Free with team_free.
minfer_status team_open(team **out, minfer_session *session, int count, const minfer_session_options *options,
                        minfer_error *error);
void team_free(team *t); // NULL is allowed
int team_count(const team *t);
minfer_status team_load(team *t, const minfer_input *input, int first, minfer_error *error);
// Each instance runs `runs` times, all at once. The times of instance i are ms[i * runs] and on; *wall_ms lasts from
// the first start to the last end.
minfer_status team_run(team *t, int runs, double *ms, double *wall_ms, minfer_error *error);

#endif
