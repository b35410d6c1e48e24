/*
 * main.c: the command line of mlopsctl: options, the terminal, help. What commands do is in commands.c.
 */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/js.h"
#include "common/log.h"
#include "ctl/ctl.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif
#define DEFAULT_SOCKET RUNSTATEDIR "/mlopsd/mlopsd.sock"
#define LIMIT_MAX      10000

/* ---- options ---- */

static const struct option_row {
    const char *name;
    unsigned flag;        /* 0 = for every command */
    const char *argument; /* NULL = takes none */
    const char *help;
} option_rows[] = {
    {"socket", 0, "PATH", "the daemon's control socket"},
    {"json", 0, NULL, "answer as JSON"},
    {"help", 0, NULL, "show help"},
    {"version", 0, NULL, "show the version"},
    {"platform", OPTION_PLATFORM, "NAME", "this platform only"},
    {"detailed-exitcode", OPTION_DETAILED, NULL, "exit with 2 when there are changes"},
    {"reveal", OPTION_REVEAL, NULL, "show sensitive values too"},
    {"raw", OPTION_RAW, NULL, "the bare text of one output"},
    {"all", OPTION_ALL, NULL, "what was resolved in the last 30 days too"},
    {"long", OPTION_LONG, NULL, "with status and id"},
    {"limit", OPTION_LIMIT, "NUMBER", "at most so many events"},
    {"yes", OPTION_YES, NULL, "do not ask"},
    {"why", OPTION_WHY, "TEXT", "the reason, for others to read"},
    {"tfstate", OPTION_TFSTATE, "FILE", "all that this Terraform state names"},
};

/* The command line while it is read. */
struct line {
    struct ctl *ctl;
    int argc, at;
    char **argv;
    const char **words; /* what is no option */
    size_t word_count;
    bool help, version;
};

const char *ctl_version(void)
{
    return PACKAGE_VERSION;
}

int ctl_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("mlopsctl: ", stderr); /* there is nowhere else to say that stderr is broken */
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return EXIT_FAILED;
}

int ctl_usage(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("mlopsctl: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("; see mlopsctl help\n", stderr);
    va_end(arguments);
    return EXIT_USAGE;
}

static const struct option_row *option_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        if (strlen(option_rows[i].name) == length && strncmp(option_rows[i].name, name, length) == 0)
            return &option_rows[i];
    }
    if (length == 1 && (*name == 'h' || *name == 'l'))
        return option_find(*name == 'h' ? "help" : "long", 4);
    return NULL;
}

static int option_take(struct line *line, const struct option_row *row, const char *value)
{
    struct ctl *ctl = line->ctl;

    ctl->options |= row->flag;
    if (str_equal(row->name, "socket"))
        ctl->socket = value;
    else if (str_equal(row->name, "json"))
        ctl->json = true;
    else if (str_equal(row->name, "help"))
        line->help = true;
    else if (str_equal(row->name, "version"))
        line->version = true;
    else if (row->flag == OPTION_PLATFORM)
        ctl->platform = value;
    else if (row->flag == OPTION_WHY)
        ctl->why = value;
    else if (row->flag == OPTION_TFSTATE)
        ctl->tfstate = value;
    else if (row->flag == OPTION_LIMIT && str_to_int64(value, 1, LIMIT_MAX, &ctl->limit) < 0)
        return ctl_usage("--limit takes a number from 1 to %d, not \"%s\"", LIMIT_MAX, value);
    return 0;
}

/* "--name", "-name", "--name=value", "--name value". */
static int option_parse(struct line *line, const char *text)
{
    const char *name = text + strspn(text, "-");
    size_t length = strcspn(name, "=");
    const struct option_row *row = option_find(name, length);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;

    if (!row)
        return ctl_usage("there is no option %s", text);
    if (!row->argument && value)
        return ctl_usage("--%s takes no value", row->name);
    if (row->argument && !value) {
        if (line->at + 1 >= line->argc)
            return ctl_usage("--%s needs %s", row->name, row->argument);
        value = line->argv[++line->at];
    }
    return option_take(line, row, value);
}

