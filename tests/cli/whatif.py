"""The parts of `minfer compare` that show each side as the other's counterfactual, computed again from the documents of both sides. One round
each: no medians, so that sums are exact."""
import csv, io, json, re, tempfile, unittest
from support import program, schema

LAYOUTS = '--layout blocked --vs "--layout auto"'
UNFUSED = '--vs "--fusion off"'


class WhatIf(unittest.TestCase):
    def compare(self, options, model='--model squeezenet1_1 --weights synthetic --size 64', rounds=1, form='json'):
        with tempfile.TemporaryDirectory() as folder:
            status, out, err = program.run('minfer compare %s --warmup 0 --iterations %d --format %s %s' % (model, rounds, form, options), folder)
        self.assertEqual(status, 0, err)
        if form != 'json':
            return out
        self.assertEqual(schema.problems(out, 'compare'), [])
        return json.loads(out)

    def near(self, found, expected):
        self.assertAlmostEqual(found, expected, delta=1e-6 + 1e-9 * abs(expected))

    @staticmethod
    def layers(result, side):
        return {layer['name']: layer for layer in result[side]['layers']}

    @staticmethod
    def fellows(result, side, name):
        """Layers of both sides that cover what a layer of one side covers; ([], []) for the network's ends."""
        for row in result['layers']:
            if name in row[side + '_layers']:
                return row['a_layers'], row['b_layers']
        return [], []

    def test_parts_add_up_to_the_run(self):
        for options in LAYOUTS, UNFUSED, '--layout blocked --isa sse41 --vs "--isa sse41 --layout nhwc"', '--isa sse41':
            result = self.compare(options)
            parts = {part['part']: part for part in result['parts']}
            for side in 'ab':
                run, key = result[side], side + '_ms'
                self.near(parts['reorders'][key], sum(r['time_ms'] for r in run['reorders']))
                self.near(parts['layers'][key], sum(layer['time_ms'] for layer in run['layers']))
                self.near(parts['gaps'][key], next(k['time_ms'] for k in run['kinds'] if k['kind'] == 'gap'))
                self.near(parts['run'][key], parts['layers'][key] + parts['reorders'][key] + parts['gaps'][key])
            for part in parts.values():
                self.near(part['saved_ms'], part['a_ms'] - part['b_ms'])
                self.assertIsNone(part['ci95'])

    def test_every_reorder_stands_beside_its_edge_on_the_other_side(self):
        for options in LAYOUTS, '--vs "--layout blocked"':
            result = self.compare(options)
            found = result['reorders']
            self.assertEqual(sorted((r['side'], r['from'], r['to']) for r in found),
                             sorted((side, r['from'], r['to']) for side in 'ab' for r in result[side]['reorders']))
            self.assertGreater(len(found), 0)
            self.assertEqual([r['time_ms'] for r in found], sorted((r['time_ms'] for r in found), reverse=True))
            for r in found:
                ends = [self.fellows(result, r['side'], r[end]) for end in ('from', 'to')]
                edge = {}
                for i, side in enumerate('ab'):
                    names = [[r[end]] if not any(e) else e[i] for end, e in zip(('from', 'to'), ends)]
                    between = [o['time_ms'] for o in result[side]['reorders'] if o['from'] in names[0] and o['to'] in names[1]]
                    edge[side] = sum(between) + sum(self.layers(result, side)[name]['time_ms'] for name in set(ends[0][i] + ends[1][i]))
                other = 'ab'.replace(r['side'], '')
                self.near(r['edge_ms'], edge[r['side']])
                self.near(r['other_edge_ms'], edge[other])
                self.near(r['saved_ms'], edge[r['side']] - edge[other])
                self.near(r['gbytes_per_s'], r['bytes'] / r['time_ms'] / 1e6)

    def check_fusion(self, result, fused_side):
        fusion, chain_side = result['fusion'], 'ab'.replace(fused_side, '')
        fused, chains = self.layers(result, fused_side), self.layers(result, chain_side)
        self.assertGreater(len(fusion['layers']), 20)
        for one in fusion['layers']:
            [name] = one['fused']
            parts = [part['name'] for part in one['chain']]
            self.assertEqual(one['side'], fused_side)
            self.assertGreater(len(parts), 1)
            self.assertEqual(sorted(fused[name]['sources']), sorted(s for part in parts for s in chains[part]['sources']))
            self.assertEqual([(part['kind'], part['time_ms']) for part in one['chain']], [(chains[p]['kind'], chains[p]['time_ms']) for p in parts])
            self.near(one['fused_ms'], fused[name]['time_ms'])
            self.near(one['chain_ms'], sum(chains[part]['time_ms'] for part in parts))
            self.near(one['saved_ms'], one['chain_ms'] - one['fused_ms'])
            self.assertEqual(one['saved_bytes'], sum(chains[part]['bytes'] for part in parts) - fused[name]['bytes'])
            self.assertGreater(one['saved_bytes'], 0)
        for key in 'fused_ms', 'chain_ms', 'saved_ms', 'saved_bytes':
            self.near(fusion[key], sum(one[key] for one in fusion['layers']))
        saved = [one['saved_ms'] for one in fusion['layers']]
        self.assertEqual(saved, sorted(saved, reverse=True))

    def test_fused_layers_stand_beside_their_chains(self):
        self.check_fusion(self.compare(UNFUSED), 'a')
        self.check_fusion(self.compare('--fusion off --vs "--fusion on"'), 'b')

    def test_nothing_is_fused_apart_when_both_fuse_alike(self):
        result = self.compare('--threads 1 --vs "--threads 1 --spin 0"')
        self.assertEqual((result['fusion']['layers'], result['fusion']['saved_bytes'], result['reorders']), ([], 0, []))

    def test_six_rounds_make_intervals(self):
        result = self.compare('--layout blocked --vs "--layout auto --fusion off"', rounds=6)
        for one in result['parts'] + result['reorders'] + result['fusion']['layers'] + [result['fusion']]:
            low, high = one['ci95']
            self.assertLessEqual(low, one['saved_ms'])
            self.assertLessEqual(one['saved_ms'], high)

    # ---- for people

    def test_tables(self):
        text = self.compare('--layout blocked --vs "--layout auto --fusion off" --top 2', rounds=6, form='table')
        self.assertRegex(text, r'(?m)^Reorders: [1-9][0-9]* in a, 0 in b, and what their edges take on the other side$')
        self.assertRegex(text, r'(?m)^  a   \S+ -> \S+ .* (nhwc|nChw16c|nChw8c) to \S+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +-?[0-9.]+ +'
                               r'-?[0-9.]+ to -?[0-9.]+  ')
        self.assertRegex(text, r'(?m)^  reorders +[0-9.]+ +0\.000 +[0-9.]+ +[0-9.]+ to [0-9.]+$')
        self.assertRegex(text, r'(?m)^Fusion: [0-9]+ layers that the other side runs as chains, medians of 6 rounds$')
        self.assertRegex(text, r'(?m)^  \S+\+\S+ +a +[0-9.]+ +[0-9.]+ +-?[0-9.]+ .*x +[0-9.]+  convolution [0-9.]+, eltwise [0-9.]+')
        self.assertRegex(text, r'(?m)^  all [0-9]+ .*x +[0-9.]+$')
        self.assertEqual(len(re.findall(r'(?m)^  (all [0-9]+|\S+\+\S+ +a) +[0-9.]+ .*x ', text.split('\nFusion: ')[1])), 3)

    def test_markdown(self):
        text = self.compare('--layout blocked --vs "--layout auto --fusion off"', form='md')
        self.assertIn('| in | edge | formats | MB | ms | GB/s | edge ms | other side | costs ms | 95 % interval | reason |', text)
        self.assertIn('| layer | in | fused ms | chain ms | gain ms | 95 % interval | gain | MB saved | the chain |', text)

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.compare('--layout blocked --vs "--layout auto --fusion off"', form='csv'))))
        fused = [row for row in rows if row['a_layers'] and int(row['a_layers']) < int(row['b_layers'])]
        self.assertGreater(len(fused), 20)
        for row in fused:
            self.assertLess(int(row['a_bytes']), int(row['b_bytes']))
        reorders = [row for row in rows if row['kind'] == 'reorder']
        self.assertGreater(len(reorders), 0)
        for row in reorders:
            self.assertRegex(row['layer'], ' -> ')
            self.assertEqual((row['b_ms'], row['b_bytes'], row['b_dtype']), ('', '', ''))
            self.assertGreater(int(row['a_bytes']), 0)
            self.assertTrue(row['why'])


if __name__ == '__main__':
    unittest.main()
