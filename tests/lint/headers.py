#!/usr/bin/env python3
"""Holds the contract of every header, and the width of every comment.

usage: headers.py FOLDER...    run where the folders are; each is src or tests

A header of src begins with `// folder/name.h: ` and a sentence; its first comment has `Thread:`. One of tests begins
with `// tests/folder/name.h: `. A line with a comment has at most 100 columns: clang-format leaves comments as they are.
"""
import pathlib
import re
import sys

COLUMNS = 100

TOKENS = re.compile(
    r'R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'  # raw string
    r'|(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
FIRST_COMMENT = re.compile(r'(?://[^\n]*\n)+')
SENTENCE = re.compile(r'\S.*[.:]', re.DOTALL)


def wide_comments(text):
    """(line, columns) of every line over the limit in which there is a comment."""
    lines, found = text.split('\n'), set()
    for token in TOKENS.finditer(text):
        if token['comment'] is None:
            continue
        first = text.count('\n', 0, token.start())
        last = first + token['comment'].count('\n')
        found |= {n for n in range(first, last + 1) if len(lines[n]) > COLUMNS}
    return [(n + 1, len(lines[n])) for n in sorted(found)]


def contract_problem(name, text, needs_thread):
    """What is wrong with the beginning of the header `name`, or nothing."""
    comment = FIRST_COMMENT.match(text)
    begin = f'// {name}: '
    if not comment or not comment[0].startswith(begin):
        return f'its first line does not begin with "{begin}"'
    if not SENTENCE.match(comment[0][len(begin):]):
        return 'its first comment has no sentence'
    if needs_thread and 'Thread:' not in comment[0]:
        return 'its first comment does not say who may use it: Thread: one owner, any, immutable, …'
    return None


def problems_of(path, root):
    """Every sentence about one file."""
    text = path.read_text()
    problems = [f'{path}:{line}: a comment up to column {columns}, and {COLUMNS} is the limit'
                for line, columns in wide_comments(text)]
    if path.suffix == '.h':
        in_source = root.name == 'src'
        name = path.relative_to(root if in_source else root.parent).as_posix()
        problem = contract_problem(name, text, needs_thread=in_source)
        problems += [f'{path}:1: {problem}'] if problem else []
    return problems


def main():
    problems, files = [], 0
    for root in map(pathlib.Path, sys.argv[1:]):
        for path in sorted(p for p in root.rglob('*') if p.suffix in ('.h', '.cc')):
            files += 1
            problems += problems_of(path, root)
    print('\n'.join(problems + [f'{files} files, {len(problems)} problems']))
    # A check that saw nothing proves nothing.
    return 1 if problems or files == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
