/* What the world keeps: files and parameters. Blobs are in blobs.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

enum { MOST = 256 };

/* A file, folder or link of a target ("" for the engine's machine). A removed one has no path. */
typedef struct {
  const char *on, *path;
  runwright_plugin_files_facts_t facts;
  plugin_list_u8_t contents;
} node;

static node nodes[MOST], kept[MOST];
static size_t node_count, kept_count;

static struct { const char *secret; runwright_plugin_parameters_parameter_t is; } parameters[MOST];
static size_t parameter_count;

void rw_memory_begin(void) { node_count = kept_count = parameter_count = 0; }

static size_t one_more(size_t *count) {
  if (*count == MOST) {
    fprintf(stderr, "the world of tests keeps at most %d of a kind\n", MOST);
    exit(1);
  }
  return (*count)++;
}

static bool is(plugin_string_t text, const char *wanted) {
  return text.len == strlen(wanted) && !memcmp(text.ptr, wanted, text.len);
}

/* ---- files ---- */

static const char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash != path ? rw_say("%.*s", (int)(slash - path), path) : "/";
}

static node *find(const char *on, const char *path) {
  for (size_t i = 0; i < node_count; i++) {
    if (nodes[i].path && !strcmp(nodes[i].path, path) && !strcmp(nodes[i].on, on)) return &nodes[i];
  }
  return NULL;
}

static bool is_folder(const char *on, const char *path) {
  node *found = find(on, path);
  bool always = !strcmp(path, "/") || !strcmp(path, "/etc") || !strcmp(path, "/tmp");
  return always || (found && found->facts.kind == RUNWRIGHT_PLUGIN_FILES_KIND_DIRECTORY);
}

static runwright_plugin_files_facts_t facts(uint8_t kind, uint32_t mode) {
  return (runwright_plugin_files_facts_t){.kind = kind,
                                          .mode = mode,
                                          .owner = rw_wire("root"),
                                          .group = rw_wire("root"),
                                          .modified = rw_world.now_ms};
}

static node *put_node(const char *on, const char *path, runwright_plugin_files_facts_t is) {
  node *found = find(on, path);
  if (!found) found = &nodes[one_more(&node_count)];
  *found = (node){.on = on, .path = path, .facts = is};
  return found;
}

static bool make_folders(const char *on, const char *path) {
  for (; !is_folder(on, path); path = folder_of(path)) {
    put_node(on, path, facts(RUNWRIGHT_PLUGIN_FILES_KIND_DIRECTORY, 0755));
  }
  return true;
}

static bool write_file(const char *on, const char *path, plugin_list_u8_t contents,
                       runwright_plugin_files_write_options_t *options, rw_wire_error *err) {
  if (is_folder(on, path)) {
    return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_INVALID, rw_say("`%s` is a folder", path));
  }
  if (options->parents) make_folders(on, folder_of(path));
  if (!is_folder(on, folder_of(path))) return rw_not_found(err, rw_say("`%s` does not exist", folder_of(path)));
  node *old = find(on, path);
  runwright_plugin_files_facts_t is = facts(RUNWRIGHT_PLUGIN_FILES_KIND_FILE, 0644);
  if (old && old->facts.kind == RUNWRIGHT_PLUGIN_FILES_KIND_FILE) is = old->facts;
  if (options->mode.is_some) is.mode = options->mode.val;
  if (options->owner.is_some) is.owner = rw_wire(rw_said(options->owner.val));
  if (options->group.is_some) is.group = rw_wire(rw_said(options->group.val));
  is.size = contents.len;
  is.sha256 = (plugin_option_string_t){true, rw_wire(rw_sha256(contents.ptr, contents.len))};
  is.modified = rw_world.now_ms;
  put_node(on, path, is)->contents = (plugin_list_u8_t){rw_keep(contents.ptr, contents.len), contents.len};
  return true;
}

void rw_world_set_file(const char *path, const char *contents) {
  runwright_plugin_files_write_options_t options = {.parents = true};
  rw_wire_error err;
  plugin_list_u8_t bytes = {(uint8_t *)(uintptr_t)contents, strlen(contents)};
  rw_world_check(write_file("", path, bytes, &options, &err), "the file can be put there", __FILE__, __LINE__);
}

const char *rw_world_file(const char *path) {
  node *found = find("", path);
  return found ? rw_keep(found->contents.ptr, found->contents.len) : NULL;
}

