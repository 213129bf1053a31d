#!/usr/bin/env python3
"""The checks of the source must be able to fail: each is given something that is wrong."""
import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import clang  # noqa: E402
import format as formatting  # noqa: E402
import headers  # noqa: E402
import layers  # noqa: E402
import service  # noqa: E402
import sizes  # noqa: E402
import sockets  # noqa: E402


class Layers(unittest.TestCase):
    FOLDERS = {'base': [], 'dns': ['mail/*', 'base/*'], 'mail': ['base/*'], 'spf': ['dns/answers.h']}
    LIBRARIES = {'ldns/': ['dns']}

    def problem(self, folder, kind, header):
        return layers.problem_of(folder, kind, header, self.FOLDERS, self.LIBRARIES)

    def test_allowed(self):
        for case in (('dns', '"', 'dns/name.h'), ('dns', '"', 'mail/x.h'), ('dns', '<', 'ldns/ldns.h'),
                     ('spf', '"', 'dns/answers.h'), ('base', '<', 'string')):
            self.assertIsNone(self.problem(*case), case)

    def test_forbidden(self):
        for case in (('base', '"', 'mail/x.h'), ('spf', '"', 'dns/resolver.h'), ('spf', '<', 'ldns/ldns.h'),
                     ('mail', '"', 'ldns/ldns.h'), ('spf', '"', 'record.h'), ('spf', '"', 'other/x.h')):
            self.assertIsNotNone(self.problem(*case), case)

    def test_unused(self):
        uses = {('dns', 'mail/x.h'), ('dns', 'ldns/ldns.h')}
        self.assertEqual(layers.unused_permissions(uses, self.FOLDERS, self.LIBRARIES),
                         ['dns: base/*', 'mail: base/*', 'spf: dns/answers.h'])
        self.assertEqual(layers.unused_permissions(set(), {}, self.LIBRARIES), ['system ldns/: dns'])

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'layers.txt'
            path.write_text('# comment\nbase:\ndns: base/*  # more\nsystem ldns/: dns\n')
            self.assertEqual(layers.read_layers(path), ({'base': [], 'dns': ['base/*']}, {'ldns/': ['dns']}))


class Format(unittest.TestCase):
    def test_the_files_of_a_batch_that_fails_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, 'program')
            program.write_text('#!/bin/sh\nfor word; do case $word in *bad*) exit 1 ;; esac; done\n')
            program.chmod(0o755)
            names = [f'{number}.cc' for number in range(formatting.AT_ONCE)] + ['bad.cc', 'c.cc', 'bad.h']
            self.assertEqual(formatting.unformatted(program, names), ['bad.cc', 'bad.h'])


class Clang(unittest.TestCase):
    ENTRY = {'directory': '/b', 'file': '../x.cc', 'command': 'ccache /usr/bin/c++ -DA="b c" -Wall -o x.o -c ../x.cc'}

    def test_command(self):
        self.assertEqual(clang.command_of(self.ENTRY, 'clang++'),
                         ['clang++', '-DA=b c', '-Wall', '../x.cc', '-fsyntax-only'])

    def test_a_file_of_a_program_is_read_as_one_of_a_library(self):
        entry = {'directory': '/b', 'file': 'x.cc', 'command': 'c++ -fPIE -o x.o -c x.cc'}
        self.assertEqual(clang.command_of(entry, 'clang++', '/s.pch'),
                         ['clang++', '-include-pch', '/s.pch', '-fPIC', 'x.cc', '-fsyntax-only'])

    def test_failure_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            entry = {'directory': folder, 'file': 'x.cc', 'command': 'c++ -o x.o -c x.cc'}
            self.assertNotEqual(clang.check(entry, 'false')[0], 0)
            self.assertEqual(clang.check(entry, 'true')[0], 0)
            self.assertNotEqual(clang.check_twice(entry, 'false', '/s.pch')[0], 0)
            self.assertEqual(clang.check_twice(entry, 'true', '/s.pch')[0], 0)


