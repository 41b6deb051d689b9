"""Trace files as minfer writes them (minfer.trace/1): made up, of any size and with names that try to be markup; and what is in one,
computed without minfer."""
import json, statistics

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


class Figures:
    """A trace file's own numbers, in ns. `times` below are {run: [durations of one layer or primitive in it]}."""

    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.document = json.load(file)
        spans = [e for e in self.document['traceEvents'] if e['ph'] == 'X']
        self.span_count = len(spans)
        self.spans = {kind: [e for e in spans if e['args']['span'] == kind] for kind in ('application', 'run', 'layer', 'primitive', 'thread')}
        by_id = {e['args']['id']: e for e in spans}
        self.layers = {e['args']['index']: e for e in self.spans['layer']}
        self.primitives, self.layer_of, self.primitive_times, self.layer_times = {}, {}, {}, {}
        for e in self.spans['primitive']:
            parent, index = by_id[e['args']['parent']], e['args']['index']
            inside = parent['args']['span'] == 'layer'
            run = (by_id[parent['args']['parent']] if inside else parent)['args']['index']
            self.primitives[index], self.layer_of[index] = e, parent['args']['index'] if inside else -1
            self.primitive_times.setdefault(index, {}).setdefault(run, []).append(self.ns(e))
            if inside:
                self.layer_times.setdefault(parent['args']['index'], {}).setdefault(run, []).append(self.ns(e))
        self.closures = [self.in_run(run['args']['index'], self.primitives) / self.ns(run) for run in self.spans['run']]
        self.reorders = [i for i, layer in self.layer_of.items() if layer < 0]

    @staticmethod
    def ns(e):
        return round(e['dur'] * 1000)

    @staticmethod
    def median(times):
        return statistics.median(sum(one) for one in times.values())

    @staticmethod
    def quartiles(times):
        low, _, high = statistics.quantiles([sum(one) for one in times.values()], n=4, method='inclusive')
        return low, high

    def in_run(self, run, primitives):
        return sum(sum(self.primitive_times[i].get(run, [])) for i in primitives)

    def together(self, primitives):
        """The median over the runs of what these take."""
        return statistics.median(self.in_run(run['args']['index'], primitives) for run in self.spans['run'])

    def run_ns(self):
        return statistics.median(map(self.ns, self.spans['run']))

    def rows(self):
        """(name, times) of every layer, and of every reorder between them."""
        return [(self.layers[i]['name'], times) for i, times in self.layer_times.items()] + \
               [(self.primitives[i]['name'], self.primitive_times[i]) for i in self.reorders]

    def kind(self, primitive):
        e, layer = self.primitives[primitive], self.layers.get(self.layer_of[primitive])
        fused = e['args'].get('post_ops') or layer and len(layer['args']['sources']) > 1
        return 'fused convolution' if e['cat'] == 'convolution' and fused else e['cat']

    def stage(self, primitive):
        layer = self.layers.get(self.layer_of[primitive])
        return layer['args'].get('stage', 'other') if layer else 'reorders'

    def by(self, key):
        """{key(primitive): [primitives]}"""
        groups = {}
        for i in self.primitives:
            groups.setdefault(key(i), []).append(i)
        return groups
