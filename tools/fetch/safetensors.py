"""Writes a safetensors file: eight bytes with the header's length, the header in JSON, then the tensors' bytes."""
import json, struct


def write(file, tensors, metadata):
    """`tensors`: {name: (shape, bytes of little-endian float32)}; `file` is open for bytes."""
    header, at = {'__metadata__': metadata}, 0
    for name in sorted(tensors):
        shape, data = tensors[name]
        header[name] = {'dtype': 'F32', 'shape': list(shape), 'data_offsets': [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)  # so that the data begins at a multiple of eight
    file.write(struct.pack('<Q', len(text)) + text)
    for name in sorted(tensors):
        file.write(tensors[name][1])
