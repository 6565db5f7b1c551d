/* Run a plugin natively, in a world in memory: files, parameters and blobs are kept, what else it asks for is answered as
 * the test says, and the clock stands unless somebody waits.
 *
 *   static bool answer(const rw_world_command *command, rw_world_ended *ended) {
 *     ended->out = "active\n";
 *     return true;
 *   }
 *
 *   static void begin(void) {
 *     rw_world_begin();
 *     rw_world.command = answer;
 *   }
 *
 *   int main(void) {
 *     begin();
 *     rw_check(!strcmp(rw_world_run("{\"Service\":\"sshd\"}"), "{\"Active\":true}"));
 *     rw_check(rw_world_each_crash(begin, "{\"Service\":\"sshd\"}"));
 *     return rw_world_end();
 *   }
 *
 * Everything here lives until the process ends: tests are short. Compile it with the plugin, the library's other files but
 * bindings/plugin.c, and yyjson/yyjson.c. */
#ifndef RUNWRIGHT_WORLD_H
#define RUNWRIGHT_WORLD_H

#include "runwright.h"

/* A command that the plugin runs. */
typedef struct rw_world_command {
  const char *on;
  const char *const *arguments; /* NULL after the last */
  const char *line;             /* the same with a space between two */
  const char *script, *input;   /* NULL for none */
} rw_world_command;

/* How a command ends: with 0, nothing written, unless the test says more. */
typedef struct rw_world_ended {
  int exit_code;
  const char *out, *err;
} rw_world_ended;

/* What the test says, and what came of it. rw_world_begin sets it back. */
typedef struct rw_world_state {
  /* Answers a command; false: nobody does. */
  bool (*command)(const rw_world_command *command, rw_world_ended *ended);
  /* Answers a request with a status (200) and a body; false: nobody does. The address of one to AWS is `aws:SERVICE/PATH`. */
  bool (*request)(const char *method, const char *url, const char *body, uint16_t *status, const char **answer);
  uint64_t now_ms;    /* the clock: 2026-01-01T00:00:00Z at the start; only waits move it */
  uint32_t attempt;   /* of the step; 1 at the start */
  size_t crash_after; /* stop the engine once after the call of this number, from 1 */
  const char *refused, *missing; /* a function (files.write) that is denied, and the grant that is missing then */

  rw_failure failure;   /* of the last run, when it answered NULL */
  const char *details;  /* of it, as JSON text, or NULL */
  const char *lines;    /* that were logged, each with its end */
} rw_world_state;
extern rw_world_state rw_world;

/* An empty world with the folders /, /etc and /tmp. */
void rw_world_begin(void);
/* Runs a step, and again from its start when the engine stopped meanwhile. Answers the outputs as JSON text, or NULL and
 * rw_world.failure. A replay that asks for something else than before ends the test. */
const char *rw_world_run(const char *inputs);
/* Rolls back what the last run did; `outputs` NULL when it failed half-way. False: rw_world.failure. */
bool rw_world_rollback(const char *inputs, const char *outputs);
/* Runs a step without a crash, then once for each call with the engine stopped after it. True when the outputs and the
 * calls were the same each time. `begin` makes the world each time. */
bool rw_world_each_crash(void (*begin)(void), const char *inputs);
/* The calls of the last run, as `commands.run waits.sleep`. */
const char *rw_world_calls(void);

/* Answers to come: each answers one call, and those that fit the same call do so in their order. A name of NULL fits every
 * call of its kind; a call that nothing fits is RW_UNAVAILABLE. */
/* What `by` says to the question with this message. */
void rw_world_decide(const char *message, bool approved, const char *by);
/* The signal of this name, with its payload as JSON text. */
void rw_world_signal(const char *name, const char *payload);
/* When a probe comes true: `tcp db:5432`, an address, a path, or the words of a command. RW_TIMED_OUT after its deadline. */
void rw_world_probe(const char *what, uint64_t after_ms);
/* How a child execution of this runbook ends; `outputs` is JSON text of an object, NULL for none. */
void rw_world_child(const char *runbook, const char *status, const char *outputs);
/* How a Command document of Systems Manager ends, and what it wrote. */
void rw_world_document(const char *name, const char *status, const char *out);

/* An attachment of the runbook, and a value that runbooks name `global:...` (REGION is `local` unless you say more). */
void rw_world_set_attachment(const char *name, const char *contents);
void rw_world_set_global(const char *name, const char *value);

/* Puts a file there, and reads one; NULL when there is none. */
void rw_world_set_file(const char *path, const char *contents);
const char *rw_world_file(const char *path);
/* Puts a parameter there. */
void rw_world_set_parameter(const char *name, rw_parameter_type type, const char *value);

/* Says where it was when the condition does not hold. */
#define rw_check(condition) rw_world_check(condition, #condition, __FILE__, __LINE__)
void rw_world_check(bool holds, const char *condition, const char *file, int line);
/* The exit code of the test: 0 when every check held. */
int rw_world_end(void);

#endif
