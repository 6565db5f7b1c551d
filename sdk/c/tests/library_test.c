/* The library and its world of tests, held against each other. */
#include "runwright.h"
#include "calls.h"
#include "testing/world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static rw_failure *everything(rw_step *step, yyjson_mut_val *outputs) {
  rw_kept kept;
  rw_facts facts;
  rw_bytes contents;
  rw_parameter parameter;
  rw_completed ended;
  rw_received signal;
  bool there;
  uint64_t size;
  const char *blob;
  const char *const *names;
  size_t count;
  rw_try(rw_write_file(step, "node", "/a/b", rw_bytes_of("x"), &(rw_write_options){.parents = true}));
  rw_try(rw_snapshot(step, "node", "/a/b", &kept));
  rw_try(rw_remove(step, "node", "/a/b"));
  rw_try(rw_restore(step, "node", &kept));
  rw_try(rw_stat(step, "node", "/a/b", &there, &facts));
  rw_try(rw_read_file(step, "node", "/a/b", &contents));
  rw_try(rw_list_directory(step, "node", "/a", &names, &count));
  rw_try(rw_generate_parameter(step, "/p/q", RW_SECURE, 8, false, NULL));
  rw_try(rw_label_parameter(step, "/p/q", 1, "live"));
  rw_try(rw_get_parameter(step, "/p/q:live", &parameter));
  rw_try(rw_sleep(step, 3600000));
  rw_command command = {.on = "node", .arguments = RW_WORDS("date"), .input = rw_bytes_of(parameter.value)};
  rw_try(rw_run(step, &command, &ended));
  rw_try(rw_put_blob(step, contents, &blob));
  rw_try(rw_blob_size(step, blob, &size));
  rw_try(rw_signal(step, "go", 0, &signal));
  yyjson_mut_obj_add_uint(step->json, outputs, "size", facts.size + size);
  yyjson_mut_obj_add_str(step->json, outputs, "name", names[count - 1]);
  yyjson_mut_obj_add_str(step->json, outputs, "label", parameter.labels[0]);
  yyjson_mut_obj_add_str(step->json, outputs, "out", ended.out);
  yyjson_mut_obj_add_val(step->json, outputs, "signal", yyjson_val_mut_copy(step->json, signal.payload));
  yyjson_mut_obj_add_uint(step->json, outputs, "now", rw_now_ms());
  return NULL;
}

/* Asks for everything that a test has to script. */
static rw_failure *asking(rw_step *step, yyjson_mut_val *outputs) {
  rw_decision first, second;
  rw_received signal;
  rw_probed probed;
  rw_outcome outcome;
  rw_document_end end;
  rw_response response;
  const char *one, *two;
  rw_try(rw_ask(step, "Go?", RW_WORDS("*"), 1, 0, &first));
  rw_try(rw_ask(step, "Sure?", RW_WORDS("*"), 1, 0, &second));
  rw_try(rw_signal(step, "second", 0, &signal));
  rw_try(rw_probe(step, NULL, &(rw_condition){.tcp_host = "db", .tcp_port = 5432},
                  (rw_patience){rw_now_ms() + 60000, 1000, 100, 1000}, &probed));
  rw_try(rw_start_execution(step, "a", NULL, &one));
  rw_try(rw_start_execution(step, "b", NULL, &two));
  rw_try(rw_wait_execution(step, two, &outcome));
  rw_try(rw_run_document(step, "{\"DocumentName\":\"AWS-RunShellScript\"}", &end));
  rw_try(rw_send_aws(step, &(rw_aws_request){.service = "ec2", .method = "POST", .path = "/"}, &response));
  uint16_t drawn = 0;
  if (getentropy(&drawn, sizeof drawn)) return rw_fail(step, RW_FAILED, "there are no random numbers");
  rw_try(rw_sleep(step, drawn));
  const char *told = rw_format(step, "%s %d %s %d %s %u %s %s %s %s %s %s %lld", first.votes[0].approver, first.approved,
                               second.votes[0].approver, second.approved, yyjson_get_str(signal.payload),
                               (unsigned)probed.probes, outcome.status, rw_json(step, yyjson_val_mut_copy(step->json, outcome.outputs)),
                               end.nodes[0].out, rw_text(step, response.body), rw_text(step, rw_attachment(step, "notes")),
                               rw_global(step, "REGION"), (long long)time(NULL) - (long long)(rw_now_ms() / 1000));
  yyjson_mut_obj_add_str(step->json, outputs, "told", told);
  return NULL;
}

