#!/usr/bin/env python3
"""What tracing costs at each level, and how much of a run its primitives cover.

  bench/tracing.py [--minfer PATH] [--models mobilenet_v1,resnet50] [--dtype int8] [--batch 1] [--pairs 200] [--rounds 5] [--format table|md]

Each round runs the program once for every level, in turn and in the other order every second round. A run of the program measures pairs of a
traced and an untraced inference, in turn, and gives the median of their ratios; printed is the median over the rounds of that overhead with its
95 % interval (order statistics; of few rounds the extremes), and of the closure: the sum of primitive spans over the wall time of the run.
`counters` is the default level, primitive, with --counters. Nothing else may run meanwhile. Exit status 1 when the default level costs more than
1 % or covers less than 98 %.
"""
import argparse, json, statistics, subprocess, sys
from cells import ROOT, interval, show

LEVELS = {'run': [], 'layer': [], 'primitive': [], 'thread': [], 'counters': ['--trace-level', 'primitive', '--counters']}
MOST_OVERHEAD, LEAST_CLOSURE = .01, .98


def measure(args, model, level):
    command = [args.minfer, '--model', model, '--dtype', args.dtype, '--batch', str(args.batch), '--weights', 'synthetic', '--iterations',
               str(args.pairs), '--format', 'json', '--quiet', '--trace=/dev/null', '--trace-format', 'chrome']
    if args.threads: command += ['--threads', str(args.threads)]
    command += LEVELS[level] or ['--trace-level', level]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)['trace']


def percent(values, signed):
    return ('{:+.2f} % [{:+.2f}, {:+.2f}]' if signed else '{:.2f} % [{:.2f}, {:.2f}]').format(*(100 * v for v in interval(values)))


def rows_of(args, model):
    """The rows of a network, and for its default level the medians of the overhead and of the closure."""
    traces = {level: [] for level in LEVELS}
    for i in range(args.rounds):
        for level in list(LEVELS)[::1 if i % 2 == 0 else -1]:
            traces[level].append(measure(args, model, level))
    rows = []
    for level, found in traces.items():
        closures = [t['closure'] for t in found if t['closure'] is not None]
        rows.append({'network': model, 'type': args.dtype, 'batch': str(args.batch), 'level': level,
                     'untraced ms': f"{statistics.median(t['untraced_ms'] for t in found):.3f}",
                     'overhead': percent([t['overhead'] for t in found], True), 'closure': percent(closures, False) if closures else '-'})
        if level == 'primitive':
            default = statistics.median(t['overhead'] for t in found), statistics.median(closures)
    return rows, default


def verdict(model, overhead, closure):
    """A line about the two rules, and whether both hold."""
    cheap, covered = overhead <= MOST_OVERHEAD, closure >= LEAST_CLOSURE
    says = lambda holds: 'holds' if holds else 'FAILS'
    print(f'{model}: overhead of the default level {100 * overhead:+.2f} %, at most {100 * MOST_OVERHEAD:g} %: {says(cheap)}; '
          f'closure {100 * closure:.2f} %, at least {100 * LEAST_CLOSURE:g} %: {says(covered)}')
    return cheap and covered


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--minfer', default=f'{ROOT}/build/release/minfer')
    p.add_argument('--models', default='mobilenet_v1,resnet50')
    p.add_argument('--dtype', default='int8')
    p.add_argument('--batch', type=int, default=1)
    p.add_argument('--threads', type=int, default=0)
    p.add_argument('--pairs', type=int, default=200)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--format', default='table', choices=['table', 'md'])
    args = p.parse_args()
    rows, defaults = [], {}
    for model in args.models.split(','):
        found, defaults[model] = rows_of(args, model)
        rows += found
    show(rows, args.format)
    print()
    if not all([verdict(model, *default) for model, default in defaults.items()]): sys.exit(1)


if __name__ == '__main__': main()
