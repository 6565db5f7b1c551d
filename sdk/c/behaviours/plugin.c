/* The plugin test:behaviours: what plugins do alike in every language. sdk/behaviours/README.md says what each case is. */
#include "runwright.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *text_of(yyjson_val *inputs, const char *name) {
  return yyjson_get_str(yyjson_obj_get(inputs, name));
}

static void result(rw_step *step, yyjson_mut_val *outputs, yyjson_mut_val *value) {
  yyjson_mut_obj_add_val(step->json, outputs, "Result", value);
}

static void result_text(rw_step *step, yyjson_mut_val *outputs, const char *text) {
  result(step, outputs, yyjson_mut_str(step->json, text));
}

static rw_failure *echo(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  yyjson_obj_iter entries;
  yyjson_obj_iter_init(inputs, &entries);
  for (yyjson_val *name; (name = yyjson_obj_iter_next(&entries));) {
    if (yyjson_equals_str(name, "Case")) continue;
    yyjson_mut_val *value = yyjson_val_mut_copy(step->json, yyjson_obj_iter_get_val(name));
    yyjson_mut_obj_add_val(step->json, outputs, yyjson_get_str(name), value);
  }
  result_text(step, outputs, "echo");
  return NULL;
}

static rw_failure *absent(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  result_text(step, outputs, text_of(inputs, "Text") ? "given" : "absent");
  return NULL;
}

static rw_failure *invalid(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs, (void)outputs;
  return rw_fail(step, RW_INVALID_INPUT, "Text must not be empty");
}

static rw_failure *fails(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  if (step->attempt == 1) {
    rw_failure *failure = rw_fail(step, RW_FAILED, "attempt 1 failed");
    failure->details = yyjson_mut_obj(step->json);
    yyjson_mut_obj_add_uint(step->json, failure->details, "attempt", 1);
    return failure;
  }
  result_text(step, outputs, rw_format(step, "attempt %u", (unsigned)step->attempt));
  return NULL;
}

static rw_failure *garbled(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs, (void)outputs;
  rw_log(RW_WARN, "garbled: \xff");
  return rw_fail(step, RW_FAILED, "garbled: \xff");
}

static rw_failure *crashes(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)step, (void)inputs, (void)outputs;
  rw_panic("boom");
}

static rw_failure *command(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_completed ended;
  rw_try(rw_run(step, &(rw_command){.arguments = RW_WORDS("uname", "-s")}, &ended));
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_int(step->json, value, "exit", ended.exit_code);
  yyjson_mut_obj_add_str(step->json, value, "stdout", ended.out);
  result(step, outputs, value);
  return NULL;
}

static rw_failure *command_exit(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_completed ended;
  rw_try(rw_run(step, &(rw_command){.arguments = RW_WORDS("sh", "-c", "exit 3")}, &ended));
  result(step, outputs, yyjson_mut_int(step->json, ended.exit_code));
  return NULL;
}

static rw_failure *denied(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_completed ended;
  rw_failure *failure = rw_run(step, &(rw_command){.arguments = RW_WORDS("reboot")}, &ended);
  if (failure && failure->error != RW_DENIED) return failure;
  result_text(step, outputs, failure ? failure->missing : "not denied");
  return NULL;
}

static rw_failure *denied_uncaught(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs, (void)outputs;
  rw_completed ended;
  return rw_run(step, &(rw_command){.arguments = RW_WORDS("reboot")}, &ended);
}

static rw_failure *files(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  static const char path[] = "/tmp/behaviours/note";
  bool there;
  rw_bytes contents;
  rw_facts facts;
  rw_try(rw_write_file(step, NULL, path, rw_bytes_of("note"), &(rw_write_options){.parents = true}));
  rw_try(rw_read_file(step, NULL, path, &contents));
  rw_try(rw_stat(step, NULL, path, &there, &facts));
  uint64_t size = there ? facts.size : 0;
  rw_try(rw_remove(step, NULL, path));
  rw_try(rw_stat(step, NULL, path, &there, &facts));
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_str(step->json, value, "text", rw_text(step, contents));
  yyjson_mut_obj_add_uint(step->json, value, "size", size);
  yyjson_mut_obj_add_bool(step->json, value, "gone", !there);
  result(step, outputs, value);
  return NULL;
}

