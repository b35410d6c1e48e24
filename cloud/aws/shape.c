/*
 * shape.c: see shape.h. The texts are our own tables, so they are trusted.
 */
#include <assert.h>
#include <string.h>

#include "cloud/aws/shape.h"

/* Split "Name=wire:l(item)" of @size bytes. */
static void field_parse(const char *text, size_t size, struct aws_field *ret)
{
    const char *end = text + size;
    const char *colon = memchr(text, ':', size);
    const char *names_end = colon ? colon : end;
    const char *equals = memchr(text, '=', (size_t)(names_end - text));

    *ret = (struct aws_field){.name = text, .type = 't'};
    ret->name_size = (size_t)((equals ? equals : names_end) - text);
    ret->wire = equals ? equals + 1 : text;
    ret->wire_size = equals ? (size_t)(names_end - ret->wire) : ret->name_size;
    if (!colon)
        return;
    assert(colon + 1 < end);
    ret->type = colon[1];
    if (colon + 2 < end) {
        assert(colon[2] == '(' && end[-1] == ')');
        ret->item = colon + 3;
        ret->item_size = (size_t)(end - 1 - ret->item);
    }
}

bool aws_shape_next(const char **position, struct aws_field *ret)
{
    const char *text = *position;
    size_t size;

    if (!text)
        return false;
    text += strspn(text, " ");
    size = strcspn(text, " ");
    if (size == 0) {
        *position = NULL;
        return false;
    }
    field_parse(text, size, ret);
    *position = text + size;
    return true;
}

bool aws_shape_by_name(const char *shape, const char *name, struct aws_field *ret)
{
    size_t size = strlen(name);
    struct aws_field field;

    while (aws_shape_next(&shape, &field)) {
        if (field.name_size == size && memcmp(field.name, name, size) == 0) {
            *ret = field;
            return true;
        }
    }
    return false;
}

static size_t slot_of(const char *wire, size_t size)
{
    size_t hash = 0;

    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + (unsigned char)wire[i];
    return hash % AWS_SHAPE_SLOTS;
}

static size_t slot_after(size_t slot)
{
    return (slot + 1) % AWS_SHAPE_SLOTS;
}

void aws_shape_index(const char *shape, struct aws_shape_index *ret)
{
    struct aws_field field;
    size_t count = 0;

    *ret = (struct aws_shape_index){0};
    while (aws_shape_next(&shape, &field)) {
        size_t slot = slot_of(field.wire, field.wire_size);

        count++;
        assert(count < AWS_SHAPE_SLOTS);
        while (ret->slots[slot].name)
            slot = slot_after(slot);
        ret->slots[slot] = field;
    }
}

const struct aws_field *aws_shape_by_wire(const struct aws_shape_index *index, const char *wire)
{
    size_t size = strlen(wire);

    for (size_t slot = slot_of(wire, size); index->slots[slot].name; slot = slot_after(slot)) {
        const struct aws_field *field = &index->slots[slot];

        if (field->wire_size == size && memcmp(field->wire, wire, size) == 0)
            return field;
    }
    return NULL;
}

const char *aws_field_name(const struct aws_field *field, char space[AWS_NAME_MAX])
{
    assert(field->name_size < AWS_NAME_MAX);
    memcpy(space, field->name, field->name_size);
    space[field->name_size] = '\0';
    return space;
}

bool aws_names_next(const char **position, char *name, size_t size)
{
    const char *text = *position;
    size_t length;

    if (!text)
        return false;
    text += strspn(text, " ");
    length = strcspn(text, " ");
    if (length == 0) {
        *position = NULL;
        return false;
    }
    assert(length < size);
    memcpy(name, text, length);
    name[length] = '\0';
    *position = text + length;
    return true;
}
