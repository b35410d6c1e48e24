/*
 * ini.c: the dialect of INI that the AWS configuration files are written in.
 *
 * Comments are whole lines; a line indented deeper than a key with an empty
 * value belongs to that key ("s3 =", then "  endpoint_url = ..."); a line
 * indented under a key that has a value continues it, which no setting we
 * read makes use of: it is joined with a line break, as others do.
 */
#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/aws/profile.h"
#include "common/str.h"

#define SECTIONS_MAX 2000
#define SETTINGS_MAX 200 /* in one section */

struct scan {
    struct aws_ini *ini;
    struct aws_section *section;
    struct aws_setting *setting; /* the key that indented lines belong to, NULL after a section's head */
    size_t indent;               /* of that key */
    size_t line;
    struct err *err;
};

static int bad_line(const struct scan *scan, const char *what)
{
    return err_set(scan->err, -EINVAL, ERR_INVALID, "line %zu: %s", scan->line, what);
}

static char *copy_trimmed(const char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)*text)) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return strndup(text, size);
}

static void wipe_free(char *text)
{
    if (text)
        sodium_memzero(text, strlen(text));
    free(text);
}

static struct aws_section *section_find(const struct aws_ini *ini, const char *name)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->sections[i].name, name) == 0)
            return &ini->sections[i];
    }
    return NULL;
}

/* [name], [profile name], [profile "my name"]. */
static char *section_name(const char *text, size_t size)
{
    char *name = copy_trimmed(text, size);
    char *out = name;

    for (const char *c = name; c && *c; c++) {
        if (*c != '"' && *c != '\'')
            *out++ = *c == '\t' ? ' ' : *c;
    }
    if (name)
        *out = '\0';
    return name;
}

static int section_begin(struct scan *scan, const char *text, size_t size)
{
    const char *end = memchr(text, ']', size);
    struct aws_section *more;
    char *name;

    if (!end || end == text + 1)
        return bad_line(scan, "a section's name ends with ]");
    name = section_name(text + 1, (size_t)(end - text - 1));
    if (!name)
        return err_no_memory(scan->err);
    scan->setting = NULL;
    scan->section = section_find(scan->ini, name);
    if (scan->section) {
        free(name);
        return 0;
    }
    more = scan->ini->count < SECTIONS_MAX
               ? reallocarray(scan->ini->sections, scan->ini->count + 1, sizeof *more)
               : NULL;
    if (!more) {
        free(name);
        return scan->ini->count < SECTIONS_MAX ? err_no_memory(scan->err)
                                               : bad_line(scan, "too many sections");
    }
    scan->ini->sections = more;
    scan->section = &more[scan->ini->count++];
    *scan->section = (struct aws_section){.name = name};
    return 0;
}

static struct aws_setting *setting_find(const struct aws_section *section, const char *key)
{
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->settings[i].key, key) == 0)
            return &section->settings[i];
    }
    return NULL;
}

