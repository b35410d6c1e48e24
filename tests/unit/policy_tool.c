/*
 * policy_tool.c: policy_equal() for check_policy.py. Each line of the input is a JSON
 * array of two policies; each line of the output is "equal", "different" or "error".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/diff.h"

static const char *compare(const char *line, size_t length)
{
    struct json_object *pair CLEANUP_JS = NULL;
    bool equal;

    if (js_parse(line, length, &pair, NULL) < 0 || js_count(pair, NULL) != 2)
        return "error";
    if (policy_equal(js_at(pair, 0), js_at(pair, 1), &equal, NULL) < 0)
        return "error";
    return equal ? "equal" : "different";
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while ((length = getline(&line, &size, stdin)) > 0)
        puts(compare(line, (size_t)length));
    free(line);
    return 0;
}
