"""Small inputs made on the spot."""
import array, json, os, struct


def bmp(path, width, height, seed):
    """An uncompressed 24-bit picture of noise."""
    row = (width * 3 + 3) // 4 * 4
    pixels = bytearray()
    for _ in range(row * height):
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        pixels.append(seed >> 16 & 255)
    head = struct.pack('<2sIHHI', b'BM', 54 + len(pixels), 0, 0, 54)
    info = struct.pack('<IiiHHIIiiII', 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    with open(path, 'wb') as file:
        file.write(head + info + pixels)


def npy(path, shape, value):
    """A float32 array; `value(index)` fills it."""
    count = 1
    for n in shape:
        count *= n
    head = ("{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (tuple(shape),)).encode()
    head += b' ' * (-(len(head) + 11) % 64) + b'\n'
    with open(path, 'wb') as file:
        file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head)
        file.write(array.array('f', map(value, range(count))).tobytes())


def read_npy(path):
    """Shape and numbers of a float32 array."""
    with open(path, 'rb') as file:
        assert file.read(8) == b'\x93NUMPY\x01\x00'
        head = eval(file.read(struct.unpack('<H', file.read(2))[0]), {'__builtins__': {}})
        assert head['descr'] == '<f4' and not head['fortran_order']
        return head['shape'], array.array('f', file.read())


def safetensors(path, tensors):
    """{name: (shape, numbers)} as float32."""
    head, data = {}, b''
    for name, (shape, numbers) in tensors.items():
        start = len(data)
        data += array.array('f', numbers).tobytes()
        head[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [start, len(data)]}
    text = json.dumps(head).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)


def fill(folder):
    """What the cases find in their folder."""
    for name in 'pictures', 'broken', 'empty', 'folder.json':
        os.mkdir(os.path.join(folder, name))
    for i, name in enumerate(('pictures/a.bmp', 'pictures/b.bmp', 'pictures/c.bmp', 'broken/a.bmp', 'one.bmp')):
        bmp(os.path.join(folder, name), 80 + i, 70, i)
    texts = {'pictures/notes.txt': 'not a picture\n', 'bad.npy': 'not an array',
             'bad.safetensors': 'not tensors', 'classes.txt': ''.join('name %d\n' % i for i in range(1000)), 'three.txt': 'a\nb\nc\n',
             'labels.txt': 'a.bmp 1\nb.bmp 2\nc.bmp 3\n'}
    verbose_log(os.path.join(folder, 'app.log'))
    old_log(os.path.join(folder, 'old.log'))
    for name, text in texts.items():
        with open(os.path.join(folder, name), 'w') as file:
            file.write(text)
    with open(os.path.join(folder, 'one.bmp'), 'rb') as whole, open(os.path.join(folder, 'broken', 'b.bmp'), 'wb') as half:
        half.write(whole.read(4000))
    npy(os.path.join(folder, 'two.npy'), (2, 3, 64, 64), lambda i: i * 7919 % 1000 / 500 - 1)
    npy(os.path.join(folder, 'one.npy'), (1, 3, 64, 64), lambda i: i * 7919 % 1000 / 500 - 1)
    npy(os.path.join(folder, 'none.npy'), (0, 3, 64, 64), lambda i: 0)
    npy(os.path.join(folder, 'wrong.npy'), (1, 3, 32, 32), lambda i: 0)


def verbose_log(path):
    """Lines as a program over oneDNN 2.6 prints them: alexnet's first layers, twice, and a line of its own."""
    memory = 'src_f32::blocked:acdb:f0 wei_f32::blocked:Acdb64a:f0 bia_f32::blocked:a:f0 dst_f32::blocked:acdb:f0'
    lines = [
        'convolution,brgconv:avx512_core,forward_inference,%s,attr-post-ops:eltwise_relu ,alg:convolution_direct,'
        'mb1_ic3oc64_ih224oh55kh11sh4dh0ph2_iw224ow55kw11sw4dw0pw2,0.5' % memory,
        'pooling_v2,jit:avx512_core,forward_inference,src_f32::blocked:acdb:f0 dst_f32::blocked:acdb:f0,,'
        'alg:pooling_max,mb1ic64_ih55oh27kh3sh2dh0ph0_iw55ow27kw3sw2dw0pw0,0.25',
        'convolution,brgconv:avx512_core,forward_inference,%s,attr-post-ops:eltwise_relu ,alg:convolution_direct,'
        'mb1_ic64oc192_ih27oh27kh5sh1dh0ph2_iw27ow27kw5sw1dw0pw2,1' % memory]
    with open(path, 'w') as file:
        file.write('onednn_verbose,info,oneDNN v2.6.0 (commit 52b5f107dd9cf10910aaa19cb47f3abf9b349815)\nstarting\n')
        for _ in range(2):
            file.writelines('onednn_verbose,exec,cpu,%s\n' % line for line in lines)


def old_log(path):
    """MKL-DNN 0.20: no engine, no types, no attributes; weights are reordered in front of a batch of 128."""
    with open(path, 'w') as file:
        for line in ('info,Intel(R) MKL-DNN v0.20.0 (Git Hash 0123), Intel(R) AVX2',
                     'create,convolution,jit:avx2,forward_inference,fsrc:nchw fwei:Ohwi8o fbia:x fdst:nChw8c,alg:convolution_direct,'
                     'mb128_ic3oc64_ih224oh55kh11sh4dh0ph2_iw224ow55kw11sw4dw0pw2,0.25',
                     'exec,reorder,jit:uni,undef,in:f32_oihw out:f32_Ohwi8o,num:1,64x3x11x11,0.5',
                     'exec,convolution,jit:avx2,forward_inference,fsrc:nchw fwei:Ohwi8o fbia:x fdst:nChw8c,alg:convolution_direct,'
                     'mb128_ic3oc64_ih224oh55kh11sh4dh0ph2_iw224ow55kw11sw4dw0pw2,10.5',
                     'exec,eltwise,jit:avx2,forward_inference,fdata:nChw8c fdiff:undef,alg:eltwise_relu,mb128ic64ih55iw55,3.5'):
            file.write('mkldnn_verbose,%s\n' % line)
