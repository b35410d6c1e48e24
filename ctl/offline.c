/*
 * offline.c: validate: files checked without a daemon. What sort of file it is, its keys tell.
 *
 * A blueprint alone can not be checked in full: its parameters have no values. So it is read through a
 * platform file that lives in memory only, with made-up values for the parameters that must be given, and
 * the answer says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/js.h"
#include "common/yml.h"
#include "ctl/ctl.h"
#include "desired/desired.h"

#define FILE_MAX_BYTES (1 << 20)

enum file_sort { FILE_DAEMON, FILE_PLATFORM, FILE_BLUEPRINT, FILE_UNREADABLE };

/* One file under check. */
struct check {
    const char *path;
    enum file_sort sort;
    struct problems problems, warnings;
    size_t resources, outputs;
    struct strv made_up; /* parameters of a blueprint that got a value of ours */
};

/* ---- which sort ---- */

static enum file_sort sort_of(const struct yml *root)
{
    if (yml_get(root, "platform"))
        return FILE_PLATFORM;
    return yml_get(root, "resources") || yml_get(root, "parameters") || yml_get(root, "outputs")
               ? FILE_BLUEPRINT
               : FILE_DAEMON;
}

static int file_parse(struct check *check, struct yml **ret)
{
    struct err err CLEANUP_ERR = {0};
    char *text CLEANUP_FREE = NULL;
    size_t size;

    if (file_read(check->path, FILE_MAX_BYTES, &text, &size, &err) < 0) {
        problems_add(&check->problems, check->path, (struct yml_mark){0}, NULL, "%s", err_text(&err));
        return -EBADMSG;
    }
    return yml_parse(check->path, text, size, ret, &check->problems);
}

/* ---- a blueprint through a platform of our own ---- */

static const char *made_up_value(const struct yml *parameter)
{
    static const struct {
        const char *type, *value;
    } values[] = {
        {"string", "example"}, {"integer", "1"}, {"boolean", "false"}, {"list", "[]"}, {"map", "{}"}};
    const struct yml *allowed = yml_get(parameter, "allowed"), *type = yml_get(parameter, "type");

    if (allowed && allowed->count > 0 && allowed->children[0]->text)
        return allowed->children[0]->text;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (type && str_equal(type->text, values[i].type))
            return values[i].value;
    }
    return "example";
}

/* JSON is YAML: quoting is left to it. */
static int made_up_parameters(struct check *check, const struct yml *root, struct json_object *platform)
{
    const struct yml *parameters = yml_get(root, "parameters");
    struct json_object *values = json_object_new_object();
    int r;

    r = js_put_key(platform, "parameters", values);
    for (size_t i = 0; r == 0 && parameters && parameters->kind == YML_MAP && i < parameters->count; i++) {
        const struct yml *parameter = parameters->children[i];
        const struct yml *type = yml_get(parameter, "type");
        struct json_object *value = NULL;
        const char *text;

        if (parameter->kind != YML_MAP || yml_get(parameter, "default"))
            continue;
        text = made_up_value(parameter);
        if (!type || str_equal(type->text, "string") || js_parse_text(text, &value, NULL) < 0)
            value = json_object_new_string(text);
        r = js_put_key(values, parameter->key, value);
        if (r == 0)
            r = strv_add(&check->made_up, parameter->key);
    }
    return r;
}

static char *platform_text(struct check *check, const struct yml *root, const char *blueprint)
{
    struct json_object *platform CLEANUP_JS = json_object_new_object();

    if (!platform || js_set_text(platform, "platform", "example") < 0 ||
        js_set_text(platform, "blueprint", blueprint) < 0 ||
        js_set_text(platform, "aws.account_id", "123456789012") < 0 ||
        js_set_text(platform, "aws.region", "us-east-1") < 0 ||
        js_set_text(platform, "github.repository", "example/example") < 0 ||
        js_set_text(platform, "github.token.credential", "github-token") < 0 ||
        made_up_parameters(check, root, platform) < 0)
        return NULL;
    if (js_count(platform, "parameters") == 0 && check->made_up.count == 0)
        json_object_object_del(platform, "parameters");
    return js_canonical(platform);
}

/* A file in memory that has a path; the descriptor keeps it alive. */
static int memory_file(const char *text)
{
    int fd = memfd_create("platform.yaml", MFD_CLOEXEC);
    size_t size = strlen(text);

    if (fd < 0)
        return -errno;
    if (write(fd, text, size) == (ssize_t)size)
        return fd;
    close(fd);
    return -EIO;
}

static void rename_file(struct problems *problems, const char *from, const char *to, bool keeps_place)
{
    for (size_t i = 0; i < problems->count; i++) {
        struct problem *problem = &problems->items[i];

        if (!str_equal(problem->file, from))
            continue;
        (void)str_set(&problem->file, to); /* without memory the odd name stays */
        if (keeps_place)
            continue;
        (void)str_set(&problem->excerpt, NULL);
        problem->mark = (struct yml_mark){0};
    }
}

/* What is said of the platform that we made up has no place in the user's file. */
static void rename_files(struct problems *problems, const char *made_up, const char *absolute,
                         const char *path)
{
    rename_file(problems, made_up, path, false);
    rename_file(problems, absolute, path, true);
}

static void take_graph(struct check *check, const char *path)
{
    struct graph *graph = NULL;

    if (graph_load(NULL, path, &graph, &check->problems, &check->warnings) < 0)
        return;
    check->resources = graph->count;
    check->outputs = graph->outputs_count;
    graph_free(graph);
}

