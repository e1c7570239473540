"""What the comparisons keep between their runs, so that they go on later or elsewhere and mix nothing up."""

import fcntl
import hashlib
import sys


def write_whole(path, text):
    """The file is there as a whole or not: it may be the only record of hours."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def keep_recipe(recipe, path, has_results):
    """Ends the program where what there is came about in another way, or in one that is not known: that is not to be compared."""
    if path.exists() and path.read_text() != recipe:
        sys.exit(f"{path.parent}: made with another recipe than today's ({path}): choose another folder")
    if has_results and not path.exists():
        sys.exit(f"{path.parent}: there are results, but no {path.name} that says how they were made")
    write_whole(path, recipe)


def hold(folder):
    """Ends the program where another one writes into the folder, and keeps others out until this one ends."""
    lock = open(folder / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{folder}: another program is at work in it")
    return lock


def processor():
    """Its name, and the widest vectors that it has: arithmetic of another width rounds otherwise."""
    fields = dict(map(str.strip, line.split(":", 1)) for line in open("/proc/cpuinfo") if ":" in line)
    return f"{fields['model name']}, {'AVX-512' if 'avx512f' in fields['flags'].split() else 'AVX2'}"
