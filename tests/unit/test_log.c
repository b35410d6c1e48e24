/*
 * test_log.c: what lines look like and where they go.
 *
 * sd_journal_sendv() is replaced here: entries for the journal are kept, or
 * refused, and stderr is a file that is read back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/log.h"
#include "common/str.h"

#define MESSAGE_ID "0123456789abcdef0123456789abcdef"

static struct strv journal;
static int journal_answer;

int sd_journal_sendv(const struct iovec *parts, int count);

int sd_journal_sendv(const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++)
        strv_addf(&journal, "%.*s", (int)parts[i].iov_len, (const char *)parts[i].iov_base);
    return journal_answer;
}

static FILE *captured;
static int real_stderr;

static int capture_start(void **state)
{
    (void)state;
    captured = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    journal_answer = 0;
    return captured && dup2(fileno(captured), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int capture_end(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(captured);
    strv_done(&journal);
    log_set_sink(NULL, NULL);
    return 0;
}

/* What went to stderr since the last time; static, NUL-terminated. */
static const char *captured_text(void)
{
    static char text[65536];
    size_t size;

    rewind(captured);
    size = fread(text, 1, sizeof(text) - 1, captured);
    text[size] = '\0';
    assert_int_equal(ftruncate(fileno(captured), 0), 0);
    assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
    return text;
}

/* JOURNAL_STREAM as systemd would set it for our stderr, or next to it. */
static void claim_journal(unsigned device_offset, unsigned inode_offset)
{
    char text[64];
    struct stat info;

    assert_int_equal(fstat(STDERR_FILENO, &info), 0);
    snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)info.st_dev + device_offset,
             (unsigned long long)info.st_ino + inode_offset);
    setenv("JOURNAL_STREAM", text, 1);
}

/* "2026-11-22T17:31:05Z" at the beginning, and it is now. */
static const char *skip_time(const char *line)
{
    struct tm parts = {0};
    const char *rest = strptime(line, "%Y-%m-%dT%H:%M:%SZ", &parts);
    double age;

    assert_non_null(rest);
    assert_int_equal(rest - line, 20);
    age = difftime(time(NULL), timegm(&parts));
    assert_true(age >= 0 && age < 60);
    return rest;
}

static void text_lines_have_time_level_message(void **state)
{
    (void)state;
    log_setup(LOG_FORMAT_TEXT, LOG_AT_DEBUG);
    log_warning("low %s: %d", "tide", 3);
    assert_string_equal(skip_time(captured_text()), " warning low tide: 3\n");
    log_error("e");
    assert_string_equal(skip_time(captured_text()), " error e\n");
    log_notice("n");
    assert_string_equal(skip_time(captured_text()), " notice n\n");
    log_info("i");
    assert_string_equal(skip_time(captured_text()), " info i\n");
    log_debug("d");
    assert_string_equal(skip_time(captured_text()), " debug d\n");
    log_line(LOG_AT_CRITICAL, "c");
    assert_string_equal(skip_time(captured_text()), " critical c\n");
}

static void lines_below_the_level_are_not_shown(void **state)
{
    struct err err = {.code = -EIO};

    (void)state;
    log_setup(LOG_FORMAT_TEXT, LOG_AT_WARNING);
    log_notice("quiet");
    log_err(LOG_AT_INFO, &err, "quiet");
    log_event(LOG_AT_NOTICE, NULL, "quiet", NULL, 0);
    assert_string_equal(captured_text(), "");
    log_warning("loud");
    assert_non_null(strstr(captured_text(), "loud"));
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    log_setup(LOG_FORMAT_TEXT, LOG_AT_INFO);
    log_info("a\nb\r\t\x1b[31m\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa4");
    assert_string_equal(skip_time(captured_text()),
                        " info a\\nb\\r\\t\\x1b[31m\\x7f\\u009b\\u202e\\xff\xc3\xa4\n");
}

static void long_messages_are_cut_at_a_character(void **state)
{
    char *message = malloc(30002);
    const char *line;

    (void)state;
    message[0] = 'x';
    for (int i = 1; i < 30000; i += 2)
        memcpy(message + i, "\xc3\xa4", 3);
    log_setup(LOG_FORMAT_TEXT, LOG_AT_INFO);
    log_info("%s", message);
    free(message);
    line = captured_text();
    assert_true(strlen(line) < 16384 + 100);
    assert_true(str_ends(line, "\xc3\xa4...\n"));
}

