// What the files of run/ share about a session.
#ifndef MF_RUN_INTERNAL_H
#define MF_RUN_INTERNAL_H

#include "run/session.h"

const mf_plan *mf_session_plan(const mf_session *session);
mf_pool *mf_session_pool(const mf_session *session);
mf_status mf_session_select(mf_session *session, int chunk, mf_error *e); // what the next steps work on
void *mf_session_input(mf_session *session, int chunk);                   // the input value's bytes
const void *mf_session_value(const mf_session *session, int value);       // a value's bytes, of the selected chunk
mf_status mf_session_step(mf_session *session, int step, mf_error *e);    // execute one step

#endif
