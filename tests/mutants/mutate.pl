#!/usr/bin/perl
# The mutants of a C file: one changed condition or verdict each.
#   mutate.pl list FILE...         one line each: FILE:LINE:NUMBER <tab> FUNCTION <tab> what became what <tab> the line's text
#   mutate.pl make FILE NUMBER     the file with that change, on standard output
use strict;
use warnings;

my %becomes = (
	'==' => ['!='], '!=' => ['=='], '&&' => ['||'], '||' => ['&&'], '!' => [''],
	'<' => ['>=', '<='], '<=' => ['>', '<'], '>' => ['<=', '>='], '>=' => ['<', '>'],
	'true' => ['false'], 'false' => ['true'],
	'VERDICT_ACCEPTED' => ['VERDICT_REJECTED'], 'VERDICT_REJECTED' => ['VERDICT_ACCEPTED'],
	'if' => ['if !'], 'while' => ['while !'],
);
my %boundary = map { $_ => 1 } ('< <=', '<= <', '> >=', '>= >');

sub read_file {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$in>;
}

# Comments, directives and literals are passed over whole.
sub tokens {
	my ($text) = @_;
	my (@tokens, $line);
	$line = 1;
	while ($text =~ m{\G(/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:\\\n|[^\n])*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\s+
			|[A-Za-z_]\w*|[0-9][\w.]*|->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)}gcxsm) {
		my $token = $1;
		push @tokens, { text => $token, at => pos($text) - length $token, line => $line } if $token !~ m{^(\s|/\*|//|["'])} && $token !~ /^[ \t]*\#/;
		$line += ($token =~ tr/\n//);
	}
	return @tokens;
}

# The index of the parenthesis that ends what $open begins.
sub closing {
	my ($tokens, $open) = @_;
	my $depth = 0;
	for my $i ($open .. $#$tokens) {
		$depth++ if $tokens->[$i]{text} eq '(';
		return $i if $tokens->[$i]{text} eq ')' && --$depth == 0;
	}
	return -1;
}

# Notes with each token the function that it stands in; "" outside.
sub name_functions {
	my (@tokens) = @_;
	my ($depth, $candidate, $function) = (0, '', '');
	for my $i (0 .. $#tokens) {
		my $text = $tokens[$i]{text};
		$candidate = $text if $depth == 0 && $text =~ /^[A-Za-z_]/ && $i < $#tokens && $tokens[$i + 1]{text} eq '(';
		$candidate = '' if $depth == 0 && $text =~ /^[;=]$/;
		$function = $candidate if $text eq '{' && $depth == 0;
		$depth += $text eq '{' ? 1 : $text eq '}' ? -1 : 0;
		$tokens[$i]{function} = $depth ? $function : '';
	}
}

# A condition without an operator of its own is negated; the others are changed at their operators.
sub negation {
	my ($tokens, $i) = @_;
	my $open = $i + 1;
	my $end = closing($tokens, $open);
	return () if $end < 0 || grep { $_->{text} =~ /^(==|!=|<=?|>=?|&&|\|\||!)$/ } @$tokens[$open .. $end];
	my $from = $tokens->[$open]{at};
	return ({ from => $from, to => $from + 1, with => '(!(', after => $tokens->[$end]{at}, line => $tokens->[$i]{line},
		  what => "$tokens->[$i]{text} (x) became $tokens->[$i]{text} (!x)" });
}

sub mutants {
	my ($text) = @_;
	my @tokens = tokens($text);
	my (@mutants, $for_end);
	name_functions(@tokens);
	$for_end = -1;
	for my $i (0 .. $#tokens) {
		my $t = $tokens[$i];
		$for_end = closing(\@tokens, $i + 1) if $t->{text} eq 'for';
		next unless $becomes{ $t->{text} };
		if ($t->{text} =~ /^(if|while)$/) {
			push @mutants, map { { %$_, function => $t->{function} } } negation(\@tokens, $i);
			next;
		}
		for my $new (@{ $becomes{ $t->{text} } }) {
			# One step too far in a loop is a matter for the sanitizers.
			next if $i < $for_end && $boundary{"$t->{text} $new"};
			push @mutants, { from => $t->{at}, to => $t->{at} + length $t->{text}, with => $new, line => $t->{line}, function => $t->{function},
					 what => $new eq '' ? "$t->{text} was removed" : "$t->{text} became $new" };
		}
	}
	return @mutants;
}

sub changed {
	my ($text, $m) = @_;
	substr($text, $m->{after}, 1) = '))' if $m->{after};
	substr($text, $m->{from}, $m->{to} - $m->{from}) = $m->{with};
	return $text;
}

my ($verb, @arguments) = @ARGV;
if (($verb // '') eq 'list') {
	for my $file (@arguments) {
		my $text = read_file($file);
		my @lines = split /\n/, $text;
		my $number = 0;
		for my $m (mutants($text)) {
			(my $line = $lines[$m->{line} - 1]) =~ s/^\s+|\s+$//g;
			print "$file:$m->{line}:" . $number++ . "\t$m->{function}\t$m->{what}\t$line\n";
		}
	}
} elsif (($verb // '') eq 'make' && @arguments == 2) {
	my $text = read_file($arguments[0]);
	my @all = mutants($text);
	die "$arguments[0] has no mutant $arguments[1]\n" unless $arguments[1] =~ /^\d+$/ && $all[$arguments[1]];
	print changed($text, $all[$arguments[1]]);
} else {
	die "usage: mutate.pl list FILE... | make FILE NUMBER\n";
}
