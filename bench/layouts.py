#!/usr/bin/env python3
"""MobileNet-v1's block-size story: how many reorders each width pays for in nChw16c and in the layouts that oneDNN picks, and what they cost.

  bench/layouts.py [--minfer PATH] [--model mobilenet_v1] [--widths 0.25,0.5,0.75,1] [--dtype f32] [--batch 1] [--iterations 0] [--format table|md]

For each width one `minfer compare --layout blocked --vs "--layout auto"`, which runs both in turn. Printed are the reorders of either side, their
edges, their time and share of the blocked run, what either side moves (blocked / auto), and what a run saves in the other layout: as a whole, and in the layers themselves without the
reorders, with 95 % intervals. Nothing else may run meanwhile.
"""
import argparse, json, subprocess
from cells import ROOT, show


def compare(args, width):
    command = [args.minfer, 'compare', '--model', args.model, '--dtype', args.dtype, '--batch', str(args.batch), '--weights', 'synthetic', '--layout',
               'blocked', '--vs', '--layout auto', '--format', 'json', '--quiet']
    if width != '1': command += ['--width', width]
    if args.iterations: command += ['--iterations', str(args.iterations)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def saved(part):
    interval = ' [{:+.3f}, {:+.3f}]'.format(*part['ci95']) if part['ci95'] else ''
    return f"{part['saved_ms']:+.3f}{interval}"


def row(args, width):
    result = compare(args, width)
    parts = {part['part']: part for part in result['parts']}
    blocked, auto = ([r for r in result['reorders'] if r['side'] == side] for side in 'ab')
    moved = [sum(layer[side + '_bytes'] for layer in result['layers']) / 1e6 for side in 'ab']
    ratio = result['speedup']
    return {'width': width, 'reorders blocked': str(len(blocked)), 'reorders auto': str(len(auto)), 'reorders, ms': f"{parts['reorders']['a_ms']:.3f}",
            'share': f"{100 * parts['reorders']['a_ms'] / parts['run']['a_ms']:.1f} %", 'moved, MB': '{:.1f} / {:.1f}'.format(*moved),
            'blocked, ms': f"{result['a']['latency_ms']['p50']:.3f}", 'auto, ms': f"{result['b']['latency_ms']['p50']:.3f}",
            'auto saves, ms': saved(parts['run']), 'of that in layers, ms': saved(parts['layers']),
            'blocked / auto': f"{ratio['median']:.3f}" + (' [{:.3f}, {:.3f}]'.format(*ratio['ci95']) if ratio['ci95'] else ''),
            'edges': '; '.join(f"{r['from']} -> {r['to']} ({r['from_format']} to {r['to_format']}, {r['time_ms']:.3f} ms)" for r in blocked + auto)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--minfer', default=f'{ROOT}/build/release/minfer')
    p.add_argument('--model', default='mobilenet_v1')
    p.add_argument('--widths', default='0.25,0.5,0.75,1')
    p.add_argument('--dtype', default='f32')
    p.add_argument('--batch', type=int, default=1)
    p.add_argument('--iterations', type=int, default=0)
    p.add_argument('--format', default='table', choices=['table', 'md'])
    args = p.parse_args()
    rows = [row(args, width) for width in args.widths.split(',')]
    edges = [(r['width'], r.pop('edges')) for r in rows]
    show(rows, args.format)
    for width, text in edges: print(f"\n{width}: {text or 'no reorder on either side'}")


if __name__ == '__main__': main()
