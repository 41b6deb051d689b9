"""minfer verbose on logs of other programs. The truth is counted here, line by line, without minfer."""
import json, os, sys, tempfile, unittest
from collections import defaultdict
from support import program, schema

DATA = (os.environ.get('MINFER_DATA') or os.path.expanduser('~/.cache/minfer-data')) + '/verbose'
ALEXNET = ['conv1', 'pooling1', 'conv2', 'pooling2', 'conv3', 'conv4', 'conv5', 'pooling3', 'fc1', 'fc2', 'fc3']
BLOCKS = ['stem'] + ['block%d' % i for i in range(1, 14)] + ['head']
STAGES = ['conv1', 'conv2_x', 'conv3_x', 'conv4_x', 'conv5_x', 'fc']
FIRES = ['conv1', 'maxpool1', 'fire2', 'fire3', 'maxpool3', 'fire4', 'fire5', 'maxpool5', 'fire6', 'fire7', 'fire8', 'fire9', 'conv10']
# Log, network, its stages, layers, width, runs.
LOGS = (('thesis_alexnet', 'alexnet', ALEXNET, 11, 1, 1), ('mxnet_alexnet', 'alexnet', ALEXNET, 11, 1, 1),
        ('mxnet_mobilenet0.25', 'mobilenet_v1', BLOCKS, 29, 0.25, 1), ('mxnet_mobilenet0.5', 'mobilenet_v1', BLOCKS, 29, 0.5, 1),
        ('mxnet_mobilenet1.0', 'mobilenet_v1', BLOCKS, 29, 1, 1), ('mxnet_resnet18_v1', 'resnet18', STAGES, 23, 1, 1),
        ('mxnet_resnet50_v1', 'resnet50_v1', STAGES, 56, 1, 1), ('mxnet_resnet50_v1_int8', 'resnet50_v1', STAGES, 56, 1, 1),
        ('mxnet_squeezenet1.1', 'squeezenet1_1', FIRES, 38, 1, 1),
        ('onednn37_mobilenet_v1_25_blocked_all', 'mobilenet_v1', BLOCKS, 29, 0.25, 2),
        ('onednn37_resnet50_f32', 'resnet50', STAGES, 56, 1, 2), ('onednn37_resnet50_int8_timestamp', 'resnet50', STAGES, 56, 1, 2))


def count(path):
    """Executions and their milliseconds by kind, creations likewise."""
    executed, created = defaultdict(lambda: [0, 0.0]), defaultdict(lambda: [0, 0.0])
    with open(path) as file:
        for line in file:
            fields = line.strip().split(',')
            for sums, marks in (executed, ('exec',)), (created, ('create', 'create:cache_hit', 'create:cache_miss')):
                at = [i for i, field in enumerate(fields[:5]) if field in marks]
                if at and '_verbose' in fields[0]:
                    entry = sums[fields[at[0] + 2].removesuffix('_v2')]
                    entry[0] += 1
                    entry[1] += float(fields[-1])
    return executed, created


def read(name, model):
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = program.run('minfer verbose %s/%s --model %s --format json' % (DATA, name, model), folder)
    assert status == 0, err
    assert schema.problems(out, 'verbose') == []
    return json.loads(out), err


