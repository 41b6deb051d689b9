#!/usr/bin/env python3
"""INT8 accuracy as a table: every network with real weights, every calibrator, with and without bias correction, and the default, which may equalise.

  bench/accuracy.py [--minfer PATH] [--data DIR] [--models A,B] [--out FILE.md] [--halves]

The first table calibrates on 300 of DIR/images and judges on all of them. --halves makes the second: the default setting, calibrated on one half of
the pictures (every second one) and judged on the other, and the other way round; the difference to f32 is paired, picture by picture. DIR is
$MINFER_DATA or ~/.cache/minfer-data: weights/NAME.safetensors, images/ with labels.txt. Rows appear as they are done.
"""
import argparse, json, math, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ['mobilenet_v1', 'mobilenet_v1_75', 'mobilenet_v1_50', 'mobilenet_v1_25', 'mobilenet_v2', 'efficientnet_lite0', 'efficientnet_lite1',
          'efficientnet_lite2', 'squeezenet1_1']
CALIBRATORS = ['minmax', 'percentile-99.9', 'percentile-99.99', 'percentile-99.999', 'entropy', 'mse', 'auto']


def accuracy(args, name, images, calibration, *options):
    model, _, width = name.partition('_v1_')
    command = [args.minfer, 'accuracy', '--model', model + '_v1' if width else name, '--weights', f'{args.data}/weights/{name}.safetensors', '--images', images,
               '--labels', f'{args.data}/images/labels.txt', '--format', 'json', '--quiet']
    if width: command += ['--width', f'0.{width}']
    if calibration: command += ['--int8', '--calibration', calibration]
    return json.loads(subprocess.run(command + list(options), check=True, capture_output=True, text=True).stdout)


def cell(r):
    return f"{r['top1']:.1f} / {100 * r['agreement_f32']:.1f} % / {r['sqnr_db']['all']:.1f} dB"


def calibrators(args, out):
    print('| network | f32 |', *(f'{c} |' for c in CALIBRATORS), 'auto, corrected | mse, corrected | default | int8 |', file=out)
    print('|---|---|' + '---|' * (len(CALIBRATORS) + 4), file=out, flush=True)
    off = ['--equalisation', 'off']
    for name in args.models:
        images = f'{args.data}/images'
        results = [accuracy(args, name, images, images, '--calibrator', c, '--bias-correction', 'off', *off) for c in CALIBRATORS]
        results += [accuracy(args, name, images, images, '--calibrator', c, *off) for c in ('auto', 'mse')]
        results.append(accuracy(args, name, images, images))
        last = results[-1]
        print(f"| {name} | {last['f32']['top1']:.1f} |", *(f'{cell(r)} |' for r in results), f"{100 * last['int8_share']:.1f} % |", file=out, flush=True)


def split(args, folder):
    names = sorted(n for n in os.listdir(f'{args.data}/images') if n != 'labels.txt')
    for i, n in enumerate(names):
        half = os.path.join(folder, str(i % 2))
        os.makedirs(half, exist_ok=True)
        os.symlink(os.path.abspath(f'{args.data}/images/{n}'), os.path.join(half, n))


def halves(args, out):
    print('| network | judged on half | f32 | int8 | int8 - f32, points [95 % interval] | in standard errors | agreement | SQNR |', file=out)
    print('|---|---|---|---|---|---|---|---|', file=out, flush=True)
    with tempfile.TemporaryDirectory(prefix='minfer-halves-') as folder:
        split(args, folder)
        labels = {line.split()[0]: line for line in open(f'{args.data}/images/labels.txt') if line.strip() and line[0] != '#'}
        for name in args.models:
            for half in '01':
                images, others = os.path.join(folder, half), os.path.join(folder, '10'[int(half)])
                subset = os.path.join(folder, f'labels{half}.txt')
                with open(subset, 'w') as f: f.writelines(labels[n] for n in sorted(os.listdir(images)))
                r = accuracy(args, name, images, others, '--labels', subset)
                d = r['difference']
                # of a difference of paired shares: only pictures that one of the two gets right count
                error = 100 * math.sqrt(d['only_f32'] + d['only_chosen'] - (d['only_f32'] - d['only_chosen']) ** 2 / r['images']) / r['images']
                print(f"| {name} | {'AB'[int(half)]} | {r['f32']['top1']:.1f} | {r['top1']:.1f} | {d['points']:+.1f} [{d['ci95'][0]:+.1f}, {d['ci95'][1]:+.1f}] | "
                      f"{d['points'] / error if error else 0:+.1f} | {100 * r['agreement_f32']:.1f} % | {r['sqnr_db']['all']:.1f} dB |", file=out, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--minfer', default=f'{HERE}/../build/release/minfer')
    p.add_argument('--data', default=os.environ.get('MINFER_DATA', os.path.expanduser('~/.cache/minfer-data')))
    p.add_argument('--models', type=lambda s: s.split(','), default=MODELS)
    p.add_argument('--halves', action='store_true')
    p.add_argument('--out')
    args = p.parse_args()
    out = open(args.out, 'w') if args.out else sys.stdout
    (halves if args.halves else calibrators)(args, out)


main()
