"""Trace files as minfer writes them (minfer.trace/1), made up: of any size, and with names that try to be markup."""
import json

HOSTILE = '<img src=x onerror="window.hacked=1">'
ENDING = '</script><script>window.hacked=2</script><!--'


def event(name, category, start, duration, track, **args):
    return {'ph': 'X', 'name': name, 'cat': category, 'ts': start / 1000, 'dur': duration / 1000, 'pid': 1, 'tid': track, 'args': args}


def make(layers, runs, workers, name=lambda i: 'block%d.conv' % i, environment=None, kind='convolution'):
    """Every layer is one primitive; layer i takes 1000 + 10 i ns and 7 more in each later run. Workers work for half the time."""
    events = [{'ph': 'M', 'name': 'process_name', 'pid': 1, 'tid': 1, 'args': {'name': 'minfer ' + name(0)}}]
    events.append(event(name(0), 'start-up', 0, 5000, 1, span='application', id=1, index=0))
    ids, clock = iter(range(2, 1 << 40)), 6000
    for run in range(runs):
        times = [1000 + 10 * i + 7 * run for i in range(layers)]
        run_id = next(ids)
        events.append(event('run', 'run', clock, sum(times) + 100, 1, span='run', id=run_id, index=run + 1))
        for i, time in enumerate(times):
            layer_id, primitive_id = next(ids), next(ids)
            events.append(event(name(i), 'layer', clock, time, 1, span='layer', id=layer_id, parent=run_id, index=i, kind=kind,
                                sources=[name(i), name(i) + '/bn'], stage='stage%d' % (i % 5), dtype='f32', implementation='jit:' + name(i),
                                input_shape='1x8x8x8', output_shape='1x8x8x8'))
            events.append(event(name(i), kind, clock, time, 1, span='primitive', id=primitive_id, parent=layer_id, index=i, kind=kind,
                                implementation='jit:' + name(i), problem='mb1', source_format='nhwc', source_dtype='f32', destination_format='nhwc',
                                destination_dtype='f32', scratchpad_bytes=0, bytes_read=4096, bytes_written=4096, flops=1e6 + i, reason=name(i)))
            for worker in range(workers):
                half = time // 2
                events.append(event(name(i), 'thread', clock, time, 100 + worker, span='thread', id=next(ids), parent=primitive_id, index=i,
                                    effective_ns=half, spin_ns=time - half, wait_ns=0, overhead_ns=0, chunks=1))
            clock += time
        clock += 1100
    memory = [{'name': name(i), 'offset': 4096 * (i % 3), 'bytes': 4096, 'first_primitive': i, 'last_primitive': min(i + 1, layers - 1)}
              for i in range(layers)]
    return {'schema': 'minfer.trace/1', 'displayTimeUnit': 'ms', 'clock': {'origin_monotonic_ns': 1, 'monotonic_ns': 1, 'epoch_ns': 1},
            'environment': environment or {'model': name(0), 'dtype': 'f32', 'batch': 1, 'threads': workers}, 'memory': memory,
            'dropped_records': 0, 'traceEvents': events}


def write(path, trace):
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(trace, file)
