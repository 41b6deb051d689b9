"""AlexNet layer by layer, MobileNet-v1 at four widths, and six networks from unoptimised to int8."""
import os, re
from collections import Counter
from charts import chart, grouped, place_groups, stacked
from measure import run_json
from page import listing, number, percent, span, text, times

SIX = {'alexnet': 8, 'vgg16': 150, 'resnet18': 17, 'resnet50': 40, 'mobilenet_v1': 7, 'inception_v3': 60}  # about ms an image in f32, two cores
PLAIN = '--algorithm gemm --layout nchw --fusion off'.split()
CHOSEN = '--algorithm auto --layout auto --fusion on'
LAYOUTS = {'auto': 'a', 'blocked': 'b'}  # and the side of the comparison
WIDTHS = {'0.25': '_25', '0.5': '_50', '0.75': '_75', '1': ''}


def synthetic(model, batch=1):
    return ['--model', model, '--weights', 'synthetic', '--batch', str(batch)]


def ratio(speedup):
    """Text of a ratio with its interval."""
    ci = speedup['ci95']
    return f"{speedup['median']:.2f}x" + (f' [{ci[0]:.2f}, {ci[1]:.2f}]' if ci else '')


# ---- AlexNet

def alexnet_jobs(s):
    return [run_json('alexnet', synthetic('alexnet') + s.run, trace='.trace.json', cost=6)]


def alexnet(s, results, part):
    run = results['alexnet']
    rows = [dict(layer, gflop=layer['flops'] / 1e9, mb=layer['bytes'] / 1e6) for layer in run['layers']]
    part.table('alexnet', [text('layer', 'stage'), text('covers', 'name'), text('kind'), text('output', 'output_shape'), number('GFLOP', 'gflop', '.3f'),
                           number('MB', 'mb'), number('ms', 'time_ms', '.3f'), number('share', 'share', '.1%'), number('GFLOP/s', 'gflops', '.0f'),
                           text('bound'), number('of roof', 'roof_share', '.0%'), text('implementation', 'impl')], rows)
    part.report('alexnet', results.trace('alexnet'), ['layers'])
    of = lambda kind: [r for r in rows if r['kind'] == kind]
    total = run['trace']['traced_ms']
    share = {k: sum(r['time_ms'] for r in of(k)) / total for k in ('convolution', 'inner_product')}
    slowest = max(rows, key=lambda r: r['time_ms'])
    rate = {k: sum(r['flops'] for r in of(k)) / sum(r['time_ms'] for r in of(k)) / 1e6 for k in share}
    more = max(share, key=share.get)
    part.say(f"A run takes {run['latency_ms']['p50']:.2f} ms. Convolutions have {percent(share['convolution'])} of it, fully connected layers",
             f"{percent(share['inner_product'])}: most goes to the {'convolutions' if more == 'convolution' else 'fully connected layers'}.",
             f"The slowest layer is {slowest['stage']} with {slowest['time_ms']:.2f} ms.",
             f"Convolutions reach {rate['convolution']:.0f} GFLOP/s, fully connected layers {rate['inner_product']:.0f}:",
             'at batch 1 each weight of a fully connected layer is read for one multiply-add, so memory sets their pace.'
             if rate['inner_product'] < 0.5 * rate['convolution'] else 'both at a like rate.',
             f"Layouts need {sum(k['count'] for k in run['kinds'] if k['kind'] == 'reorder')} reorders.")


# ---- MobileNet-v1 widths

def width_weights(s, width):
    path = os.path.join(s.data, 'weights', f'mobilenet_v1{WIDTHS[width]}.safetensors')
    return path if os.path.exists(path) else 'synthetic'


def has_images(s):
    return os.path.exists(os.path.join(s.data, 'images', 'labels.txt'))


def widths_jobs(s):
    images, photos = os.path.join(s.data, 'images'), os.path.join(s.data, 'photos')
    calibration = photos if os.path.isdir(photos) else images  # other pictures than those that judge, where there are any
    jobs = []
    for width in WIDTHS:
        weights = width_weights(s, width)
        network = ['--model', 'mobilenet_v1', '--width', width, '--weights', weights]
        jobs += [run_json(f'mobilenet_v1-{width}-{name}', ['compare'] + network + ['--vs', other] + s.compare, cost=3)
                 for name, other in (('blocked', '--layout blocked'), ('int8', '--int8'))]
        jobs += [run_json(f'mobilenet_v1-{width}-plan-{layout}', ['inspect'] + network + ['--layout', layout], cost=0.5) for layout in LAYOUTS]
        if weights != 'synthetic' and has_images(s):
            jobs.append(run_json(f'mobilenet_v1-{width}-accuracy', ['accuracy'] + network + ['--int8', '--images', images, '--calibration', calibration,
                                                                                             '--labels', os.path.join(images, 'labels.txt')], cost=20))
    return jobs


def kinds_of(run):
    return {k['kind']: k for k in run['kinds']}


