"""Tensors of a state dict that torch.save wrote before version 1.6: five pickles, then the storages. Nothing in the file is executed.

Only the opcodes such a file needs are accepted, and only four names of classes, none of which is looked up anywhere.
"""
import array, collections, io, pickle, pickletools, struct
import strided
from failure import FILE, Failure

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
OPCODES = set('''PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE
    TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS BINGET LONG_BINGET BINPUT LONG_BINPUT GLOBAL REDUCE BUILD BINPERSID'''.split())

Storage = collections.namedtuple('Storage', 'key bytes_per_item count')
View = collections.namedtuple('View', 'storage offset shape strides')


def rebuild_tensor(storage, offset, shape, strides, *_):
    return View(storage, offset, shape, strides)


class Reader(pickle.Unpickler):
    GLOBALS = {('collections', 'OrderedDict'): collections.OrderedDict, ('torch._utils', '_rebuild_tensor_v2'): rebuild_tensor,
               ('torch', 'FloatStorage'): 4, ('torch', 'LongStorage'): 8}

    def find_class(self, module, name):
        if (module, name) not in self.GLOBALS:
            raise pickle.UnpicklingError(f'{module}.{name} has no place in a state dict')
        return self.GLOBALS[module, name]

    def persistent_load(self, pid):
        kind, bytes_per_item, key, _, count, view = pid
        if kind != 'storage' or bytes_per_item not in (4, 8) or not isinstance(count, int) or count < 0 or view is not None:
            raise pickle.UnpicklingError('unknown kind of storage')
        return Storage(key, bytes_per_item, count)


def next_pickle(stream):
    """The next object of the stream, after a look at its opcodes."""
    start = stream.tell()
    for opcode, argument, position in pickletools.genops(stream):
        if opcode.name not in OPCODES:
            raise pickle.UnpicklingError(f'opcode {opcode.name} has no place in a state dict')
        if opcode.name == 'LONG_BINPUT' and argument > position - start:
            raise pickle.UnpicklingError('memo index beyond what was read')
    stream.seek(start)
    return Reader(stream).load()


def read_storages(stream, data, views):
    """{key: memoryview}; every length is checked against the bytes that are left."""
    keys = next_pickle(stream)
    known = {view.storage.key: view.storage for view in views}
    if len(known) != len(views):
        raise ValueError('tensors that share a storage')  # many views of one large storage would fill the memory
    storages, at = {}, stream.tell()
    for key in keys:
        if key not in known:
            raise ValueError(f'storage {key!r} belongs to no tensor')
        count, = struct.unpack_from('<q', data, at)
        size = count * known[key].bytes_per_item
        if count != known[key].count or size > len(data) - at - 8:
            raise ValueError(f'storage {key!r} is cut short or has another length')
        storages[key] = memoryview(data)[at + 8:at + 8 + size]
        at += 8 + size
    if at != len(data):
        raise ValueError(f'{len(data) - at} bytes after the last storage')
    return storages


def tensor(view, storages):
    """(shape, bytes) of a view, dense."""
    values = array.array('f')
    values.frombytes(storages[view.storage.key])
    return tuple(view.shape), strided.gather(values, view.shape, view.strides, view.offset)


def read(data, name):
    """{tensor: (shape, bytes)} of the float32 tensors in the file's bytes; `name` is for error lines."""
    stream = io.BytesIO(data)
    try:
        if next_pickle(stream) != MAGIC or next_pickle(stream) != PROTOCOL:
            raise ValueError('not a state dict in the format before torch 1.6')
        next_pickle(stream)  # sizes of C's types on the machine that wrote it
        state = next_pickle(stream)
        views = {key: value for key, value in state.items() if isinstance(value, View)}
        storages = read_storages(stream, data, list(views.values()))
        return {key: tensor(view, storages) for key, view in views.items() if view.storage.bytes_per_item == 4}
    except RecursionError:
        raise Failure(FILE, f'{name}: nested too deep') from None
    except (pickle.UnpicklingError, struct.error, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
            MemoryError) as error:
        raise Failure(FILE, f'{name}: {error or type(error).__name__} (expected a PyTorch state dict)') from None
