/*
 * test_decide.c: every rule of decide.c: situation -> action, reason, hold. Each row changes one plain situation by
 * what it is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "daemon/decide.h"

static struct diff_entry two[2];
static const struct diff same = {0};
static const struct diff changed = {.entries = two, .count = 2};
static const struct diff immutable = {.entries = two, .count = 2, .replace = true};

struct row {
    const char *about;
    struct situation s;
    enum action action;
    enum reason reason;
    enum hold hold;
    bool only_own;
};

/* The beginnings of a situation. */
#define DECLARED .declared = true, .key_known = true
#define KNOWN    DECLARED, .recorded = true
#define THERE    KNOWN, .seen = ITEM_PRESENT
#define GONE     KNOWN, .seen = ITEM_ABSENT, .absent_looks = ABSENT_LOOKS
#define LEFT     .recorded = true, .key_known = true

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct decision got = {.only_own_changes = !rows[i].only_own};

        decide(&rows[i].s, &got);
        if (got.action != rows[i].action || got.reason != rows[i].reason || got.hold != rows[i].hold ||
            got.only_own_changes != rows[i].only_own)
            fail_msg("%s: %s, %s, hold %s%s", rows[i].about, action_name(got.action), reason_text(got.reason),
                     got.hold ? hold_text(got.hold) : "none",
                     got.only_own_changes ? ", only own changes" : "");
    }
}

#define CHECK_ROWS(...)                                                                                      \
    do {                                                                                                     \
        static const struct row rows_[] = {__VA_ARGS__};                                                     \
                                                                                                             \
        (void)state;                                                                                         \
        check_rows(rows_, sizeof(rows_) / sizeof(rows_[0]));                                                 \
    } while (0)

static void what_is_as_wanted_is_left_alone(void **state)
{
    CHECK_ROWS(
        {"no difference", {THERE, .diff = &same}, ACTION_NONE, REASON_IN_ORDER, HOLD_NONE, false},
        {"not comparable", {THERE}, ACTION_NONE, REASON_IN_ORDER, HOLD_NONE, false},
        {"no difference yet: some of it is not known",
         {THERE, .diff = &same, .waiting = true},
         ACTION_NONE,
         REASON_IN_ORDER,
         HOLD_WAITING,
         false},
        {"policy is not asked about nothing",
         {THERE, .diff = &same, .paused = true, .protected_ = true, .approve_update = true, .brake = true},
         ACTION_NONE,
         REASON_IN_ORDER,
         HOLD_NONE,
         false});
}

static void what_is_only_observed_is_told_and_left_alone(void **state)
{
#define SEEN_ONLY .kind_flags = KIND_OBSERVED
    CHECK_ROWS({"new and there",
                {DECLARED, SEEN_ONLY, .seen = ITEM_PRESENT, .diff = &immutable},
                ACTION_ADOPT,
                REASON_WATCHED,
                HOLD_NONE,
                false},
               {"never there",
                {DECLARED, SEEN_ONLY, .seen = ITEM_ABSENT, .absent_looks = ABSENT_LOOKS},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_OBSERVED,
                false},
               {"gone", {GONE, SEEN_ONLY}, ACTION_CREATE, REASON_MISSING, HOLD_OBSERVED, false},
               {"changed",
                {THERE, SEEN_ONLY, .diff = &changed, .drifted = 2},
                ACTION_UPDATE,
                REASON_DRIFT,
                HOLD_OBSERVED,
                false},
               {"never as wanted, and what can not be changed differs",
                {THERE, SEEN_ONLY, .diff = &immutable},
                ACTION_UPDATE,
                REASON_CONFIG,
                HOLD_OBSERVED,
                false},
               {"no longer declared",
                {LEFT, SEEN_ONLY, .seen = ITEM_PRESENT},
                ACTION_FORGET,
                REASON_GONE,
                HOLD_NONE,
                false});
}