@unittest.skipUnless(shutil.which('systemd-analyze'), 'systemd-analyze is missing')
class Service(unittest.TestCase):
    UNITS = pathlib.Path(__file__).parents[2] / 'systemd'

    def complaints(self, name, *edits):
        """What is said when the file is written otherwise."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for file in self.UNITS.iterdir():
                text = file.read_text()
                for before, after in edits if file.name == name else ():
                    self.assertIn(before, text)
                    text = text.replace(before, after)
                (folder / file.name).write_text(text)
            return ' '.join(service.complaints(folder))

    def test_a_looser_unit_is_noticed(self):
        for name, before, after in (('sekishod.service', 'ProtectSystem=strict', 'ProtectSystem=no'),
                                    ('smtp.conf', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BIND_SERVICE CAP_SYS_ADMIN'),
                                    ('sekisho-certificates.service', 'PrivateNetwork=yes\n', '')):
            self.assertIn('exposure', self.complaints(name, (before, after)), name)

    def test_an_unknown_key_is_noticed(self):
        for name in ('sekishod.service', 'sekisho-certificates.service', 'sekisho-certificates.timer', 'smtp.conf'):
            self.assertIn('Frobnicate', self.complaints(name, ('\n\n[', '\nFrobnicate=1\n\n[')), name)

    def test_the_mtas_start_later(self):
        self.assertIn('not before postfix', self.complaints('sekishod.service', ('Before=postfix.service', 'Before=')))


class Sockets(unittest.TestCase):
    EXAMPLE = {'unix:/var/spool/postfix/sekisho/mx.sock'}

    def test_somebody_listens(self):
        for page in ('smtpd_milters = unix:sekisho/mx.sock', "postconf -e 'smtpd_milters = unix:sekisho/mx.sock' 'a = b'",
                     'smtpd_milters=unix:sekisho/mx.sock\nsocket = "inet:1@127.0.0.1"\nsmtpd_milters=inet:127.0.0.1:1',
                     '-o smtpd_milters= ', '.Ql socket = \\(dqunix:/a\\(dq\nS=unix:/a, F=T', 'socket = "unix:/a"\n`S=unix:/a'):
            self.assertEqual(sockets.problems(page, self.EXAMPLE), [], page)

    def test_nobody_listens(self):
        for page in ("`sekisho', `S=unix:/run/sekisho/mx.sock, F=T", 'socket = "inet:1@127.0.0.1"\nS=inet:2@127.0.0.1',
                     'smtpd_milters=unix:sekisho/mx.sock\nnon_smtpd_milters = unix:sekisho/local.sock'):
            self.assertEqual(len(sockets.problems(page, self.EXAMPLE)), 1, page)

    def test_postfix_begins_with_the_example(self):
        page = 'socket = "unix:/var/spool/postfix/x"\nsmtpd_milters = unix:x\n'
        self.assertEqual(len(sockets.problems(page, self.EXAMPLE)), 1)


class Sizes(unittest.TestCase):
    SOURCE = '''namespace n {
struct S {
  S() : a_(1), b_{2} {
  }
  int get() const { return 1; }
};
template <class T>
auto f(std::function<void(int)> g) -> int {
  if (x) {
    const char* s = "}{";  // }
    auto raw = R"x(}})x";
  }
  g([] {
  });
}
enum class E { a };
TEST(Suite, Name) {
  char c = '{';
}
const int table[] = {1, 2};
}
'''

    def test_functions(self):
        self.assertEqual([(name, size) for name, _, size in sizes.functions(self.SOURCE)],
                         [('S', 2), ('get', 1), ('f', 8), ('TEST', 3)])

    def test_long_function(self):
        source = 'void f() {\n' + '  g();\n' * 120 + '}\n'
        self.assertEqual(sizes.functions(source), [('f', 1, 122)])

    def check(self, *words):
        """What sizes.py ends with for a folder with one function of 12 lines, and a script of 3."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / 'x.cc').write_text('void f() {\n' + '  g();\n' * 10 + '}\n')
            (pathlib.Path(folder) / 'x.py').write_text('1\n' * 3)
            with contextlib.redirect_stdout(io.StringIO()):
                return sizes.main([*words, folder])

    def test_limits(self):
        self.assertEqual(self.check('--functions', '12', '--files', '12', '--python', '3'), 0)
        self.assertEqual(self.check('--functions', '11', '--files', '12'), 1)
        self.assertEqual(self.check('--functions', '12', '--files', '11'), 1)
        self.assertEqual(self.check('--functions', '12', '--files', '12', '--python', '2'), 1)

    def test_nothing_found(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(sizes.main(['--functions', '1', '--files', '1', folder]), 1)


class Headers(unittest.TestCase):
    GOOD = '// a/x.h: what it is.\n// Thread: any.\n#pragma once\n'

    def test_contract(self):
        self.assertIsNone(headers.contract_problem('a/x.h', self.GOOD, True))
        self.assertIsNone(headers.contract_problem('a/x.h', '// a/x.h: what it is.\n#pragma once\n', False))
        for wrong in ('#pragma once\n',
                      '\n' + self.GOOD,
                      '// x.h: what it is. Thread: any.\n',
                      '// a/y.h: what it is. Thread: any.\n',
                      '// a/x.h: what it is.\n\n// Thread: any.\n',
                      '// a/x.h: Thread\n'):
            self.assertIsNotNone(headers.contract_problem('a/x.h', wrong, True), wrong)

    def test_width(self):
        self.assertEqual(headers.wide_comments('// ' + 'x' * 97 + '\nint a;  // ' + 'é' * 88 + '\n'), [])
        self.assertEqual(headers.wide_comments('int a;\n  // ' + 'x' * 96 + '\n'), [(2, 101)])
        self.assertEqual(headers.wide_comments('int a;  // ' + 'x' * 90 + '\n'), [(1, 101)])
        self.assertEqual(headers.wide_comments('/* a\n' + 'x' * 101 + '\n*/\n'), [(2, 101)])

    def test_what_is_no_comment(self):
        long = 'x' * 101
        for text in (f'auto a = "http://{long}";\n', f'auto a = R"(//{long})";\n', f"char c = '\"'; f({long});\n"):
            self.assertEqual(headers.wide_comments(text), [], text)

    def test_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, first in (('src/a/x.h', '// a/x.h: it. Thread: any.'), ('tests/a/x.h', '// tests/a/x.h: it.')):
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True)
                root = path.parent.parent
                path.write_text(first + '\n')
                self.assertEqual(headers.problems_of(path, root), [])
                path.write_text('// x.h: it.\n')
                self.assertEqual(len(headers.problems_of(path, root)), 1)


if __name__ == '__main__':
    unittest.main()
