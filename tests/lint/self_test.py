#!/usr/bin/env python3
"""The checks of the source must be able to fail: each is given something that is wrong."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import clang  # noqa: E402
import layers  # noqa: E402
import sizes  # noqa: E402


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


class Clang(unittest.TestCase):
    ENTRY = {'directory': '/b', 'file': '../x.cc', 'command': 'ccache /usr/bin/c++ -DA="b c" -Wall -o x.o -c ../x.cc'}

    def test_command(self):
        self.assertEqual(clang.command_of(self.ENTRY, 'clang++'),
                         ['clang++', '-DA=b c', '-Wall', '../x.cc', '-fsyntax-only'])

    def test_failure_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            entry = {'directory': folder, 'file': 'x.cc', 'command': 'c++ -o x.o -c x.cc'}
            self.assertNotEqual(clang.check(entry, 'false')[0], 0)
            self.assertEqual(clang.check(entry, 'true')[0], 0)


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


if __name__ == '__main__':
    unittest.main()
