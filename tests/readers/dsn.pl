#!/usr/bin/perl
# What two public readers of bounces find in a message. In: a message in base64, a line each; out: JSON, a line each:
# {"bounceparser": [{"address", "status", "action"}],
#  "sisimai": [{"address", "alias", "status", "action", "host", "diagnostic"}]}
# They read what a mailbox or a pipe has: lines that end in LF.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Mail::DeliveryStatus::BounceParser;
use Sisimai;

sub of_bounceparser {
    my $bounce = Mail::DeliveryStatus::BounceParser->new($_[0]);
    return [map { { address => $_->get('email'), status => $_->get('status'), action => $_->get('action') } }
            $bounce->reports];
}

sub of_sisimai {
    my $text = $_[0];
    my $found = Sisimai->make(\$text, delivered => 1) // [];
    return [map { { address => $_->recipient->address, alias => $_->alias, status => $_->deliverystatus,
                    action => $_->action, host => $_->rhost, diagnostic => $_->diagnosticcode } } @$found];
}

my $json = JSON::PP->new->ascii->allow_nonref->convert_blessed;
$| = 1;
while (my $line = <STDIN>) {
    my $text = decode_base64($line);
    $text =~ s/\r\n/\n/g;
    print $json->encode({ bounceparser => of_bounceparser($text), sisimai => of_sisimai($text) }), "\n";
}
