#!/usr/bin/env python3
"""Fails when clang-format would change a source file.

usage: format.py CLANG_FORMAT FOLDER...
"""
import pathlib
import subprocess
import sys

files = sorted(str(path) for folder in sys.argv[2:] for path in pathlib.Path(folder).rglob('*')
               if path.suffix in ('.h', '.cc'))
if not files:
    sys.exit('no source found')
changed = [path for path in files
           if subprocess.run([sys.argv[1], '--dry-run', '-Werror', path], capture_output=True).returncode]
print('\n'.join(changed))
if changed:
    sys.exit(f'{len(changed)} of {len(files)} files are not formatted: clang-format -i FILE')
