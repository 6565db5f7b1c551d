/* The plugin in a world that only answers: no engine, no WebAssembly. */
#include "testing/world.h"

#include <string.h>

static const char INPUTS[] = "{\"Name\":\"Ada\",\"Loud\":true}";
static const char PATH[] = "/tmp/{{name}}/greeting";

static bool answer(const rw_world_command *command, rw_world_ended *ended) {
  ended->out = "Linux\n";
  return !strcmp(command->line, "uname -s");
}

static void begin(void) {
  rw_world_begin();
  rw_world.command = answer;
}

static void it_greets_and_takes_it_back(void) {
  begin();
  const char *outputs = rw_world_run(INPUTS);
  rw_check(outputs && !strcmp(outputs, "{\"Greeting\":\"HELLO, ADA, FROM LINUX!\"}"));
  rw_check(rw_world_rollback(INPUTS, outputs));
  rw_check(!rw_world_file(PATH));
}

static void a_denial_fails_the_step(void) {
  begin();
  rw_world.refused = "files.write";
  rw_check(!rw_world_run(INPUTS) && rw_world.failure.kind == RW_KIND_DENIED);
}

int main(void) {
  it_greets_and_takes_it_back();
  a_denial_fails_the_step();
  /* The engine may stop at any call, and run the step again from its start: the same calls must follow. */
  rw_check(rw_world_each_crash(begin, INPUTS));
  return rw_world_end();
}