static rw_failure *run(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *which = yyjson_get_str(yyjson_obj_get(inputs, "Case"));
  if (!strcmp(which, "everything")) return everything(step, outputs);
  if (!strcmp(which, "exit")) {
    rw_completed ended;
    rw_try(rw_run(step, &(rw_command){.arguments = RW_WORDS("false")}, &ended));
    return rw_check_exit(step, &ended, "failing");
  }
  if (!strcmp(which, "calls")) return make_calls(step);
  if (!strcmp(which, "asking")) return asking(step, outputs);
  if (!strcmp(which, "panic")) rw_panic("boom");
  if (!strcmp(which, "write")) {
    rw_kept kept;
    rw_try(rw_snapshot(step, NULL, "/etc/x", &kept));
    rw_failure *failure = rw_write_file(step, NULL, "/etc/x", rw_bytes_of("new"), NULL);
    if (failure) failure->details = yyjson_mut_obj(step->json);
    return failure;
  }
  yyjson_mut_obj_add_val(step->json, outputs, "echo", yyjson_val_mut_copy(step->json, yyjson_obj_get(inputs, "Any")));
  rw_log(RW_INFO, "%5000d", 1);
  return NULL;
}

static rw_failure *rollback(rw_step *step, yyjson_val *inputs, const rw_done *done) {
  if (yyjson_equals_str(yyjson_obj_get(inputs, "Case"), "calls")) return compare_calls(step, done);
  return rw_put_back(step, done);
}

const rw_plugin rw_plugin_definition = {
    .action = "test:library", .version = "1.0.0", .inputs = "{}", .outputs = "{}", .run = run, .rollback = rollback};

static bool answer(const rw_world_command *command, rw_world_ended *ended) {
  ended->out = command->input;
  return !strcmp(command->line, "date") && !strcmp(command->on, "node");
}

static void begin(void) {
  rw_world_begin();
  rw_world.command = answer;
  rw_world_signal("go", "{\"go\":[1]}");
}

static const char EVERYTHING[] = "{\"Case\":\"everything\"}";

static void the_world_answers(void) {
  begin();
  const char *outputs = rw_world_run(EVERYTHING);
  rw_check(outputs && !strcmp(outputs, "{\"size\":2,\"name\":\"b\",\"label\":\"live\",\"out\":\"((secret:/p/q:1))\","
                                       "\"signal\":{\"go\":[1]},\"now\":1767229200000}"));
  rw_check(rw_world_each_crash(begin, EVERYTHING));
}

static bool service(const char *method, const char *url, const char *body, uint16_t *status, const char **answer) {
  *status = 200;
  *answer = "<ok/>";
  return !strcmp(method, "POST") && !strcmp(url, "aws:ec2/") && !*body;
}

static const char ASKING[] = "{\"Case\":\"asking\"}";

static void everybody_answers(void) {
  rw_world_begin();
  rw_world.request = service;
  rw_world_decide("Sure?", false, "lee");
  rw_world_decide(NULL, true, "kim");
  rw_world_signal("first", "1");
  rw_world_signal("second", "\"two\"");
  rw_world_probe("tcp db:5432", 3000);
  rw_world_child("b", "Failed", "{\"b.B\":1}");
  rw_world_child("a", "Success", NULL);
  rw_world_document("AWS-*", "Success", "never asked for");
  rw_world_document("AWS-RunShellScript", "Success", "ran");
  rw_world_set_attachment("notes", "attached");
  rw_world_set_global("REGION", "eu-west-1");
}

