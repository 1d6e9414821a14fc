/* SPDX-License-Identifier: MIT */
/* What core promises in core/snapshot.h, one fact a test. */
#include <stdio.h>

#include "core/history.h"
#include "tests/lib/check.h"
#include "tests/lib/handmade.h"

/* --- what records do -------------------------------------------------------------- */

static void a_table_is_found_by_its_name_and_by_its_uuid(void **state)
{
    struct table *table;

    (void)state;
    handmade_table(1, "t");
    handmade_table(2, "a");
    table = snapshot_table_named(head, "t");
    assert_non_null(table);
    assert_ptr_equal(snapshot_table(head, handmade_uuid(1)), table);
    assert_int_equal(table->version, 1);
    assert_int_equal(table->created_version, 1);
    assert_int_equal(table->time_usec, HANDMADE_TIME + 10);
    assert_null(snapshot_table_named(head, "T"));
    assert_null(snapshot_table(head, handmade_uuid(3)));
    assert_int_equal(head->version, 2);
    assert_int_equal(head->time_usec, HANDMADE_TIME + 20);
    assert_int_equal(head->named_usec, HANDMADE_TIME + 20);
    assert_int_equal(head->position.seq, 2);
    assert_true(hash_equal(head->position.hash, (struct hash){.high = 3}));
}

static void a_commit_of_rows_is_the_version_and_time_of_its_table_only(void **state)
{
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_table(2, "u");
    handmade_begin(&s, head);
    handmade_append(&s, 2, 0, 5);
    handmade_apply(&s);
    assert_int_equal(snapshot_table_named(head, "t")->version, 1);
    assert_int_equal(snapshot_table_named(head, "u")->version, 3);
    assert_int_equal(snapshot_table_named(head, "u")->time_usec, HANDMADE_TIME + 30);
    assert_int_equal(snapshot_table_named(head, "u")->named_usec, HANDMADE_TIME + 20);
    assert_int_equal(head->named_usec, HANDMADE_TIME + 20);
}

static void actions_of_a_commit_apply_in_order(void **state)
{
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_DROP, 1, "t");
    handmade_add(&s, ACTION_CREATE, 2, "t");
    handmade_append(&s, 2, 0, 7);
    handmade_add(&s, ACTION_RENAME, 2, "u");
    handmade_apply(&s);
    assert_null(snapshot_table_named(head, "t"));
    assert_null(snapshot_table(head, handmade_uuid(1)));
    assert_int_equal(table_bytes(snapshot_table_named(head, "u")), 7);
    assert_ptr_equal(snapshot_table(head, handmade_uuid(2)), snapshot_table_named(head, "u"));
}

static void rows_come_and_go(void **state)
{
    struct handmade s;
    struct action *action;

    (void)state;
    handmade_table(1, "t");
    handmade_begin(&s, head);
    handmade_append(&s, 1, 0, 10);
    handmade_apply(&s);
    handmade_begin(&s, head);
    action = handmade_add(&s, ACTION_DELETE, 1, "t");
    s.extents[0] = (struct extent_ref){.object = {.inlined = true, .seq = 2},
                                       .offset = 3,
                                       .bytes = 2,
                                       .first_row = 3,
                                       .rows = 2,
                                       .row = 3};
    action->extents = s.extents;
    action->extent_count = 1;
    handmade_apply(&s);
    assert_int_equal(table_rows(snapshot_table_named(head, "t")), 8);
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CLEAR, 1, "t");
    handmade_append(&s, 1, 0, 1);
    handmade_apply(&s);
    assert_int_equal(table_rows(snapshot_table_named(head, "t")), 1);
}

static void an_object_is_known_from_its_record_on(void **state)
{
    struct uuid object = handmade_uuid(50);
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    for (int i = 0; i < 2; i++) {
        handmade_begin(&s, head);
        if (i == 0)
            handmade_object(&s, 50);
        handmade_append(&s, 1, 0, 100);
        s.extents[0].object = (struct object_id){.uuid = object};
        s.extents[0].rows = 10;
        handmade_apply(&s);
    }
    assert_int_equal(table_bytes(snapshot_table_named(head, "t")), 200);
    assert_non_null(ptree_find(&object_class, head->objects, &object));
}

