"""minfer accuracy on real networks and photographs, against what another engine with another decoder said of the same pictures."""
import csv, json, os, sys, tempfile, unittest
from support import program, schema

DATA = os.environ.get('MINFER_DATA') or os.path.expanduser('~/.cache/minfer-data')
# Weights, network, top-1 and the share of equal predictions that at least has to be. Decoders differ by a few grey levels.
NETWORKS = ('mobilenet_v1_25', 'mobilenet_v1', 55.6, 0.97), ('squeezenet1_1', 'squeezenet1_1', 60.4, 0.98)


def rows_of(path):
    with open(path, newline='') as file:
        return {row['file']: row for row in csv.DictReader(file)}


class AccuracyData(unittest.TestCase):
    def test_f32(self):
        golden = rows_of(f'{DATA}/golden/top1.csv')
        for weights, model, top1, least in NETWORKS:
            with self.subTest(weights), tempfile.TemporaryDirectory() as folder:
                command = (f'minfer accuracy --model {model} --weights {DATA}/weights/{weights}.safetensors --images {DATA}/images '
                           f'--labels {DATA}/images/labels.txt --batch 7 --format json --predictions p.csv')
                status, out, err = program.run(command, folder)
                self.assertEqual(status, 0, err)
                self.assertEqual(schema.problems(out, 'accuracy'), [])
                result, predictions = json.loads(out), rows_of(os.path.join(folder, 'p.csv'))
                self.assertEqual((result['images'], result['skipped']), (500, 0))
                self.assertLessEqual(abs(result['top1'] - top1), 1)
                self.assertEqual(set(predictions), set(golden))
                self.assertEqual([p['class'] for p in predictions.values()], [golden[name]['class'] for name in predictions])
                right = sum(p['predicted'] == p['class'] for p in predictions.values())
                self.assertAlmostEqual(result['top1'], right / 5, places=9)
                equal = sum(p['predicted'] == golden[name][weights] for name, p in predictions.items())
                self.assertGreaterEqual(equal / 500, least)


if __name__ == '__main__':
    needed = [f'{DATA}/golden/top1.csv', f'{DATA}/images/labels.txt'] + [f'{DATA}/weights/{n[0]}.safetensors' for n in NETWORKS]
    missing = [path for path in needed if not os.path.exists(path)]
    if missing:
        print(f'SKIP: {missing[0]} is not there ($MINFER_DATA names the folder)')
        sys.exit(77)
    unittest.main()