static const char *facts_form(runwright_plugin_files_facts_t *is) {
  static const char *const kinds[] = {"file", "directory", "symlink", "other"};
  return rw_say("{\"kind\":\"%s\",\"size\":%llu,\"mode\":%u,\"owner\":%s,\"group\":%s,\"modified\":%llu,\"link\":%s,"
                "\"sha256\":%s}",
                kinds[is->kind], (unsigned long long)is->size, (unsigned)is->mode, rw_quoted(is->owner),
                rw_quoted(is->group), (unsigned long long)is->modified,
                is->link.is_some ? rw_quoted(is->link.val) : "null",
                is->sha256.is_some ? rw_quoted(is->sha256.val) : "null");
}

static const char *kept_form(runwright_plugin_files_kept_t *was) {
  return rw_say("{\"path\":%s,\"before\":%s,\"contents\":%s}", rw_quoted(was->path),
                was->before.is_some ? facts_form(&was->before.val) : "null",
                was->contents.is_some ? rw_quoted(was->contents.val) : "null");
}

/* The target and the path as texts that live on, and the request's form with more fields. */
static const char *on, *path;
static const char *asked(const char *function, runwright_plugin_types_target_t *target, plugin_string_t *name,
                         const char *more) {
  on = target->is_some ? rw_said(target->val) : "";
  path = rw_said(*name);
  return rw_say("{\"files\":{\"%s\":{\"on\":%s,\"path\":%s%s}}}", function, rw_quoted_text(*on ? on : NULL),
                rw_quoted_text(path), more);
}

static bool read_file(plugin_list_u8_t *ret, rw_wire_error *err) {
  node *found = find(on, path);
  if (!found) return rw_not_found(err, rw_say("`%s` does not exist", path));
  *ret = found->contents;
  return true;
}

bool runwright_plugin_files_read(runwright_plugin_types_target_t *target, plugin_string_t *name, plugin_list_u8_t *ret,
                                 rw_wire_error *err) {
  RW_CALL("files.read", asked("read", target, name, ""), ret, sizeof *ret, err, read_file(ret, err),
          rw_say("{\"contents\":%s}", rw_quoted_bytes(ret->ptr, ret->len)));
}

bool runwright_plugin_files_write(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                  plugin_list_u8_t *contents, runwright_plugin_files_write_options_t *options,
                                  rw_wire_error *err) {
  const char *more = rw_say(
      ",\"contents\":%s,\"options\":{\"mode\":%s,\"owner\":%s,\"group\":%s,\"parents\":%s}",
      rw_quoted_bytes(contents->ptr, contents->len), options->mode.is_some ? rw_say("%u", options->mode.val) : "null",
      options->owner.is_some ? rw_quoted(options->owner.val) : "null",
      options->group.is_some ? rw_quoted(options->group.val) : "null", options->parents ? "true" : "false");
  RW_CALL("files.write", asked("write", target, name, more), NULL, 0, err,
          write_file(on, path, *contents, options, err), NULL);
}

static bool stat(runwright_plugin_files_option_facts_t *ret) {
  node *found = find(on, path);
  ret->is_some = found || is_folder(on, path);
  ret->val = found ? found->facts : facts(RUNWRIGHT_PLUGIN_FILES_KIND_DIRECTORY, 0755);
  return true;
}

bool runwright_plugin_files_stat(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                 runwright_plugin_files_option_facts_t *ret, rw_wire_error *err) {
  RW_CALL("files.stat", asked("stat", target, name, ""), ret, sizeof *ret, err, stat(ret),
          rw_say("{\"stat\":%s}", ret->is_some ? facts_form(&ret->val) : "null"));
}

static int by_text(const void *a, const void *b) {
  return strcmp((const char *)((const plugin_string_t *)a)->ptr, (const char *)((const plugin_string_t *)b)->ptr);
}

static bool list(plugin_list_string_t *ret, rw_wire_error *err) {
  static plugin_string_t names[MOST];
  if (!is_folder(on, path)) return rw_not_found(err, rw_say("`%s` does not exist", path));
  ret->len = 0;
  for (size_t i = 0; i < node_count; i++) {
    if (!nodes[i].path || strcmp(nodes[i].on, on) || strcmp(folder_of(nodes[i].path), path)) continue;
    names[ret->len++] = rw_wire(strrchr(nodes[i].path, '/') + 1);
  }
  qsort(names, ret->len, sizeof *names, by_text);
  ret->ptr = rw_keep(names, ret->len * sizeof *names);
  return true;
}