static void an_old_snapshot_is_not_changed_by_records(void **state)
{
    struct snapshot *old;
    struct table *table;
    struct handmade s;

    (void)state;
    handmade_table(1, "t");
    handmade_table(2, "same");
    handmade_begin(&s, head);
    handmade_append(&s, 1, 0, 4);
    handmade_apply(&s);
    old = snapshot_ref(head);
    table = snapshot_table_named(old, "t");
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CLEAR, 1, "t");
    handmade_add(&s, ACTION_RENAME, 1, "new");
    handmade_apply(&s);
    handmade_table(3, "t");
    assert_ptr_equal(snapshot_table_named(old, "t"), table);
    assert_int_equal(table_rows(table), 4);
    assert_int_equal(ptree_count(old->by_name), 2);
    assert_int_equal(old->version, 3);
    /* What did not change is shared, not copied. */
    assert_ptr_equal(snapshot_table_named(old, "same"), snapshot_table_named(head, "same"));
    snapshot_unref(old);
}

static void an_unknown_write_feature_is_never_forgotten(void **state)
{
    struct handmade s;

    (void)state;
    handmade_begin(&s, head);
    s.record.read_only = true;
    handmade_add(&s, ACTION_CREATE, 1, "t");
    handmade_apply(&s);
    assert_true(head->read_only);
    handmade_table(2, "u");
    assert_true(head->read_only);
}

/* --- drafts ------------------------------------------------------------------------------ */

/* Applies the member's first `count` actions; whether it ends there is the test's. */
static int begin_commit(struct draft *draft, const struct handmade *s, size_t count,
                        struct err *err)
{
    int r = draft_begin_commit(draft, &s->member, err);

    for (size_t i = 0; i < count && !r; i++)
        r = draft_apply_action(draft, &s->member, &s->actions[i], err);
    return r;
}

static void a_commit_is_applied_whole_or_not_at_all(void **state)
{
    struct err err = ERR_INIT;
    struct draft draft;
    struct handmade s;

    (void)state;
    assert_int_equal(draft_begin(head, &draft), 0);
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, 1, "t");
    handmade_add(&s, ACTION_DROP, 2, "u");
    assert_fails(begin_commit(&draft, &s, 2, &err), -ENOENT, &err);
    draft_undo_commit(&draft);
    draft_undo_commit(&draft);
    assert_null(snapshot_table_named(draft.next, "t"));
    assert_int_equal(draft.next->version, 0);
    assert_int_equal(ptree_sum(draft.next->history, HISTORY_BYTES), 0);
    s.member.action_count = 1;
    assert_ok(begin_commit(&draft, &s, 1, &err), &err);
    assert_non_null(snapshot_table_named(draft.pending, "t"));
    assert_null(snapshot_table_named(draft.next, "t"));
    assert_ok(draft_end_commit(&draft, &s.member, "h", &err), &err);
    assert_non_null(snapshot_table_named(draft.next, "t"));
    assert_int_equal(draft.next->version, 1);
    draft_abandon(&draft);
    draft_abandon(&draft);
    assert_int_equal(head->version, 0);
}

static void a_draft_can_be_abandoned_in_the_middle_of_a_commit(void **state)
{
    struct draft draft;
    struct handmade s;

    (void)state;
    assert_int_equal(draft_begin(head, &draft), 0);
    handmade_begin(&s, head);
    handmade_add(&s, ACTION_CREATE, 1, "t");
    assert_int_equal(begin_commit(&draft, &s, 1, NULL), 0);
    draft_abandon(&draft);
    assert_int_equal(head->refs, 1);
}

static void the_size_of_the_history_is_that_of_its_lines(void **state)
{
    struct buf lines = {0};
    struct handmade s;

    (void)state;
    for (uint8_t i = 0; i < 100; i++) {
        char name[8];

        snprintf(name, sizeof name, "t%d", i);
        handmade_begin(&s, head);
        handmade_add(&s, ACTION_CREATE, i, name);
        assert_int_equal(history_print(&s.member, "h", &lines), 0);
        handmade_apply(&s);
        assert_int_equal(ptree_sum(head->history, HISTORY_BYTES), lines.bytes);
    }
    buf_finish(&lines);
}

#define test(name) cmocka_unit_test_setup_teardown(name, handmade_setup, handmade_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_table_is_found_by_its_name_and_by_its_uuid),
        test(a_commit_of_rows_is_the_version_and_time_of_its_table_only),
        test(actions_of_a_commit_apply_in_order),
        test(rows_come_and_go),
        test(an_object_is_known_from_its_record_on),
        test(an_old_snapshot_is_not_changed_by_records),
        test(an_unknown_write_feature_is_never_forgotten),
        test(a_commit_is_applied_whole_or_not_at_all),
        test(a_draft_can_be_abandoned_in_the_middle_of_a_commit),
        test(the_size_of_the_history_is_that_of_its_lines),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
