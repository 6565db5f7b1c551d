/* Run a plugin natively, in a world in memory: files, parameters and blobs are kept, commands and requests are answered by
 * the test, and the clock stands unless somebody waits.
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
  /* Answers a request with a status (200) and a body; false: nobody does. */
  bool (*request)(const char *method, const char *url, const char *body, uint16_t *status, const char **answer);
  uint64_t now_ms;   /* the clock: 2026-01-01T00:00:00Z at the start; only waits move it */
  uint32_t attempt;  /* of the step; 1 at the start */
  size_t crash_after; /* stop the engine once after the call of this number, from 1 */
  const char *refused, *missing; /* a function (files.write) that is denied, and the grant that is missing then */
  const char *signal;   /* the payload of the signal that comes; NULL: none comes */
  int approval;         /* 1: the next question is approved by kim, -1: rejected, 0: nobody answers */
  const char *child;    /* the status in which child executions end; NULL: none does */
  bool probe_succeeds;

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
