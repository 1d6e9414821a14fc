# SPDX-License-Identifier: MIT
# reader.pl FILE BATCH STOP: reads FILE again and again until STOP exists, and
# checks that each pass is a version: as long as fstat says, without a NUL, of
# whole lines, of whole commits of BATCH lines, and an extension of the last pass.
# Prints the number of passes, or what is wrong and exits 1.
use strict;
use warnings;

my ($path, $batch, $stop) = @ARGV;
my ($passes, $before, $last) = (0, '', 0);

while (!$last) {
    $last = -e $stop;
    open my $file, '<:raw', $path or wrong("open: $!");
    my $size = -s $file;
    my $text = '';
    while (my $got = sysread $file, $text, 65536, length $text) { }
    wrong("size $size, read " . length $text) if length $text != $size;
    wrong('a NUL') if $text =~ /\0/;
    wrong('a torn last line') if $text ne '' && $text !~ /\n\z/;
    my $lines = ($text =~ tr/\n//);
    wrong("$lines lines: half a commit") if $lines % $batch;
    wrong('what was there has changed') if substr($text, 0, length $before) ne $before;
    $before = $text;
    $passes++;
}
print "$passes\n";

sub wrong {
    print "pass $passes: @_\n";
    exit 1;
}
