/*
 * link.c: the URLs that GitHub hands us: the next page of a list (Link, RFC
 * 8288) and the target of a redirect (Location). Both come from outside and
 * decide where a token is sent, so everything odd is refused. Pure functions.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cloud/github/github-internal.h"

/* Where a URL leads: the parts that two requests must share to be on one host. */
struct origin {
    const char *host;
    size_t host_size;
    bool tls;
    unsigned port;
    const char *rest; /* path, query: what follows the authority */
};

static int parse_port(const char *text, size_t size, unsigned *ret)
{
    unsigned port = 0;

    if (size == 0 || size > 5)
        return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -EBADMSG;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > 65535)
        return -EBADMSG;
    *ret = port;
    return 0;
}

/* Names, IPv4 and bracketed IPv6: nothing that could hide a user or another host. */
static bool is_host(const char *text, size_t size)
{
    bool brackets = size > 2 && text[0] == '[' && text[size - 1] == ']';

    if (size == 0)
        return false;
    for (size_t i = brackets ? 1 : 0; i < size - (brackets ? 1 : 0); i++) {
        unsigned char c = (unsigned char)text[i];

        if (brackets ? !(isxdigit(c) || c == ':' || c == '.') : !(isalnum(c) || strchr("-._", c)))
            return false;
    }
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || strchr("\"<>\\^`{|}", *text))
            return false;
    }
    return true;
}

static int parse_origin(const char *url, struct origin *ret)
{
    struct origin o = {0};
    const char *authority, *colon;
    size_t size;

    if (strlen(url) > GITHUB_URL_MAX || !is_printable(url))
        return -EBADMSG;
    if (strncasecmp(url, "https://", 8) == 0)
        o.tls = true;
    else if (strncasecmp(url, "http://", 7) != 0)
        return -EBADMSG;
    authority = url + (o.tls ? 8 : 7);
    size = strcspn(authority, "/?#");
    o.rest = authority + size;
    o.host = authority;
    colon = memrchr(authority, ':', size);
    if (colon && !memchr(colon, ']', size - (size_t)(colon - authority))) {
        if (parse_port(colon + 1, size - (size_t)(colon - authority) - 1, &o.port) < 0)
            return -EBADMSG;
        size = (size_t)(colon - authority);
    }
    o.host_size = size;
    if (o.port == 0)
        o.port = o.tls ? 443 : 80;
    if (!is_host(o.host, o.host_size))
        return -EBADMSG;
    *ret = o;
    return 0;
}

bool url_same_host(const char *a, const char *b)
{
    struct origin x, y;

    if (parse_origin(a, &x) < 0 || parse_origin(b, &y) < 0)
        return false;
    return x.tls == y.tls && x.port == y.port && x.host_size == y.host_size &&
           strncasecmp(x.host, y.host, x.host_size) == 0;
}

bool url_is_base(const char *url)
{
    struct origin o;

    return parse_origin(url, &o) == 0 && !strpbrk(o.rest, "?#");
}

int url_resolve(const char *base, const char *location, char **ret)
{
    struct origin o;
    char *url;

    if (location[0] == '/' && location[1] != '/') {
        if (parse_origin(base, &o) < 0)
            return -EBADMSG;
        url = str_format("%.*s%s", (int)(o.rest - base), base, location);
    } else {
        url = strdup(location);
    }
    if (!url)
        return -ENOMEM;
    if (parse_origin(url, &o) < 0 || strchr(o.rest, '#')) {
        free(url);
        return -EBADMSG;
    }
    *ret = url;
    return 0;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* Is "next" one of the words in rel="first next"? */
static bool has_word_next(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t start, length;

        while (i < size && text[i] == ' ')
            i++;
        start = i;
        while (i < size && text[i] != ' ')
            i++;
        length = i - start;
        if (length == 4 && strncasecmp(text + start, "next", 4) == 0)
            return true;
    }
    return false;
}

/* One ;NAME=VALUE of a link, *at behind the semicolon. */
static int parse_parameter(const char **at, bool *is_next)
{
    const char *name = skip_space(*at);
    size_t name_size = strcspn(name, "=;, \t");
    const char *value = skip_space(name + name_size);
    size_t size;

    *at = value;
    if (*value != '=')
        return name_size ? 0 : -EBADMSG;
    value = skip_space(value + 1);
    if (*value == '"') {
        value++;
        size = strcspn(value, "\"\\"); /* no escapes: GitHub sends none */
        if (value[size] != '"')
            return -EBADMSG;
        *at = value + size + 1;
    } else {
        size = strcspn(value, ";, \t");
        *at = value + size;
    }
    if (name_size == 3 && strncasecmp(name, "rel", 3) == 0 && has_word_next(value, size))
        *is_next = true;
    return 0;
}

/* One <URL>; ... with *at at its '<'; *at ends behind it. */
static int parse_link(const char **at, const char **ret_url, size_t *ret_size, bool *is_next)
{
    const char *close;

    if (**at != '<')
        return -EBADMSG;
    close = strchr(*at, '>');
    if (!close)
        return -EBADMSG;
    *ret_url = *at + 1;
    *ret_size = (size_t)(close - *ret_url);
    *is_next = false;
    *at = skip_space(close + 1);
    while (**at == ';') {
        ++*at;
        if (parse_parameter(at, is_next) < 0)
            return -EBADMSG;
        *at = skip_space(*at);
    }
    return **at == ',' || **at == '\0' ? 0 : -EBADMSG;
}

int link_next(const char *header, char **ret)
{
    const char *at = header, *url = NULL;
    size_t size = 0;

    for (;;) {
        bool is_next;

        at += strspn(at, " \t,");
        if (!*at) {
            *ret = NULL;
            return 0;
        }
        if (parse_link(&at, &url, &size, &is_next) < 0)
            return -EBADMSG;
        if (is_next)
            break;
    }
    *ret = strndup(url, size);
    return *ret ? 0 : -ENOMEM;
}