static rw_failure *parameters(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_parameter parameter;
  rw_try(rw_put_parameter(step, "/behaviours/one", RW_PLAIN, "one", true, NULL));
  rw_try(rw_get_parameter(step, "/behaviours/one", &parameter));
  result_text(step, outputs, parameter.value);
  return NULL;
}

static rw_failure *secret(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_parameter parameter;
  rw_completed ended;
  rw_try(rw_get_parameter(step, "/behaviours/secret", &parameter));
  rw_command command = {.arguments = RW_WORDS("cat"), .input = rw_bytes_of(parameter.value)};
  rw_try(rw_run(step, &command, &ended));
  result_text(step, outputs, parameter.value);
  return NULL;
}

static rw_failure *http(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_response response;
  rw_try(rw_send(step, &(rw_request){.method = "GET", .url = "http://box.test/hello"}, &response));
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_uint(step->json, value, "status", response.status);
  yyjson_mut_obj_add_str(step->json, value, "body", rw_text(step, response.body));
  result(step, outputs, value);
  return NULL;
}

static rw_failure *aws(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  static const rw_pair headers[] = {{"content-type", "application/x-www-form-urlencoded"}, {0}};
  rw_aws_request request = {.service = "ec2", .region = "eu-west-1", .method = "POST", .path = "/", .headers = headers};
  request.body = rw_bytes_of("Action=DescribeRegions&Version=2016-11-15");
  rw_response response;
  rw_try(rw_send_aws(step, &request, &response));
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_uint(step->json, value, "status", response.status);
  yyjson_mut_obj_add_str(step->json, value, "body", rw_text(step, response.body));
  result(step, outputs, value);
  return NULL;
}

static rw_failure *blobs(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *name;
  rw_bytes contents;
  rw_try(rw_put_blob(step, rw_bytes_of(text_of(inputs, "Text")), &name));
  rw_try(rw_get_blob(step, name, 0, 1 << 20, &contents));
  result_text(step, outputs, rw_text(step, contents));
  return NULL;
}

static rw_failure *approval(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_decision decision;
  rw_try(rw_ask(step, "Go on?", RW_WORDS("*"), 1, 0, &decision));
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_bool(step->json, value, "approved", decision.approved);
  yyjson_mut_obj_add_str(step->json, value, "by", decision.votes[0].approver);
  result(step, outputs, value);
  return NULL;
}

static rw_failure *sleep_two_hours(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  time_t before = time(NULL);
  rw_try(rw_sleep(step, 2 * 60 * 60 * 1000));
  result(step, outputs, yyjson_mut_int(step->json, time(NULL) - before));
  return NULL;
}

static rw_failure *wait_for_signal(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_received received;
  rw_try(rw_signal(step, "go", 0, &received));
  result(step, outputs, yyjson_val_mut_copy(step->json, received.payload));
  return NULL;
}

static rw_failure *child(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *id;
  rw_outcome outcome;
  rw_try(rw_start_execution(step, text_of(inputs, "Text"), NULL, &id));
  rw_try(rw_wait_execution(step, id, &outcome));
  result_text(step, outputs, outcome.status);
  return NULL;
}

static rw_failure *replay(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  static const char *const names[] = {"one", "two", "three"};
  uint16_t random = 0;
  if (getentropy(&random, sizeof random)) return rw_fail(step, RW_FAILED, "there are no random numbers");
  yyjson_mut_val *stdouts = yyjson_mut_arr(step->json);
  for (size_t i = 0; i < 3; i++) {
    if (i == 2) rw_try(rw_sleep(step, 60 * 60 * 1000));
    rw_completed ended;
    rw_command command = {.arguments = RW_WORDS("echo", names[i], rw_format(step, "%u", (unsigned)random))};
    rw_try(rw_run(step, &command, &ended));
    yyjson_mut_arr_add_str(step->json, stdouts, ended.out);
  }
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_val(step->json, value, "stdouts", stdouts);
  yyjson_mut_obj_add_uint(step->json, value, "random", random);
  result(step, outputs, value);
  return NULL;
}

static rw_failure *keep(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_write_options options = {.parents = true};
  rw_try(rw_write_file(step, NULL, "/tmp/behaviours/kept", rw_bytes_of("kept"), &options));
  result_text(step, outputs, "kept");
  return NULL;
}

