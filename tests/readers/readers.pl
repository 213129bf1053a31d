#!/usr/bin/perl
# Which addresses the From field of a message has, as readers written in Perl show it. In and out as readers.cjs.
use strict;
use warnings;
use Encode;
use Email::Address::XS;
use JSON::PP;
use MIME::Base64;
use Mail::Address;

my %readers = (
    mail_address     => sub { map { $_->address // '' } Mail::Address->parse(@_) },
    email_address_xs => sub { map { $_->address // '' } map { Email::Address::XS->parse($_) } @_ },
);
my $json = JSON::PP->new->ascii;
local $SIG{__WARN__} = sub { };
$| = 1;
while (my $line = <STDIN>) {
    my ($header) = split /\r\n\r\n/, decode_base64($line), 2;
    $header =~ s/\r\n(?=[ \t])//g;
    my @values = map { /^from[ \t]*:(.*)/is ? $1 : () } split /\r\n/, $header;
    my %shown;
    for my $name (keys %readers) {
        my @addresses = eval { $readers{$name}->(@values) };
        $shown{$name} = [map { decode("UTF-8", $_) } @addresses];
    }
    print $json->encode(\%shown), "\n";
}
