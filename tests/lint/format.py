#!/usr/bin/env python3
"""Fails when clang-format would change a source file.

usage: format.py CLANG_FORMAT FOLDER...
"""
import pathlib
import subprocess
import sys

# The program takes longer to start than to look at a file.
AT_ONCE = 50


def accepts(program, paths):
    return subprocess.run([program, '--dry-run', '-Werror', *paths], capture_output=True).returncode == 0


def unformatted(program, paths):
    batches = [paths[at:at + AT_ONCE] for at in range(0, len(paths), AT_ONCE)]
    return [path for batch in batches if not accepts(program, batch) for path in batch if not accepts(program, [path])]


def main():
    program, *folders = sys.argv[1:]
    files = sorted(str(path) for folder in folders for path in pathlib.Path(folder).rglob('*') if path.suffix in ('.h', '.cc'))
    if not files:
        sys.exit('no source found')
    changed = unformatted(program, files)
    print('\n'.join(changed))
    if changed:
        sys.exit(f'{len(changed)} of {len(files)} files are not formatted: clang-format -i FILE')


if __name__ == '__main__':
    main()
