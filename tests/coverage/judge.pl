#!/usr/bin/perl
# judge.pl COVERAGE.JSON (gcovr's): one line per folder and one for all. Fails, with the lines that are to blame, where a folder of
# %least is below its share. Lines in tests/coverage/justified.txt don't count against it, nor do their branches:
# FILE <tab> FUNCTION <tab> the line, or * for a function of which no line is reached <tab> why no test can reach it. One that is
# reached, or not there, is an error.
use strict;
use warnings;
use JSON::PP ();

my %least = map { $_ => { lines => 95, branches => 90 } } qw(policy attest base);
my $justified_file = 'tests/coverage/justified.txt';

sub content_of {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$in>;
}

# The text of each line, and the function that it stands in: the last name before a "{" in the first column, from that name on.
sub source_lines {
	my ($file) = @_;
	my ($candidate, $head, $function, @lines) = ('', 0, '');
	for (split /\n/, content_of($file)) {
		($candidate, $head) = ($1, scalar @lines) if /^\w.*?(\w+)\(/;
		if (/^\{/) {
			$function = $candidate;
			$_->{function} = $function for @lines[$head .. $#lines];
		}
		(my $text = $_) =~ s/^\s+|\s+$//g;
		push @lines, { text => $text, function => $function };
		$function = '' if /^\}/;
	}
	return \@lines;
}

sub percent {
	my ($count) = @_;
	return $count->{all} ? 100 * ($count->{all} - $count->{missed}) / $count->{all} : 100;
}

sub summary {
	my ($name, $of) = @_;
	return sprintf("%-9s lines %5.1f %% (%d of %d missed)   branches %5.1f %% (%d of %d missed)%s\n", $name,
		map({ (percent($of->{$_}), $of->{$_}{missed}, $of->{$_}{all}) } qw(lines branches)),
		$of->{justified} ? "   $of->{justified} lines justified" : '');
}

my ($report) = @ARGV;
my $coverage = JSON::PP::decode_json(content_of($report));
my %justified;
for (grep { !/^(#|$)/ } split /\n/, content_of($justified_file)) {
	my ($file, $function, $line, $why) = split /\t/;
	die "$justified_file: not four fields: $_\n" unless $why;
	$justified{"$file\t$function\t$line"} = 0;
}

my (%folders, %blame, %reached);
for my $file (sort { $a->{file} cmp $b->{file} } @{ $coverage->{files} }) {
	my ($folder) = $file->{file} =~ m{^(\w+)/};
	my $source = source_lines($file->{file});
	for my $line (@{ $file->{lines} }) {
		next if $line->{'gcovr/noncode'};
		my @branches = @{ $line->{branches} || [] };
		my $missed = grep { !$_->{count} } @branches;
		my $at = $source->[$line->{line_number} - 1];
		my $excused = 0;
		if (!$line->{count} || $missed) {
			my $place = "$file->{file}\t$at->{function}";
			my @excuses = grep { exists $justified{$_} } "$place\t$at->{text}", "$place\t*";
			$justified{$_}++ for @excuses;
			$excused = @excuses > 0;
			push @{ $blame{$folder} }, sprintf("  %s:%d: %s: %s\n", $file->{file}, $line->{line_number},
				$line->{count} ? "$missed of " . @branches . " branches" : 'never run', $at->{text}) if !$excused;
		}
		for my $of ($folders{$folder} //= {}, $folders{all} //= {}) {
			$of->{lines}{all}++;
			$of->{lines}{missed} += !$line->{count} && !$excused;
			$of->{branches}{all} += @branches;
			$of->{branches}{missed} += $excused ? 0 : $missed;
			$of->{justified} += $excused;
		}
	}
}

my $failed = 0;
for my $folder ((grep { $_ ne 'all' } sort keys %folders), 'all') {
	print summary($folder, $folders{$folder});
	next unless $least{$folder} && grep { percent($folders{$folder}{$_}) < $least{$folder}{$_} } qw(lines branches);
	print "  below $least{$folder}{lines} % of the lines or $least{$folder}{branches} % of the branches:\n", @{ $blame{$folder} };
	$failed = 1;
}
for (grep { !exists $folders{$_} } sort keys %least) {
	print "$_: nothing was measured\n";
	$failed = 1;
}
for (grep { !$justified{$_} || $reached{$_} } sort keys %justified) {
	print "$justified_file: is reached, or not there: $_\n";
	$failed = 1;
}
exit $failed;