static void json_lines_hold_the_fields(void **state)
{
    const struct log_field fields[] = {
        {"MLOPSD_RESOURCE", "aws_iam_role.x[\"a\"]"},
        {"MLOPSD_FIELD", NULL},
        {"MLOPSD_OBSERVED", "l1\nl2\x1b\xff\\"},
        {"MLOPSD_RESOURCE", "twice"},
    };
    struct json_object *object CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    const char *line;

    (void)state;
    log_setup(LOG_FORMAT_JSON, LOG_AT_INFO);
    log_event(LOG_AT_NOTICE, MESSAGE_ID, "drift \"here\"\n", fields, ARRAY_SIZE(fields));
    line = captured_text();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    if (js_parse_text(line, &object, &err) < 0)
        fail_msg("%s: %s", line, err_text(&err));
    assert_int_equal(json_object_object_length(object), 6);
    assert_string_equal(skip_time(js_text(object, "time")), "");
    assert_string_equal(js_text(object, "level"), "notice");
    assert_string_equal(js_text(object, "message"), "drift \"here\"\\n");
    assert_string_equal(js_text(object, "message_id"), MESSAGE_ID);
    assert_string_equal(js_text(object, "mlopsd_resource"), "aws_iam_role.x[\"a\"]");
    assert_string_equal(js_text(object, "mlopsd_observed"), "l1\nl2\x1b\xef\xbf\xbd\\");
}

static void a_json_line_too_long_loses_its_fields_only(void **state)
{
    char *value = malloc(2 << 20);
    struct log_field field = {"MLOPSD_OBSERVED", value};
    const char *line;

    (void)state;
    memset(value, 'v', 2 << 20);
    value[(2 << 20) - 1] = '\0';
    log_setup(LOG_FORMAT_JSON, LOG_AT_INFO);
    log_event(LOG_AT_NOTICE, MESSAGE_ID, "message", &field, 1);
    free(value);
    line = captured_text();
    assert_true(str_ends(line, "\"message\":\"message\",\"message_id\":\"" MESSAGE_ID "\"}\n"));
}

static void text_lines_carry_the_message_alone(void **state)
{
    struct log_field field = {"MLOPSD_FIELD", "value"};

    (void)state;
    log_setup(LOG_FORMAT_TEXT, LOG_AT_INFO);
    log_event(LOG_AT_INFO, MESSAGE_ID, "story", &field, 1);
    assert_string_equal(skip_time(captured_text()), " info story\n");
}

static void errors_show_context_and_request_id(void **state)
{
    struct err err CLEANUP_ERR = {0};
    const char *line;

    (void)state;
    err_set(&err, -EACCES, ERR_DENIED, "access denied");
    err.request_id = strdup("req-1");
    err.wire_code = strdup("AccessDenied");
    log_setup(LOG_FORMAT_JSON, LOG_AT_INFO);
    log_err(LOG_AT_WARNING, &err, "role %s", "x");
    line = captured_text();
    assert_non_null(strstr(line, "\"message\":\"role x: access denied\""));
    assert_non_null(strstr(line, "\"mlopsd_request_id\":\"req-1\""));
    assert_non_null(strstr(line, "\"mlopsd_error_code\":\"AccessDenied\""));
    log_err(LOG_AT_WARNING, NULL, "role");
    assert_non_null(strstr(captured_text(), "\"message\":\"role: unknown error\"}"));
}

static void the_journal_gets_fields_when_stderr_leads_there(void **state)
{
    const struct log_field fields[] = {{"MLOPSD_A", "1\n2"}, {"MLOPSD_B", NULL}, {"MLOPSD_C", ""}};

    (void)state;
    claim_journal(0, 0);
    log_setup(LOG_FORMAT_AUTO, LOG_AT_INFO);
    log_event(LOG_AT_ERROR, MESSAGE_ID, "m\nn", fields, ARRAY_SIZE(fields));
    assert_string_equal(captured_text(), "");
    assert_int_equal(journal.count, 5);
    assert_string_equal(journal.items[0], "MESSAGE=m\\nn");
    assert_string_equal(journal.items[1], "PRIORITY=3");
    assert_string_equal(journal.items[2], "MESSAGE_ID=" MESSAGE_ID);
    assert_string_equal(journal.items[3], "MLOPSD_A=1\n2");
    assert_string_equal(journal.items[4], "MLOPSD_C=");
}

