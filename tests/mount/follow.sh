#!/bin/bash
# SPDX-License-Identifier: MIT
# Reading a stream: each commit's rows as they come, from any mount.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start two
mnt_start
run 'mkdir t u'
add t "$R1"
export D=$T_DIR
follow() { # NAME MOUNT: a reader in the background, into $D/NAME; sets pid
    perl -e 'open F, "<", shift or die; open M, ">", shift; close M; $| = 1;
        print while sysread F, $_, 65536' "$T_DIR/$2/tables/t/stream" "$D/$1.open" >"$D/$1" &
    pid=$!
    wait_until "reader $1 has begun" test -e "$D/$1.open"
}
has() { [ "$(cat "$D/$1")" = "$2" ]; } # NAME ROWS

follow a mnt
a=$pid
follow b two
b=$pid
is 'old rows are not in it' '' "$(cat "$D/a")"
add t "$R2"
wait_until 'a row comes' has a "$R2"
wait_until 'on another mount, too' has b "$R2"
(T=$T_DIR/two/tables add t "$R3" "$R1")
wait_until 'both ways' has a "$R2"$'\n'"$R3"$'\n'"$R1"
run 'grep -v 3 t/rows | cat > t/rows; mkdir ../tx/x; echo "$R2" >> ../tx/x/tables/t/rows; echo "$R1" >> ../tx/x/tables/u/rows'
expected=$(printf '%s\n' "$R2" "$R3" "$R1" '{"$op":"delete","row":{"n":1}}' '{"$op":"delete","row":{"n":2}}' '{"$op":"delete","row":{"n":3}}' '{"$op":"delete","row":{"n":1}}' "$R1" "$R2" "$R1")
wait_until 'rows that go are told, then those that come' has b "$expected"
sleep 0.1
is 'what is not committed does not come' "$expected" "$(cat "$D/a")"
echo 1 >"$MNT/tx/x/commit"
wait_until 'until it is' has a "$expected"$'\n'"$R2"
is 'each once, in one order' "$(cat "$D/a")" "$(wait_until 'b has it' has b "$expected"$'\n'"$R2"; cat "$D/b")"

mkdir -p "$D/m" && ln -s "$T" "$D/m/1" && ln -s "$T_DIR/two/tables" "$D/m/2"
seq 400 | xargs -P 8 -I{} sh -c 'echo "{\"i\":{}}" >> "$1/$(({} % 2 + 1))/t/rows"' sh "$D/m"
all() { [ "$(grep -c '"i"' "$D/$1")" = 400 ]; }
wait_until 'four hundred commits over two mounts all come' all a
wait_until 'to every reader' all b
is 'each once' 400 "$(grep '"i"' "$D/a" | sort -u | wc -l)"
is 'in the order of the table' "$(grep '"i"' "$T/t/rows" | cksum)" "$(grep '"i"' "$D/a" | cksum)"
same 'the same to both' "$D/a" "$D/b"

fat_rows 4000 | cat >>"$T/t/rows"
fat() { [ "$(grep -c '"pad"' "$D/a")" = 4000 ]; }
wait_until 'a large commit comes whole' fat

# --- waiting

is 'a reader that will not wait is told to' 'EAGAIN' "$(perl -MFcntl -e 'sysopen F, shift, O_RDONLY | O_NONBLOCK; defined sysread(F, $_, 9) or print $!{EAGAIN} ? "EAGAIN" : $!' "$T/t/stream")"
is 'poll tells when there is something' 'no yes {"n":1}' "$(perl -MIO::Poll -e 'open F, "<", $ARGV[0]; $p = IO::Poll->new; $p->mask(*F => POLLIN);
    print $p->poll(0.2) ? "yes" : "no"; system q(echo "$R1" >> "$T/t/rows"); print $p->poll(5) ? " yes " : " no "; sysread F, $_, 99; chomp; print' "$T/t/stream")"
is 'a reader can be interrupted' 143 "$(
    cat "$T/t/stream" >/dev/null &
    sleep 0.2
    kill $!
    wait $!
    echo $?
)"
is 'so does an edge-triggered epoll, each time' 'yes yes yes' "$(perl -e '
    use Fcntl;
    sysopen F, $ARGV[0], O_RDONLY | O_NONBLOCK or die;
    my ($create, $ctl, $wait) = (291, 233, 232); # x86_64
    my $ep = syscall($create, 0); my $event = pack "LLL", 0x80000001, 7, 0;
    syscall($ctl, $ep, 1, fileno(F), $event) == 0 or die;
    for (1 .. 3) {
        system q(sleep 0.05; echo "$R1" >> "$T/t/rows");
        my $got = pack "LLL", 0, 0, 0;
        push @out, syscall($wait, $ep, $got, 1, 5000) == 1 ? "yes" : "no";
        1 while sysread F, $_, 4096;
    }
    print "@out"' "$T/t/stream")"
many_rounds() { # of opening, reading a little and closing, while somebody writes
    local i pids=()
    for i in 1 2 3; do
        perl -e 'for (1 .. 700) { open F, "<", $ARGV[0] or die $!; sysread F, $_, 8 or die $!; close F }' "$MNT/at/2/tables/t/stream" &
        pids+=($!)
    done
    for i in $(seq 30); do add t "$R2"; done
    wait "${pids[@]}" && mnt_pid
}
ok 'readers come and go without harm' many_rounds
is 'and head says nothing but the first line' "$R1" "$(head -n 1 "$MNT/at/1/tables/t/stream" 2>&1)"
switches() { cat /proc/"$(mnt_pid)"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
before=$(switches)
sleep 1
after=$(switches)
ok 'a reader that waits costs nothing' [ $((after - before)) -lt 40 ]
is 'a shell reads it row by row' "$R1" "$(
    run 'while read -r row; do echo "$row"; break; done < t/stream' &
    sleep 0.3
    add t "$R1"
    wait
)"

# --- where to go on

version=$(commits)
add t '{"after":1}'
add t '{"after":2}'
timeout 2 cat "$MNT/at/$version/tables/t/stream" >"$D/resumed"
is 'the past has a stream that begins there' '{"after":1} {"after":2}' "$(paste -sd' ' "$D/resumed")"
is 'from the table'"'"'s making on' "$R1" "$(timeout 2 cat "$MNT/at/1/tables/t/stream" | head -n 1)"
is 'it cannot be written' 'open=EROFS' "$(sys open a "$MNT/at/1/tables/t/stream")"
is 'nor can any be read in a transaction, or read and written' 'open=EACCES open=EACCES' "$(mkdir "$MNT/tx/y"; sys open r "$MNT/tx/y/tables/t/stream" open rw "$T/t/stream")"

# --- the end

kill "$a" "$b" 2>/dev/null
wait "$a" "$b" 2>/dev/null
timeout 20 cat "$T/u/stream" >"$D/u" &
sleep 0.3
add u "$R3"
run 'rm -r u'
ok 'a dropped table is the end' wait $!
is 'of all that was in it' "$R3 {\"\$op\":\"delete\",\"row\":$R1} {\"\$op\":\"delete\",\"row\":$R3}" "$(paste -sd' ' "$D/u")"
timeout 20 cat "$T/t/stream" >"$D/last" &
last=$!
sleep 0.3
kill -TERM "$(mnt_pid)"
ok 'so is the end of the daemon' wait $last
done_testing
