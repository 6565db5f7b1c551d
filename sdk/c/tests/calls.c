/* What the world records is what the engine records: the file of calls is held against the engine's own types. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

static bool ends_well(const rw_world_command *command, rw_world_ended *ended) {
  (void)command, (void)ended;
  return true;
}

static bool answers(const char *method, const char *url, const char *body, uint16_t *status, const char **answer) {
  (void)method, (void)url, (void)body, (void)status, (void)answer;
  return true;
}

void script_calls(void) {
  rw_world_begin();
  rw_world.command = ends_well;
  rw_world.request = answers;
  rw_world_child("child", "Success", "{\"a.B\":1}");
  rw_world_document(NULL, "Success", "");
  rw_world_decide(NULL, true, "kim");
  rw_world_signal("go", "{\"a\":1}");
  rw_world_probe(NULL, 2000);
  rw_world_set_parameter("/s", RW_SECURE, "hunter2");
}

static rw_failure *make_files(rw_step *step) {
  rw_facts facts;
  rw_bytes contents;
  const char *const *names;
  bool there;
  size_t count;
  rw_try(rw_make_directory(step, NULL, "/srv", 0700));
  rw_try(rw_write_file(step, NULL, "/srv/a", rw_bytes_of("a"), &(rw_write_options){.mode = 0600}));
  rw_try(rw_read_file(step, NULL, "/srv/a", &contents));
  rw_try(rw_stat(step, NULL, "/srv/a", &there, &facts));
  rw_try(rw_list_directory(step, NULL, "/srv", &names, &count));
  rw_try(rw_link(step, NULL, "/srv/l", "a"));
  for (int i = 0; i < 2; i++) {
    rw_kept kept;
    rw_try(rw_snapshot(step, NULL, i ? "/srv/none" : "/srv/l", &kept));
    rw_try(rw_restore(step, NULL, &kept));
  }
  return rw_remove(step, NULL, "/srv/l");
}

static rw_failure *make_parameters(rw_step *step) {
  rw_parameter parameter;
  const rw_parameter *parameters;
  size_t count;
  const char *value;
  rw_try(rw_put_parameter(step, "/a", RW_PLAIN, "v", true, NULL));
  rw_try(rw_generate_parameter(step, "/g", RW_SECURE, 8, true, NULL));
  rw_try(rw_label_parameter(step, "/a", 1, "live"));
  rw_try(rw_get_parameter(step, "/a:live", &parameter));
  rw_try(rw_get_parameters_by_path(step, "/", true, &parameters, &count));
  rw_try(rw_parameter_history(step, "/g", &parameters, &count));
  rw_try(rw_reveal(step, "((secret:/s:1))", &value));
  return rw_delete_parameter(step, "/g");
}

static rw_failure *make_waits(rw_step *step) {
  rw_decision decision;
  rw_received signal;
  rw_probed probed;
  rw_try(rw_ask(step, "Go on?", RW_WORDS("*"), 1, rw_now_ms() + 24 * 3600000, &decision));
  rw_try(rw_sleep(step, 5000));
  rw_try(rw_sleep_until(step, 1767229205000));
  rw_try(rw_signal(step, "go", 0, &signal));
  rw_condition port = {.tcp_host = "db", .tcp_port = 5432};
  return rw_probe(step, NULL, &port, (rw_patience){rw_now_ms() + 60000, 1000, 100, 60000}, &probed);
}

rw_failure *make_calls(rw_step *step) {
  rw_completed ended;
  rw_document_end document;
  rw_response response;
  rw_outcome outcome;
  rw_bytes contents;
  rw_parameter parameter;
  uint64_t size;
  const char *name, *id;
  rw_try(rw_run(step,
                &(rw_command){.on = "web-1",
                              .arguments = RW_WORDS("ls", "-l"),
                              .script = "x",
                              .input = rw_bytes_of("in"),
                              .environment = (const rw_pair[]){{"A", "1"}, {0}},
                              .timeout_ms = 1500},
                &ended));
  rw_try(rw_run_document(step, "{\"DocumentName\":\"AWS-RunShellScript\",\"Targets\":[]}", &document));
  rw_try(make_files(step));
  rw_try(rw_send(step,
                 &(rw_request){.method = "POST",
                               .url = "http://box.test/a",
                               .headers = (const rw_pair[]){{"A", "b"}, {0}},
                               .body = rw_bytes_of("b"),
                               .timeout_ms = 3000,
                               .redirects = 1},
                 &response));
  rw_aws_request aws = {.service = "ec2", .method = "POST", .path = "/", .body = rw_bytes_of("Action=DescribeInstances")};
  rw_try(rw_send_aws(step, &aws, &response));
  rw_try(make_parameters(step));
  rw_try(make_waits(step));
  rw_try(rw_put_blob(step, rw_bytes_of("blob"), &name));
  rw_try(rw_get_blob(step, name, 1, 2, &contents));
  rw_try(rw_blob_size(step, name, &size));
  rw_try(rw_start_execution(step, "child", "{\"P\":[1]}", &id));
  rw_try(rw_wait_execution(step, id, &outcome));
  bool all_failed = rw_read_file(step, NULL, "/missing", &contents) && rw_get_parameter(step, "/missing", &parameter) &&
                    rw_blob_size(step, "/missing", &size);
  return all_failed ? NULL : rw_fail(step, RW_FAILED, "what is missing was found");
}

/* The value of the only key; NULL when it is none such. */
static yyjson_val *inner(yyjson_val *value) {
  yyjson_obj_iter entries;
  if (!yyjson_is_obj(value) || yyjson_obj_size(value) != 1) return NULL;
  yyjson_obj_iter_init(value, &entries);
  return yyjson_obj_iter_get_val(yyjson_obj_iter_next(&entries));
}

/* A recorded request or answer without the names around it, as plugins see it. */
static yyjson_val *body(const char *function, yyjson_val *value) {
  bool one_function = !strcmp(function, "http.send") || !strcmp(function, "aws.send") || !strcmp(function, "approvals.request");
  return one_function ? inner(value) : inner(inner(value));
}

static bool same(yyjson_val *one, yyjson_val *other) { return one && other ? yyjson_equals(one, other) : one == other; }

rw_failure *compare_calls(rw_step *step, const rw_done *done) {
  yyjson_val *file = yyjson_doc_get_root(yyjson_read_file("../behaviours/calls.json", 0, NULL, NULL));
  if (yyjson_arr_size(file) != done->count) {
    return rw_fail(step, RW_FAILED, "%zu calls where the file has %zu", done->count, yyjson_arr_size(file));
  }
  for (size_t i = 0; i < done->count; i++) {
    yyjson_val *wanted = yyjson_arr_get(file, i);
    const rw_call *call = &done->calls[i];
    const char *function = yyjson_get_str(yyjson_obj_get(wanted, "function"));
    bool is_it = !strcmp(call->function, function) &&
                 same(call->request, body(function, yyjson_obj_get(wanted, "request"))) &&
                 same(call->answer, body(function, yyjson_obj_get(wanted, "answer"))) &&
                 same(call->failed, yyjson_obj_get(wanted, "error"));
    if (!is_it) {
      const char *answer = call->answer ? yyjson_val_write(call->answer, 0, NULL) : "none";
      return rw_fail(step, RW_FAILED, "call %zu, %s: %s, answered %s", i, call->function,
                     yyjson_val_write(call->request, 0, NULL), answer);
    }
  }
  return NULL;
}
