/*
 * main.c: the command line of mlopsd.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/crypto.h"
#include "common/log.h"
#include "common/str.h"
#include "daemon/daemon.h"

#define EXIT_USAGE     64
#define DEFAULT_CONFIG SYSCONFDIR "/mlopsd/mlopsd.yaml"

struct options {
    const char *config;
    const char *log_format, *log_level;
    bool check, once, plan;
};

static void usage(FILE *to)
{
    (void)fprintf(
        to,
        "mlopsd keeps MLOps platforms in the state that their files declare.\n"
        "\n"
        "  mlopsd [--config FILE]                run in the foreground until SIGTERM\n"
        "  mlopsd --check [--config FILE]        read all files, report every mistake, exit 0 or 1\n"
        "  mlopsd --once [--config FILE]         converge once: exit 0 when steady, 1 when not\n"
        "  mlopsd --once --plan [--config FILE]  change nothing: exit 0 no change, 2 changes, 1 error\n"
        "\n"
        "  --config FILE        default %s\n"
        "  --log-format FORMAT  auto, journal, text, json\n"
        "  --log-level LEVEL    critical, error, warning, notice, info, debug\n"
        "  --version, --help\n"
        "\n"
        "The state is kept in $STATE_DIRECTORY or state_dir:, the socket is $RUNTIME_DIRECTORY/mlopsd.sock\n"
        "or socket:. SIGHUP reads the files again. See mlopsd(8), mlopsctl(1).\n",
        DEFAULT_CONFIG);
}

enum {
    OPTION_CONFIG = 1000,
    OPTION_CHECK,
    OPTION_ONCE,
    OPTION_PLAN,
    OPTION_LOG_FORMAT,
    OPTION_LOG_LEVEL,
    OPTION_VERSION
};

/** 0 to go on, else the exit status + 1. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"once", no_argument, NULL, OPTION_ONCE},
        {"plan", no_argument, NULL, OPTION_PLAN},
        {"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        switch (c) {
        case OPTION_CONFIG:
            options->config = optarg;
            break;
        case OPTION_CHECK:
            options->check = true;
            break;
        case OPTION_ONCE:
            options->once = true;
            break;
        case OPTION_PLAN:
            options->plan = true;
            break;
        case OPTION_LOG_FORMAT:
            options->log_format = optarg;
            break;
        case OPTION_LOG_LEVEL:
            options->log_level = optarg;
            break;
        case OPTION_VERSION:
            (void)printf("mlopsd %s\n", PACKAGE_VERSION);
            return 1;
        case 'h':
            usage(stdout);
            return 1;
        default:
            usage(stderr);
            return EXIT_USAGE + 1;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "mlopsd: \"%s\" is not an option; see mlopsd --help\n", argv[optind]);
        return EXIT_USAGE + 1;
    }
    if (options->plan && !options->once) {
        (void)fprintf(stderr, "mlopsd: --plan goes with --once\n");
        return EXIT_USAGE + 1;
    }
    return 0;
}

/** What comes after the files are read; the command line wins over the file. */
static int setup_log(const struct options *options, const struct daemon_config *config)
{
    enum log_format format = config ? config->log_format : LOG_FORMAT_AUTO;
    enum log_level level = config ? config->log_level : LOG_AT_INFO;

    if (options->log_format && log_format_parse(options->log_format, &format) < 0) {
        (void)fprintf(stderr, "mlopsd: --log-format takes auto, journal, text or json, not \"%s\"\n",
                      options->log_format);
        return EXIT_USAGE;
    }
    if (options->log_level && log_level_parse(options->log_level, &level) < 0) {
        (void)fprintf(
            stderr, "mlopsd: --log-level takes critical, error, warning, notice, info or debug, not \"%s\"\n",
            options->log_level);
        return EXIT_USAGE;
    }
    log_setup(format, level);
    return 0;
}

/** No core file, no debugger of another user: memory holds credentials. */
static void harden(void)
{
    struct rlimit none = {0};

    (void)umask(0077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);      /* a file-size limit is then an error of the write */
    (void)setrlimit(RLIMIT_CORE, &none); /* the service manager sets it too */
#ifndef __SANITIZE_ADDRESS__
    (void)prctl(PR_SET_DUMPABLE, 0); /* the leak checker must be able to look */
#endif
}

static void tell(const char *text)
{
    (void)fprintf(stderr, "%s", text ? text : "mlopsd: no memory for the problems\n");
}

static void tell_problems(const struct problems *problems)
{
    char *text CLEANUP_FREE = problems_text(problems);

    tell(text);
}

static void tell_warnings(const struct problems *warnings)
{
    char *text CLEANUP_FREE = warnings_text(warnings);

    tell(text);
}

static int check_files(const struct daemon_config *config)
{
    struct problems problems = {0}, warnings = {0};
    struct strv files CLEANUP_STRV = {0};
    size_t resources = 0;

    (void)platform_files(config->platforms_dir, &files, &problems); /* its failure is a problem in the list */
    for (size_t i = 0; i < files.count; i++) {
        struct graph *graph = NULL;

        if (graph_load(config, files.items[i], &graph, &problems, &warnings) == 0)
            resources += graph->count;
        graph_free(graph);
    }
    problems_sort(&warnings);
    tell_warnings(&warnings);
    problems_done(&warnings);
    if (problems.count > 0) {
        problems_sort(&problems);
        tell_problems(&problems);
        problems_done(&problems);
        return 1;
    }
    (void)printf("%s: %zu platform file%s, %zu resources, no mistakes\n", config->file, files.count,
                 files.count == 1 ? "" : "s", resources);
    return 0;
}

/** $STATE_DIRECTORY may hold several, separated by colons: the first is ours. */
static char *state_directory(const struct daemon_config *config)
{
    const char *from_manager = getenv("STATE_DIRECTORY");

    if (!str_empty(from_manager))
        return str_format("%.*s", (int)strcspn(from_manager, ":"), from_manager);
    return str_format("%s", config->state_dir ? config->state_dir : LOCALSTATEDIR "/lib/mlopsd");
}

static char *socket_path(const struct daemon_config *config)
{
    const char *from_manager = getenv("RUNTIME_DIRECTORY");

    if (!str_empty(from_manager))
        return str_format("%.*s/mlopsd.sock", (int)strcspn(from_manager, ":"), from_manager);
    return str_format("%s", config->socket ? config->socket : "/run/mlopsd/mlopsd.sock");
}

static int run(const struct options *options, struct daemon_config *config)
{
    struct daemon daemon = {
        .mode = options->once ? (options->plan ? RUN_ONCE_PLAN : RUN_ONCE) : RUN_SERVE,
        .config = config,
    };
    char *directory CLEANUP_FREE = state_directory(config), *socket CLEANUP_FREE = socket_path(config);

    if (!directory || !socket)
        return 1;
    return daemon_run(&daemon, directory, socket);
}

int main(int argc, char **argv)
{
    struct options options = {.config = DEFAULT_CONFIG};
    struct daemon_config *config = NULL;
    struct problems problems = {0};
    int r = parse_options(argc, argv, &options);

    if (r > 0)
        return r - 1;
    harden();
    if (crypto_setup() < 0) {
        (void)fprintf(stderr, "mlopsd: libsodium can not be used\n");
        return 1;
    }
    if (daemon_config_load(options.config, &config, &problems) < 0) {
        tell_problems(&problems);
        problems_done(&problems);
        return 1;
    }
    problems_done(&problems);
    r = setup_log(&options, config);
    if (r == 0)
        r = options.check ? check_files(config) : run(&options, config);
    daemon_config_free(config);
    return r;
}
