/*
 * fuzz_aws_ini.c: no configuration file does harm; what is taken has sections
 * with names and settings that can be found again, and a refusal names a line
 * but nothing of the file. Command lines of credential_process likewise.
 */
#include <ctype.h>
#include <string.h>

#include "cloud/aws/credentials.h"
#include "cloud/aws/profile.h"
#include "fuzz_main.h"

static void check_section(const struct aws_ini *ini, const struct aws_section *section)
{
    FUZZ_CHECK(aws_ini_has(ini, section->name));
    for (size_t i = 0; i < section->count; i++) {
        const struct aws_setting *setting = &section->settings[i];

        FUZZ_CHECK(setting->key && setting->value);
        FUZZ_CHECK(aws_ini_get(ini, section->name, setting->key) == setting->value);
        for (const char *c = setting->key; *c; c++)
            FUZZ_CHECK(!isupper((unsigned char)*c));
    }
}

static void check_split(const char *text, size_t size)
{
    char *line CLEANUP_FREE = strndup(text, size);
    struct strv words CLEANUP_STRV = {0};

    if (line && aws_process_split(line, &words) == 0)
        FUZZ_CHECK(words.count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aws_ini ini = {0};
    struct err err CLEANUP_ERR = {0};
    int r = aws_ini_parse((const char *)data, size, &ini, &err);

    FUZZ_CHECK((r == 0) == (err.code == 0));
    FUZZ_CHECK(r == 0 || ini.count == 0);
    FUZZ_CHECK(r == 0 || strlen(err.text) < 100);
    for (size_t i = 0; i < ini.count; i++)
        check_section(&ini, &ini.sections[i]);
    aws_ini_done(&ini);
    check_split((const char *)data, size);
    return 0;
}
