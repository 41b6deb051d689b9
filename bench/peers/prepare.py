"""One network as every engine reads or converts it, with the same weights: net.onnx, int8.onnx (ONNX Runtime's static quantiser) and net.safetensors;
also input.npy, one input, and logits.npy, what ONNX Runtime makes of it in f32.

  prepare.py BUILDER.py MODEL FOLDER      in the environment `onnxruntime` of setup.sh

BUILDER.py has build(name) -> onnx.ModelProto with a free batch dimension N and initializers named as torchvision (timm) names them.
"""
import importlib.util, json, os, struct, sys
import numpy as np, onnx, onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, a in tensors.items():
        header[name] = {'dtype': 'F32', 'shape': list(a.shape), 'data_offsets': [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header).encode()
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for a in tensors.values(): f.write(np.ascontiguousarray(a).tobytes())


class Noise(CalibrationDataReader):
    def __init__(self, name, shape):
        rng = np.random.default_rng(1)
        self.items = iter([{name: rng.standard_normal(shape).astype(np.float32)} for _ in range(8)])

    def get_next(self): return next(self.items, None)


def main():
    builder, model, folder = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(os.path.abspath(builder)))
    spec = importlib.util.spec_from_file_location('builder', builder)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.build(model)
    onnx.save(net, f'{folder}/net.onnx')
    tensors = {i.name: numpy_helper.to_array(i) for i in net.graph.initializer}
    write_safetensors(f'{folder}/net.safetensors', {k: a for k, a in tensors.items() if '.' in k})
    size = [d.dim_value or 1 for d in net.graph.input[0].type.tensor_type.shape.dim]
    quant_pre_process(f'{folder}/net.onnx', f'{folder}/inferred.onnx', skip_symbolic_shape=True)
    quantize_static(f'{folder}/inferred.onnx', f'{folder}/int8.onnx', Noise(net.graph.input[0].name, size), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    x = np.random.default_rng(2).standard_normal(size).astype(np.float32)
    np.save(f'{folder}/input.npy', x)
    np.save(f'{folder}/logits.npy', onnxruntime.InferenceSession(f'{folder}/net.onnx').run(None, {net.graph.input[0].name: x})[0])


main()