static void answers_go_to_those_who_ask(void) {
  everybody_answers();
  const char *outputs = rw_world_run(ASKING);
  rw_check(outputs && !strcmp(outputs, "{\"told\":\"kim 1 lee 0 two 4 Failed {\\\"b.B\\\":1} ran <ok/> attached eu-west-1 0\"}"));
  rw_check(rw_world_each_crash(everybody_answers, ASKING));
}

static bool fails(const rw_world_command *command, rw_world_ended *ended) {
  *ended = (rw_world_ended){.exit_code = 3, .out = "", .err = command->on ? "" : " no \xff\xed\xa0\x80 unit\n"};
  return true;
}

static void a_command_that_failed_has_last_words(void) {
  rw_world_begin();
  rw_world.command = fails;
  rw_check(!rw_world_run("{\"Case\":\"exit\"}"));
  rw_check(!strcmp(rw_world.failure.message, "failing ended with exit code 3: no ???? unit"));
}

static void what_nobody_scripted_is_unavailable(void) {
  rw_world_begin();
  rw_check(!rw_world_run(ASKING));
  rw_check(rw_world.failure.message && strstr(rw_world.failure.message, "no answer for approvals.request of `Go?`"));
}

static void values_keep_their_form(void) {
  begin();
  const char *outputs = rw_world_run("{\"Case\":\"echo\",\"Any\":[9007199254740991,-1,0.1,-1.5e-7,\"\",null,{\"\":2.5}]}");
  rw_check(outputs && !strcmp(outputs, "{\"echo\":[9007199254740991,-1,0.1,-1.5e-7,\"\",null,{\"\":2.5}]}"));
  rw_check(strlen(rw_world.lines) == 4096);
}

static void what_is_denied_does_nothing(void) {
  begin();
  rw_world.refused = "files.write";
  rw_world.missing = "files.write: [/etc/x]";
  rw_check(!rw_world_run("{\"Case\":\"write\"}"));
  rw_check(rw_world.failure.kind == RW_KIND_DENIED && !rw_world.failure.retryable);
  rw_check(strstr(rw_world.failure.message, "add the grant `files.write: [/etc/x]`"));
  rw_check(rw_world.details && !strcmp(rw_world.details, "{}"));
  rw_check(!rw_world_file("/etc/x"));
}

static void a_rollback_reads_the_journal(void) {
  begin();
  rw_world_set_file("/etc/x", "old");
  rw_check(rw_world_run("{\"Case\":\"write\"}"));
  rw_check(!strcmp(rw_world_file("/etc/x"), "new"));
  rw_check(rw_world_rollback("{\"Case\":\"write\"}", "{}"));
  rw_check(!strcmp(rw_world_file("/etc/x"), "old"));
}

static void calls_are_recorded_as_the_engine_does(void) {
  script_calls();
  const char *outputs = rw_world_run("{\"Case\":\"calls\"}");
  rw_check(outputs);
  rw_check(rw_world_rollback("{\"Case\":\"calls\"}", outputs));
}

static void a_panic_says_where(void) {
  begin();
  rw_check(!rw_world_run("{\"Case\":\"panic\"}"));
  rw_check(strstr(rw_world.failure.message, "panic: boom at ") && strstr(rw_world.failure.message, " in run"));
}

int main(void) {
  the_world_answers();
  answers_go_to_those_who_ask();
  a_command_that_failed_has_last_words();
  what_nobody_scripted_is_unavailable();
  values_keep_their_form();
  what_is_denied_does_nothing();
  a_rollback_reads_the_journal();
  calls_are_recorded_as_the_engine_does();
  a_panic_says_where();
  return rw_world_end();
}
