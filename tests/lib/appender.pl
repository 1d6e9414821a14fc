# SPDX-License-Identifier: MIT
# appender.pl FILE NAME COUNT: appends COUNT rows {"w":NAME,"n":1...}, each with
# an open, a write and a close of its own, and prints the n of each row that was
# acknowledged. Exits 1 at the first failure.
use strict;
use warnings;
use Fcntl;
use POSIX ();

my ($path, $name, $count) = @ARGV;
for my $n (1 .. $count) {
    my $row = qq({"w":"$name","n":$n}\n);
    my $fd = POSIX::open($path, O_WRONLY | O_APPEND) // fail($n, 'open');
    my $done = POSIX::write($fd, $row, length $row);
    fail($n, 'write') if !defined $done || $done != length $row;
    POSIX::close($fd) // fail($n, 'close');
    syswrite STDOUT, "$n\n" or exit 2;
}

sub fail {
    my ($n, $call) = @_;
    print STDERR "$name: row $n: $call: $!\n";
    POSIX::_exit(1);
}
