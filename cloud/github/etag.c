/*
 * etag.c: answers kept with their ETag, so that a 304 can stand for them.
 *
 * Bounded in number and bytes; the one used longest ago goes first. Bodies are
 * kept as text (a tree takes 25 times as much). The owner forgets everything when the token
 * changes: what one token may see says nothing about another.
 */
#include <stdlib.h>
#include <string.h>

#include "cloud/github/github-internal.h"

static void tags_unlink(struct tags *tags, struct tag *tag)
{
    *(tag->prev ? &tag->prev->next : &tags->head) = tag->next;
    *(tag->next ? &tag->next->prev : &tags->tail) = tag->prev;
    tag->prev = tag->next = NULL;
    tags->count--;
    tags->bytes -= tag->size_bytes;
}

static void tags_push(struct tags *tags, struct tag *tag)
{
    tag->next = tags->head;
    *(tags->head ? &tags->head->prev : &tags->tail) = tag;
    tags->head = tag;
    tags->count++;
    tags->bytes += tag->size_bytes;
}

static void tag_free(struct tag *tag)
{
    free(tag->url);
    free(tag->etag);
    free(tag->body);
    free(tag->link);
    free(tag);
}

static struct tag *tags_lookup(struct tags *tags, const char *url)
{
    for (struct tag *tag = tags->head; tag; tag = tag->next) {
        if (strcmp(tag->url, url) == 0)
            return tag;
    }
    return NULL;
}

const struct tag *tags_find(struct tags *tags, const char *url)
{
    struct tag *tag = tags_lookup(tags, url);

    if (tag) {
        tags_unlink(tags, tag);
        tags_push(tags, tag);
    }
    return tag;
}

void tags_forget(struct tags *tags, const char *url)
{
    struct tag *tag = tags_lookup(tags, url);

    if (tag) {
        tags_unlink(tags, tag);
        tag_free(tag);
    }
}

static struct tag *tag_new(const char *url, const char *etag, const char *body, const char *link)
{
    struct tag *tag = calloc(1, sizeof(*tag));

    if (!tag)
        return NULL;
    if (str_set(&tag->url, url) < 0 || str_set(&tag->etag, etag) < 0 || str_set(&tag->body, body) < 0 ||
        str_set(&tag->link, link) < 0) {
        tag_free(tag);
        return NULL;
    }
    tag->size_bytes = sizeof(*tag) + strlen(url) + strlen(etag) + strlen(body) + (link ? strlen(link) : 0);
    return tag;
}

void tags_keep(struct tags *tags, const char *url, const char *etag, const char *body, const char *link)
{
    struct tag *tag;

    tags_forget(tags, url);
    if (strlen(body) > TAG_BYTES_MAX || strlen(etag) > 1024)
        return;
    tag = tag_new(url, etag, body, link);
    if (!tag)
        return;
    tags_push(tags, tag);
    while (tags->count > TAGS_MAX || tags->bytes > TAGS_BYTES_MAX) {
        struct tag *oldest = tags->tail;

        tags_unlink(tags, oldest);
        tag_free(oldest);
    }
}

void tags_done(struct tags *tags)
{
    struct tag *tag;

    while ((tag = tags->head)) {
        tags_unlink(tags, tag);
        tag_free(tag);
    }
}
