"""One engine with one network in a process of its own, quiet unless asked.

  worker.py ENGINE FOLDER MODEL DTYPE BATCH THREADS

Prints a line {"engine", "version"} when it is ready, then for each line SECONDS on stdin runs that long (three times at least) and prints
{"ms": median}. FOLDER is what prepare.py filled.
"""
import json, os, statistics, sys, time

engine, folder, model, dtype, batch, threads = sys.argv[1:4] + [sys.argv[4], int(sys.argv[5]), int(sys.argv[6])]
os.environ['OMP_NUM_THREADS'] = str(threads)  # MXNet
import numpy as np


def make_input():
    size = int(open(f'{folder}/size').read())
    return np.random.default_rng(2).standard_normal((batch, 3, size, size)).astype(np.float32)


def onnxruntime():
    import onnxruntime as ort
    if dtype not in ('f32', 'int8'): sys.exit(f'no {dtype}')
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(f"{folder}/{'net' if dtype == 'f32' else 'int8'}.onnx", options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: make_input()}
    return ort.__version__, lambda: session.run(None, feed)


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
    return version, lambda: request.infer({0: x})


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


ENGINES = {'onnxruntime': onnxruntime, 'openvino': openvino, 'nncf': lambda: openvino(True), 'mxnet': mxnet}
version, run = ENGINES[engine]()
for _ in range(3): run()
print(json.dumps({'engine': engine, 'version': version}), flush=True)
for line in sys.stdin:
    times, end = [], time.perf_counter() + float(line)
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    print(json.dumps({'ms': statistics.median(times) * 1e3}), flush=True)