/* Takes both texts. The table is copied by hand: realloc would leave nothing secret behind, as it holds pointers. */
static int setting_put(struct scan *scan, char *take_key, char *take_value, struct aws_setting **ret)
{
    struct aws_setting *setting = setting_find(scan->section, take_key);
    struct aws_setting *more;

    if (setting) {
        free(take_key);
        wipe_free(setting->value);
        setting->value = take_value;
        *ret = setting;
        return 0;
    }
    if (scan->section->count >= SETTINGS_MAX) {
        free(take_key);
        wipe_free(take_value);
        return bad_line(scan, "too many settings in one section");
    }
    more = reallocarray(scan->section->settings, scan->section->count + 1, sizeof *more);
    if (!more) {
        free(take_key);
        wipe_free(take_value);
        return err_no_memory(scan->err);
    }
    scan->section->settings = more;
    more[scan->section->count] = (struct aws_setting){.key = take_key, .value = take_value};
    *ret = &more[scan->section->count++];
    return 0;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* "key = value" at @text; @parent: the key it is nested under, or NULL. */
static int pair_add(struct scan *scan, const char *parent, const char *text, size_t size,
                    struct aws_setting **ret)
{
    size_t split = 0;
    char *plain;
    char *value;
    char *key;

    while (split < size && text[split] != '=' && text[split] != ':')
        split++;
    if (split == size || split == 0)
        return bad_line(scan, "neither a section nor \"key = value\"");
    plain = copy_trimmed(text, split);
    key = plain && parent ? str_format("%s.%s", parent, plain) : plain;
    value = copy_trimmed(text + split + 1, size - split - 1);
    if (key != plain)
        free(plain);
    if (!key || !value) {
        free(key);
        wipe_free(value);
        return err_no_memory(scan->err);
    }
    lower(key);
    return setting_put(scan, key, value, ret);
}

static int value_continue(struct scan *scan, const char *text, size_t size)
{
    char *longer = str_format("%s\n%.*s", scan->setting->value, (int)size, text);

    if (!longer)
        return err_no_memory(scan->err);
    wipe_free(scan->setting->value);
    scan->setting->value = longer;
    return 0;
}

static int indented(struct scan *scan, const char *text, size_t size)
{
    struct aws_setting *nested;
    char *parent;
    int r;

    if (*scan->setting->value)
        return value_continue(scan, text, size);
    parent = str_format("%s", scan->setting->key);
    if (!parent)
        return err_no_memory(scan->err);
    r = pair_add(scan, parent, text, size, &nested);
    /* The table may have moved: find the parent again. */
    scan->setting = setting_find(scan->section, parent);
    free(parent);
    return r;
}

static int line_read(struct scan *scan, const char *text, size_t size)
{
    size_t indent = 0;

    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    while (indent < size && isspace((unsigned char)text[indent]))
        indent++;
    if (indent == size || text[indent] == '#' || text[indent] == ';')
        return 0;
    text += indent;
    size -= indent;
    if (scan->setting && indent > scan->indent)
        return indented(scan, text, size);
    if (*text == '[')
        return section_begin(scan, text, size);
    if (!scan->section)
        return bad_line(scan, "a setting before the first section");
    scan->indent = indent;
    return pair_add(scan, NULL, text, size, &scan->setting);
}

int aws_ini_parse(const char *text, size_t size_bytes, struct aws_ini *ret, struct err *err)
{
    struct aws_ini made = {0};
    struct scan scan = {.ini = &made, .err = err};
    int r = 0;

    if (size_bytes > AWS_FILE_MAX)
        return err_set(err, -EMSGSIZE, ERR_LIMIT, "longer than %u bytes", AWS_FILE_MAX);
    if (memchr(text, '\0', size_bytes))
        return err_set(err, -EINVAL, ERR_INVALID, "not a text file");
    while (r == 0 && size_bytes > 0) {
        const char *end = memchr(text, '\n', size_bytes);
        size_t size = end ? (size_t)(end - text) : size_bytes;

        scan.line++;
        r = line_read(&scan, text, size);
        size += end != NULL;
        text += size;
        size_bytes -= size;
    }
    if (r < 0) {
        aws_ini_done(&made);
        return r;
    }
    *ret = made;
    return 0;
}

const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *key)
{
    const struct aws_section *found = section_find(ini, section);
    const struct aws_setting *setting = found ? setting_find(found, key) : NULL;

    return setting ? setting->value : NULL;
}

bool aws_ini_has(const struct aws_ini *ini, const char *section)
{
    return section_find(ini, section) != NULL;
}

void aws_ini_done(struct aws_ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        struct aws_section *section = &ini->sections[i];

        for (size_t j = 0; j < section->count; j++) {
            free(section->settings[j].key);
            wipe_free(section->settings[j].value);
        }
        free(section->settings);
        free(section->name);
    }
    free(ini->sections);
    *ini = (struct aws_ini){0};
}
