"""Traces of a small network, made by hand into the current folder: what `minfer diff` says of them can be worked out on paper.

Every run takes 0.1 ms more than its parts; part i of run r takes its time but for a thousandth of it for each run that r is from the
middle, so that the medians are the times below."""
import json

# name, sources, kind, ms, implementation, format
CONV1 = ('conv1+bn1+relu', ['conv1', 'bn1', 'relu'], 'convolution', 2, 'brg_conv_fwd:avx512_core', 'nhwc')
POOL = ('pool', ['pool'], 'pooling', 1, 'jit:avx512_core', 'nhwc')
CONV2 = ('conv2+bn2', ['conv2', 'bn2'], 'convolution', 4, 'brg_conv_fwd:avx512_core', 'nhwc')
FC = ('fc', ['fc'], 'inner_product', 0.5, 'brgemm:avx512_core', 'ab')
BASE = [CONV1, POOL, CONV2, FC]
BLOCKED = [CONV1, POOL, ('pool', 'conv2+bn2', 0.3),
           ('conv2+bn2', ['conv2', 'bn2'], 'convolution', 5, 'jit:avx512_core', 'nChw16c'), FC]
UNFUSED = [('conv1', ['conv1'], 'convolution', 2, CONV1[4], 'nhwc'), ('bn1', ['bn1'], 'batch_normalization', 0.75, 'jit:avx512_core', 'nhwc'),
           ('relu', ['relu'], 'eltwise', 0.25, 'jit:avx512_core', 'nhwc'), POOL, CONV2, FC]


def span(events, start, ns, parent, name, category, level, **arguments):
    identity = {'span': level, 'id': len(events) + 1}
    if parent:
        identity['parent'] = parent
    events.append({'ph': 'X', 'name': name, 'cat': category, 'ts': start / 1000, 'dur': ns / 1000, 'pid': 1, 'tid': 1,
                   'args': dict(identity, **arguments)})
    return len(events)


def add_run(events, index, start, parts, off, level):
    ns = [round(part[-1 if len(part) == 3 else 3] * 1e6 * (1 + 0.001 * off)) for part in parts]
    run = span(events, start, sum(ns) + 100000, 0, 'run', 'run', 'run', index=index)
    at, layer = start, -1
    for i, part in enumerate(parts):
        if level == 'run':
            continue
        if len(part) == 3:
            source, reader, _ = part
            if level == 'primitive':
                span(events, at, ns[i], run, '%s -> %s' % (source, reader), 'reorder', 'primitive', index=i, kind='reorder',
                     implementation='jit:uni', source_format='nhwc', source_dtype='f32', destination_format='nChw16c',
                     destination_dtype='f32', bytes_read=1000, bytes_written=1000, **{'from': source}, to=reader, reason='format mismatch')
        else:
            name, sources, kind, _, impl, form = part
            layer += 1
            parent = span(events, at, ns[i], run, name, 'layer', 'layer', index=layer, kind=kind, sources=sources, dtype='f32',
                          implementation=impl, input_shape='1x8x8x8', output_shape='1x8x8x8')
            if level == 'primitive':
                span(events, at, ns[i], parent, name, kind, 'primitive', index=i, kind=kind, implementation=impl, source_format=form,
                     source_dtype='f32', destination_format=form, destination_dtype='f32', bytes_read=1000, bytes_written=1000,
                     flops=1e6)
        at += ns[i]
    return start + sum(ns) + 200000


def write(name, parts=BASE, runs=10, level='primitive', shift=0, epoch=1700000000000000000, **environment):
    events, at = [], 0
    for r in range(runs):
        at = add_run(events, r, at, parts, r - (runs - 1) / 2 + shift, level)
    known = {'minfer_version': '0.1.0', 'onednn_version': '3.7.2', 'cpu': 'A CPU', 'isa': 'avx512_core', 'model': 'net',
             'width_multiplier': 1, 'dtype': 'f32', 'batch': 1, 'threads': 2, 'activation_bytes': 4194304}
    with open(name + '.trace.json', 'w') as file:
        json.dump({'schema': 'minfer.trace/1', 'displayTimeUnit': 'ms',
                   'clock': {'origin_monotonic_ns': 1000, 'monotonic_ns': 1000, 'epoch_ns': epoch},
                   'environment': dict(known, **environment), 'memory': [], 'dropped_records': 0,
                   'traceEvents': [{'ph': 'M', 'name': 'process_name', 'pid': 1, 'tid': 1, 'args': {'name': 'minfer net f32'}}] + events},
                  file)


if __name__ == '__main__':
    write('base')
    write('later', shift=0.25)
    write('blocked', BLOCKED, layout='blocked')
    write('unfused', UNFUSED, fusion='off')
    write('few', BLOCKED, runs=1)
    write('runs', level='run')
    write('layers', BLOCKED, level='layer')
    write('none', runs=0)
    write('other', model='other')
    write('eight', batch=8)
    write('half', width_multiplier=0.5)
    write('strange', [('x', ['x'], 'pooling', 1, 'jit:avx2', 'nhwc')])
    write('hostile', [('conv1\x1b[2J', ['conv1', 'bn1', 'relu'], 'a\nb', 2, '\x07', '\u202e')] + BASE[1:], cpu='\x1b]0;x\x07')