class VerboseData(unittest.TestCase):
    def test_sums(self):
        for name, model, *_ in LOGS:
            with self.subTest(name):
                executed, created = count('%s/%s.log' % (DATA, name))
                found, err = read(name + '.log', model)
                self.assertEqual(err, '')
                self.assertEqual({k['kind']: k['log_lines'] for k in found['kinds']}, {k: v[0] for k, v in executed.items()})
                for kind in found['kinds']:
                    self.assertAlmostEqual(kind['log_ms'], executed[kind['kind']][1], delta=1e-6)
                self.assertEqual(found['lines']['unreadable'] + found['lines']['odd'] + found['lines']['dropped'], 0)
                totals = defaultdict(lambda: [0, 0.0])
                for entry in found['creations']:
                    totals[entry['kind']][0] += entry['count']
                    totals[entry['kind']][1] += entry['time_ms']
                self.assertEqual({k: v[0] for k, v in totals.items()}, {k: v[0] for k, v in created.items()})
                for kind, (_, ms) in totals.items():
                    self.assertAlmostEqual(ms, created[kind][1], delta=1e-6)

    def test_layers(self):
        for name, model, stages, layers, width, runs in LOGS:
            with self.subTest(name):
                found, _ = read(name + '.log', model)
                self.assertEqual([s['stage'] for s in found['stages'] if s['stage'] != '(reorders)'], stages)
                self.assertEqual((found['match']['found'], found['match']['expected']), (layers, layers))
                self.assertIsNone(found['match']['note'])
                self.assertEqual(len(found['layers']), layers)
                self.assertEqual((found['width'], found['runs']['count']), (width, runs))
                self.assertAlmostEqual(sum(s['time_ms'] for s in found['stages']), found['runs']['primitives_ms'],
                                       delta=0.02 * found['runs']['primitives_ms'])

    def test_thesis(self):
        """AlexNet primitive by primitive."""
        found, _ = read('thesis_alexnet.log', 'alexnet')
        names = [p['layer'] or 'reorder' for p in found['primitives']]
        self.assertEqual(names, ['conv1'] * 2 + ['pooling1'] + ['conv2'] * 2 + ['pooling2'] + ['conv3'] * 2 + ['conv4'] * 2 +
                         ['conv5'] * 2 + ['pooling3'] + ['reorder'] * 2 + ['fc1'] * 2 + ['fc2'] * 2 + ['fc3'])
        with open(DATA + '/thesis_alexnet.scanned.tsv') as file:
            scanned = [line.rstrip('\n').split('\t') for line in file]
        self.assertEqual([p['kind'] for p in found['primitives']], [row[3] for row in scanned])
        for primitive, row in zip(found['primitives'], scanned):
            self.assertAlmostEqual(primitive['time_ms'], float(row[-1]), delta=1e-6)

    def test_the_scan_itself(self):
        """Misread: every line counts with its time, those without sizes are told."""
        found, err = read('thesis_alexnet.scanned.tsv', 'alexnet')
        self.assertEqual((found['lines']['executed'], found['lines']['unreadable']), (20, 0))
        self.assertGreater(found['lines']['odd'], 10)
        self.assertIn('could not be read', err)
        self.assertAlmostEqual(sum(k['log_ms'] for k in found['kinds']), 6.71704, delta=1e-4)

    def test_reorders(self):
        """The input is made nhwc, a 1x1 convolution of the last stage wants blocks, the pooling's result goes to the inner product."""
        found, _ = read('mxnet_resnet18_v1.log', 'resnet18')
        self.assertEqual([(r['from'], r['to'], r['from_format'], r['to_format']) for r in found['reorders']], [
            ('input', 'conv1', 'nchw', 'nhwc'), ('layer3.1.conv2+bn2+add+relu2', 'layer4.0.downsample.0+1', 'nhwc', 'nChw16c'),
            ('layer4.0.conv2+bn2+add+relu2', 'layer4.1.conv1+bn1+relu', 'nChw16c', 'nhwc'), ('avgpool', 'fc', 'nChw16c', 'nchw')])
        self.assertEqual(found['reorders'][0]['reason'], 'input format')
        self.assertEqual(found['reorders'][0]['bytes'], 2 * 4 * 3 * 224 * 224)

    def test_timestamps(self):
        found, _ = read('onednn37_resnet50_int8_timestamp.log', 'resnet50')
        self.assertEqual(found['time_axis'], 'timestamps')
        self.assertGreater(found['runs']['time_ms'], found['runs']['primitives_ms'])

    def test_the_wrong_network(self):
        found, err = read('mxnet_resnet50_v1.log', 'resnet50')  # the stride is in another convolution
        self.assertEqual(found['match']['found'], 56)
        self.assertRegex(err, r'^note: 56 of resnet50\'s 56 layers are in the log, 6 of them with other map sizes\n$')
        found, err = read('mxnet_resnet18_v1.log', 'vgg16')
        self.assertRegex(err, r'^note: \d+ of vgg16\'s 21 layers are in the log.*; the first line that fits no layer is number')


if __name__ == '__main__':
    missing = [name for name in ['thesis_alexnet.scanned.tsv'] + [log[0] + '.log' for log in LOGS] if not os.path.exists(f'{DATA}/{name}')]
    if missing:
        print(f'SKIP: {DATA}/{missing[0]} is not there ($MINFER_DATA names the folder above)')
        sys.exit(77)
    unittest.main()
