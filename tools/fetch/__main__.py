"""Brings what the package index carries into the user's data folder, $XDG_DATA_HOME/minfer. Needs python3 and pip, nothing else.

  python3 tools/fetch NETWORK     weights/NETWORK.safetensors
  python3 tools/fetch photos      photos/, 20 photographs; the last number in a name is the ImageNet class

Prints the path. What is there already is not fetched again. Exit status as minfer's.
"""
import difflib, os, shutil, signal, sys, tempfile
import networks, package, safetensors
from failure import OUTPUT, UNABLE, USAGE, Failure


def data_folder():
    return os.path.join(os.environ.get('XDG_DATA_HOME') or os.path.expanduser('~/.local/share'), 'minfer')


def weights(name):
    path = os.path.join(data_folder(), 'weights', f'{name}.safetensors')
    if name in networks.ELSEWHERE:
        raise Failure(UNABLE, f'no package registry carries weights of {name}: {networks.where(name, path)}')
    if name not in networks.PACKAGED:
        known = sorted([*networks.PACKAGED, *networks.ELSEWHERE])
        close = difflib.get_close_matches(name, known, 1)
        raise Failure(USAGE, f'unknown network "{name}" ' + (f'(did you mean {close[0]}?)' if close else f'(known: {", ".join(known)})'))
    if os.path.exists(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tensors, metadata = networks.PACKAGED[name]()
    with tempfile.NamedTemporaryFile(prefix='.part-', dir=os.path.dirname(path), delete=False) as part:
        try:
            safetensors.write(part, tensors, {f'minfer.{key}': value for key, value in dict(metadata, model=name).items()})
            part.flush()
            os.fchmod(part.fileno(), 0o644)
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise
    return path


def photos():
    path = os.path.join(data_folder(), 'photos')
    if os.path.isdir(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pictures = package.fetch('foolbox', lambda name: name.startswith('foolbox/data/imagenet_') and name.endswith('.jpg'))
    part = tempfile.mkdtemp(prefix='.part-', dir=os.path.dirname(path))
    try:
        for name, data in pictures.items():
            with open(os.path.join(part, name), 'wb') as f:
                f.write(data)
        os.chmod(part, 0o755)
        os.rename(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return path


def stop(signum, _):
    sys.exit(128 + signum)  # through the finally blocks, which remove what is half done


def main():
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stop)
    try:
        if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
            raise Failure(USAGE, 'usage: fetch NETWORK | photos')
        print(photos() if sys.argv[1] == 'photos' else weights(sys.argv[1]))
        return 0
    except Failure as failure:
        print(f'minfer: {failure}', file=sys.stderr)
        return failure.status
    except OSError as error:
        print(f'minfer: {error.filename or data_folder()}: {error.strerror}', file=sys.stderr)
        return OUTPUT


if __name__ == '__main__':
    sys.exit(main())
