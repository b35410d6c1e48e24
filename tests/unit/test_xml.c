/*
 * test_xml.c: XML answers to a tree, and what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/str.h"
#include "common/xml.h"

static struct xml *parse(const char *text)
{
    struct err err CLEANUP_ERR = {0};
    struct xml *tree = NULL;

    if (xml_parse(text, strlen(text), &tree, &err) < 0)
        fail_msg("%s: %s", text, err_text(&err));
    return tree;
}

static void assert_refused_bytes(const char *text, size_t size, int code, enum err_class class,
                                 const char *why)
{
    struct xml *untouched = (void *)0x1, *tree = untouched;
    struct err err CLEANUP_ERR = {0};

    if (xml_parse(text, size, &tree, &err) != code)
        fail_msg("%.200s: %s", text, err_text(&err));
    assert_ptr_equal(tree, untouched);
    assert_int_equal(err.code, code);
    assert_int_equal(err.class, class);
    if (!strstr(err.text, why))
        fail_msg("%.200s: expected \"%s\", got \"%s\"", text, why, err.text);
}

static void assert_refused(const char *text, const char *why)
{
    assert_refused_bytes(text, strlen(text), -EBADMSG, ERR_BUG, why);
}

static const char sample[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListRolesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\" a='dropped'>\n"
    "  <ListRolesResult><!-- remark -->\n"
    "    <Roles>\n"
    "      <member><RoleName>one</RoleName><Path>/</Path><Description/></member>\n"
    "      <member><RoleName>two &amp; &lt;3&gt;</RoleName><x:Path xmlns:x='u'>/a/</x:Path></member>\n"
    "    </Roles>\n"
    "    <IsTruncated>false</IsTruncated>\n"
    "  </ListRolesResult>\n"
    "</ListRolesResponse>\n";

static size_t count_children(const struct xml *node)
{
    size_t count = 0;

    xml_each (node, child)
        count++;
    return count;
}

static void answers_become_a_tree(void **state)
{
    struct xml *tree CLEANUP_XML = parse(sample);
    const struct xml *roles = xml_get(tree, "ListRolesResult.Roles");

    (void)state;
    assert_string_equal(tree->name, "ListRolesResponse");
    assert_string_equal(tree->text, "");
    assert_int_equal(count_children(roles), 2);
    assert_string_equal(roles->children->next->name, "member");
    assert_string_equal(xml_text(roles->children->next, "RoleName"), "two & <3>");
    assert_string_equal(xml_text(roles->children->next, "Path"), "/a/");
    assert_string_equal(xml_text(roles->children, "Description"), "");
    assert_string_equal(xml_text(tree, "ListRolesResult.Roles.member.RoleName"), "one");
    assert_string_equal(xml_text(tree, "ListRolesResult.IsTruncated"), "false");
}

static void missing_steps_are_null(void **state)
{
    struct xml *tree CLEANUP_XML = parse("<a><b><c>x</c></b></a>");

    (void)state;
    assert_ptr_equal(xml_get(tree, ""), tree);
    assert_null(xml_get(tree, "a"));
    assert_null(xml_get(tree, "b.x"));
    assert_null(xml_get(tree, "b."));
    assert_null(xml_get(tree, ".b"));
    assert_null(xml_get(tree, "b.c.d"));
    assert_null(xml_get(NULL, "b"));
    assert_null(xml_text(tree, "x"));
    assert_null(xml_child(tree, "bb"));
    assert_null(xml_child(NULL, "b"));
    assert_string_equal(xml_child(xml_child(tree, "b"), "c")->text, "x");
    assert_null(xml_free(NULL));
}

static void text_is_kept_in_leaves_only(void **state)
{
    struct xml *tree CLEANUP_XML = parse(
        "<a> before <b> in <![CDATA[<&]]>\n&#xe4;\xe2\x82\xac </b> after </a>");

    (void)state;
    assert_string_equal(tree->text, "");
    assert_string_equal(xml_text(tree, "b"), " in <&\n\xc3\xa4\xe2\x82\xac ");
}

static void text_beside_children_is_layout(void **state)
{
    struct xml *tree CLEANUP_XML = parse("<a>before<b>x<!-- <y> --><![CDATA[<z>]]></b>between<c/>after</a>");

    (void)state;
    assert_int_equal(count_children(tree), 2);
    assert_string_equal(tree->text, "");
    assert_string_equal(xml_text(tree, "b"), "x<z>");
    assert_string_equal(xml_text(tree, "c"), "");
}

static void a_doctype_is_refused(void **state)
{
    (void)state;
    assert_refused("<!DOCTYPE a><a/>", "it has a DOCTYPE");
    assert_refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "it has a DOCTYPE");
    assert_refused("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
                   "it has a DOCTYPE");
    assert_refused("<!DOCTYPE a [<!ENTITY x \"0123456789\"><!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;&y;</a>",
                   "line 1, column 13: it has a DOCTYPE");
    assert_refused("<a>&x;</a>", "undefined entity");
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    assert_refused("", "no element");
    assert_refused("   ", "no element");
    assert_refused("text", "line 1, column 1");
    assert_refused("<a>", "no element");
    assert_refused("<a><b></a>", "mismatched tag");
    assert_refused("<a/><b/>", "junk after document element");
    assert_refused("<a/>text", "line 1, column 5");
    assert_refused("<a>\n  &#0;</a>", "line 2");
    assert_refused("<a>\x01</a>", "line 1, column 4");
    assert_refused("<a>\xff</a>", "line 1, column 4");
    assert_refused("<a x='1' x='2'/>", "duplicate attribute");
    assert_refused_bytes("<a>\0</a>", 8, -EBADMSG, ERR_BUG, "NUL byte");
    assert_refused_bytes("\xff\xfe<\0a\0/\0>\0", 10, -EBADMSG, ERR_BUG, "NUL byte");
    assert_refused_bytes("<\0a\0/\0>\0", 8, -EBADMSG, ERR_BUG, "NUL byte");
}

static void cut_text_is_refused(void **state)
{
    size_t whole = strlen(sample) - 1;

    (void)state;
    for (size_t size = 0; size < whole; size++)
        assert_refused_bytes(sample, size, -EBADMSG, ERR_BUG, "not readable as XML: line ");
}

static void add_nested(struct buf *text, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_add_text(text, "<a>");
    for (int i = 0; i < depth; i++)
        buf_add_text(text, "</a>");
}

static void depth_ends_at_64(void **state)
{
    struct buf text CLEANUP_BUF = BUF_INIT(1 << 20);
    struct xml *tree CLEANUP_XML = NULL;
    const struct xml *node;
    int depth = 0;

    (void)state;
    add_nested(&text, 64);
    tree = parse(buf_text(&text));
    for (node = tree; node; node = xml_child(node, "a"))
        depth++;
    assert_int_equal(depth, 64);
    buf_reset(&text);
    add_nested(&text, 65);
    assert_refused_bytes(text.data, text.size, -EMSGSIZE, ERR_LIMIT, "column 193: nested too deeply");
    buf_reset(&text);
    add_nested(&text, 50000);
    assert_refused_bytes(text.data, text.size, -EMSGSIZE, ERR_LIMIT, "nested too deeply");
}

static void elements_end_at_two_hundred_thousand(void **state)
{
    struct buf text CLEANUP_BUF = BUF_INIT(4 << 20);
    struct xml *tree CLEANUP_XML = NULL;

    (void)state;
    buf_add_text(&text, "<r>");
    for (int i = 0; i < 199999; i++)
        buf_add_text(&text, "<a/>");
    buf_add_text(&text, "</r>");
    tree = parse(buf_text(&text));
    assert_int_equal(count_children(tree), 199999);
    text.size -= 4;
    buf_add_text(&text, "<a/></r>");
    assert_refused_bytes(text.data, text.size, -EMSGSIZE, ERR_LIMIT, "too many elements");
}

static void parse_works_without_an_err(void **state)
{
    struct xml *tree = NULL;

    (void)state;
    assert_int_equal(xml_parse("<a>", 3, &tree, NULL), -EBADMSG);
    assert_null(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_become_a_tree),
        cmocka_unit_test(missing_steps_are_null),
        cmocka_unit_test(text_is_kept_in_leaves_only),
        cmocka_unit_test(text_beside_children_is_layout),
        cmocka_unit_test(a_doctype_is_refused),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(cut_text_is_refused),
        cmocka_unit_test(depth_ends_at_64),
        cmocka_unit_test(elements_end_at_two_hundred_thousand),
        cmocka_unit_test(parse_works_without_an_err),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
