#!/usr/bin/env python3
"""Reports the longest functions and files, and fails above the limits.

usage: sizes.py --functions LINES --files LINES [--python LINES] FOLDER...

--python is the limit of a file of Python. A function is a brace block whose head ends in a parameter list; a block inside it belongs to it.
"""
import argparse
import pathlib
import re
import sys

LITERALS = re.compile(
    r'R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'  # raw string
    r'|//[^\n]*|/\*.*?\*/'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
PREPROCESSOR = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.MULTILINE)
# A parameter list, and what may stand between it and the body.
HEAD = re.compile(
    r'([~\w:]+|operator\s*\S+)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*'
    r'(?:(?:const|noexcept|override|final|mutable|&&?)\s*|->\s*[^;{}]+)*'
    r'(?P<members>:[^;]*)?$', re.DOTALL)
CONTROL = ('if', 'for', 'while', 'switch', 'catch')


def blank(match):
    """The same number of lines without the text."""
    return '\n' * match[0].count('\n') + ' '


def functions(text):
    """(name, first line, number of lines) of every outermost function."""
    text = PREPROCESSOR.sub(blank, LITERALS.sub(blank, text))
    found, stack, head_begin, line = [], [], 0, 1
    in_function = False
    for at, char in enumerate(text):
        if char == '\n':
            line += 1
        elif char == '{':
            head = text[head_begin:at].strip()
            match = None if in_function else HEAD.search(head)
            # The braces of a member initialiser, `b_{2}`, belong to the head.
            initialiser = bool(match and match['members'] and (head[-1].isalnum() or head[-1] == '_'))
            is_function = bool(match) and match[1] not in CONTROL and not initialiser
            stack.append((match[1] if is_function else None, line, initialiser))
            in_function = in_function or is_function
            if not initialiser:
                head_begin = at + 1
        elif char == '}' and stack:
            name, first, initialiser = stack.pop()
            if name:
                found.append((name, first, line - first + 1))
                in_function = False
            if not initialiser:
                head_begin = at + 1
        elif char == ';' and not in_function:
            head_begin = at + 1
    return found


def report(title, entries, limit):
    """Prints the longest, and says whether all keep the limit; `entries`: [(lines, what)]."""
    entries = sorted(entries, reverse=True)
    counts = [n for n, _ in entries]
    if not counts:
        print(f'no {title} found')
        return False
    print(f'{len(counts)} {title}, median {counts[len(counts) // 2]}, '
          f'p90 {counts[len(counts) // 10]}; the longest:')
    for n, what in entries[:10]:
        print(f'  {n:5} {what}' + (f'  (limit {limit})' if n > limit else ''))
    return counts[0] <= limit


def files_of(folders, suffixes):
    """(path, text) of every file with one of the suffixes."""
    for folder in folders:
        for path in sorted(p for p in pathlib.Path(folder).rglob('*') if p.suffix in suffixes):
            yield path, path.read_text()


def check(arguments):
    sources = list(files_of(arguments.folders, ('.h', '.cc')))
    blocks = [(n, f'{path}:{first} {name}') for path, text in sources for name, first, n in functions(text)]
    good = [report('functions', blocks, arguments.functions),
            report('files', [(text.count('\n'), str(path)) for path, text in sources], arguments.files)]
    if arguments.python:
        scripts = [(text.count('\n'), str(path)) for path, text in files_of(arguments.folders, ('.py',))]
        good.append(report('files of Python', scripts, arguments.python))
    return all(good)


def main(words):
    parser = argparse.ArgumentParser()
    parser.add_argument('--functions', type=int, required=True)
    parser.add_argument('--files', type=int, required=True)
    parser.add_argument('--python', type=int)
    parser.add_argument('folders', nargs='+')
    return 0 if check(parser.parse_args(words)) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
