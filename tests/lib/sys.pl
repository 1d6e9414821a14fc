# SPDX-License-Identifier: MIT
# sys.pl OP ARG... OP ARG...: makes system calls and prints what each returned,
# for example "open=ok write=EINVAL close=EINVAL". A shell cannot show an errno.
#
#   open MODE PATH   r, w (create, truncate), a (create, append), x (create,
#                    exclusive), wo (write only, no flag), rw
#   write TEXT, at OFFSET TEXT, cut SIZE, fsync, close, size, read
#                    on the file that was opened last; \n in TEXT is a newline
#   mkdir rmdir unlink stat mkfifo PATH;  rename link symlink A B
#   chmod OCTAL PATH;  chown UID GID PATH;  resize SIZE PATH
#   mark PATH        creates an empty file, to tell another process
#   await PATH       waits until the file exists, for 20 s at most
#   exit STATUS, kill SIGNAL   ends this process, with the file still open
use strict;
use warnings;
use Errno ();
use Fcntl;
use POSIX ();

my %modes = (
    r  => O_RDONLY,
    w  => O_WRONLY | O_CREAT | O_TRUNC,
    a  => O_WRONLY | O_CREAT | O_APPEND,
    x  => O_WRONLY | O_CREAT | O_EXCL,
    wo => O_WRONLY,
    rw => O_RDWR,
);
my ($fd, $first, @kept);

sub outcome {
    return shift() ? 'ok' : (sort grep { $!{$_} } keys %!)[0];
}

sub unescaped {
    my ($text) = @_;
    $text =~ s/\\n/\n/g;
    return $text;
}

sub whole_write {
    my ($text) = @_;
    my $done = POSIX::write($fd, $text, length $text);
    return defined $done && $done == length $text;
}

sub handle {    # of fd, without a second descriptor
    open my $handle, '+<&=', $fd // -1 or die "no file is open\n";
    push @kept, $handle;
    return $handle;
}

sub read_all {
    my ($total, $buffer) = (0);
    while ((my $got = POSIX::read($fd, $buffer, 65536) // 0) > 0) { $total += $got }
    return $total;
}

my %ops = (
    open => sub {
        $fd = POSIX::open($_[1], $modes{$_[0]}, 0666);
        return outcome(defined $fd);
    },
    write => sub { outcome(whole_write(unescaped($_[0]))) },
    at => sub { POSIX::lseek($fd, $_[0], 0); outcome(whole_write(unescaped($_[1]))) },
    cut => sub { outcome(truncate(handle(), $_[0])) },
    fsync => sub { require IO::Handle; outcome(handle()->sync) },
    close => sub { outcome(POSIX::close($fd)) },
    size => sub { (stat handle())[7] },
    read => sub { read_all() },
    mkdir => sub { outcome(mkdir $_[0]) },
    rmdir => sub { outcome(rmdir $_[0]) },
    unlink => sub { outcome(unlink $_[0]) },
    stat => sub { outcome(scalar lstat $_[0]) },
    mkfifo => sub { outcome(POSIX::mkfifo($_[0], 0666)) },
    rename => sub { outcome(rename $_[0], $_[1]) },
    link => sub { outcome(link $_[0], $_[1]) },
    symlink => sub { outcome(symlink $_[0], $_[1]) },
    chmod => sub { outcome(chmod oct $_[0], $_[1]) },
    chown => sub { outcome(chown $_[0], $_[1], $_[2]) },
    resize => sub { outcome(truncate $_[1], $_[0]) },
    mark => sub { open my $f, '>', $_[0] or die "$_[0]: $!"; 'ok' },
    await => sub {
        for (1 .. 1000) { return 'ok' if -e $_[0]; select undef, undef, undef, 0.02 }
        'timeout';
    },
    exit => sub { POSIX::_exit($_[0]) },
    kill => sub { kill $_[0], $$ },
);
my %arguments = (
    (map { $_ => 0 } qw(fsync close size read)),
    (map { $_ => 2 } qw(open at rename link symlink chmod resize)),
    chown => 3,
);

$| = 1;
while (defined(my $op = shift)) {
    my $code = $ops{$op} or die "sys.pl: no such operation: $op\n";
    my @args = splice @ARGV, 0, $arguments{$op} // 1;
    my $result = $code->(@args);
    print $first++ ? ' ' : '', "$op=$result";
}
print "\n";
POSIX::_exit(0);    # perl would close the file first
