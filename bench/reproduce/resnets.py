"""ResNets by stage; ResNet-50 in f32 against int8 by kind and by layer; one residual block with and without fusion; the open questions."""
import statistics
from charts import chart, grouped, stacked
from measure import run_json
from networks import kinds_of, pair_jobs, ratio, synthetic
from page import listing, number, percent, same_or, span, text, times

DEPTHS = {18: 17, 34: 32, 50: 40, 101: 75, 152: 110}  # about ms a run
STAGES = ['conv1', 'conv2_x', 'conv3_x', 'conv4_x', 'conv5_x', 'fc']
BLOCK = 'layer2.1.'
DIRECT = ['--algorithm', 'direct']  # as in the sources: Winograd's would change the FLOPs of a stage


# ---- per stage

def stages_jobs(s):
    return [run_json(f'resnet{d}', synthetic(f'resnet{d}') + DIRECT + s.run, cost=2 + ms * s.rounds[0] / 1000) for d, ms in DEPTHS.items()]


def stage_row(run, stage):
    layers = [l for l in run['layers'] if l['stage'] == stage]
    total = lambda key: sum(l[key] for l in layers) if all(l[key] is not None for l in layers) else None
    ms, flops, size, roof = total('time_ms'), total('flops'), total('bytes'), total('roof_ms')
    bounds = {}
    for l in layers: bounds[l['bound']] = bounds.get(l['bound'], 0) + (l['roof_ms'] or 0)
    sources = [source for l in layers for source in l['sources']]
    channels, height = layers[-1]['output_shape'].split('x')[1:3] if stage.endswith('_x') else (None, None)
    return {'network': run['model'], 'stage': stage, 'ms': ms, 'gflop': flops / 1e9, 'mb': size / 1e6,
            'gflops': flops / ms / 1e6, 'intensity': flops / size, 'roof_share': roof / ms if roof else None, 'bound': max(bounds, key=bounds.get),
            'channels': channels and int(channels), 'pixels': height and int(height) ** 2,
            'blocks': len({source.split('.')[1] for source in sources if source.startswith('layer')})}


def stage_rows(results):
    return [stage_row(results[f'resnet{d}'], stage) for d in DEPTHS if f'resnet{d}' in results for stage in STAGES]


def stages(s, results, part):
    rows = stage_rows(results)
    networks = list(dict.fromkeys(r['network'] for r in rows))
    find = {(r['network'], r['stage']): r for r in rows}
    wide = [{'network': n, **{stage: find[n, stage]['ms'] for stage in STAGES}, 'total': sum(find[n, stage]['ms'] for stage in STAGES),
             'latency_ms': results[n]['latency_ms']['p50']} for n in networks]
    part.table('resnet_stages', [text('network'), *(number(f'{stage} ms', stage) for stage in STAGES), number('stages ms', 'total'),
                                 number('untraced run ms', 'latency_ms')], wide)
    part.chart('resnet_stages', 'time by stage of five ResNets', lambda path: chart(
        path, 'ResNets, f32: time by stage', lambda axis: stacked(axis, networks, {stage: [r[stage] for r in wide] for stage in STAGES}, 'ms'),
        legend=True))
    part.say('Convolutions are direct, as in the thesis.')
    most = [max((find[network, stage] for stage in STAGES), key=lambda r: r['ms']) for network in networks]
    part.points(f"**{m['network']}**: {m['stage']} takes most, {percent(m['ms'] / w['total'])}; it has {m['blocks']} blocks and "
                f"{percent(m['gflop'] / sum(find[m['network'], stage]['gflop'] for stage in STAGES))} of the FLOPs." for m, w in zip(most, wide))
    if len(networks) > 1:
        per = [find[n, 'conv4_x']['ms'] / find[n, 'conv4_x']['blocks'] for n in networks if int(n[6:]) >= 50]
        part.say('Deeper networks grow in conv4_x.' if find[networks[-1], 'conv4_x']['ms'] > 0.5 * wide[-1]['total'] else '',
                 f'One block of conv4_x takes {span(per)} ms in the networks with bottleneck blocks' +
                 (': depth costs what the blocks cost.' if max(per) < 1.15 * min(per) else '.') if len(per) > 1 else '')


# ---- ResNet-50, f32 against int8

def resnet50_jobs(s):
    return pair_jobs(s, 'resnet50', 1)[:1]


