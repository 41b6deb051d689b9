"""The layer law: every #include against the table in engine/ARCHITECTURE.md (columns "folder" and "may include").

  layers.py [ROOT]

A row may include what it names: folders, single headers, and whatever those may include in turn. Words for what is not ours ("oneDNN",
"the operating system", ...) hold for their own row only. The C and C++ standard libraries are everybody's. Exit status 1: breaches, one a line.
"""
import os, re, sys

TOPS = ('models', 'tools', 'bench', 'tests')
SOURCE = re.compile(r'\.(c|h|cpp|hpp|cc|def)$')
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
STANDARD = set('''assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype immintrin cpuid'''.split())
OUTSIDE = (('oneDNN', r'oneapi/|dnnl'), ('libpng', r'png'), ('stb_image', r'stb_'), ('cJSON', r'cjson/|cJSON'), ('cmocka', r'cmocka'),
           ('libcurl', r'curl/'), ('cairo', r'cairo'), ('the operating system', r''))


class Law(Exception):
    pass


def read_table(text):
    """{folder: [words]} of the first table that has both columns."""
    rows, at = {}, None
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip('|').split('|')] if line.lstrip().startswith('|') else []
        if at is None and 'folder' in cells and 'may include' in cells:
            at = cells.index('folder'), cells.index('may include')
        elif at and not cells:
            break
        elif at and len(cells) > max(at) and not re.fullmatch(r'[-: ]+', cells[at[0]]):
            folder = cells[at[0]].replace('`', '').strip('/').removeprefix('engine/')
            folder = os.path.dirname(folder) if folder.endswith('.h') else folder
            rows[folder] = [w.strip().rstrip('/') for w in re.split('[,;]', cells[at[1]].replace('`', '')) if w.strip()]
    if not rows:
        raise Law('engine/ARCHITECTURE.md: no table with the columns "folder" and "may include"')
    return rows


class Allowed:
    """What one row may include, and what follows from it."""

    def __init__(self, folder, rows):
        self.anything, self.folders, self.headers, self.outside = False, {folder}, set(), set()
        self.add(folder, rows, set(), own=True)

    def add(self, folder, rows, seen, own=False):
        if folder in seen:
            return
        seen.add(folder)
        for word in rows.get(folder, []):
            if word in ('nothing', 'nothing of ours'):
                continue
            if word == 'anything':
                self.anything = self.anything or own
            elif word == 'all of engine':
                self.folders |= {f for f in rows if f not in TOPS}
            elif word in rows:
                self.folders.add(word)
                self.add(word, rows, seen)
            elif word in [name for name, _ in OUTSIDE]:
                self.outside |= {word} if own else set()
            elif word.endswith('.h'):
                self.headers.add(word)
                self.add(os.path.dirname(word), rows, seen)
            else:
                raise Law(f'engine/ARCHITECTURE.md: row "{folder}": "{word}" is no folder of the table, no header and no known library')


def folder_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'engine' and len(parts) > 2 else parts[0]


def short(path):
    """The way a header is written: engine/graph/builder.h is graph/builder.h, engine/include/minfer.h is minfer.h."""
    return path.removeprefix('engine/').removeprefix('include/')


def resolve(root, source, name):
    for base in (os.path.dirname(source), 'engine/include', 'engine', '', 'tests', 'tools'):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(root, path)):
            return path.replace(os.sep, '/')
    return None


def verdict(root, source, quote, name, allowed):
    """None, or why the include is a breach."""
    ours = resolve(root, source, name) if quote == '"' or name == 'minfer.h' else None
    if ours:
        ok = folder_of(ours) in allowed.folders or short(ours) in allowed.headers
        return None if ok or allowed.anything else f'{folder_of(source)} may not include {short(ours)}'
    if re.fullmatch(r'[a-z_]+', name) or name.removesuffix('.h') in STANDARD:
        return None
    library = next(word for word, pattern in OUTSIDE if re.match(pattern, name))
    if allowed.anything or library in allowed.outside:
        return None
    return f'{folder_of(source)} may not include <{name}> ({library})'


def sources(root):
    for top in ('engine',) + TOPS:
        for folder, _, files in sorted(os.walk(os.path.join(root, top))):
            for file in sorted(files):
                if SOURCE.search(file):
                    yield os.path.relpath(os.path.join(folder, file), root).replace(os.sep, '/')


def check(root):
    """(breaches, number of files)"""
    try:
        with open(os.path.join(root, 'engine/ARCHITECTURE.md'), encoding='utf-8') as f:
            rows = read_table(f.read())
    except OSError as error:
        raise Law(f'engine/ARCHITECTURE.md: {error.strerror}')
    allowed = {folder: Allowed(folder, rows) for folder in rows}
    breaches, files = [], list(sources(root))
    folders = {folder_of(f) for f in files}
    breaches += [f'engine/ARCHITECTURE.md: no row for the folder {f}' for f in sorted(folders - set(rows))]
    breaches += [f'engine/ARCHITECTURE.md: a row for {f}, which has no sources' for f in sorted(set(rows) - folders)]
    for file in files:
        if folder_of(file) not in allowed:
            continue
        with open(os.path.join(root, file), encoding='utf-8') as f:
            for number, line in enumerate(f, 1):
                found = INCLUDE.match(line)
                why = found and verdict(root, file, found[1], found[2], allowed[folder_of(file)])
                if why:
                    breaches.append(f'{file}:{number}: {why}')
    return breaches, len(files)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
    try:
        breaches, files = check(root)
    except Law as error:
        breaches, files = [str(error)], 0
    print('\n'.join(breaches) if breaches else f'{files} files hold the layer law')
    return 1 if breaches or not files else 0


if __name__ == '__main__':
    sys.exit(main())