static int line_parse(struct line *line)
{
    bool only_words = false;
    int r;

    for (line->at = 1; line->at < line->argc; line->at++) {
        const char *text = line->argv[line->at];

        if (!only_words && str_equal(text, "--")) {
            only_words = true;
        } else if (!only_words && text[0] == '-' && text[1] != '\0') {
            r = option_parse(line, text);
            if (r != 0)
                return r;
        } else {
            line->words[line->word_count++] = text;
        }
    }
    return 0;
}

/* ---- commands ---- */

/* How many words of the line the command's name takes; 0 when it is another command. */
static size_t name_words(const struct command *command, const char *const *words, size_t count)
{
    const char *space = strchr(command->name, ' ');
    size_t first = space ? (size_t)(space - command->name) : strlen(command->name);

    if (count == 0 || strlen(words[0]) != first || strncmp(words[0], command->name, first) != 0)
        return 0;
    if (!space)
        return 1;
    return count > 1 && str_equal(words[1], space + 1) ? 2 : 0;
}

static const struct command *command_find(const char *const *words, size_t count, size_t *ret_words)
{
    for (const struct command *command = commands; command->name; command++) {
        *ret_words = name_words(command, words, count);
        if (*ret_words > 0)
            return command;
    }
    return NULL;
}

static int command_unknown(const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned best = 3;

    if (str_equal(words[0], "state"))
        return count > 1
                   ? ctl_usage("there is no command \"state %s\": state list, state show ADDRESS", words[1])
                   : ctl_usage("state what? state list, state show ADDRESS");
    for (const struct command *command = commands; command->name; command++) {
        unsigned distance = str_distance(words[0], command->name);

        if (distance < best) {
            best = distance;
            nearest = command->name;
        }
    }
    if (nearest)
        return ctl_usage("there is no command \"%s\"; did you mean \"%s\"?", words[0], nearest);
    return ctl_usage("there is no command \"%s\"", words[0]);
}

static int command_check(const struct ctl *ctl)
{
    const struct command *command = ctl->command;

    if (ctl->options & ~command->options) {
        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
            if (option_rows[i].flag & ctl->options & ~command->options)
                return ctl_usage("%s does not take --%s", command->name, option_rows[i].name);
        }
    }
    if (ctl->argument_count < command->least)
        return ctl_usage("%s needs %s", command->name, command->arguments);
    if (ctl->argument_count > command->most)
        return ctl_usage("%s: \"%s\" is one argument too many", command->name, ctl->arguments[command->most]);
    return 0;
}

/* ---- help ---- */

static void help_options(struct buf *out, unsigned flags, bool is_common)
{
    for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char *name CLEANUP_FREE = NULL;

        if (row->flag ? !(row->flag & flags) : !is_common)
            continue;
        name = str_format("--%s%s%s", row->name, row->argument ? " " : "",
                          row->argument ? row->argument : "");
        (void)buf_addf(out, "  %-22s %s\n", name ? name : "", row->help);
    }
}

static int help_command(const struct command *command)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);

    (void)buf_addf(&out, "mlopsctl %s%s%s: %s.\n\n", command->name, command->arguments[0] ? " " : "",
                   command->arguments, command->help);
    help_options(&out, command->options, true);
    return ctl_print(&out);
}

static int help_all(void)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);

    (void)buf_add_text(&out, "mlopsctl [--socket PATH] [--json] COMMAND\n\n");
    for (const struct command *command = commands; command->name; command++) {
        char *name CLEANUP_FREE = str_format("%s%s%s", command->name, command->arguments[0] ? " " : "",
                                             command->arguments);

        (void)buf_addf(&out, "  %-22s %s\n", name ? name : "", command->help);
    }
    (void)buf_add_text(&out, "\nOptions may be written with one dash or two. For every command:\n");
    help_options(&out, 0, true);
    (void)buf_addf(
        &out,
        "\nThe socket is that of --socket, else $MLOPSD_SOCKET, else $RUNTIME_DIRECTORY/mlopsd.sock, else\n"
        "%s. Colours are left out when NO_COLOR is set.\n"
        "Exit status: 0 done, 1 failed, 2 the plan has changes (plan -detailed-exitcode), 64 wrong usage.\n",
        DEFAULT_SOCKET);
    return ctl_print(&out);
}