def kind_rows(sides):
    """Rows by kind with count_, ms_ and share_ of every side {name: run}."""
    found = {name: kinds_of(run) for name, run in sides.items()}
    kinds = dict.fromkeys(k for name in sides for k in found[name])
    longest = lambda kind: max(f[kind]['time_ms'] or 0 for f in found.values() if kind in f)
    order = sorted((k for k in kinds if k not in ('reorder', 'gap')), key=longest, reverse=True) + ['reorder', 'gap']
    return [{'kind': kind, **{f'{key}_{name}': found[name].get(kind, {'count': 0, 'time_ms': 0, 'share': 0})[of]
                              for name in sides for key, of in (('count', 'count'), ('ms', 'time_ms'), ('share', 'share'))}} for kind in order]


def kind_columns(names):
    return [text('kind')] + [number(f'{title} {name}', f'{key}_{name}', form) for name in names
                             for title, key, form in (('count', 'count', 'd'), ('ms', 'ms', '.3f'), ('share', 'share', '.1%'))]


def resnet50(s, results, part):
    pair = results['resnet50-b1-int8']
    rows = kind_rows({'f32': pair['a'], 'int8': pair['b']})
    part.table('resnet50_kinds', kind_columns(['f32', 'int8']), rows)
    shown = [r for r in rows if r['ms_f32'] + r['ms_int8'] > 0]
    part.chart('resnet50_kinds', 'time by kind of primitive, f32 and int8', lambda path: chart(
        path, 'ResNet-50: time by kind of primitive (logarithmic)', lambda axis: grouped(
            axis, [r['kind'] for r in shown], {d: [r[f'ms_{d}'] or None for r in shown] for d in ('f32', 'int8')}, 'ms', log=True), legend=True))
    conv = rows[0]
    changed = [r['kind'] for r in rows if r['count_f32'] != r['count_int8']]
    part.say(f"int8 is {ratio(pair['speedup'])} as fast as f32, by the median of {pair['speedup']['rounds']} rounds in turn.",
             f"Convolutions have {percent(conv['share_f32'])} of the time in f32 and {percent(conv['share_int8'])} in int8 (about 95 % in the thesis).",
             f"The number of primitives changes for {listing(changed)}." if changed else 'The number of primitives is the same for every kind.')


# ---- one residual block

def block_jobs(s):
    return [run_json('resnet50-fusion', ['compare'] + synthetic('resnet50') + ['--vs', '--fusion off'] + s.compare, cost=8)]


def block(s, results, part):
    pair = results['resnet50-fusion']
    rows = [{'fusion': fusion, 'layer': l['name'], 'kind': l['kind'], 'ms': l['time_ms'], 'mb': l['bytes'] / 1e6, 'impl': l['impl']}
            for fusion, side in (('off', 'b'), ('on', 'a')) for l in pair[side]['layers'] if any(source.startswith(BLOCK) for source in l['sources'])]
    part.table('residual_block', [text('fusion'), text('layer'), text('kind'), number('ms', 'ms', '.4f'), number('MB', 'mb'), text('implementation', 'impl')], rows)
    off, on = ([r for r in rows if r['fusion'] == fusion] for fusion in ('off', 'on'))
    kinds = list(dict.fromkeys(r['kind'] for r in rows))
    part.chart('residual_block', 'one residual block without and with fusion', lambda path: chart(
        path, f'ResNet-50, block {BLOCK[:-1]}: time by kind of primitive', lambda axis: stacked(
            axis, [f'fusion off: {len(off)} primitives', f'fusion on: {len(on)} primitives'],
            {k: [sum(r['ms'] for r in side if r['kind'] == k) for side in (off, on)] for k in kinds}, 'ms'), legend=True))
    before, after = (sum(r['ms'] for r in side) for side in (off, on))
    moved = [sum(r['mb'] for r in side) for side in (off, on)]
    conv = [sum(r['ms'] for r in side if r['kind'] == 'convolution') for side in (off, on)]
    gone = [k for k in kinds if not any(r['kind'] == k for r in on)]
    part.say(f'Block {BLOCK[:-1]} (f32): {len(off)} primitives become {len(on)}, {before:.3f} ms become {after:.3f} ms ({before / after:.2f}x),',
             f'{moved[0]:.1f} MB moved become {moved[1]:.1f} MB.', f'{listing(gone)} vanish as primitives of their own.' if gone else '',
             f'The convolutions, which now do that work too, take {conv[0]:.3f} ms before and {conv[1]:.3f} ms after:',
             same_or(*conv, 'what is fused costs next to nothing.', 'what is fused is not quite free.' if conv[1] > conv[0] else 'they became faster too.'),
             f"The whole network: {ratio(dict(pair['speedup'], median=1 / pair['speedup']['median'], ci95=inverse(pair['speedup']['ci95'])))} by fusion.")