def width_kinds(results, part):
    rows, kinds = [], []
    for width in WIDTHS:
        pair = results[f'mobilenet_v1-{width}-blocked']
        for layout, side in LAYOUTS.items():
            found = kinds_of(pair[side])
            kinds += [k for k in found if k not in kinds]
            formats = Counter(p['destination']['format'] for p in results[f'mobilenet_v1-{width}-plan-{layout}']['primitives'])
            rows.append({'width': width, 'layout': layout, 'latency_ms': pair[side]['latency_ms']['p50'], 'reorders': found['reorder']['count'],
                         'formats': ', '.join(f'{n} {f}' for f, n in formats.most_common()), 'blocked_time': 1 / pair['speedup']['median'],
                         **{k: v['time_ms'] for k, v in found.items()}})
    kinds = [k for k in kinds if any(r.get(k) for r in rows)]
    part.table('mobilenet_widths', [text('width'), text('layout'), number('latency ms', 'latency_ms', '.3f'), number('reorders', 'reorders', 'd'),
                                    text('what primitives write', 'formats')] + [number(f'{k} ms', k, '.3f') for k in kinds], rows)
    groups = [f"{r['width']}\n{r['layout']}" for r in rows]
    part.chart('mobilenet_widths', 'time by kind of primitive, by width and layout', lambda path: chart(
        path, 'MobileNet-v1, f32: time by kind of primitive', lambda axis: stacked(axis, groups, {k: [r.get(k) or 0 for r in rows] for k in kinds}, 'ms'),
        legend=True))
    return rows


def say_reorders(rows, part):
    count = {(r['width'], r['layout']): r['reorders'] for r in rows}
    own, blocked = ([count[w, layout] for w in WIDTHS] for layout in ('auto', 'blocked'))
    more = min(blocked[0], blocked[2]) > max(blocked[1], blocked[3])
    part.say('In the thesis widths 0.25 and 0.75 pay extra reorders between nChw8c and nChw16c, for their channels do not fill blocks of 16.',
             f"With blocked layouts forced, minfer has {listing(map(str, blocked))} reorders at widths {listing(WIDTHS)}:",
             'so the thesis holds for blocked layouts.' if more else 'so the odd widths pay nothing extra any more.' if len(set(blocked)) == 1 else
             'the counts differ by width, but not as in the thesis.',
             f"Left to itself it has {listing(map(str, own))}" +
             (': the layouts that oneDNN prefers now have no such blocks.' if not any(own) else '.'))
    blocks = sorted({f for r in rows if r['layout'] == 'blocked' for f in r['formats'].replace(',', '').split() if 'Chw' in f})
    part.say(f'Blocked activations are all {blocks[0]}: channels that do not fill a block are padded, so nothing has to change its layout.' if len(blocks) == 1
             else f'Blocked activations are {listing(blocks)}.' if blocks else '',
             f"Blocked layouts take {span([r['blocked_time'] for r in rows])} times as long as the chosen ones, measured in turn.")


def width_accuracy(s, results, part):
    rows = []
    for width in WIDTHS:
        name = f'mobilenet_v1-{width}-'
        judged = results.get(name + 'accuracy')
        pair = results[name + 'int8']
        rows.append({'width': width, 'f32_ms': pair['a']['latency_ms']['p50'], 'int8_ms': pair['b']['latency_ms']['p50'], 'gain': pair['speedup']['median'],
                     **({'f32_top1': judged['f32']['top1'], 'f32_top5': judged['f32']['top5'], 'int8_top1': judged['top1'], 'int8_top5': judged['top5'],
                         'agreement': judged['agreement_f32'], 'images': judged['images']} if judged else {})})
    part.head('Accuracy beside latency')
    part.table('mobilenet_accuracy', [text('width'), number('f32 ms', 'f32_ms', '.3f'), number('int8 ms', 'int8_ms', '.3f'),
                                      *(number(f'{d} top-{k} %', f'{d}_top{k}', '.1f') for d in ('f32', 'int8') for k in (1, 5)),
                                      number('same class', 'agreement', '.1%'), number('pictures', 'images', 'd')], rows)
    judged = [r for r in rows if 'f32_top1' in r]
    if len(judged) < len(rows):
        part.say(f"Accuracy is left out for width {listing(r['width'] for r in rows if r not in judged)}: weights (weights/mobilenet_v1*.safetensors)",
                 f'or labelled pictures (images/, images/labels.txt) are not in `$MINFER_DATA` ({s.data}).')
    if not judged: return

    def draw(axis):
        for dtype, marker in ('f32', 'o'), ('int8', 's'):
            axis.plot([r[f'{dtype}_ms'] for r in judged], [r[f'{dtype}_top1'] for r in judged], marker=marker, label=dtype)
            for r in judged: axis.annotate(r['width'], (r[f'{dtype}_ms'], r[f'{dtype}_top1']), xytext=(6, -9), textcoords='offset points', fontsize=8)
        axis.set_xlabel('latency, ms')
        axis.set_ylabel('top-1, %')
        axis.grid(axis='x')
        axis.legend(loc='lower right')

    part.chart('mobilenet_accuracy', 'top-1 accuracy against latency', lambda path: chart(path, 'MobileNet-v1: accuracy beside latency, by width', draw))
    change = [r['int8_top1'] - r['f32_top1'] for r in judged]
    widest = judged[-1]
    beaten = [r['width'] for r in judged[:-1] if widest['int8_ms'] <= r['f32_ms'] and widest['int8_top1'] > r['f32_top1']]
    part.say(f"int8 changes top-1 by {span(change, '{:+.1f}')} points and is {span([r['gain'] for r in judged], '{:.1f}')} times as fast.",
             f"Width {widest['width']} in int8 is at once faster and more accurate than f32 at width {listing(beaten)}: a smaller type pays better than a"
             ' narrower network.' if beaten else 'No narrower network in f32 is both slower and less accurate than the widest in int8.',
             'The pictures are from the training set: right for comparing rows, too high as accuracy.')