static rw_failure *logs(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  rw_log(RW_DEBUG, "a debug line");
  rw_log(RW_INFO, "an info line answer=%d", 42);
  rw_log(RW_WARN, "a warning");
  rw_log(RW_ERROR, "an error");
  rw_progress(1, 2, "half");
  rw_progress(2, 2, "whole");
  result_text(step, outputs, "logged");
  return NULL;
}

static rw_failure *large(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  yyjson_val *text = yyjson_obj_get(inputs, "Text");
  result(step, outputs, yyjson_mut_uint(step->json, yyjson_get_len(text)));
  yyjson_mut_obj_add_str(step->json, outputs, "Text", yyjson_get_str(text));
  return NULL;
}

static rw_failure *unicode(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *text = text_of(inputs, "Text");
  uint64_t length = 0;
  for (const char *byte = text; *byte; byte++) length += (*byte & 0xc0) != 0x80;
  yyjson_mut_val *value = yyjson_mut_obj(step->json);
  yyjson_mut_obj_add_str(step->json, value, "text", text);
  yyjson_mut_obj_add_uint(step->json, value, "length", length);
  result(step, outputs, value);
  return NULL;
}

static rw_failure *too_large(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)inputs;
  const size_t length = 2 << 20;
  result_text(step, outputs, memset(rw_alloc(step, length + 1), 'x', length));
  return NULL;
}

static rw_failure *endless(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  (void)step, (void)inputs, (void)outputs;
  for (volatile bool forever = true; forever;) continue;
  return NULL;
}

static const struct {
  const char *name;
  rw_failure *(*behave)(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs);
} behaviours[] = {
    {"echo", echo},
    {"absent", absent},
    {"invalid", invalid},
    {"fails", fails},
    {"garbled", garbled},
    {"crashes", crashes},
    {"command", command},
    {"command-exit", command_exit},
    {"denied", denied},
    {"denied-uncaught", denied_uncaught},
    {"files", files},
    {"parameters", parameters},
    {"secret", secret},
    {"http", http},
    {"aws", aws},
    {"blobs", blobs},
    {"approval", approval},
    {"sleep", sleep_two_hours},
    {"signal", wait_for_signal},
    {"child", child},
    {"replay", replay},
    {"rollback", keep},
    {"logs", logs},
    {"large", large},
    {"unicode", unicode},
    {"too-large", too_large},
    {"endless", endless},
};

static rw_failure *run(rw_step *step, yyjson_val *inputs, yyjson_mut_val *outputs) {
  const char *name = text_of(inputs, "Case");
  for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++) {
    if (!strcmp(behaviours[i].name, name)) return behaviours[i].behave(step, inputs, outputs);
  }
  return rw_fail(step, RW_INVALID_INPUT, "there is no case `%s`", name);
}

static rw_failure *rollback(rw_step *step, yyjson_val *inputs, const rw_done *done) {
  bool kept = yyjson_equals_str(yyjson_obj_get(done->outputs, "Result"), "kept");
  if (!kept || strcmp(text_of(inputs, "Case"), "rollback")) return NULL;
  rw_try(rw_remove(step, NULL, "/tmp/behaviours/kept"));
  rw_log(RW_INFO, "rolled back %zu calls", done->count);
  return NULL;
}

#define PROPERTIES                                                            \
  "\"Text\":{\"type\":\"string\"},\"Whole\":{\"type\":\"integer\"},"         \
  "\"Fraction\":{\"type\":\"number\"},\"Flag\":{\"type\":\"boolean\"},"      \
  "\"List\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"           \
  "\"Object\":{\"type\":\"object\"}"

const rw_plugin rw_plugin_definition = {
    .action = "test:behaviours",
    .version = "1.0.0",
    .description = "Does what a plugin does alike in every language.",
    .inputs = "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"Case\"],"
              "\"properties\":{\"Case\":{\"type\":\"string\"}," PROPERTIES "}}",
    .outputs = "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"Result\"],"
               "\"properties\":{\"Result\":{}," PROPERTIES "}}",
    .wants =
        (const rw_want[]){
            {"commands", "Runs commands."},
            {"files", "Writes and reads files."},
            {"http", "Sends a request."},
            {"parameters", "Puts and gets parameters."},
            {"approvals", "Asks people."},
            {"waits", "Sleeps, and waits for a signal."},
            {"blobs", "Keeps a blob."},
            {"executions", "Starts a child."},
            {"aws", "Asks for regions."},
            {0},
        },
    .impact = RW_MUTATING,
    .run = run,
    .rollback = rollback,
};