static int check_blueprint(struct check *check, const struct yml *root)
{
    char *absolute CLEANUP_FREE = realpath(check->path, NULL);
    char *text CLEANUP_FREE = absolute ? platform_text(check, root, absolute) : NULL;
    char *path CLEANUP_FREE = NULL;
    int fd;

    if (!text)
        return -ENOMEM;
    fd = memory_file(text);
    if (fd < 0)
        return fd;
    path = str_format("/proc/self/fd/%d", fd);
    if (path) {
        take_graph(check, path);
        rename_files(&check->problems, path, absolute, check->path);
        rename_files(&check->warnings, path, absolute, check->path);
    }
    close(fd);
    return path ? 0 : -ENOMEM;
}

/* ---- one file ---- */

static void check_daemon(struct check *check)
{
    struct daemon_config *config = NULL;

    if (daemon_config_load(check->path, &config, &check->problems) == 0)
        daemon_config_free(config);
}

static int check_file(struct check *check)
{
    struct yml *root = NULL;
    int r;

    check->sort = FILE_UNREADABLE;
    r = file_parse(check, &root);
    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    check->sort = sort_of(root);
    if (check->sort == FILE_PLATFORM)
        take_graph(check, check->path);
    else if (check->sort == FILE_BLUEPRINT)
        r = check_blueprint(check, root);
    else
        check_daemon(check);
    yml_free(root);
    return r;
}

static void check_done(struct check *check)
{
    problems_done(&check->problems);
    problems_done(&check->warnings);
    strv_done(&check->made_up);
}

/* ---- what to say ---- */

static int add_problems(struct json_object *list, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        struct json_object *entry = json_object_new_object();

        if (!entry || json_object_array_add(list, entry) < 0) {
            json_object_put(entry);
            return -ENOMEM;
        }
        if (js_set_text(entry, "file", problem->file) < 0 ||
            js_set_int(entry, "line", problem->mark.line) < 0 ||
            js_set_int(entry, "column", problem->mark.column) < 0 ||
            js_set_text(entry, "text", problem->text) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int tell_json(struct check *check, struct json_object *document)
{
    int r;

    r = add_problems(js_get(document, "problems"), &check->problems);
    return r == 0 ? add_problems(js_get(document, "warnings"), &check->warnings) : r;
}

static void say_good(struct check *check, struct buf *out, const struct view *view)
{
    static const char *const sorts[] = {[FILE_DAEMON] = "a sound file for the daemon",
                                        [FILE_PLATFORM] = "a sound platform",
                                        [FILE_BLUEPRINT] = "a sound blueprint"};

    view_text(view, check->path);
    (void)buf_addf(out, ": %s", sorts[check->sort]);
    if (check->sort != FILE_DAEMON)
        (void)buf_addf(out, ": %zu %s, %zu %s", check->resources,
                       check->resources == 1 ? "resource" : "resources", check->outputs,
                       check->outputs == 1 ? "output" : "outputs");
}

static void say_made_up(struct check *check, struct buf *out)
{
    for (size_t i = 0; i < check->made_up.count; i++)
        (void)buf_addf(out, "%s%s", i ? ", " : " (with made-up values for ", check->made_up.items[i]);
    if (check->made_up.count > 0)
        (void)buf_add_char(out, ')');
}

/* "file:3:5: error: ..." on stderr, as compilers do; a word for each good file on stdout. */
static int tell_text(const struct ctl *ctl, struct check *check)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);
    char *problems CLEANUP_FREE = problems_text(&check->problems);
    char *warnings CLEANUP_FREE = warnings_text(&check->warnings);

    if (!problems || !warnings)
        return ctl_fail("no memory");
    if (check->warnings.count > 0)
        (void)fputs(warnings, stderr);
    if (check->problems.count > 0) {
        say_made_up(check, &out);
        (void)fprintf(stderr, "%s%s%s%s", problems, out.size ? "The blueprint was read" : "", buf_text(&out),
                      out.size ? "\n" : "");
        return EXIT_FAILED;
    }
    say_good(check, &out, &view);
    say_made_up(check, &out);
    (void)buf_add_char(&out, '\n');
    return ctl_print(&out);
}

static int validate_one(const struct ctl *ctl, const char *path, struct json_object *document)
{
    struct check check CLEANUP(check_done) = {.path = path};
    int r = check_file(&check), status;

    if (r < 0)
        return ctl_fail("%s: %s", path, strerror(-r));
    problems_sort(&check.problems);
    problems_sort(&check.warnings);
    status = check.problems.count > 0 ? EXIT_FAILED : EXIT_DONE;
    if (!ctl->json)
        return tell_text(ctl, &check);
    if (tell_json(&check, document) < 0)
        return ctl_fail("no memory");
    return status;
}

int ctl_validate(const struct ctl *ctl)
{
    struct json_object *document CLEANUP_JS = json_object_new_object();
    int status = EXIT_DONE;

    if (!document || js_set_bool(document, "valid", true) < 0 ||
        js_put_key(document, "problems", json_object_new_array()) < 0 ||
        js_put_key(document, "warnings", json_object_new_array()) < 0)
        return ctl_fail("no memory");
    for (size_t i = 0; i < ctl->argument_count; i++) {
        if (validate_one(ctl, ctl->arguments[i], document) != EXIT_DONE)
            status = EXIT_FAILED;
    }
    if (!ctl->json)
        return status;
    if (js_set_bool(document, "valid", status == EXIT_DONE) < 0)
        return ctl_fail("no memory");
    return ctl_print_json(ctl, document) == EXIT_DONE ? status : EXIT_FAILED;
}
