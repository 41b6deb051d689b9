#!/usr/bin/env python3
"""What compare.py wrote, a line a cell: its time over minfer's of each engine; below 1, where the engine is faster, in bold.

  bench/peers/table.py FILE.md
"""
import re, sys

ROW = re.compile(r'\| (\w+) \| (\w+) \| (\d+) \| ([\d.]+) \| (.*?) \| [\d.]+ \| ([\d.]+) \[')


def main():
    if len(sys.argv) != 2: sys.exit(__doc__)
    cells, versions = {}, {}
    with open(sys.argv[1]) as f: lines = f.read().splitlines()
    for row in filter(None, map(ROW.match, lines)):
        network, dtype, batch, ms, engine, ratio = row.groups()
        name, _, version = engine.partition(' ')
        versions[name] = max(versions.get(name, ''), version, key=len)
        cell = cells.setdefault((network, dtype, batch), {'ms': ms})
        cell[name] = ratio
    heading = next((line for line in lines if ' rounds of ' in line), '')
    print(heading + '; ' + ', '.join(f'{name} {version}' for name, version in versions.items()) + '\n')
    print('| network | type | batch | minfer ms | ' + ' | '.join(versions) + ' |\n' + '|---' * (4 + len(versions)) + '|')
    for cell, ratios in cells.items():
        shown = [ratios.get(name, '-') for name in versions]
        print('| ' + ' | '.join([*cell, ratios['ms'], *(f'**{r}**' if r != '-' and float(r) < 1 else r for r in shown)]) + ' |')


main()
