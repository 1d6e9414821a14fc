/* SPDX-License-Identifier: MIT */
/*
 * The checker: is there any execution under the isolation that rowfs promises in
 * which every client sees what this history says that it saw?
 *
 * What rowfs promises. A transaction reads one snapshot, plus its own writes.
 * The snapshot holds exactly the transactions that had committed when it began,
 * among them all that had been acknowledged by then: *strong* snapshot isolation
 * (Daudjee and Salem, VLDB 2006). Of two that replace the same row and overlap,
 * one commits. Appends conflict with nothing. A serializable transaction that
 * writes commits only if what it has read is unchanged. A transaction is seen
 * whole or not at all, and forever; an aborted one never.
 *
 * The model. Each transaction has a begin b, each committed one a commit c.
 * "Before" is what these edges say, and nothing else (events.h):
 *
 *     own    b(T) -> c(T)
 *     ww     c(T) -> c(U)   U wrote the version of a key that follows T's
 *     wr     c(T) -> b(U)   U read T's version: T had committed when U began
 *     rw     b(T) -> c(U)   T did not read U's version, the next one: U had not
 *     rw     c(T) -> c(U)   the same where T is serializable and wrote something
 *     time   c(T) -> b(U)   T was acknowledged before U asked to begin; likewise
 *                           between each two events of which it is known
 *     version               the version numbers that the store gave, if known
 *
 * The checker is sound and complete for this: if "before" has a cycle, no
 * execution explains the history. If it has none, every way to put the events
 * into a line is one: the transactions whose commit stands left of b(T) are
 * exactly what T read, because the order of each key's versions is known (the
 * lists were read in the end; the registers name what they replaced), so the
 * edges to T's last seen and first unseen version decide it for all others.
 *
 * What that leaves possible in snapshot mode. A cycle cannot use rw right after
 * ww or rw, since those arrive at a commit and rw leaves from the begin. Cycles
 * with two adjacent rw are write skew, which snapshot isolation has by definition
 * (Berenson et al., SIGMOD 1995; Fekete et al., TODS 2005). Cycles with rw after
 * ww are there because appends do not conflict: with blind appends to lists
 * rowfs's snapshot mode is "prefix consistency", snapshot isolation without its
 * axiom NoConflict (Cerone, Bernardi and Gotsman, CONCUR 2015; Cerone and
 * Gotsman, "Analysing Snapshot Isolation", J. ACM 2018, for the rule about
 * adjacent edges). So two transactions that read list k and append to it both
 * commit. NoConflict is tested with registers: a replace has read what it
 * replaces, so there each ww comes with a wr, and the versions of a register
 * form one line exactly if no two that overlap both replaced a row.
 *
 * What is reported, by Adya's names where he has one (Adya, Liskov and O'Neil,
 * "Generalized Isolation Level Definitions", ICDE 2000):
 *
 *     unknown value         a row that nobody wrote
 *     duplicate value       a row twice, or two rows of a register
 *     incompatible order    two reads of a list, neither the beginning of the
 *                           other; or a transaction's own appends out of order
 *     internal              a read without what the transaction itself wrote
 *     non-repeatable read   two reads of one transaction from different snapshots
 *     aborted read, G1a     a value of one that never committed: aborted, killed
 *                           before it asked, or not in the log
 *     intermediate, G1b     a read that ends inside of what one transaction wrote
 *     dirty read            a value of one that had not yet asked to commit
 *     lost write            acknowledged (or read, or in the log), and not there
 *     partial commit        one without an answer, of which a part is there
 *     lost update           two that replaced the same row (Berenson's P4)
 *     dirty write, G0       a cycle of ww: two commits mixed with each other
 *     circular, G1c         a cycle of ww and wr
 *     fractured read        one transaction seen in one table and not in another
 *                           (Bailis et al., "RAMP", SIGMOD 2014): wr, rw
 *     read skew, G-single   another cycle with one rw: no single snapshot
 *     long fork             a cycle with several rw, none after another: two
 *                           snapshots that have each a commit that the other
 *                           lacks (Sovran et al., SOSP 2011)
 *     stale read            a snapshot without a commit that was acknowledged
 *                           before: one rw, and time
 *     real-time order       another cycle with time
 *     version order         a cycle with the store's own numbers
 *     wrong log             acknowledged and not in the log, or the reverse
 *   and of serializable transactions
 *     write skew, G2        two that missed each other's write
 *     dependency cycle, G2  any other cycle of commits
 *
 * The cycles are searched kind by kind in strong components, as in Elle (Kingsbury
 * and Alvaro, VLDB 2020). Two events for each transaction instead of one, where
 * Elle looks for patterns of edges, make every forbidden pattern a plain cycle.
 *
 * The reads of transactions that aborted or have no answer count as well: what
 * rowfs shows is a snapshot before it is known how the transaction ends (opacity:
 * Guerraoui and Kapalka, PPoPP 2008).
 *
 * A transaction without an answer has committed if the log says so; if the log
 * was not asked, if anything of it is in the final state. Then all must be.
 */
#ifndef ROWFS_TESTS_HISTORY_CHECK_H
#define ROWFS_TESTS_HISTORY_CHECK_H

#include "tests/history/history.h"
#include "tests/history/report.h"

struct check_rules {
    /*
     * A commit that is not acknowledged yet may be seen on one mount, while a
     * snapshot that is taken later on another mount lacks it: a begin need not
     * know what a begin on another mount knew, only what was acknowledged.
     */
    bool mounts_may_lag;
    /*
     * Edges that the search for a short cycle of each kind may look at; past them
     * it is only said that there is one. 0: enough for a second or two.
     */
    size_t budget;
    /*
     * A bank: the registers are accounts, and every snapshot of all of them adds
     * up to this; each transfer, too, adds up to nothing; the last balance of
     * each account is the first one and all its committed transfers. 0: no bank.
     */
    int64_t total;
    /*
     * The registers are people, 1 is on call: in no snapshot of all of them is
     * nobody. That is a rule of serializable transactions only: in snapshot mode
     * leave it out, and ask check_nobody_on_call how often it was broken.
     */
    bool on_call;
};

/*
 * Adds to `report` whatever is wrong. 0 also if there is something. Errors:
 * -EINVAL, the history is not one that can be checked (versions_init).
 */
int check_history(const struct history *history, const struct check_rules *rules,
                  struct report *report, struct err *err);

/* How many transactions read all registers and found nobody on call. */
size_t check_nobody_on_call(const struct history *history);

#endif
