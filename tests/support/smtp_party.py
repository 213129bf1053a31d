#!/usr/bin/env python3
"""A remote SMTP server for a test, by aiosmtpd: with STARTTLS or TLS first, and with logins.

The first line of the output has the port; then one line of JSON for each message that was taken, and
one for each login that was tried. It ends when its input does.
"""
import argparse
import asyncio
import hashlib
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


# A pipe takes 64 KB, and the test reads it only when it has the reply.
MOST_SHOWN = 8192


def say(**what):
    print(json.dumps(what), flush=True)


class Party:
    def __init__(self, arguments):
        self.arguments = arguments

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        for part in self.arguments.refuse:
            name, reply = part.split('=', 1)
            if name == address:
                return reply
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 yes'

    async def handle_DATA(self, server, session, envelope):
        say(event='message', sender=envelope.mail_from, to=envelope.rcpt_tos, helo=session.host_name,
            content=envelope.original_content[:MOST_SHOWN].decode('latin-1'),
            sha256=hashlib.sha256(envelope.original_content).hexdigest(), options=envelope.mail_options,
            tls=session.ssl is not None, login=session.auth_data or '', peer=session.peer[0])
        return '250 2.0.0 taken'

    def authenticate(self, server, session, envelope, mechanism, data):
        known = self.arguments.login.encode()
        right = isinstance(data, LoginPassword) and data.login + b':' + data.password == known
        say(event='login', mechanism=mechanism, right=right)
        return AuthResult(success=right, handled=False, auth_data=data.login.decode() if right else None)


async def serve(arguments):
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        if arguments.tls_1_2:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if arguments.no_common_cipher:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers('PSK')
    party = Party(arguments)

    def make():
        options = {'hostname': 'party.test', 'enable_SMTPUTF8': arguments.utf8}
        if context and not arguments.tls_first:
            options['tls_context'] = context
        if arguments.login:
            options['authenticator'] = party.authenticate
            options['auth_exclude_mechanism'] = arguments.without
            options['auth_require_tls'] = not arguments.tls_first
        return SMTP(party, **options)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, arguments.host, 0, ssl=context if arguments.tls_first else None)
    say(event='ready', port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--certificate')
    parser.add_argument('--key')
    parser.add_argument('--tls-first', action='store_true')
    parser.add_argument('--tls-1.2', action='store_true', dest='tls_1_2')
    parser.add_argument('--no-common-cipher', action='store_true')
    parser.add_argument('--utf8', action='store_true')
    parser.add_argument('--login', default='')
    parser.add_argument('--without', action='append', default=[])
    parser.add_argument('--refuse', action='append', default=[], help='ADDRESS=REPLY')
    asyncio.run(serve(parser.parse_args()))


if __name__ == '__main__':
    main()
