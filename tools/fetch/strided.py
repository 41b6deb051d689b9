"""Strided views of float32 numbers, written out in the order of their shape."""
import array, itertools


def gather(values, shape, strides, offset=0):
    """The bytes of the view of `values` (an array of floats); ValueError where the view leaves it or is larger."""
    count, last = 1, offset
    for extent, stride in zip(shape, strides, strict=True):
        if min(extent, stride) < 0:
            raise ValueError('shape or strides are not sizes')
        count *= extent
        last += (extent - 1) * stride
    if count == 0:
        return b''
    if offset < 0 or last >= len(values) or count > len(values):
        raise ValueError('tensor lies outside its storage')
    # One slice for each run along the last dimension that is more than one wide.
    dims = [(extent, stride) for extent, stride in zip(shape, strides) if extent > 1] or [(1, 1)]
    (extent, stride), outer = dims[-1], dims[:-1]
    result = array.array('f')
    for place in itertools.product(*(range(0, e * s, s) if s else [0] * e for e, s in outer)):
        start = offset + sum(place)
        result.extend(values[start:start + extent * stride:stride] if stride else [values[start]] * extent)
    return result.tobytes()