static const char *names_form(plugin_list_string_t *names) {
  char *all = rw_say("{\"names\":[");
  for (size_t i = 0; i < names->len; i++) all = rw_say("%s%s%s", all, i ? "," : "", rw_quoted(names->ptr[i]));
  return rw_say("%s]}", all);
}

bool runwright_plugin_files_list_directory(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                           plugin_list_string_t *ret, rw_wire_error *err) {
  RW_CALL("files.list-directory", asked("list-directory", target, name, ""), ret, sizeof *ret, err, list(ret, err),
          names_form(ret));
}

bool runwright_plugin_files_make_directory(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                           uint32_t *mode, rw_wire_error *err) {
  const char *more = rw_say(",\"mode\":%s", mode ? rw_say("%u", (unsigned)*mode) : "null");
  RW_CALL("files.make-directory", asked("make-directory", target, name, more), NULL, 0, err, make_folders(on, path),
          NULL);
}

static bool make_link(plugin_string_t *points_to, rw_wire_error *err) {
  if (is_folder(on, path) || !is_folder(on, folder_of(path))) {
    return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_INVALID, rw_say("`%s` cannot be a link", path));
  }
  runwright_plugin_files_facts_t is = facts(RUNWRIGHT_PLUGIN_FILES_KIND_SYMLINK, 0777);
  is.link = rw_wire_option(rw_said(*points_to));
  put_node(on, path, is);
  return true;
}

bool runwright_plugin_files_link(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                 plugin_string_t *points_to, rw_wire_error *err) {
  const char *more = rw_say(",\"points_to\":%s", rw_quoted(*points_to));
  RW_CALL("files.link", asked("link", target, name, more), NULL, 0, err, make_link(points_to, err), NULL);
}

static bool remove_node(rw_wire_error *err) {
  for (size_t i = 0; i < node_count; i++) {
    bool inside = nodes[i].path && !strcmp(nodes[i].on, on) && !strcmp(folder_of(nodes[i].path), path);
    if (inside) return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_INVALID, rw_say("the folder `%s` is not empty", path));
  }
  node *found = find(on, path);
  if (found) found->path = NULL;
  return true;
}

bool runwright_plugin_files_remove(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                   rw_wire_error *err) {
  RW_CALL("files.remove", asked("remove", target, name, ""), NULL, 0, err, remove_node(err), NULL);
}

static bool keep(runwright_plugin_files_kept_t *ret, rw_wire_error *err) {
  if (is_folder(on, path)) {
    return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_INVALID, rw_say("`%s` is a folder", path));
  }
  node *found = find(on, path);
  *ret = (runwright_plugin_files_kept_t){.path = rw_wire(path), .before.is_some = found != NULL};
  if (!found) return true;
  ret->before.val = found->facts;
  if (found->facts.kind == RUNWRIGHT_PLUGIN_FILES_KIND_FILE) {
    size_t number = one_more(&kept_count);
    kept[number] = *found;
    ret->contents = rw_wire_option(rw_say("kept:%zu", number));
  }
  return true;
}

bool runwright_plugin_files_snapshot(runwright_plugin_types_target_t *target, plugin_string_t *name,
                                     runwright_plugin_files_kept_t *ret, rw_wire_error *err) {
  RW_CALL("files.snapshot", asked("snapshot", target, name, ""), ret, sizeof *ret, err, keep(ret, err),
          rw_say("{\"snapshot\":%s}", kept_form(ret)));
}

static bool put_back(runwright_plugin_files_kept_t *was) {
  unsigned number;
  if (was->contents.is_some && sscanf(rw_said(was->contents.val), "kept:%u", &number) == 1 && number < kept_count) {
    put_node(on, path, kept[number].facts)->contents = kept[number].contents;
  } else if (was->before.is_some) {
    put_node(on, path, was->before.val);
  } else {
    node *found = find(on, path);
    if (found) found->path = NULL;
  }
  return true;
}

bool runwright_plugin_files_restore(runwright_plugin_types_target_t *target, runwright_plugin_files_kept_t *was,
                                    rw_wire_error *err) {
  (void)asked("restore", target, &was->path, "");
  const char *request = rw_say("{\"files\":{\"restore\":{\"on\":%s,\"snapshot\":%s}}}", rw_quoted_text(*on ? on : NULL),
                               kept_form(was));
  RW_CALL("files.restore", request, NULL, 0, err, put_back(was), NULL);
}

/* ---- parameters ---- */

typedef runwright_plugin_parameters_parameter_t parameter;

static const char *const types[] = {"String", "StringList", "SecureString"};

