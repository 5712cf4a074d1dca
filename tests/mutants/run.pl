#!/usr/bin/perl
# make mutants: each condition and verdict of policy/ and attest/ is changed, one at a time, and every test that could notice is run.
# A mutant that no test kills is a promise that no test checks. Fails when one survives in verdict code (tests/mutants/verdict-code.txt)
# and is not explained in tests/mutants/equivalent.txt: FILE <tab> FUNCTION <tab> what became what <tab> the line <tab> why no test can notice.
# A test that spins until its processor time is used up has noticed; one that only takes too long has said nothing: such a mutant is
# counted apart, and in verdict code it must end otherwise.
#   COMPILE, LIBS, BUILD   set by the Makefile
#   JUDGED=1               only the files that verdict-code.txt calls judged
#   MUTANTS=FILE...        only these files       EVERY=N   only each N-th mutant, from FROM=0 on       JOBS=2
#   FUNCTIONS=PATTERN      only in these functions
#   TESTS=PATTERN          only these tests, to see quickly what one of them does not notice; what survives may fail elsewhere
use strict;
use warnings;
use POSIX ();
use Time::HiRes ();

$| = 1;
my $build = $ENV{BUILD} or die "run.pl is called by make mutants\n";
my $jobs = $ENV{JOBS} || 2;
my $every = $ENV{EVERY} || 1;
my $from = $ENV{FROM} || 0;
my %seconds; # how long each test may take: many times what it takes with the unchanged code
my $cpu_seconds = 10; # no process of a test needs as much; whoever uses it up spins, and has noticed
my $late_max = 2; # tests that are waited for in vain
my $fewest = 150;