int ctl_help(const struct ctl *ctl)
{
    const struct command *command;
    size_t words;

    if (ctl->argument_count == 0)
        return help_all();
    command = command_find(ctl->arguments, ctl->argument_count, &words);
    return command ? help_command(command) : command_unknown(ctl->arguments, ctl->argument_count);
}

/* ---- the outside ---- */

const char *ctl_socket(const struct ctl *ctl, struct buf *space)
{
    const char *socket = getenv("MLOPSD_SOCKET"), *directory = getenv("RUNTIME_DIRECTORY");

    if (ctl->socket)
        return ctl->socket;
    if (!str_empty(socket))
        return socket;
    if (str_empty(directory))
        return DEFAULT_SOCKET;
    /* systemd gives several as a list: ours is the first. */
    (void)buf_add(space, directory, strcspn(directory, ":"));
    (void)buf_add_text(space, "/mlopsd.sock");
    return buf_text(space);
}

struct view ctl_view(const struct ctl *ctl, struct buf *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (struct view){.out = out,
                         .color = ctl->color,
                         .width = ctl->width,
                         .now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

int ctl_print(const struct buf *out)
{
    if (out->failed)
        return ctl_fail(out->failed == -EMSGSIZE ? "the text is too long: use --json" : "no memory");
    if (fwrite(buf_text(out), 1, out->size, stdout) == out->size && fflush(stdout) == 0)
        return EXIT_DONE;
    if (errno == EPIPE) /* whoever read it has seen enough: "mlopsctl history | head" */
        return EXIT_FAILED;
    return ctl_fail("cannot write to the standard output: %s", strerror(errno));
}

int ctl_print_json(const struct ctl *ctl, struct json_object *document)
{
    struct buf out CLEANUP(buf_wipe) = BUF_INIT(VIEW_MAX_BYTES);
    char *canonical CLEANUP_FREE = NULL;

    if (ctl->is_terminal) {
        (void)buf_add_text(
            &out, json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
    } else {
        canonical = js_canonical(document);
        if (!canonical)
            return ctl_fail("no memory");
        (void)buf_add_text(&out, canonical);
        explicit_bzero(canonical, strlen(canonical)); /* may hold revealed outputs */
    }
    (void)buf_add_char(&out, '\n');
    return ctl_print(&out);
}

static void terminal_look(struct ctl *ctl)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;

    ctl->is_terminal = isatty(STDOUT_FILENO);
    if (!ctl->is_terminal)
        return;
    ctl->color = str_empty(no_color) && term && !str_equal(term, "dumb");
    ctl->width = 80;
    ctl->height = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        ctl->width = size.ws_col;
        ctl->height = size.ws_row;
    }
}

static int run(struct line *line)
{
    struct ctl *ctl = line->ctl;
    size_t used = 0;
    int r;

    r = line_parse(line);
    if (r != 0)
        return r;
    if (line->version)
        line->words[0] = "version";
    if (line->word_count == 0 && !line->version) {
        if (line->help)
            return help_all();
        return ctl_usage("no command was given");
    }
    ctl->command = command_find(line->words, line->version ? 1 : line->word_count, &used);
    if (!ctl->command)
        return command_unknown(line->words, line->word_count);
    if (line->help)
        return help_command(ctl->command);
    ctl->arguments = line->words + used;
    ctl->argument_count = line->version ? 0 : line->word_count - used;
    r = command_check(ctl);
    if (r != 0)
        return r;
    return ctl->command->run ? ctl->command->run(ctl) : ctl_call(ctl);
}

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    struct line line = {.ctl = &ctl, .argc = argc, .argv = argv};
    int status;

    (void)setlocale(LC_TIME, ""); /* month names; without one they are English */
    (void)signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_FORMAT_TEXT, LOG_AT_WARNING);
    if (crypto_setup() < 0)
        return ctl_fail("the random source does not work");
    terminal_look(&ctl);
    line.words = calloc((size_t)argc + 2, sizeof(*line.words));
    if (!line.words)
        return ctl_fail("no memory");
    status = run(&line);
    free(line.words);
    return status;
}
