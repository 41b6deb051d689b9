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
            failed = statistics.median(t['overhead'] for t in found) > MOST_OVERHEAD or statistics.median(closures) < LEAST_CLOSURE
    return rows, failed


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
    rows, failed = [], []
    for model in args.models.split(','):
        found, over = rows_of(args, model)
        rows += found
        failed += [model] * over
    show(rows, args.format)
    if failed: sys.exit(f"over {100 * MOST_OVERHEAD:g} % of overhead or under {100 * LEAST_CLOSURE:g} % of closure: {', '.join(failed)}")


if __name__ == '__main__': main()