def widths(s, results, part):
    rows = width_kinds(results, part)
    say_reorders(rows, part)
    width_accuracy(s, results, part)


# ---- six networks

def pair_jobs(s, model, batch):
    """f32 against int8 and unoptimised against f32, each measured in turn."""
    cost = SIX[model] * batch / 1000 * s.rounds[batch > 1]
    more = s.compare if batch == 1 else s.compare_large
    return [run_json(f'{model}-b{batch}-int8', ['compare'] + synthetic(model, batch) + more, cost=3 + 1.5 * cost),
            run_json(f'{model}-b{batch}-plain', ['compare'] + synthetic(model, batch) + PLAIN + ['--vs', CHOSEN] + more, cost=3 + 4 * cost)]


def six_jobs(s):
    return [job for model in SIX for batch in s.batches for job in pair_jobs(s, model, batch)]


def six_row(model, batch, int8, plain):
    rate = lambda run: run['images_per_s']
    return {'model': model, 'batch': batch, 'plain_ms': plain['a']['latency_ms']['p50'], 'f32_ms': int8['a']['latency_ms']['p50'],
            'int8_ms': int8['b']['latency_ms']['p50'], 'plain_rate': rate(plain['a']), 'f32_rate': rate(int8['a']), 'int8_rate': rate(int8['b']),
            'f32_gain': plain['speedup']['median'], 'int8_gain': int8['speedup']['median'],
            'both': plain['speedup']['median'] * int8['speedup']['median'], 'f32_text': ratio(plain['speedup']), 'int8_text': ratio(int8['speedup'])}


def six(s, results, part):
    rows = [six_row(model, batch, results[f'{model}-b{batch}-int8'], results[f'{model}-b{batch}-plain']) for model in SIX for batch in s.batches
            if f'{model}-b{batch}-int8' in results and f'{model}-b{batch}-plain' in results]
    part.table('networks', [text('network', 'model'), number('batch', 'batch', 'd'), number('unoptimised ms', 'plain_ms'), number('f32 ms', 'f32_ms'),
                            number('int8 ms', 'int8_ms'), text('f32 over unoptimised', 'f32_text'), text('int8 over f32', 'int8_text'),
                            number('int8 over unoptimised', 'both', '.1f', 'x')], rows)
    batches = sorted({r['batch'] for r in rows})

    def draw(*axes):
        for axis, batch in zip(axes, batches):
            chosen = [r for r in rows if r['batch'] == batch]
            grouped(axis, [r['model'] for r in chosen], {name: [r[key] for r in chosen] for name, key in
                                                       (('unoptimised', 'plain_rate'), ('f32', 'f32_rate'), ('int8', 'int8_rate'))}, 'images/s', log=True)
            place_groups(axis, [re.sub(r'_?(v?\d+)$', r'\n\1', r['model']) for r in chosen])
            axis.tick_params(axis='x', labelsize=7.5)
            axis.set_title(f'batch {batch}', fontsize=9)

    part.chart('networks', 'throughput of six networks', lambda path: chart(path, 'Throughput: unoptimised, f32 and int8 (logarithmic)', draw,
                                                                            panels=len(batches), legend=True))
    for batch in batches:
        chosen = [r for r in rows if r['batch'] == batch]
        gain, total = [r['int8_gain'] for r in chosen], [r['both'] for r in chosen]
        best, least = max(chosen, key=lambda r: r['both']), min(chosen, key=lambda r: r['int8_gain'])
        part.say(f'Batch {batch}: f32 as minfer plans it is {span([r["f32_gain"] for r in chosen], "{:.1f}")} times as fast as unoptimised f32; int8 is',
                 f'{span(gain, "{:.1f}")} times as fast as f32, {"within" if min(gain) >= 3 and max(gain) <= 4 else "above" if min(gain) > 4 else "partly outside"}',
                 f'the 3x to 4x of the thesis (least: {least["model"]}, {times(least["int8_gain"])}).',
                 f'Both together give {span(total, "{:.1f}")}, most with {best["model"]}:',
                 'as much as the 43x that the thesis saw at best.' if best['both'] >= 43 else
                 'less than the 43x that the thesis saw at best, with its framework on its machine.')
    part.say('Unoptimised is im2col on plain nchw with BatchNorm, activations and sums as primitives of their own. Ratios are medians of rounds in turn with',
             '95 % intervals; the last column is the product of the two before it.')