static void what_is_not_there_is_made(void **state)
{
    CHECK_ROWS({"new", {DECLARED, .seen = ITEM_ABSENT}, ACTION_CREATE, REASON_NEW, HOLD_NONE, false},
               {"new, found missing once: nothing to doubt",
                {DECLARED, .seen = ITEM_ABSENT, .absent_looks = 1},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_NONE,
                false},
               {"its values are not known yet",
                {DECLARED, .seen = ITEM_ABSENT, .waiting = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_WAITING,
                false},
               {"waiting comes before a pause",
                {DECLARED, .seen = ITEM_ABSENT, .waiting = true, .paused = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_WAITING,
                false},
               {"paused",
                {DECLARED, .seen = ITEM_ABSENT, .paused = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_PAUSED,
                false},
               {"creates want an approval",
                {DECLARED, .seen = ITEM_ABSENT, .approve_create = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_APPROVAL,
                false},
               {"and have it",
                {DECLARED, .seen = ITEM_ABSENT, .approve_create = true, .approved = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_NONE,
                false},
               {"a create loses no data and is not what protect is about",
                {DECLARED, .seen = ITEM_ABSENT, .kind_flags = KIND_HOLDS_DATA, .protected_ = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_NONE,
                false},
               {"on_drift: alert is not about what never was",
                {DECLARED, .seen = ITEM_ABSENT, .on_drift = ON_DRIFT_ALERT},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_NONE,
                false},
               {"nor is the brake",
                {DECLARED, .seen = ITEM_ABSENT, .brake = true},
                ACTION_CREATE,
                REASON_NEW,
                HOLD_NONE,
                false});
}

static void what_vanished_is_believed_slowly(void **state)
{
    CHECK_ROWS({"just made",
                {KNOWN, .seen = ITEM_ABSENT, .in_grace = true, .absent_looks = 5},
                ACTION_NONE,
                REASON_GRACE,
                HOLD_NONE,
                false},
               {"not found once",
                {KNOWN, .seen = ITEM_ABSENT, .absent_looks = 1},
                ACTION_NONE,
                REASON_SUSPECT,
                HOLD_NONE,
                false},
               {"not found twice", {GONE}, ACTION_CREATE, REASON_MISSING, HOLD_NONE, false},
               {"our own store does not err",
                {KNOWN, .seen = ITEM_ABSENT, .absent_looks = 1, .kind_flags = KIND_LOCAL},
                ACTION_CREATE,
                REASON_MISSING,
                HOLD_NONE,
                false},
               {"on_drift: alert",
                {GONE, .on_drift = ON_DRIFT_ALERT},
                ACTION_CREATE,
                REASON_MISSING,
                HOLD_POLICY,
                false},
               {"too many at once", {GONE, .brake = true}, ACTION_CREATE, REASON_MISSING, HOLD_BRAKE, false},
               {"the brake comes before an approval",
                {GONE, .brake = true, .approve_create = true},
                ACTION_CREATE,
                REASON_MISSING,
                HOLD_BRAKE,
                false},
               {"paused", {GONE, .paused = true}, ACTION_CREATE, REASON_MISSING, HOLD_PAUSED, false},
               {"waiting", {GONE, .waiting = true}, ACTION_CREATE, REASON_MISSING, HOLD_WAITING, false},
               {"our own replace was interrupted",
                {GONE, .removing = true},
                ACTION_CREATE,
                REASON_UNFINISHED,
                HOLD_NONE,
                false},
               {"which is no drift",
                {GONE, .removing = true, .on_drift = ON_DRIFT_ALERT, .brake = true},
                ACTION_CREATE,
                REASON_UNFINISHED,
                HOLD_NONE,
                false},
               {"and still wants to be seen twice",
                {KNOWN, .seen = ITEM_ABSENT, .absent_looks = 1, .removing = true},
                ACTION_NONE,
                REASON_SUSPECT,
                HOLD_NONE,
                false});
}

static void what_is_found_is_taken_only_when_it_is_ours(void **state)
{
#define FOUND DECLARED, .seen = ITEM_PRESENT
    CHECK_ROWS(
        {"somebody's", {FOUND, .diff = &same}, ACTION_NONE, REASON_TAKEN, HOLD_TAKEN, false},
        {"marked as ours", {FOUND, .ours_by_tags = true}, ACTION_ADOPT, REASON_FOUND, HOLD_NONE, false},
        {"made by an interrupted action of ours",
         {FOUND, .ours_by_intent = true},
         ACTION_ADOPT,
         REASON_UNFINISHED,
         HOLD_NONE,
         false},
        {"which counts more than tags",
         {FOUND, .ours_by_intent = true, .ours_by_tags = true},
         ACTION_ADOPT,
         REASON_UNFINISHED,
         HOLD_NONE,
         false},
        {"marked as another's", {FOUND, .foreign_tags = true}, ACTION_NONE, REASON_TAKEN, HOLD_TAKEN, false},
        {"even with adopt: true",
         {FOUND, .foreign_tags = true, .adopt = true, .diff = &same},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"even where nothing else is asked",
         {FOUND, .foreign_tags = true, .kind_flags = KIND_ADOPT_ALWAYS},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"a kind that carries no mark",
         {FOUND, .kind_flags = KIND_ADOPT_ALWAYS},
         ACTION_ADOPT,
         REASON_FOUND,
         HOLD_NONE,
         false},
        {"adopt: true",
         {FOUND, .adopt = true, .diff = &changed},
         ACTION_ADOPT,
         REASON_FOUND,
         HOLD_NONE,
         false},
        {"but not what would have to be replaced",
         {FOUND, .adopt = true, .diff = &immutable},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"nor what can not be compared",
         {FOUND, .adopt = true},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"adopt: true waits for the end of a pause",
         {FOUND, .adopt = true, .diff = &same, .paused = true},
         ACTION_ADOPT,
         REASON_FOUND,
         HOLD_PAUSED,
         false},
        {"what is ours is noted all the same",
         {FOUND, .ours_by_tags = true, .paused = true},
         ACTION_ADOPT,
         REASON_FOUND,
         HOLD_NONE,
         false},
        {"so is what a person named by its id",
         {FOUND, .importing = true, .imported = true, .diff = &changed, .paused = true},
         ACTION_ADOPT,
         REASON_IMPORTED,
         HOLD_NONE,
         false},
        {"unless it is another platform's",
         {FOUND, .importing = true, .imported = true, .diff = &changed, .foreign_tags = true},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"or would have to be replaced",
         {FOUND, .importing = true, .imported = true, .diff = &immutable},
         ACTION_NONE,
         REASON_TAKEN,
         HOLD_TAKEN,
         false},
        {"and while one is looked for by its id, no second one is made",
         {DECLARED, .seen = ITEM_ABSENT, .absent_looks = 2, .importing = true},
         ACTION_CREATE,
         REASON_NEW,
         HOLD_IMPORT,
         false});
}

static void differences_are_put_right(void **state)
{
    CHECK_ROWS(
        {"the file changed", {THERE, .diff = &changed}, ACTION_UPDATE, REASON_CONFIG, HOLD_NONE, false},
        {"file and world",
         {THERE, .diff = &changed, .drifted = 1},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"the world changed",
         {THERE, .diff = &changed, .drifted = 2},
         ACTION_UPDATE,
         REASON_DRIFT,
         HOLD_NONE,
         false},
        {"what can not be read back and was not written by us",
         {THERE, .diff = &changed, .drifted = 2, .unconfirmed = true, .vouched = true},
         ACTION_UPDATE,
         REASON_UNPROVED,
         HOLD_NONE,
         false},
        {"what can not be read back and was never in order",
         {THERE, .diff = &changed, .unconfirmed = true},
         ACTION_UPDATE,
         REASON_UNPROVED,
         HOLD_NONE,
         false},
        {"what can not be read back and is wanted otherwise now",
         {THERE, .diff = &changed, .unconfirmed = true, .vouched = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"our own unfinished work",
         {THERE, .diff = &changed, .drifted = 2, .interrupted = true},
         ACTION_UPDATE,
         REASON_UNFINISHED,
         HOLD_NONE,
         false},
        {"an immutable field", {THERE, .diff = &immutable}, ACTION_REPLACE, REASON_CONFIG, HOLD_NONE, false},
        {"an immutable field drifted",
         {THERE, .diff = &immutable, .drifted = 2},
         ACTION_REPLACE,
         REASON_DRIFT,
         HOLD_NONE,
         false},
        {"waiting",
         {THERE, .diff = &changed, .waiting = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_WAITING,
         false},
        {"paused",
         {THERE, .diff = &changed, .paused = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_PAUSED,
         false},
        {"the brake is about what vanished",
         {THERE, .diff = &changed, .drifted = 2, .brake = true},
         ACTION_UPDATE,
         REASON_DRIFT,
         HOLD_NONE,
         false},
        {"in transition",
         {KNOWN, .seen = ITEM_SETTLING, .diff = &changed},
         ACTION_NONE,
         REASON_SETTLING,
         HOLD_NONE,
         false});
}

static void alert_leaves_drift_and_changes_what_the_file_changed(void **state)
{
#define ALERT THERE, .on_drift = ON_DRIFT_ALERT
    CHECK_ROWS(
        {"all of it drift",
         {ALERT, .diff = &changed, .drifted = 2},
         ACTION_UPDATE,
         REASON_DRIFT,
         HOLD_POLICY,
         false},
        {"all of it own", {ALERT, .diff = &changed}, ACTION_UPDATE, REASON_CONFIG, HOLD_NONE, false},
        {"mixed", {ALERT, .diff = &changed, .drifted = 1}, ACTION_UPDATE, REASON_CONFIG, HOLD_NONE, true},
        {"mixed, and updates want an approval",
         {ALERT, .diff = &changed, .drifted = 1, .approve_update = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_APPROVAL,
         true},
        {"a replace can not leave the drift",
         {ALERT, .diff = &immutable, .drifted = 1},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_POLICY,
         false},
        {"a replace without drift",
         {ALERT, .diff = &immutable},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"our own unfinished work is no drift",
         {ALERT, .diff = &changed, .drifted = 2, .interrupted = true},
         ACTION_UPDATE,
         REASON_UNFINISHED,
         HOLD_NONE,
         false});
}

static void people_are_asked_where_they_want_to_be(void **state)
{
    CHECK_ROWS(
        {"updates want an approval",
         {THERE, .diff = &changed, .approve_update = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_APPROVAL,
         false},
        {"other approvals do not matter",
         {THERE, .diff = &changed, .approve_create = true, .approve_replace = true, .approve_delete = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"replaces want an approval",
         {THERE, .diff = &immutable, .approve_replace = true},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_APPROVAL,
         false},
        {"data always does",
         {THERE, .diff = &immutable, .kind_flags = KIND_HOLDS_DATA},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_APPROVAL,
         false},
        {"and goes on with it",
         {THERE, .diff = &immutable, .kind_flags = KIND_HOLDS_DATA, .approved = true},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"an update loses no data",
         {THERE, .diff = &changed, .kind_flags = KIND_HOLDS_DATA},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"protected: never replaced, approved or not",
         {THERE, .diff = &immutable, .protected_ = true, .approved = true},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_PROTECTED,
         false},
        {"protected: updates go on",
         {THERE, .diff = &changed, .protected_ = true},
         ACTION_UPDATE,
         REASON_CONFIG,
         HOLD_NONE,
         false},
        {"a pause comes before an approval",
         {THERE, .diff = &immutable, .approve_replace = true, .paused = true},
         ACTION_REPLACE,
         REASON_CONFIG,
         HOLD_PAUSED,
         false});
}

static void what_left_the_file_is_deleted_or_forgotten(void **state)
{
    CHECK_ROWS(
        {"there", {LEFT, .seen = ITEM_PRESENT}, ACTION_DELETE, REASON_UNDECLARED, HOLD_NONE, false},
        {"protected",
         {LEFT, .seen = ITEM_PRESENT, .protected_ = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_PROTECTED,
         false},
        {"paused",
         {LEFT, .seen = ITEM_PRESENT, .paused = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_PAUSED,
         false},
        {"wants an approval",
         {LEFT, .seen = ITEM_PRESENT, .approve_delete = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_APPROVAL,
         false},
        {"holds data",
         {LEFT, .seen = ITEM_PRESENT, .kind_flags = KIND_HOLDS_DATA},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_APPROVAL,
         false},
        {"holds data, approved",
         {LEFT, .seen = ITEM_PRESENT, .kind_flags = KIND_HOLDS_DATA, .approved = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_NONE,
         false},
        {"not found once",
         {LEFT, .seen = ITEM_ABSENT, .absent_looks = 1},
         ACTION_NONE,
         REASON_SUSPECT,
         HOLD_NONE,
         false},
        {"not found twice",
         {LEFT, .seen = ITEM_ABSENT, .absent_looks = 2},
         ACTION_FORGET,
         REASON_GONE,
         HOLD_NONE,
         false},
        {"in transition", {LEFT, .seen = ITEM_SETTLING}, ACTION_NONE, REASON_SETTLING, HOLD_NONE, false},
        {"unknown", {LEFT, .seen = ITEM_UNKNOWN}, ACTION_NONE, REASON_UNKNOWN, HOLD_NONE, false},
        {"never recorded, not ours: somebody else's",
         {.key_known = true, .seen = ITEM_PRESENT},
         ACTION_FORGET,
         REASON_GONE,
         HOLD_NONE,
         false},
        {"never recorded, ours by its tags",
         {.key_known = true, .seen = ITEM_PRESENT, .ours_by_tags = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_NONE,
         false},
        {"never recorded, of an interrupted create",
         {.key_known = true, .seen = ITEM_PRESENT, .ours_by_intent = true},
         ACTION_DELETE,
         REASON_UNDECLARED,
         HOLD_NONE,
         false},
        {"of a create that may have been done: just now",
         {.key_known = true, .seen = ITEM_ABSENT, .in_grace = true, .absent_looks = 2},
         ACTION_NONE,
         REASON_GRACE,
         HOLD_NONE,
         false},
        {"not found once",
         {.key_known = true, .seen = ITEM_ABSENT, .absent_looks = 1},
         ACTION_NONE,
         REASON_SUSPECT,
         HOLD_NONE,
         false},
        {"not found twice",
         {.key_known = true, .seen = ITEM_ABSENT, .absent_looks = 2},
         ACTION_FORGET,
         REASON_GONE,
         HOLD_NONE,
         false});
}

static void unknown_never_acts(void **state)
{
    CHECK_ROWS(
        {"recorded",
         {KNOWN, .seen = ITEM_UNKNOWN, .diff = &changed},
         ACTION_NONE,
         REASON_UNKNOWN,
         HOLD_NONE,
         false},
        {"not recorded", {DECLARED, .seen = ITEM_UNKNOWN}, ACTION_NONE, REASON_UNKNOWN, HOLD_NONE, false},
        {"not recorded, approved, adopt: true",
         {DECLARED, .seen = ITEM_UNKNOWN, .adopt = true, .approved = true, .ours_by_intent = true},
         ACTION_NONE,
         REASON_UNKNOWN,
         HOLD_NONE,
         false},
        {"its name is not known yet",
         {.declared = true, .waiting = true},
         ACTION_CREATE,
         REASON_NEW,
         HOLD_WAITING,
         false},
        {"its name is not known any more",
         {.declared = true, .recorded = true, .waiting = true},
         ACTION_NONE,
         REASON_WAITING,
         HOLD_WAITING,
         false});
}

/** Nothing that is held, unknown, suspect or somebody else's may ever be acted on: all situations there are. */
static void no_situation_breaks_the_great_rules(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 18; bits++) {
        struct situation s = {
            .declared = bits & 1,
            .recorded = bits >> 1 & 1,
            .waiting = bits >> 2 & 1,
            .key_known = bits >> 3 & 1,
            .seen = (enum item_state)(bits >> 4 & 3),
            .in_grace = bits >> 6 & 1,
            .absent_looks = 1 + (bits >> 7 & 1),
            .ours_by_tags = bits >> 8 & 1,
            .foreign_tags = bits >> 9 & 1,
            .adopt = bits >> 10 & 1,
            .diff = bits >> 11 & 1 ? &immutable : &changed,
            .drifted = bits >> 12 & 1 ? 2 : 0,
            .on_drift = bits >> 13 & 1 ? ON_DRIFT_ALERT : ON_DRIFT_HEAL,
            .protected_ = bits >> 14 & 1,
            .approve_delete = bits >> 15 & 1,
            .paused = bits >> 16 & 1,
            .brake = bits >> 17 & 1,
        };
        struct decision d = {0};
        bool acts, removes;

        decide(&s, &d);
        acts = d.hold == HOLD_NONE && d.action >= ACTION_CREATE && d.action <= ACTION_DELETE;
        removes = acts && (d.action == ACTION_DELETE || d.action == ACTION_REPLACE);
        assert_true(d.action < ACTION_MAX && d.reason < REASON_MAX && d.hold < HOLD_MAX);
        assert_false(acts && (s.seen == ITEM_UNKNOWN || s.seen == ITEM_SETTLING || s.paused));
        assert_false(removes && s.protected_);
        assert_false(removes && s.seen != ITEM_PRESENT);
        assert_false(acts && s.seen == ITEM_PRESENT && !s.recorded && !s.ours_by_tags);
        assert_false(acts && s.declared && s.waiting);
        assert_false(acts && s.seen == ITEM_ABSENT && s.recorded && (s.in_grace || s.absent_looks < 2));
        assert_false(acts && s.declared && s.recorded && s.seen == ITEM_ABSENT &&
                     (s.brake || s.on_drift == ON_DRIFT_ALERT));
        assert_false(d.action == ACTION_DELETE && s.declared);
        assert_false(d.action == ACTION_ADOPT && s.foreign_tags && !s.ours_by_tags);
    }
}

/* ---- what is drift ---- */

static const struct field size_row = {.name = "size"}, colour_row = {.name = "colour"},
                          shape_row = {.name = "shape"};

static size_t drifted(const char *desired, const char *applied, bool unknown, bool is_drift[3])
{
    struct diff_entry entries[] = {
        {.top = &size_row}, {.top = &colour_row}, {.top = &shape_row, .unknown_after = unknown}};
    struct diff diff = {.entries = entries, .count = 3};
    struct json_object *want = NULL, *had = NULL;
    size_t count;

    assert_int_equal(js_parse_text(desired, &want, NULL), 0);
    if (applied)
        assert_int_equal(js_parse_text(applied, &had, NULL), 0);
    memset(is_drift, 1, 3); /* every element is written */
    count = decide_drifted(&diff, want, had, is_drift);
    json_object_put(want);
    json_object_put(had);
    return count;
}

static void drift_is_what_was_in_order_before(void **state)
{
    const char *desired = "{\"size\":1,\"colour\":\"red\",\"shape\":\"round\"}";
    bool is_drift[3];

    (void)state;
    assert_int_equal(drifted(desired, desired, false, is_drift), 3);
    assert_true(is_drift[0] && is_drift[1] && is_drift[2]);
    assert_int_equal(
        drifted(desired, "{\"size\":1,\"colour\":\"blue\",\"shape\":\"round\"}", false, is_drift), 2);
    assert_true(is_drift[0] && !is_drift[1] && is_drift[2]);
    assert_int_equal(drifted(desired, "{\"colour\":\"red\"}", false, is_drift), 1);
    assert_true(!is_drift[0] && is_drift[1] && !is_drift[2]);
}

static void nothing_is_drift_before_it_was_in_order_once(void **state)
{
    bool is_drift[3];

    (void)state;
    assert_int_equal(drifted("{\"size\":1}", NULL, false, is_drift), 0);
    assert_true(!is_drift[0] && !is_drift[1] && !is_drift[2]);
}

static void what_is_not_known_yet_is_no_drift(void **state)
{
    const char *desired = "{\"size\":1,\"colour\":\"red\",\"shape\":{\"unknown\":\"x.y.z\"}}";
    bool is_drift[3];

    (void)state;
    assert_int_equal(drifted(desired, desired, true, is_drift), 2);
    assert_false(is_drift[2]);
}

static void what_nobody_declares_can_drift_too(void **state)
{
    bool is_drift[3];

    (void)state;
    /* an extra in an exclusive field that was never declared: absent before, absent now */
    assert_int_equal(drifted("{}", "{}", false, is_drift), 3);
    /* no longer declared: our own change */
    assert_int_equal(drifted("{}", "{\"size\":1}", false, is_drift), 2);
    assert_false(is_drift[0]);
}

static void everything_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < ACTION_MAX; i++)
        assert_true(strlen(action_name((enum action)i)) > 2);
    for (int i = 0; i < REASON_MAX; i++)
        assert_true(strlen(reason_text((enum reason)i)) > 5);
    assert_null(hold_text(HOLD_NONE));
    for (int i = HOLD_NONE + 1; i < HOLD_MAX; i++)
        assert_true(strlen(hold_text((enum hold)i)) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_wanted_is_left_alone),
        cmocka_unit_test(what_is_only_observed_is_told_and_left_alone),
        cmocka_unit_test(what_is_not_there_is_made),
        cmocka_unit_test(what_vanished_is_believed_slowly),
        cmocka_unit_test(what_is_found_is_taken_only_when_it_is_ours),
        cmocka_unit_test(differences_are_put_right),
        cmocka_unit_test(alert_leaves_drift_and_changes_what_the_file_changed),
        cmocka_unit_test(people_are_asked_where_they_want_to_be),
        cmocka_unit_test(what_left_the_file_is_deleted_or_forgotten),
        cmocka_unit_test(unknown_never_acts),
        cmocka_unit_test(no_situation_breaks_the_great_rules),
        cmocka_unit_test(drift_is_what_was_in_order_before),
        cmocka_unit_test(nothing_is_drift_before_it_was_in_order_once),
        cmocka_unit_test(what_is_not_known_yet_is_no_drift),
        cmocka_unit_test(what_nobody_declares_can_drift_too),
        cmocka_unit_test(everything_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
