#!/usr/bin/env python3
"""What a page tells an MTA to connect to is a socket that the same page, or the example that everybody begins with, has
the filter listen on: otherwise who follows it defers all mail. The first that a page gives to Postfix is the example's own.

usage: sockets.py --begins-with FILE... --pages FILE...
"""
import argparse
import pathlib
import re
import sys

LISTENS = re.compile(r'socket = (?:"|\\\(dq)([^"\\]+)')
POSTFIX = re.compile(r'smtpd_milters ?= ?([^\s`\'",]+)')
SENDMAIL = re.compile(r'\bS=([^\s`\'",]+)')
# The folder of Postfix's queue, to which it changes before it connects.
QUEUE = '/var/spool/postfix/'


def as_the_filter_writes_it(socket):
    """A socket of smtpd_milters: relative to the queue, or with the host before the port."""
    kind, _, rest = socket.partition(':')
    if kind == 'unix' and not rest.startswith('/'):
        return 'unix:' + QUEUE + rest
    if kind in ('inet', 'inet6') and ':' in rest:
        host, _, port = rest.rpartition(':')
        return f'{kind}:{port}@{host}'
    return socket


def listened_on(text):
    return set(LISTENS.findall(text))


def given_to(mta, text):
    """(line number, socket) of every socket that the MTA is given, as the filter's configuration writes it."""
    for number, line in enumerate(text.splitlines(), 1):
        for socket in mta.findall(line):
            if ':' in socket:
                yield number, as_the_filter_writes_it(socket) if mta is POSTFIX else socket


def connected_to(text):
    return [*given_to(POSTFIX, text), *given_to(SENDMAIL, text)]


def problems(text, begins_with):
    """`begins_with`: the sockets of the examples, which are made for Postfix."""
    known = begins_with | listened_on(text)
    out = [f'{number}: nobody listens on {socket}' for number, socket in connected_to(text) if socket not in known]
    for number, socket in [*given_to(POSTFIX, text)][:1]:
        if socket not in begins_with:
            out.append(f'{number}: the example that everybody begins with does not listen on {socket}')
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--begins-with', nargs='+', type=pathlib.Path, required=True)
    parser.add_argument('--pages', nargs='+', type=pathlib.Path, required=True)
    options = parser.parse_args()
    known = set().union(*(listened_on(path.read_text()) for path in options.begins_with))
    if not known:
        sys.exit('the example has no socket')
    texts = {path: path.read_text() for path in options.pages}
    if not any(connected_to(text) for text in texts.values()):
        sys.exit('no page tells an MTA a socket')
    found = [f'{path}:{problem}' for path, text in texts.items() for problem in problems(text, known)]
    print('\n'.join(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
