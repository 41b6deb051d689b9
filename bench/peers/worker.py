"""One engine with one network in a process of its own, quiet unless asked.

  worker.py ENGINE FOLDER MODEL DTYPE BATCH THREADS

Prints a line {"engine", "version"} when it is ready, then for each line SECONDS on stdin runs once and then that long (twice at least) and prints
{"ms": median of all but the first}. FOLDER is what prepare.py filled; what an engine converts is kept there. An engine whose logits are not ONNX
Runtime's is refused.
"""
import json, os, statistics, subprocess, sys, time

engine, folder, model, dtype, batch, threads = sys.argv[1:4] + [sys.argv[4], int(sys.argv[5]), int(sys.argv[6])]
os.environ['OMP_NUM_THREADS'] = str(threads)  # MXNet
import numpy as np

FAR = {'f32': .01, 'bf16': .1, 'int8': .5}  # relative errors of the logits that no rounding explains


def make_input():
    return np.repeat(np.load(f'{folder}/input.npy'), batch, axis=0)


def onnxruntime():
    import onnxruntime as ort
    if dtype not in ('f32', 'int8'): sys.exit(f'no {dtype}')
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(f"{folder}/{'net' if dtype == 'f32' else 'int8'}.onnx", options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: make_input()}
    return ort.__version__, lambda: session.run(None, feed)[0]


def openvino(own_quantiser=False):
    import openvino as ov
    core = ov.Core()
    path = f"{folder}/{'int8' if dtype == 'int8' and not own_quantiser else 'net'}.onnx"
    x = make_input()
    net = core.read_model(path)
    net.reshape([batch, *x.shape[1:]])
    version = ov.__version__.split('-')[0]
    if own_quantiser:
        import logging, nncf
        logging.disable(logging.CRITICAL)
        if dtype != 'int8': sys.exit('int8 only')
        net = nncf.quantize(net, nncf.Dataset([x]), preset=nncf.QuantizationPreset.MIXED)
        version += f', NNCF {nncf.__version__}'
    if dtype == 'bf16' and 'BF16' not in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'): sys.exit('no native bf16')
    compiled = core.compile_model(net, 'CPU', {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY' if batch == 1 else 'THROUGHPUT',
                                               'INFERENCE_PRECISION_HINT': 'bf16' if dtype == 'bf16' else 'f32'})
    request = compiled.create_infer_request()
    return version, lambda: request.infer({0: x})[0]


def ncnn():
    import importlib.util, ncnn as nn
    if dtype == 'int8': sys.exit('no quantiser in its Python package')
    x, converted = make_input(), f'{folder}/net.ncnn'
    if not os.path.exists(f'{converted}.bin'):
        pnnx = importlib.util.find_spec('pnnx').submodule_search_locations[0] + '/pnnx'  # the program; the module around it wants PyTorch
        shape = ','.join(map(str, x[:1].shape))
        subprocess.run([pnnx, f'{folder}/net.onnx', f'inputshape=[{shape}]', 'fp16=0'], check=True, stdout=subprocess.DEVNULL)
    net = nn.Net()
    net.opt.num_threads, net.opt.use_vulkan_compute, net.opt.use_bf16_storage = threads, False, dtype == 'bf16'
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False  # else it halves weights of f32
    net.load_param(f'{converted}.param')
    net.load_model(f'{converted}.bin')
    images = [nn.Mat(image).clone() for image in x]

    def run():  # it has no batches
        outputs = []
        for image in images:
            extractor = net.create_extractor()
            extractor.input('in0', image)
            outputs.append(np.array(extractor.extract('out0')[1]))
        return outputs
    return nn.__version__, run


def write_pictures(path, size):  # eight BMP files of normal noise with mean 128 and deviation 32
    os.makedirs(path)
    for i in range(8):
        pixels = np.random.default_rng(i).normal(128, 32, (size, size, 3)).clip(0, 255).astype(np.uint8).tobytes()
        header = b'BM' + np.array([54 + len(pixels), 0, 54, 40, size, size, 1 | 24 << 16, 0, len(pixels), 0, 0, 0, 0], '<u4').tobytes()
        with open(f'{path}/{i}.bmp', 'wb') as f: f.write(header + pixels)


def mnn():
    import MNN, _tools
    if dtype == 'bf16': sys.exit('no bf16')
    x, path = make_input(), f'{folder}/net.mnn'
    if not os.path.exists(path):  # not by the package's own scripts: they install a logger wherever `pip` is
        _tools.mnnconvert(['mnnconvert', '-f', 'ONNX', '--modelFile', f'{folder}/net.onnx', '--MNNModel', path, '--bizCode', model, '--batch', '1'])
    if dtype == 'int8':
        path, size = f'{folder}/int8.mnn', x.shape[-1]
        if not os.path.exists(path):
            write_pictures(f'{folder}/pictures', size)
            with open(f'{folder}/mnnquant.json', 'w') as f:
                json.dump({'format': 'RGB', 'mean': [128.] * 3, 'normal': [1 / 32] * 3, 'width': size, 'height': size, 'path': f'{folder}/pictures/',
                           'used_image_num': 8, 'feature_quantize_method': 'KL', 'weight_quantize_method': 'MAX_ABS'}, f)
            _tools.mnnquant(['mnnquant', f'{folder}/net.mnn', path, f'{folder}/mnnquant.json'])
    net = MNN.Interpreter(path)  # its Module interface computes nonsense in int8
    session = net.createSession({'backend': 'CPU', 'numThread': threads, 'precision': 'normal'})
    into = net.getSessionInput(session)
    net.resizeTensor(into, x.shape)
    net.resizeSession(session)
    out = net.getSessionOutput(session)
    host = [MNN.Tensor(a.shape, MNN.Halide_Type_Float, a, MNN.Tensor_DimensionType_Caffe) for a in (x, np.zeros(out.getShape(), np.float32))]

    def run():
        into.copyFrom(host[0])
        net.runSession(session)
        out.copyToHostTensor(host[1])
        return host[1].getNumpyData()
    return MNN.version(), run


