"""Runs the case files in cases/ (or those that are named): what a user types and what the program answers.

A case begins with a line `= what it shows` and holds, each at the beginning of a line:
  $ command     for the shell, in a folder of its own with the files of support/files.py; $SMALL and $QUICK are options
  ? 2           the exit status; 0 when it is not said
  > text        a line of stdout, exactly; all of them unless a >~ stands among them
  >~ pattern    a line of stdout that a regular expression is found in; lines before, between and after may differ
  ! text        the same for stderr
  !~ pattern
  @ name        stdout is a JSON document that fits tools/schema/name.json
A stream of which nothing is said is empty. A command that exits with 77 is skipped; its stdout says why.
"""
import glob, os, re, sys, tempfile
from support import files, program, schema

HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    def __init__(self, place, title):
        self.place, self.title, self.command, self.status, self.schema = place, title, [], 0, None
        self.out, self.err = [], []


def read_cases(path):
    found = []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip('\n')
            mark, _, rest = line.partition(' ')
            place = '%s:%d' % (os.path.relpath(path, HERE), number)
            if not line or mark == '#':
                continue
            if mark == '=':
                found.append(Case(place, rest))
                continue
            case = found[-1]
            if mark == '$':
                case.command.append(rest)
            elif mark == '?':
                case.status = int(rest)
            elif mark == '@':
                case.schema = rest
            elif mark in ('>', '>~', '!', '!~'):
                (case.out if mark[0] == '>' else case.err).append((mark[1:] == '~', rest))
            else:
                raise ValueError('%s: %r begins with no mark' % (place, line))
    return found


def differences(name, expected, text):
    lines = text.splitlines()
    if not any(pattern for pattern, _ in expected):
        if lines != [line for _, line in expected]:
            yield name + ' is not as expected'
        return
    at = 0
    for pattern, wanted in expected:
        while at < len(lines) and not (re.search(wanted, lines[at]) if pattern else lines[at] == wanted):
            at += 1
        if at == len(lines):
            yield '%s has no line (in order) %s' % (name, wanted)
            return
        at += 1


def run_case(case):
    """None, "SKIP" and why, or what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        files.fill(folder)
        status, out, err = program.run('\n'.join(case.command), folder)
    if status == 77:
        return 'SKIP: ' + out.strip()
    wrong = [] if status == case.status else ['exit status is %d, not %d' % (status, case.status)]
    if case.schema:
        try:
            wrong += schema.problems(out, case.schema)[:5]
        except ValueError as error:
            wrong.append('stdout: %s' % error)
    else:
        wrong += differences('stdout', case.out, out)
    wrong += differences('stderr', case.err, err)
    return '\n'.join(wrong + ['---- stdout', out[:4000], '---- stderr', err[:4000]]) if wrong else None


def main(paths):
    failed = skipped = 0
    cases = [case for path in paths for case in read_cases(path)]
    for case in cases:
        trouble = run_case(case)
        if trouble and trouble.startswith('SKIP'):
            skipped += 1
            print('%s (%s, %s)' % (trouble, case.place, case.title))
        elif trouble:
            failed += 1
            print('FAILED %s: %s\n%s\n%s' % (case.place, case.title, '\n'.join(case.command), trouble))
    print('%d cases, %d failed, %d skipped' % (len(cases), failed, skipped))
    return 1 if failed or not cases else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:] or sorted(glob.glob(os.path.join(HERE, 'cases', '*.case')))))