def inverse(ci):
    return ci and [1 / ci[1], 1 / ci[0]]


# ---- per layer

def layers(s, results, part):
    pair = results['resnet50-b1-int8']
    rows = [{'number': i + 1, 'layer': '+'.join(l['sources']), 'f32_ms': l['a_ms'], 'int8_ms': l['b_ms'], 'speedup': l['speedup'],
             'f32_impl': l['a_impl'], 'int8_impl': l['b_impl'], 'why': l['why']} for i, l in enumerate(pair['layers'])]
    slowest = sorted(rows, key=lambda r: -(r['f32_ms'] or 0))
    part.table('resnet50_layers', [number('layer', 'number', 'd'), text('covers', 'layer'), number('f32 ms', 'f32_ms', '.3f'), number('int8 ms', 'int8_ms', '.3f'),
                                   number('f32 / int8', 'speedup', '.2f', 'x'), text('f32', 'f32_impl'), text('int8', 'int8_impl'), text('why slower', 'why')],
               slowest, shown=10)

    def draw(axis):
        width = 0.42
        for i, dtype in enumerate(('f32', 'int8')):
            axis.bar([r['number'] + (i - 0.5) * width for r in rows], [r[f'{dtype}_ms'] or 0 for r in rows], width, label=dtype)
        firsts = dict(reversed([(l['stage'], i + 1) for i, l in enumerate(pair['a']['layers'])]))
        for stage, first in firsts.items():
            axis.axvline(first - 0.5, color='#bbbbbb', linewidth=0.8)
            axis.text(first - 0.3, axis.get_ylim()[1], '' if stage == 'conv1' else stage, fontsize=8, va='bottom')  # conv1: no room
        axis.set_xlim(0.3, len(rows) + 0.7)
        axis.set_xlabel('layer, in the order of the run')
        axis.set_ylabel('ms')

    part.chart('resnet50_layers', 'time of each layer, f32 and int8', lambda path: chart(path, 'ResNet-50: time of each layer', draw, legend=True))
    both = [r for r in rows if r['speedup']]
    gain = statistics.median(r['speedup'] for r in both)
    slower = [r for r in both if r['speedup'] < 1]
    best, least = max(both, key=lambda r: r['speedup']), min(both, key=lambda r: r['speedup'])
    part.say(f"The median layer is {times(gain)} as fast in int8:", 'about half the time, as in the thesis.' if 1.7 <= gain <= 2.3 else
             'more than the thesis saw (about half the time).' if gain > 2.3 else 'less than the thesis saw (about half the time).',
             f"Most gains layer {best['number']} ({best['layer']}, {times(best['speedup'])}), least layer {least['number']} ({least['layer']},",
             f"{times(least['speedup'])}).",
             f'{len(slower)} of {len(both)} layers are slower in int8: {listing(r["layer"] for r in slower)}.' if slower else 'No layer is slower in int8.')


# ---- the open questions

def questions_jobs(s):
    return stages_jobs(s) + pair_jobs(s, 'resnet50', 1)


def question_count(results, part):
    plain, int8 = results['resnet50-b1-plain'], results['resnet50-b1-int8']
    rows = kind_rows({'unoptimised': plain['a'], 'f32': int8['a'], 'int8': int8['b']})
    part.head('Did the number of convolutions grow, or only their share?')
    part.table('question_count', kind_columns(['unoptimised', 'f32', 'int8']), rows)
    conv = next(r for r in rows if r['kind'] == 'convolution')
    rest = {d: sum(r[f'ms_{d}'] or 0 for r in rows if r['kind'] not in ('convolution', 'gap')) for d in ('unoptimised', 'f32', 'int8')}
    counts = [conv[f'count_{d}'] for d in rest]
    part.say(f'**{"Only the share" if len(set(counts)) == 1 else "The number changes"}.** There are {listing(dict.fromkeys(map(str, counts)))} convolutions in',
             f'unoptimised f32, planned f32 and int8, with {listing(percent(conv[f"share_{d}"]) for d in rest)} of the time.',
             *(say_share(conv, rest, before, after) for before, after in (('unoptimised', 'f32'), ('f32', 'int8'))),
             'A share says how the rest did; only the time says how the convolutions did.')


