/*
 * cidr.c: networks as text: EC2 clears the host bits of what it is given and has one spelling for each
 * network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

/** An address of either family with its prefix. */
struct cidr {
    int family;
    unsigned char bytes[16];
    size_t size; /* of the address: 4 or 16 */
    unsigned prefix;
};

static bool cidr_parse(const char *text, struct cidr *ret)
{
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN] = "";
    long long prefix;

    if (!slash || (size_t)(slash - text) >= sizeof(address))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    ret->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    ret->size = ret->family == AF_INET6 ? 16 : 4;
    if (inet_pton(ret->family, address, ret->bytes) != 1)
        return false;
    if (strspn(slash + 1, "0123456789") != strlen(slash + 1) ||
        str_to_int64(slash + 1, 0, (long long)ret->size * 8, &prefix) < 0)
        return false;
    ret->prefix = (unsigned)prefix;
    return true;
}

static void clear_host_bits(struct cidr *cidr)
{
    for (size_t i = 0; i < cidr->size; i++) {
        unsigned kept = cidr->prefix > i * 8 ? cidr->prefix - (unsigned)(i * 8) : 0;

        if (kept < 8)
            cidr->bytes[i] &= (unsigned char)(0xff00u >> kept);
    }
}

char *cidr_canonical(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct cidr cidr;

    if (!cidr_parse(text, &cidr))
        return NULL;
    clear_host_bits(&cidr);
    if (!inet_ntop(cidr.family, cidr.bytes, address, sizeof(address)))
        return NULL;
    return str_format("%s/%u", address, cidr.prefix);
}

bool cidr4_accepts(const char *text)
{
    struct cidr cidr;

    return has_reference(text) || (cidr_parse(text, &cidr) && cidr.family == AF_INET);
}

bool cidr6_accepts(const char *text)
{
    struct cidr cidr;

    return has_reference(text) || (cidr_parse(text, &cidr) && cidr.family == AF_INET6);
}

bool cidr_lies_in(const char *inner, const char *outer)
{
    struct cidr a, b;

    if (!cidr_parse(inner, &a) || !cidr_parse(outer, &b))
        return true;
    if (a.family != b.family || a.prefix < b.prefix)
        return false;
    a.prefix = b.prefix;
    clear_host_bits(&a);
    clear_host_bits(&b);
    return memcmp(a.bytes, b.bytes, a.size) == 0;
}

void cidr_normalise(struct json_object *document, const char *name)
{
    const char *text = js_text(document, name);
    char *canonical CLEANUP_FREE = text ? cidr_canonical(text) : NULL;

    if (canonical && !str_equal(canonical, text))
        (void)js_set_text(document, name, canonical); /* without memory: a difference, not a crash */
}