static parameter put_parameter(const char *name, uint8_t type, const char *value) {
  uint64_t version = 1;
  for (size_t i = 0; i < parameter_count; i++) version += is(parameters[i].is.name, name);
  const char *shown = type == RW_SECURE ? rw_say("((secret:%s:%llu))", name, (unsigned long long)version) : value;
  size_t at = one_more(&parameter_count);
  parameters[at].secret = value;
  parameters[at].is = (parameter){rw_wire(name), type, rw_wire(shown), version, rw_world.now_ms, {0}};
  return parameters[at].is;
}

void rw_world_set_parameter(const char *name, rw_parameter_type type, const char *value) {
  put_parameter(name, (uint8_t)type, value);
}

static const char *parameter_form(parameter *p) {
  const char *labels = p->labels.len ? rw_quoted(p->labels.ptr[0]) : "";
  return rw_say("{\"name\":%s,\"parameter_type\":\"%s\",\"value\":%s,\"version\":%llu,\"modified\":%llu,\"labels\":[%s]}",
                rw_quoted(p->name), types[p->parameter_type], rw_quoted(p->value), (unsigned long long)p->version,
                (unsigned long long)p->modified, labels);
}

static const char *parameters_form(runwright_plugin_parameters_list_parameter_t *found) {
  char *all = rw_say("{\"parameters\":[");
  for (size_t i = 0; i < found->len; i++) all = rw_say("%s%s%s", all, i ? "," : "", parameter_form(&found->ptr[i]));
  return rw_say("%s]}", all);
}

static bool missing(rw_wire_error *err, const char *name) {
  return rw_not_found(err, rw_say("there is no parameter `%s`", name));
}

static bool get_parameter(const char *selector, parameter *ret, rw_wire_error *err) {
  const char *colon = strchr(selector, ':');
  const char *name = colon ? rw_say("%.*s", (int)(colon - selector), selector) : selector;
  for (size_t i = parameter_count; i-- > 0;) {
    parameter *p = &parameters[i].is;
    bool labelled = colon && p->labels.len && is(p->labels.ptr[0], colon + 1);
    bool versioned = colon && !strcmp(colon + 1, rw_say("%llu", (unsigned long long)p->version));
    if (!is(p->name, name) || (colon && !labelled && !versioned)) continue;
    *ret = *p;
    return true;
  }
  return missing(err, selector);
}

bool runwright_plugin_parameters_get(plugin_string_t *name, parameter *ret, rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"get\":{\"name\":%s}}}", rw_quoted(*name));
  RW_CALL("parameters.get", request, ret, sizeof *ret, err, get_parameter(rw_said(*name), ret, err),
          rw_say("{\"parameter\":%s}", parameter_form(ret)));
}

static int by_name(const void *a, const void *b) {
  return strcmp((const char *)((const parameter *)a)->name.ptr, (const char *)((const parameter *)b)->name.ptr);
}

/* The last version of what stands under a path, or with `history` all versions of one name. */
static bool gather(const char *under, bool recursive, bool history, runwright_plugin_parameters_list_parameter_t *ret) {
  static parameter found[MOST];
  size_t length = strlen(under);
  if (!history && length && under[length - 1] == '/') length--;
  ret->len = 0;
  for (size_t i = 0; i < parameter_count; i++) {
    const char *name = (const char *)parameters[i].is.name.ptr;
    bool below = !strncmp(name, under, length) && name[length] == '/' && (recursive || !strchr(name + length + 1, '/'));
    for (size_t j = i + 1; j < parameter_count; j++) below = below && !is(parameters[j].is.name, name);
    if (history ? !strcmp(name, under) : below) found[ret->len++] = parameters[i].is;
  }
  if (!history) qsort(found, ret->len, sizeof *found, by_name);
  ret->ptr = rw_keep(found, ret->len * sizeof *found);
  return true;
}

bool runwright_plugin_parameters_get_by_path(plugin_string_t *under, bool recursive,
                                             runwright_plugin_parameters_list_parameter_t *ret, rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"get-by-path\":{\"path\":%s,\"recursive\":%s}}}", rw_quoted(*under),
                               recursive ? "true" : "false");
  RW_CALL("parameters.get-by-path", request, ret, sizeof *ret, err, gather(rw_said(*under), recursive, false, ret),
          parameters_form(ret));
}

