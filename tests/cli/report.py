"""`minfer report` without a browser: the data in the page against the trace file, and the charts as files."""
import json, os, re, struct, tempfile, unittest, zlib
import xml.etree.ElementTree as xml
from support import program, trace_figures

QUICK = '--warmup 0 --iterations 5 --threads 2 --trace-level thread '
TRACES = {'f32': '$SMALL', 'int8': '$SMALL --int8', 'plain': '--model squeezenet1_1 --size 64 --layout blocked --fusion off'}
BLUE, PLAIN = 'rgb(3.921569%', 'rgb(30.980392%'  # fused convolutions', convolutions'


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        for name, options in TRACES.items():
            cls.run_minfer('%s --trace=%s.trace.json %s' % (QUICK, name, options))
        cls.run_minfer('$QUICK --iterations 2 --trace=unfused.trace.json --fusion off')

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def run_minfer(cls, arguments):
        status, _, err = program.run('minfer ' + arguments, cls.folder)
        assert status == 0, err

    def report(self, *names, more=''):
        """The data of the page, and each trace's own figures."""
        self.run_minfer('report %s %s' % (' '.join(name + '.trace.json' for name in names), more))
        with open(os.path.join(self.folder, 'report.html'), encoding='utf-8') as file:
            data = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read(), re.S).group(1)
        return json.loads(data)['traces'], [trace_figures.Figures(os.path.join(self.folder, name + '.trace.json')) for name in names]

    def near(self, found, expected, what):
        self.assertLess(abs(found - expected), 0.11, (what, found, expected))

    def check_items(self, data, times):
        for i, one in times.items():
            self.near(data['ns'][i], trace_figures.Figures.median(one), (data['name'][i], 'median'))
            low, high = trace_figures.Figures.quartiles(one)
            self.near(data['low'][i], low, (data['name'][i], 'first quartile'))
            self.near(data['high'][i], high, (data['name'][i], 'third quartile'))

    def test_layers_and_primitives(self):
        for name in TRACES:
            [data], [own] = self.report(name)
            self.assertEqual(data['layers']['name'], [own.layers[i]['name'] for i in sorted(own.layers)])
            self.assertEqual([a['sources'] for a in data['layers']['attributes']], [own.layers[i]['args']['sources'] for i in sorted(own.layers)])
            self.check_items(data['layers'], own.layer_times)
            self.assertEqual(data['primitives']['layer'], [own.layer_of[i] for i in sorted(own.primitives)])
            self.assertEqual(data['primitives']['kind'], [own.kind(i) for i in sorted(own.primitives)])
            self.assertEqual(data['primitives']['flops'], [own.primitives[i]['args'].get('flops', 0) for i in sorted(own.primitives)])
            self.check_items(data['primitives'], own.primitive_times)

    def test_runs(self):
        [data], [own] = self.report('int8')
        self.assertEqual(data['runs']['count'], len(own.spans['run']))
        self.near(data['runs']['ns'], own.run_ns(), 'run')
        self.near(data['runs']['primitives'], own.together(own.primitives), 'primitives')
        self.assertAlmostEqual(data['runs']['closure'], sorted(own.closures)[len(own.closures) // 2], places=9)

    def test_kinds_and_stages(self):
        for name in TRACES:
            [data], [own] = self.report(name)
            kinds = own.by(own.kind)
            self.assertEqual({kind: count for _, kind, count, _ in data['kinds']}, {kind: len(list) for kind, list in kinds.items()})
            for _, kind, _, ns in data['kinds']:
                self.near(ns, own.together(kinds[kind]), kind)
            times = [ns for *_, ns in data['kinds']]
            self.assertEqual(times, sorted(times, reverse=True))
            both = own.by(lambda i: (own.stage(i), own.kind(i)))
            both.update(own.by(lambda i: (own.stage(i), None)))
            self.assertEqual({(stage, kind): count for stage, kind, count, _ in data['stages']}, {key: len(list) for key, list in both.items()})
            for stage, kind, _, ns in data['stages']:
                self.near(ns, own.together(both[stage, kind]), (stage, kind))

    def test_spans(self):
        [data], [own] = self.report('f32')
        origin = min(round(e['ts'] * 1000) for spans in own.spans.values() for e in spans)
        for ours, theirs in ('phases', 'application'), ('runs', 'run'), ('layers', 'layer'), ('primitives', 'primitive'), ('threads', 'thread'):
            columns, spans, at = data['spans'][ours], own.spans[theirs], 0
            self.assertEqual(len(columns['start']), len(spans))
            for i, span in enumerate(spans):
                at += columns['start'][i]
                self.assertEqual((at, columns['duration'][i], columns['index'][i]),
                                 (round(span['ts'] * 1000) - origin, own.ns(span), span['args']['index']))
                if ours == 'threads':
                    self.assertEqual([columns[key][i] for key in ('effective', 'spin', 'wait', 'overhead', 'chunks')],
                                     [span['args'][key] for key in ('effective_ns', 'spin_ns', 'wait_ns', 'overhead_ns', 'chunks')])
                    self.assertEqual(columns['thread'][i], span['tid'] - 100)

    def test_the_rest_is_there(self):
        [data], [own] = self.report('plain')
        self.assertEqual(data['environment'], own.document['environment'])
        keys = 'name', 'offset', 'bytes', 'first_primitive', 'last_primitive'
        self.assertEqual(data['memory'], [[m[key] for key in keys] for m in own.document['memory']])
        self.assertEqual(data['phases']['name'], [e['name'] for e in own.spans['application']])

    def test_layers_are_matched_by_what_they_cover(self):
        """A fused layer meets all the layers that it replaces."""
        (_, b), (fused, unfused) = self.report('f32', 'unfused')
        self.assertGreater(len(unfused.layers), 2 * len(fused.layers))
        cover = lambda own, indices: {s for i in indices for s in own.layers[i]['args']['sources']}
        seen = []
        for left, right in b['groups']:
            self.assertEqual(len(left), 1)
            self.assertEqual(cover(fused, left), cover(unfused, right))
            seen += right
        self.assertEqual(sorted(seen), sorted(unfused.layers))

    # ---- charts

    def charts(self, *names):
        folder = tempfile.mkdtemp(dir=self.folder)
        return *self.report(*names, more='--charts ' + folder), folder

    @staticmethod
    def boxes(folder, name, colour):
        """(left, top, right, bottom) of the filled rectangles of a colour."""
        found = []
        for path in xml.parse(os.path.join(folder, name + '.svg')).iter('{http://www.w3.org/2000/svg}path'):
            numbers = re.fullmatch(r'M (\S+) (\S+) L (\S+) \2 L \3 (\S+) L \1 \4 Z( M \1 \2)? ?', path.get('d'))
            if numbers and colour in (path.get('style') or '') + (path.get('fill') or ''):
                found.append(tuple(float(numbers.group(i)) for i in (1, 2, 3, 4)))
        return found

    def test_charts_are_whole_files_of_one_size(self):
        _, _, folder = self.charts('f32', 'int8')
        names = ['%s-%d' % (name, side) for name in ('kinds', 'layers', 'memory', 'roofline', 'startup') for side in (1, 2)] + ['comparison']
        self.assertEqual(sorted(os.listdir(folder)), sorted(name + kind for name in names for kind in ('.svg', '.png')))
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.endswith('.svg'):
                continue
            with open(path, 'rb') as file:
                png = file.read()
            self.assertEqual(png[:8], b'\x89PNG\r\n\x1a\n')
            width, height, depth, colours = struct.unpack('>IIBB', png[16:26])
            root = xml.parse(path[:-3] + 'svg').getroot()
            size = [float(re.sub('[a-z]', '', root.get(key))) for key in ('width', 'height')]
            self.assertEqual((width, height), tuple(int(3 * v) for v in size))
            at, pixels = 8, b''
            while at < len(png):
                length, kind = struct.unpack('>I4s', png[at:at + 8])
                self.assertEqual(zlib.crc32(png[at + 4:at + 8 + length]), struct.unpack('>I', png[at + 8 + length:at + 12 + length])[0])
                pixels += png[at + 8:at + 8 + length] if kind == b'IDAT' else b''
                at += 12 + length
            pixels = zlib.decompress(pixels)
            self.assertEqual(len(pixels), height * (1 + width * {2: 3, 6: 4}[colours] * depth // 8))
            self.assertGreater(len(set(pixels)), 20)

    def test_bars_are_as_long_as_the_times(self):
        [data], [own], folder = self.charts('plain')
        convolutions = own.by(own.kind)['convolution']
        [time, _] = self.boxes(folder, 'kinds', PLAIN)
        [legend, *bars] = self.boxes(folder, 'layers', PLAIN)
        self.assertEqual(len(bars), len(convolutions))
        expected = [own.median(own.layer_times[own.layer_of[i]]) for i in sorted(convolutions)]
        longest = max(range(len(bars)), key=lambda i: expected[i])
        unit = (bars[longest][2] - bars[longest][0]) / expected[longest]
        for bar, ns in zip(bars, expected):
            self.assertAlmostEqual(bar[2] - bar[0], max(0.5, unit * ns), delta=0.02)
        others = [sum(b[2] - b[0] for b in self.boxes(folder, 'kinds', colour)[:1]) for colour in ('rgb(51.764706%', 'rgb(0%,47.45098')]
        for width, kind in zip(others, ('eltwise', 'pooling')):
            self.assertAlmostEqual(width / (time[2] - time[0]), own.together(own.by(own.kind)[kind]) / own.together(convolutions), delta=0.01)

    def test_the_memory_map(self):
        [data], [own], folder = self.charts('f32')
        slab = max(offset + size for _, offset, size, _, _ in data['memory'])
        steps = max(last for *_, last in data['memory']) + 1
        written = [m for m in data['memory'] if m[0] != 'input' and own.kind(m[3]) == 'fused convolution']
        [_, *boxes] = self.boxes(folder, 'memory', BLUE)
        self.assertEqual(len(boxes), len(written))
        width, height = 620 - 12 - 58, 240
        for (left, top, right, bottom), (_, offset, size, first, last) in zip(boxes, written):
            self.assertAlmostEqual(left, 58 + width * first / steps, delta=0.02)
            self.assertAlmostEqual(right - left, width * (last + 1 - first) / steps - 0.6, delta=0.02)
            self.assertAlmostEqual(bottom - top, max(0.6, height * size / slab - 0.6), delta=0.02)


if __name__ == '__main__':
    unittest.main()
