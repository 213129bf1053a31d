#!/usr/bin/env python3
"""Holds every #include in src against layers.txt: who may include whom, and which folders a library's headers.

A permission that no file uses fails too: the table says how the house is, not how it might have been.

usage: layers.py SRC LAYERS
"""
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def read_layers(path):
    """The rules of the file: {folder: patterns}, {prefix of a system header: folders}."""
    folders, libraries = {}, {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split('#')[0].strip()
        if not line:
            continue
        name, colon, rest = line.partition(':')
        if not colon:
            sys.exit(f'{path}:{number}: a line needs a colon')
        if name.startswith('system '):
            libraries[name.removeprefix('system ').strip()] = rest.split()
        else:
            folders[name.strip()] = rest.split()
    return folders, libraries


def allowed(folder, header, patterns):
    return header.startswith(folder + '/') or any(fnmatch.fnmatchcase(header, p) for p in patterns)


def unused_permissions(uses, folders, libraries):
    """What layers.txt permits and nobody does; `uses`: {(folder, header)}."""
    unused = [f'{folder}: {pattern}' for folder, patterns in folders.items() for pattern in patterns
              if not any(user == folder and fnmatch.fnmatchcase(header, pattern) for user, header in uses)]
    unused += [f'system {prefix}: {folder}' for prefix, users in libraries.items() for folder in users
               if not any(user == folder and header.startswith(prefix) for user, header in uses)]
    return unused


def problem_of(folder, kind, header, folders, libraries):
    """What is wrong with one include, or nothing."""
    for prefix, users in libraries.items():
        if header.startswith(prefix):
            return None if folder in users else f'only {" ".join(users)} may include <{header}>'
    if kind == '<':
        return None
    if '/' not in header:
        return f'write "{folder}/{header}"'
    if header.split('/')[0] not in folders:
        return f'{header}: a folder that layers.txt does not know'
    return None if allowed(folder, header, folders[folder]) else f'{folder} may not include {header}'


def main():
    source, layers = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folders, libraries = read_layers(layers)
    problems, includes, uses = [], 0, set()
    for path in sorted(p for p in source.rglob('*') if p.suffix in ('.h', '.cc')):
        folder = path.relative_to(source).parts[0]
        if folder not in folders:
            problems.append(f'{path}: layers.txt does not know the folder {folder}')
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            includes += 1
            uses.add((folder, match[2]))
            problem = problem_of(folder, match[1], match[2], folders, libraries)
            if problem:
                problems.append(f'{path}:{number}: {problem}')
    problems += [f'{layers}: "{each}" is used by nothing' for each in unused_permissions(uses, folders, libraries)]
    print('\n'.join(problems + [f'{includes} includes, {len(problems)} against the layers']))
    # A check that saw nothing proves nothing.
    return 1 if problems or includes == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
