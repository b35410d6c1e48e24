/*
 * fuzz_js.c: JSON from outside never does harm, and what is taken survives a
 * round trip: canonical text reads back as an equal value with equal text.
 */
#include <string.h>

#include "common/js.h"
#include "common/utf8.h"
#include "fuzz_main.h"

static void check_round_trip(struct json_object *object)
{
    struct json_object *again CLEANUP_JS = NULL, *copy CLEANUP_JS = js_copy(object);
    char *text CLEANUP_FREE = js_canonical(object), *text_again CLEANUP_FREE = NULL;

    FUZZ_CHECK(text);
    FUZZ_CHECK(utf8_valid(text, strlen(text), NULL));
    FUZZ_CHECK(js_parse_text(text, &again, NULL) == 0);
    FUZZ_CHECK(js_equal(object, again) && js_equal(again, object));
    FUZZ_CHECK(js_equal(object, copy));
    text_again = js_canonical(again);
    FUZZ_CHECK(text_again && strcmp(text, text_again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_object *object CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};

    if (js_parse((const char *)data, size, &object, &err) < 0) {
        FUZZ_CHECK(err.code < 0 && err.text);
        return 0;
    }
    FUZZ_CHECK(err.code == 0);
    check_round_trip(object);
    return 0;
}
