/* Every call once, and what the journal has of them. */
#ifndef RUNWRIGHT_CALLS_H
#define RUNWRIGHT_CALLS_H

#include "testing/world.h"

/* Scripts what the calls are answered. */
void script_calls(void);
/* Makes the calls of sdk/behaviours/calls.json, in its order. */
rw_failure *make_calls(rw_step *step);
/* Holds what a rollback is told against that file. */
rw_failure *compare_calls(rw_step *step, const rw_done *done);

#endif