sub lines_of {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	chomp(my @lines = <$in>);
	return grep { !/^(#|$)/ } @lines;
}

sub run {
	my ($log, @command) = @_;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		setpgrp(0, 0);
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null';
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $status = $?;
	kill 'KILL', -$pid;
	return $status;
}

# Tests in the order in which they are likely to notice: the noun's own, its folder's, then what stands above.
sub tests_for {
	my ($file, @programs) = @_;
	my ($folder, $noun) = $file =~ m{^(\w+)/(\w+)\.c$};
	my %rank;
	for (@programs) {
		$rank{$_} = m{unit/$folder/test_${noun}(_\w+)?$} ? 0 : m{unit/$folder/} ? 1 : m{unit/attest/|fault/} ? 2 : m{unit/} ? 3 : 4;
	}
	return grep { $rank{$_} <= 1 || $folder eq 'policy' || !m{unit/policy/} } sort { $rank{$a} <=> $rank{$b} || $a cmp $b } @programs;
}

# "passed", "failed" or "late".
sub verdict_of {
	my ($library, $log, $program) = @_;
	local $ENV{LD_LIBRARY_PATH} = $library;
	my $status = run($log, 'timeout', '-k', '2', $seconds{$program} // 60, 'prlimit', "--cpu=$cpu_seconds:", $program);
	return 'passed' if $status == 0;
	return 'failed' if $status >> 8 != 124 && $status >> 8 != 137;
	# One test may have noticed before another one waits for ever.
	open my $in, '<', $log or die "$log: $!\n";
	return grep({ /: error: Failure!/ } <$in>) ? 'failed' : 'late';
}

sub link_library {
	my ($into, @objects) = @_;
	return run("$into/log", 'sh', '-c', "exec cc -shared -o $into/libsealgate.so @objects $ENV{LIBS}") == 0;
}

sub build_mutant {
	my ($slot, $file, $number, @objects) = @_;
	(my $object = $file) =~ s{(.*)\.c$}{$build/obj/$1.o};
	return 0 unless run("$slot/mutant.c", 'perl', 'tests/mutants/mutate.pl', 'make', $file, $number) == 0;
	return 0 unless run("$slot/log", 'sh', '-c', "exec $ENV{COMPILE} -w -c -o $slot/mutant.o $slot/mutant.c") == 0;
	link_library($slot, map { $_ eq $object ? "$slot/mutant.o" : $_ } @objects) or die "a mutant can't be linked: see $slot/log\n";
	return 1;
}

# "killed by TEST", "late", "survived", or "not built" when the change doesn't compile.
sub judge {
	my ($slot, $file, $number, $objects, $programs) = @_;
	return 'not built' unless build_mutant($slot, $file, $number, @$objects);
	my $late = 0;
	for my $program (tests_for($file, @$programs)) {
		my $verdict = verdict_of($slot, "$slot/log", $program);
		return "killed by $program" if $verdict eq 'failed';
		return 'late' if $verdict eq 'late' && ++$late == $late_max;
	}
	return $late ? 'late' : 'survived';
}

# What the two lists name must be there: a file that moved is not verdict code any more, and an explanation outlives its line.
sub check_lists {
	my ($verdict_code, $explained) = @_;
	-e $_ or die "tests/mutants/verdict-code.txt: $_ does not exist\n" for sort keys %$verdict_code;
	my %files = map { (split /\t/)[0] => 1 } keys %$explained;
	-e $_ or die "tests/mutants/equivalent.txt: $_ does not exist\n" for sort keys %files;
	my %there;
	for (%files ? split /\n/, `perl tests/mutants/mutate.pl list @{[sort keys %files]}` : ()) {
		my ($place, @rest) = split /\t/;
		$there{ join "\t", (split /:/, $place)[0], @rest } = 1;
	}
	$there{$_} or die "tests/mutants/equivalent.txt explains what is not there: $_\n" for sort keys %$explained;
}

my @objects = split ' ', $ENV{OBJECTS};
my @programs = grep { !$ENV{TESTS} || /$ENV{TESTS}/ } split ' ', $ENV{PROGRAMS};
my @files = $ENV{MUTANTS} ? split(' ', $ENV{MUTANTS}) : (glob('policy/*.c'), glob('attest/*.c'));
my %verdict_code = map { my ($file, $judged) = split; $file => $judged // '' } lines_of('tests/mutants/verdict-code.txt');
@files = grep { $verdict_code{$_} eq 'judged' } sort keys %verdict_code if $ENV{JUDGED};
my %explained = map { join("\t", (split /\t/)[0 .. 3]) => 0 } lines_of('tests/mutants/equivalent.txt');
check_lists(\%verdict_code, \%explained);

my (@mutants, $n, %count, @unkilled);
$n = 0;
for (split /\n/, `perl tests/mutants/mutate.pl list @files`) {
	my ($place, $function, $what, $line) = split /\t/;
	my ($file, $row, $number) = split /:/, $place;
	next if $ENV{FUNCTIONS} && $function !~ /$ENV{FUNCTIONS}/;
	next unless $n++ % $every == $from % $every;
	my $explained = exists $explained{ join "\t", $file, $function, $what, $line };
	# Whole files are tried with what is explained: two changes of a line may look alike.
	push @mutants, { file => $file, row => $row, number => $number, what => $what, line => $line, explained => $explained }
		unless $explained && $every > 1;
}

link_library($build, @objects) or die "the library of the unchanged code can't be linked: see $build/log\n";
print "The unchanged code against every test, then " . @mutants . " mutants, $jobs at a time, about " .
	int(@mutants * 3 / $jobs / 60 + 1) . " minutes.\n";
for (@programs) {
	my $begun = Time::HiRes::time();
	my $verdict = verdict_of($build, "$build/log", $_);
	die "$_ $verdict on the unchanged code: see $build/log\n" if $verdict ne 'passed';
	$seconds{$_} = 40 + 5 * (Time::HiRes::time() - $begun);
}

my $start = time;
my %running;
my $next = 0;
for my $job (1 .. $jobs) {
	pipe(my $out, my $in) or die "pipe: $!\n";
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		close $out;
		$in->autoflush(1);
		my $slot = "$build/slot$job";
		mkdir $slot;
		for (my $i = $job - 1; $i < @mutants; $i += $jobs) {
			print $in "$i\t" . judge($slot, $mutants[$i]{file}, $mutants[$i]{number}, \@objects, \@programs) . "\n";
		}
		POSIX::_exit(0);
	}
	close $in;
	$running{$job} = { pid => $pid, out => $out };
}

my $done = 0;
while (%running) {
	my $ready = '';
	vec($ready, fileno($_->{out}), 1) = 1 for values %running;
	select($ready, undef, undef, undef);
	for my $job (keys %running) {
		next unless vec($ready, fileno($running{$job}{out}), 1);
		my $answer = readline $running{$job}{out};
		if (!defined $answer) {
			waitpid $running{$job}{pid}, 0;
			die "a job ended early: see $build/slot$job\n" if $?;
			delete $running{$job};
			next;
		}
		chomp $answer;
		my ($i, $fate) = split /\t/, $answer;
		my $m = $mutants[$i];
		$m->{fate} = $fate;
		$count{ $fate =~ /^(\w+)/ ? $1 : '' }++;
		$done++;
		if ($fate eq 'survived' || $fate eq 'late') {
			if ($m->{explained}) {
				$count{explained}++;
				next;
			}
			push @unkilled, $m;
			my $how = $fate eq 'late' ? 'only makes a test late' : 'survives';
			print "\r  $how: $m->{file}:$m->{row}: $m->{what}: $m->{line}\n";
		}
		printf "\r  %d of %d, %d s  ", $done, scalar @mutants, time - $start if -t STDOUT || $done % 50 == 0;
	}
}

my @fatal = grep { exists $verdict_code{ $_->{file} } } @unkilled;
my $tried = $done - ($count{not} || 0);
printf "\nmutants: %d tried, %d killed, %d not killed elsewhere, %d not killed in verdict code (%d of them late); %d explained (%d s)\n",
	$tried, $count{killed} || 0, @unkilled - @fatal, scalar @fatal, scalar(grep { $_->{fate} eq 'late' } @fatal),
	$count{explained} || 0, time - $start;
die "$tried mutants: not a check\n" if $tried == 0 || ($tried < $fewest && $every == 1 && !$ENV{MUTANTS});
exit(@fatal ? 1 : 0);