def pad_pooling_apart(graph):
    """Pads before max-pooling with zeros, which after a ReLU is the same: onnx2tf pads with -inf, which LiteRT's fast kernels and quantiser do not take."""
    import onnx
    for at, node in [(i, n) for i, n in enumerate(graph.node) if n.op_type == 'MaxPool']:
        pads = next(a for a in node.attribute if a.name == 'pads').ints
        if not any(pads): continue
        name = f'{node.output[0]}_pads'
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([0, 0, *pads[:2], 0, 0, *pads[2:]]), name))
        padding = onnx.helper.make_node('Pad', [node.input[0], name], [f'{name}_out'])
        node.input[0], pads[:] = padding.output[0], [0] * 4
        graph.node.insert(at, padding)
        return  # one a network


def litert():
    import importlib.metadata
    from ai_edge_litert.interpreter import Interpreter
    if dtype == 'bf16': sys.exit('no bf16')
    x, converted = make_input(), f'{folder}/litert{batch}'
    path = f'{converted}/fixed_float32.tflite'
    if not os.path.exists(path):
        import onnx, onnx2tf
        net = onnx.load(f'{folder}/net.onnx')
        for value in [*net.graph.input, *net.graph.output]: value.type.tensor_type.shape.dim[0].dim_value = batch
        pad_pooling_apart(net.graph)
        onnx.save(net, f'{folder}/fixed.onnx')
        onnx2tf.convert(input_onnx_file_path=f'{folder}/fixed.onnx', output_folder_path=converted, non_verbose=True)
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    version = importlib.metadata.version('ai-edge-litert')
    if dtype == 'int8':
        from ai_edge_quantizer import quantizer, recipe
        q = quantizer.Quantizer(path, recipe.static_wi8_ai8())
        name = list(Interpreter(path).get_signature_list().values())[0]['inputs'][0]
        path = f'{converted}/int8.tflite'
        q.quantize(q.calibrate({'serving_default': [{name: x}]})).export_model(path)
        version += f", AI Edge Quantizer {importlib.metadata.version('ai-edge-quantizer')}"
    interpreter = Interpreter(path, num_threads=threads)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if dtype == 'int8':  # and so are its input and output
        scale, zero = into['quantization']
        x = (np.round(x / scale) + zero).clip(-128, 127).astype(np.int8)

    def run():
        interpreter.set_tensor(into['index'], x)
        interpreter.invoke()
        logits = interpreter.get_tensor(out['index'])
        return logits if dtype == 'f32' else (logits - np.float32(out['quantization'][1])) * out['quantization'][0]
    return version, run


ZOO = {'resnet18': 'resnet18_v1', 'resnet50_v1': 'resnet50_v1', 'mobilenet_v1': 'mobilenet1.0', 'mobilenet_v2': 'mobilenetv2_1.0', 'alexnet': 'alexnet', 'vgg16': 'vgg16'}


def mxnet():  # its own model zoo, with weights of its own: time does not depend on them
    import mxnet as mx
    from mxnet.gluon.model_zoo import vision
    if model not in ZOO or dtype not in ('f32', 'int8'): sys.exit(f'no {model} in {dtype}')
    net = vision.get_model(ZOO[model])
    net.initialize(mx.init.MSRAPrelu())
    x = mx.nd.array(make_input())
    net(x)
    net.hybridize(static_alloc=True, static_shape=True)
    if dtype == 'int8':
        from mxnet.contrib.quantization import quantize_net

        class Batches(list):
            pass
        net = quantize_net(net, quantized_dtype='auto', calib_data=Batches([[x]]), calib_mode='naive', num_calib_examples=batch, ctx=mx.cpu())
        net.hybridize(static_alloc=True, static_shape=True)
    return mx.__version__, lambda: net(x).wait_to_read()


ENGINES = {'onnxruntime': onnxruntime, 'openvino': openvino, 'nncf': lambda: openvino(True), 'ncnn': ncnn, 'mnn': mnn, 'litert': litert, 'mxnet': mxnet}
version, run = ENGINES[engine]()
logits = run()
if engine != 'mxnet':
    wanted = np.load(f'{folder}/logits.npy')[0]
    error = np.linalg.norm(np.asarray(logits[-1]).ravel() - wanted) / np.linalg.norm(wanted)
    if not error <= FAR[dtype]: sys.exit(f"its logits are {error:.2g} from ONNX Runtime's in f32")
run()
print(json.dumps({'engine': engine, 'version': version}), flush=True)
for line in sys.stdin:
    run()  # caches and threads are others' until now
    times, end = [], time.perf_counter() + float(line)
    while len(times) < 2 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    print(json.dumps({'ms': statistics.median(times) * 1e3}), flush=True)
