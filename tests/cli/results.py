"""The JSON results: that they mean what they say, and that the schemas refuse what they should."""
import copy, json, math, os, tempfile, unittest
from support import files, program, schema

COMMANDS = {'run': '$SMALL --iterations 9', 'inspect': 'inspect $SMALL --layout blocked', 'models': 'models', 'env': 'env',
            'tensors': 'inspect $SMALL --tensors',
            'accuracy': 'accuracy $SMALL --int8 --images pictures --labels labels.txt --gate 0.5'}


def result(arguments, folder, **more):
    status, out, err = program.run('minfer %s --format json' % arguments, folder, **more)
    assert status == 0, err
    return json.loads(out)


def objects(value, path=()):
    """Every object in a document, with the way to it."""
    if isinstance(value, dict):
        yield path, value
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(part, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


class Results(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        files.fill(self.folder)

    def test_every_document_fits_its_schema(self):
        for name, arguments in COMMANDS.items():
            document = result(arguments, self.folder)
            self.assertEqual(list(schema.check(document, schema.load(name))), [], name)
            self.assertEqual(document['schema'], 'minfer.%s/1' % name)

    def test_schemas_refuse_other_documents(self):
        """Without any one of its keys, with one more in any inner object, or with a value of another type a document no longer fits."""
        optional = {'seed'}
        for name, arguments in COMMANDS.items():
            rules, document = schema.load(name), result(arguments, self.folder)
            for path, value in objects(document):
                if path[-1:] in (('phases',), ('variables',)) or (len(path) > 1 and path[1] not in (0, 'weights')):
                    continue  # free names; and of long lists the first item
                for key in value:
                    for change in ('drop', 'type'):
                        broken = copy.deepcopy(document)
                        if change == 'type':
                            at(broken, path)[key] = [[]] if isinstance(value[key], dict) else {'surprise': 1}
                        elif key in optional:
                            continue
                        else:
                            del at(broken, path)[key]
                        self.assertTrue(list(schema.check(broken, rules)), (name, path, key, change))
                if path:
                    broken = copy.deepcopy(document)
                    at(broken, path)['surprise'] = 1
                    self.assertTrue(list(schema.check(broken, rules)), (name, path))

    def test_figures_of_a_run_agree(self):
        r = result('$SMALL --iterations 9 --batch 2 --image pictures --threads 1', self.folder)
        latency, trace = r['latency_ms'], r['trace']
        self.assertEqual((r['iterations'], r['batch'], r['threads'], r['dtype'], r['calibration']), (9, 2, 1, 'f32', None))
        self.assertLessEqual(latency['min'], latency['ci95'][0])
        self.assertLessEqual(latency['ci95'][0], latency['p50'])
        self.assertLessEqual(latency['p50'], latency['ci95'][1])
        self.assertLessEqual(latency['ci95'][1], latency['max'])
        self.assertEqual(sorted((latency[k] for k in ('min', 'p50', 'p90', 'p99', 'max'))),
                         [latency[k] for k in ('min', 'p50', 'p90', 'p99', 'max')])
        self.assertAlmostEqual(r['images_per_s'], 2000 / latency['p50'], places=6)
        self.assertEqual(len(r['top']), 3)
        for top in r['top']:
            probabilities = [t['probability'] for t in top]
            self.assertEqual(probabilities, sorted(probabilities, reverse=True))
            self.assertEqual(len({t['class'] for t in top}), 5)
        self.assertTrue(0 < trace['closure'] <= 1)
        self.assertTrue(0 < trace['spans_ms'] <= trace['traced_ms'])
        self.assertEqual(trace['level'], 'primitive')
        self.assertTrue(1 <= trace['runs'] <= 9)
        self.assertGreaterEqual(r['startup_ms']['total'] + 1e-6, sum(r['startup_ms']['phases'].values()))
        memory = r['memory']
        self.assertLessEqual(memory['activation_bound_bytes'], memory['activation_bytes'])
        self.assertLessEqual(memory['activation_bytes'], 1.1 * memory['activation_bound_bytes'])
        self.assertGreater(memory['rss_peak_bytes'], memory['weight_bytes'])

    def test_kinds_layers_and_reorders_of_a_run_add_up(self):
        # One traced run: no medians over runs, so that parts sum to the whole exactly.
        r = result('--model squeezenet1_1 --weights synthetic --size 64 --layout blocked --iterations 1 --warmup 0', self.folder)
        kinds = {kind['kind']: kind for kind in r['kinds']}
        self.assertEqual(r['trace']['runs'], 1)
        self.assertEqual(kinds['convolution']['count'], 26)
        self.assertEqual(kinds['reorder']['count'], len(r['reorders']))
        self.assertEqual([k['kind'] for k in r['kinds']][-2:], ['reorder', 'gap'])
        spans = sum(kind['time_ms'] for name, kind in kinds.items() if name != 'gap')
        self.assertAlmostEqual(spans, r['trace']['spans_ms'], places=6)
        self.assertAlmostEqual(sum(k['share'] for k in r['kinds']), 1, places=6)
        self.assertAlmostEqual(spans / (spans + kinds['gap']['time_ms']), r['trace']['closure'], places=6)
        layers = sum(layer['time_ms'] for layer in r['layers'])
        self.assertAlmostEqual(layers + sum(o['time_ms'] for o in r['reorders']), spans, places=6)
        self.assertAlmostEqual(kinds['reorder']['time_ms'], sum(o['time_ms'] for o in r['reorders']), places=6)
        for layer in r['layers']:
            if layer['time_ms'] == 0:  # a view: no primitive of its own
                self.assertIsNone(layer['gflops'])
                continue
            self.assertAlmostEqual(layer['gflops'], layer['flops'] / layer['time_ms'] / 1e6, delta=1e-6 * (1 + layer['gflops']))
        sources = [source for layer in r['layers'] for source in layer['sources']]
        self.assertEqual(len(sources), len(set(sources)))
        for reorder in r['reorders']:
            self.assertNotEqual(reorder['from_format'], reorder['to_format'])
            self.assertGreater(reorder['bytes'], 0)

    def test_inspect_has_the_static_part_of_run(self):
        options = '--model squeezenet1_1 --weights synthetic --size 64 --layout blocked --int8 --layout nhwc'
        ran, plan = result(options + ' --iterations 1', self.folder), result('inspect ' + options, self.folder)
        timed = {'time_ms', 'share', 'gflops', 'gbytes_per_s', 'roof_share'}
        for key in 'model', 'dtype', 'batch', 'threads', 'isa', 'weights', 'calibration', 'onednn':
            self.assertEqual(ran[key], plan[key], key)
        for key in 'layers', 'reorders':
            self.assertEqual([{k: v for k, v in part.items() if k not in timed} for part in ran[key]], plan[key])
        counts = [{k: kind[k] for k in ('kind', 'count')} for kind in ran['kinds'] if kind['kind'] != 'gap']
        self.assertEqual(sorted(counts, key=str), sorted(plan['kinds'], key=str))
        self.assertEqual(sum(kind['count'] for kind in plan['kinds']), len(plan['primitives']))
        for primitive in plan['primitives']:
            self.assertLess(primitive['layer'], len(plan['layers']))
        memory = plan['memory']
        self.assertEqual(max(b['offset'] + b['bytes'] for b in plan['buffers']), memory['activation_bytes'])

    def test_output_holds_the_logits_behind_the_classes(self):
        r = result('$QUICK --image pictures --batch 2 --output logits.npy', self.folder)
        shape, numbers = files.read_npy(os.path.join(self.folder, 'logits.npy'))
        self.assertEqual(shape, (3, 1000))
        for i, top in enumerate(r['top']):
            row = numbers[i * 1000:(i + 1) * 1000]
            largest = max(row)
            total = math.fsum(math.exp(x - largest) for x in row)
            best = sorted(range(1000), key=lambda c: -row[c])[:5]
            self.assertEqual([t['class'] for t in top], best)
            for t in top:
                self.assertAlmostEqual(t['probability'], math.exp(row[t['class']] - largest) / total, places=9)

    def test_arrays_go_in_as_they_are(self):
        """The same numbers in one file of two rows and in two batches of one give the same rows."""
        result('$QUICK --input two.npy --output both.npy', self.folder)
        result('$QUICK --input two.npy --batch 1 --output each.npy', self.folder)
        both, each = (files.read_npy(os.path.join(self.folder, name)) for name in ('both.npy', 'each.npy'))
        self.assertEqual(both[0], (2, 1000))
        self.assertEqual(each[0], (2, 1000))
        scale = max(map(abs, both[1]))
        self.assertLess(max(abs(a - b) for a, b in zip(both[1], each[1])), 1e-5 * scale)  # f32 sums in another order
        self.assertGreater(max(abs(a - b) for a, b in zip(both[1][:1000], both[1][1000:])), 1e-3 * scale)

    def test_int8_names_its_calibration(self):
        self.assertEqual(result('$QUICK --int8 --calibration pictures', self.folder)['calibration'],
                         {'source': 'folder pictures', 'calibrator': 'mse', 'images': 3, 'bias_correction': False,
                          'float_layers': []})

    def test_labels(self):
        with open(os.path.join(self.folder, 'classes.txt'), 'w', encoding='utf-8') as file:
            file.writelines('n\u00e4me "%d"\n' % i for i in range(1000))
        for t in result('$QUICK --classes classes.txt', self.folder)['top'][0]:
            self.assertEqual(t['label'], 'n\u00e4me "%d"' % t['class'])

    def test_environment(self):
        e = result('env', self.folder, OMP_NUM_THREADS='3', KMP_BLOCKTIME='infinite', KMP_AFFINITY='scatter', UNLISTED='x')
        self.assertEqual(e['settings'], {'threads': 3, 'spin_us': None, 'affinity': 'scatter'})
        self.assertEqual({k: v for k, v in e['variables'].items() if not k.startswith('MINFER_')},
                         {'OMP_NUM_THREADS': '3', 'KMP_BLOCKTIME': 'infinite', 'KMP_AFFINITY': 'scatter'})
        self.assertEqual(result('env', self.folder, KMP_BLOCKTIME='0')['settings']['spin_us'], 0)


if __name__ == '__main__':
    unittest.main()
