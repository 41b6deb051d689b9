"""Constants of a frozen TensorFlow graph (a GraphDef in protocol buffer encoding), read from the published field numbers."""
from failure import FILE, Failure

# field numbers: GraphDef.node; NodeDef name, op, attr; the map's key and value; AttrValue.tensor; TensorProto dtype, shape, content;
# TensorShapeProto.dim; Dim.size
NODE, NAME, OP, ATTR, KEY, VALUE, TENSOR, DTYPE, SHAPE, CONTENT, DIM, SIZE = 1, 1, 2, 5, 1, 2, 8, 1, 2, 4, 2, 1
FLOAT = 1


def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError('number cut short')
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError('number of more than 10 bytes')


def fields(data):
    """(field number, value) in order: an int, or a memoryview for what has a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire in (1, 2, 5):
            size = 8 if wire == 1 else 4
            if wire == 2:
                size, at = varint(data, at)
            if size > len(data) - at:
                raise ValueError(f'field of {size} bytes where {len(data) - at} are left')
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f'unknown wire type {wire}')
        yield tag >> 3, value


def single(data, number, kind=memoryview):
    """The last value of a field (the encoding's rule), or None."""
    found = None
    for field, value in fields(data):
        if field == number:
            if not isinstance(value, kind):
                raise ValueError(f'field {number} has another type')
            found = value
    return found


def float_tensor(proto):
    """(shape, bytes) of a TensorProto with float content; None for any other."""
    if single(proto, DTYPE, int) != FLOAT:
        return None
    content = single(proto, CONTENT)
    if content is None:
        return None
    shape, count = [], 1
    for number, dim in fields(single(proto, SHAPE) or memoryview(b'')):
        if number == DIM and isinstance(dim, memoryview):
            shape.append(single(dim, SIZE, int) or 0)
            count *= shape[-1]
    if count * 4 != len(content):
        raise ValueError(f'tensor of shape {shape} with {len(content)} bytes')
    return tuple(shape), content


def read(data, name):
    """{node: (shape, bytes)} of the graph's float constants; `name` is for error lines."""
    constants = {}
    try:
        for number, node in fields(memoryview(data)):
            if number != NODE or not isinstance(node, memoryview) or bytes(single(node, OP) or b'') != b'Const':
                continue
            for field, attribute in fields(node):
                if field == ATTR and isinstance(attribute, memoryview) and bytes(single(attribute, KEY) or b'') == b'value':
                    proto = single(single(attribute, VALUE) or memoryview(b''), TENSOR)
                    tensor = float_tensor(proto) if proto is not None else None
                    if tensor:
                        constants[bytes(single(node, NAME) or b'').decode()] = tensor
    except (ValueError, TypeError) as error:
        raise Failure(FILE, f'{name}: {error} (expected a frozen TensorFlow graph)') from None
    return constants
