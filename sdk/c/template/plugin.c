/* {{action}}: greets somebody from this machine, and writes the greeting into a file. */
#include "runwright.h"

#include <ctype.h>
#include <string.h>

static const char path[] = "/tmp/{{name}}/greeting";

static rw_failure *run(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *name = yyjson_get_str(yyjson_obj_get(inputs, "Name"));
  bool loud = yyjson_get_bool(yyjson_obj_get(inputs, "Loud"));

  rw_completed uname;
  rw_try(rw_run(step, &(rw_command){.arguments = RW_WORDS("uname", "-s")}, &uname));
  rw_try(rw_check_exit(step, &uname, "asking for the system's name"));

  int system = (int)strcspn(uname.out, "\n");
  char *greeting = rw_format(step, "Hello, %s, from %.*s!", name, system, uname.out);
  for (char *c = greeting; loud && *c; c++) *c = (char)toupper((unsigned char)*c);

  /* The engine keeps what was there, so that a rollback can put it back. */
  rw_kept before;
  rw_try(rw_snapshot(step, NULL, path, &before));
  rw_try(rw_write_file(step, NULL, path, rw_bytes_of(greeting), &(rw_write_options){.parents = true}));

  rw_log(RW_INFO, "greeted %s", name);
  yyjson_mut_obj_add_str(step->json, outputs, "Greeting", greeting);
  return NULL;
}

/* Also called when the step failed half-way: it goes by the calls that were made. */
static rw_failure *rollback(rw_step *step, yyjson_val *inputs, const rw_done *done) {
  (void)inputs;
  return rw_put_back(step, done);
}

/* What steps of runbooks give, and what they get. */
static const char inputs[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"Name\"],\"properties\":{"
    "\"Name\":{\"type\":\"string\",\"minLength\":1,\"description\":\"Who is greeted.\"},"
    "\"Loud\":{\"type\":\"boolean\",\"description\":\"Greet louder.\"}}}";
static const char outputs[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"Greeting\"],\"properties\":{"
    "\"Greeting\":{\"type\":\"string\",\"description\":\"The greeting.\"}}}";

static const rw_want wants[] = {
    {"commands", "Asks `uname -s` for the name of the system."},
    {"files", "Writes the greeting to /tmp/{{name}}/greeting."},
    {0},
};

const rw_plugin rw_plugin_definition = {
    .action = "{{action}}",
    .version = "0.1.0",
    .description = "Greets somebody from this machine.",
    .inputs = inputs,
    .outputs = outputs,
    .wants = wants,
    .impact = RW_MUTATING,
    .run = run,
    .rollback = rollback,
};
