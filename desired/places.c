/*
 * places.c: where each field stood, by dotted path, so that whatever is found wrong later
 * can point at its line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desired/desired-internal.h"

int place_list_add(struct place_list *list, const char *path, struct place place)
{
    struct field_place *items;

    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;

        items = reallocarray(list->items, capacity, sizeof(*items));
        if (!items)
            return -ENOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count].path = strdup(path);
    if (!list->items[list->count].path)
        return -ENOMEM;
    list->items[list->count++].place = place;
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct field_place *left = a, *right = b;

    return strcmp(left->path, right->path);
}

void place_list_sort(struct place_list *list)
{
    struct field_place *fitted;

    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof(*list->items), compare_places);
    fitted = reallocarray(list->items, list->count, sizeof(*fitted));
    if (fitted) {
        list->items = fitted;
        list->capacity = list->count;
    }
}

void place_list_done(struct place_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    memset(list, 0, sizeof(*list));
}

/* Compare the first @length bytes of a path with a known one, as strcmp() would. */
static int compare_prefix(const char *path, size_t length, const char *known)
{
    int r = strncmp(path, known, length);

    if (r != 0)
        return r;
    return known[length] == '\0' ? 0 : -1;
}

static const struct field_place *find_exact(const struct field_place *places, size_t count, const char *path,
                                            size_t length)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int r = compare_prefix(path, length, places[middle].path);

        if (r == 0)
            return &places[middle];
        if (r < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The length of @path without its last step: "a.b[\"k\"].c" → "a.b[\"k\"]" → "a.b" → "a" → nothing. */
static size_t without_last_step(const char *path, size_t length)
{
    while (length > 0) {
        length--;
        if (path[length] == '.' || path[length] == '[')
            return length;
    }
    return 0;
}

struct place place_find(const struct field_place *places, size_t count, const char *path,
                        struct place otherwise)
{
    size_t length = path ? strlen(path) : 0;

    while (length > 0) {
        const struct field_place *found = find_exact(places, count, path, length);

        if (found)
            return found->place;
        length = without_last_step(path, length);
    }
    return otherwise;
}

struct place graph_place(const struct desired_resource *resource, const char *path)
{
    return place_find(resource->places, resource->places_count, path, resource->place);
}