static void the_journal_is_not_used_when_stderr_goes_elsewhere(void **state)
{
    static const char *const bad[] = {"", ":", "1", "1:2:3", "x:y", "8:1"};

    (void)state;
    claim_journal(0, 1);
    log_setup(LOG_FORMAT_JOURNAL, LOG_AT_INFO);
    log_info("here");
    assert_string_equal(skip_time(captured_text()), " info here\n");
    claim_journal(1, 0);
    log_setup(LOG_FORMAT_AUTO, LOG_AT_INFO);
    log_info("here");
    assert_string_equal(skip_time(captured_text()), " info here\n");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        setenv("JOURNAL_STREAM", bad[i], 1);
        log_setup(LOG_FORMAT_AUTO, LOG_AT_INFO);
        log_info("here");
        assert_non_null(strstr(captured_text(), "here"));
    }
    assert_int_equal(journal.count, 0);
}

static void formats_asked_for_win_over_the_journal(void **state)
{
    (void)state;
    claim_journal(0, 0);
    log_setup(LOG_FORMAT_JSON, LOG_AT_INFO);
    log_info("m");
    assert_true(str_starts(captured_text(), "{\"time\""));
    log_setup(LOG_FORMAT_TEXT, LOG_AT_INFO);
    log_info("m");
    assert_string_equal(captured_text(), "<6>m\n"); /* the journal reads the level and stamps the time */
    assert_int_equal(journal.count, 0);
}

static void stderr_takes_what_the_journal_refuses(void **state)
{
    (void)state;
    claim_journal(0, 0);
    log_setup(LOG_FORMAT_JOURNAL, LOG_AT_INFO);
    journal_answer = -E2BIG;
    log_warning("m");
    assert_string_equal(captured_text(), "<4>m\n");
}

static void keep_line(void *data, enum log_level level, const char *line)
{
    strv_addf(data, "%d %s", (int)level, line);
}

static void a_sink_gets_the_message_or_the_object(void **state)
{
    struct strv lines CLEANUP_STRV = {0};

    (void)state;
    log_set_sink(keep_line, &lines);
    log_setup(LOG_FORMAT_TEXT, LOG_AT_INFO);
    log_warning("a\nb");
    log_debug("quiet");
    log_setup(LOG_FORMAT_JSON, LOG_AT_INFO);
    log_info("c");
    log_set_sink(NULL, NULL);
    log_info("to stderr");
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.items[0], "4 a\\nb");
    assert_true(str_starts(lines.items[1], "6 {\"time\":"));
    assert_true(str_ends(lines.items[1], "\"message\":\"c\"}"));
    assert_non_null(strstr(captured_text(), "to stderr"));
}

static void names_of_formats_and_levels_are_read(void **state)
{
    static const char *const formats[] = {"auto", "journal", "text", "json"};
    static const char *const levels[] = {"error", "warning", "notice", "info", "debug"};
    enum log_format format = LOG_FORMAT_JSON;
    enum log_level level = LOG_AT_DEBUG;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        assert_int_equal(log_format_parse(formats[i], &format), 0);
        assert_int_equal(format, i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        assert_int_equal(log_level_parse(levels[i], &level), 0);
        assert_int_equal(level, i + LOG_AT_ERROR);
    }
    assert_int_equal(log_format_parse("JSON", &format), -EINVAL);
    assert_int_equal(log_format_parse(NULL, &format), -EINVAL);
    assert_int_equal(log_level_parse("warn", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(level, LOG_AT_DEBUG);
}

#define captured_test(f) cmocka_unit_test_setup_teardown(f, capture_start, capture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        captured_test(text_lines_have_time_level_message),
        captured_test(lines_below_the_level_are_not_shown),
        captured_test(control_characters_are_escaped),
        captured_test(long_messages_are_cut_at_a_character),
        captured_test(json_lines_hold_the_fields),
        captured_test(a_json_line_too_long_loses_its_fields_only),
        captured_test(text_lines_carry_the_message_alone),
        captured_test(errors_show_context_and_request_id),
        captured_test(the_journal_gets_fields_when_stderr_leads_there),
        captured_test(the_journal_is_not_used_when_stderr_goes_elsewhere),
        captured_test(formats_asked_for_win_over_the_journal),
        captured_test(stderr_takes_what_the_journal_refuses),
        captured_test(a_sink_gets_the_message_or_the_object),
        cmocka_unit_test(names_of_formats_and_levels_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