def say_share(conv, rest, before, after):
    if not conv[f'ms_{after}'] or not rest[after]: return ''
    return (f'From {WORDS[before]} to {WORDS[after]} the convolutions become {conv[f"ms_{before}"] / conv[f"ms_{after}"]:.1f} times as fast and everything '
            f'else {rest[before] / rest[after]:.1f} times, so their share {"rises" if conv[f"share_{after}"] > conv[f"share_{before}"] else "falls"}.')


WORDS = {'unoptimised': 'unoptimised f32', 'f32': 'planned f32', 'int8': 'int8'}


def question_stage(results, part):
    rows = [r for r in stage_rows(results) if r['stage'].endswith('_x')]
    part.head('Why is conv5_x hardly slower than conv2_x, with 8 times the channels?')
    part.table('question_stage', [text('network'), text('stage'), number('blocks', 'blocks', 'd'), number('channels', 'channels', 'd'), number('pixels', 'pixels', 'd'),
                                  number('GFLOP', 'gflop'), number('MB', 'mb', '.1f'), number('FLOP/byte', 'intensity', '.0f'), number('ms', 'ms'),
                                  number('GFLOP/s', 'gflops', '.0f'), number('of roof', 'roof_share', '.0%'), text('bound')], rows)
    find = {(r['network'], r['stage']): r for r in rows}
    networks = list(dict.fromkeys(r['network'] for r in rows))
    panels = [('gflop', 'GFLOP'), ('mb', 'MB moved'), ('gflops', 'GFLOP/s'), ('ms', 'ms')]

    def draw(*axes):
        for axis, (key, title) in zip(axes, panels):
            for network in networks:
                axis.plot([2, 3, 4, 5], [find[network, f'conv{i}_x'][key] for i in (2, 3, 4, 5)], marker='o', markersize=4, label=network)
            axis.set_title(title, fontsize=9)
            axis.set_ylim(bottom=0)
            axis.set_xticks([2, 3, 4, 5], ['2_x', '3_x', '4_x', '5_x'])

    part.chart('question_stage', 'FLOPs, bytes, rate and time by stage', lambda path: chart(
        path, 'ResNets: what the stages conv2_x to conv5_x do', draw, panels=len(panels), legend=True))
    part.points(say_stage(find[network, 'conv2_x'], find[network, 'conv5_x']) for network in networks)
    part.say('Eight times the channels in and out make a convolution 64 times as large at each pixel, and there are 64 times fewer pixels: the FLOPs of a',
             'block stay about the same, so the stages differ by their number of blocks and by how fast the machine gets through them.')


def say_stage(two, five):
    r = lambda key: five[key] / two[key]
    block = r('gflop') / r('blocks')
    verb = 'hardly differs from' if 0.8 <= r('ms') <= 1.25 else 'is slower than' if r('ms') > 1 else 'is faster than'
    said = (f"**{two['network']}**: conv5_x {verb} conv2_x: {r('ms'):.2f} times the time with {r('channels'):.0f} times the channels and "
            f"1/{1 / r('pixels'):.0f} of the pixels. It has {r('gflop'):.2f} times the FLOPs ({block:.2f} a block) at {r('gflops'):.2f} times the rate "
            f"({five['gflops']:.0f} against {two['gflops']:.0f} GFLOP/s), and moves {r('mb'):.2f} times the bytes. ")
    if two['roof_share'] and five['roof_share']:
        said += (f"It reaches {five['roof_share']:.0%} of what the roofline allows (bound: {five['bound']}), "
                 f"conv2_x {two['roof_share']:.0%} (bound: {two['bound']}). ")
    if 0.9 <= r('gflops') <= 1.1: return said + 'So the time follows the FLOPs.'
    if r('gflops') < 1: return said + ('Its rate is lower, for it reads many weights for few pixels.' if r('mb') > 1 else
                                       'Its rate is lower although it moves fewer bytes: memory is not the reason.')
    return said + ('Its rate is higher, for it does more with each byte.' if r('intensity') > 1 else 'Its rate is higher although it does less with each byte.')


def questions(s, results, part):
    question_count(results, part)
    question_stage(results, part)
