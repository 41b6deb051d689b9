"""Reads ctest's JUnit file: skipped tests with their reason, failed ones, and as the last line "N passed, N failed, N skipped".

  summary.py RESULTS.xml      exit status 1 when a test failed or none ran
"""
import sys
import xml.etree.ElementTree as xml


def reasons(output):
    """The lines "SKIP: why" that a test printed, each once."""
    return list(dict.fromkeys(line.split('SKIP:', 1)[1].strip() for line in output.splitlines() if 'SKIP:' in line))


def main():
    try:
        cases = list(xml.parse(sys.argv[1]).getroot().iter('testcase'))
    except (OSError, xml.ParseError) as error:
        print(f'no test results: {error}')
        cases = []
    passed = failed = skipped = 0
    for case in sorted(cases, key=lambda case: case.get('name')):
        name, status, why = case.get('name'), case.get('status'), reasons(case.findtext('system-out') or '')
        if case.find('skipped') is not None and case.find('skipped').get('message', '').startswith('SKIP_'):
            skipped += 1
            print(f'skipped: {name}: {"; ".join(why) or "no reason given"}')
        elif status == 'run':
            passed += 1
            if why:
                print(f'skipped in part: {name}: {"; ".join(why)}')
        else:
            failed += 1
            print(f'failed: {name}')
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed or passed + skipped == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