bool runwright_plugin_parameters_history(plugin_string_t *name, runwright_plugin_parameters_list_parameter_t *ret,
                                         rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"history\":{\"name\":%s}}}", rw_quoted(*name));
  RW_CALL("parameters.history", request, ret, sizeof *ret, err,
          gather(rw_said(*name), false, true, ret) && (ret->len || missing(err, rw_said(*name))), parameters_form(ret));
}

static bool put(const char *name, uint8_t type, runwright_plugin_parameters_new_value_t *value, bool overwrite,
                parameter *ret, rw_wire_error *err) {
  if (!overwrite && get_parameter(name, ret, err)) {
    return rw_refuse(err, RUNWRIGHT_PLUGIN_TYPES_ERROR_INVALID, rw_say("the parameter `%s` exists", name));
  }
  bool given = value->tag == RUNWRIGHT_PLUGIN_PARAMETERS_NEW_VALUE_GIVEN;
  const char *text = given ? rw_said(value->val.given) : rw_say("%0*d", (int)value->val.generated, 0);
  *ret = put_parameter(name, type, text);
  return true;
}

bool runwright_plugin_parameters_put(plugin_string_t *name, uint8_t type,
                                     runwright_plugin_parameters_new_value_t *value, bool overwrite, parameter *ret,
                                     rw_wire_error *err) {
  bool given = value->tag == RUNWRIGHT_PLUGIN_PARAMETERS_NEW_VALUE_GIVEN;
  const char *form = given ? rw_say("{\"given\":%s}", rw_quoted(value->val.given))
                           : rw_say("{\"generated\":%u}", (unsigned)value->val.generated);
  const char *request =
      rw_say("{\"parameters\":{\"put\":{\"name\":%s,\"parameter_type\":\"%s\",\"value\":%s,\"overwrite\":%s}}}",
             rw_quoted(*name), types[type], form, overwrite ? "true" : "false");
  RW_CALL("parameters.put", request, ret, sizeof *ret, err, put(rw_said(*name), type, value, overwrite, ret, err),
          rw_say("{\"parameter\":%s}", parameter_form(ret)));
}

static bool delete_parameter(const char *name) {
  size_t left = 0;
  for (size_t i = 0; i < parameter_count; i++) {
    if (!is(parameters[i].is.name, name)) parameters[left++] = parameters[i];
  }
  parameter_count = left;
  return true;
}

bool runwright_plugin_parameters_delete(plugin_string_t *name, rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"delete\":{\"name\":%s}}}", rw_quoted(*name));
  RW_CALL("parameters.delete", request, NULL, 0, err, delete_parameter(rw_said(*name)), NULL);
}

/* A label moves: at most one on each version, which is enough for tests. */
static bool move_label(const char *name, uint64_t version, const char *label, rw_wire_error *err) {
  plugin_string_t text = rw_wire(label);
  bool found = false;
  for (size_t i = 0; i < parameter_count; i++) {
    parameter *p = &parameters[i].is;
    if (!is(p->name, name)) continue;
    if (p->labels.len && is(p->labels.ptr[0], label)) p->labels.len = 0;
    if (p->version != version) continue;
    p->labels = (plugin_list_string_t){rw_keep(&text, sizeof text), 1};
    found = true;
  }
  return found || missing(err, rw_say("%s:%llu", name, (unsigned long long)version));
}

bool runwright_plugin_parameters_label(plugin_string_t *name, uint64_t version, plugin_string_t *label,
                                       rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"label\":{\"name\":%s,\"version\":%llu,\"label\":%s}}}",
                               rw_quoted(*name), (unsigned long long)version, rw_quoted(*label));
  RW_CALL("parameters.label", request, NULL, 0, err, move_label(rw_said(*name), version, rw_said(*label), err), NULL);
}

static bool reveal(const char *placeholder, plugin_string_t *ret, rw_wire_error *err) {
  for (size_t i = 0; i < parameter_count; i++) {
    if (!is(parameters[i].is.value, placeholder)) continue;
    *ret = rw_wire(parameters[i].secret);
    return true;
  }
  return rw_not_found(err, rw_say("`%s` stands for no secret", placeholder));
}

bool runwright_plugin_parameters_reveal(plugin_string_t *placeholder, plugin_string_t *ret, rw_wire_error *err) {
  const char *request = rw_say("{\"parameters\":{\"reveal\":{\"placeholder\":%s}}}", rw_quoted(*placeholder));
  RW_CALL("parameters.reveal", request, ret, sizeof *ret, err, reveal(rw_said(*placeholder), ret, err),
          rw_say("{\"revealed\":%s}", rw_quoted(*ret)));
}
