"""Whether two weight files are the same, without reading gigabytes: sizes, the safetensors headers and some bytes of every tensor.

A few thousand small reads. Training changes every tensor it touches, so two models of one shape differ in almost every sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from ..errors import ModelFilesError
from .model import Model

__all__ = ["file_samples", "files_digest", "weights_digest"]

_SAMPLE = 64  # bytes of a tensor at its beginning, middle and end
_BLOCK = 4096  # bytes
_BLOCKS = 256  # of a file without a table of tensors, spread evenly


def weights_digest(model: Model) -> str:
    """32 hexadecimal digits that follow from the names, sizes and contents of a model's weight files, wherever they lie.

    Raises ModelFilesError where one cannot be read any more.
    """
    return files_digest(model.weights.files())


def files_digest(files: Iterable[Path]) -> str:
    """The same of the files of a model that nobody has loaded. Raises ModelFilesError where one cannot be read."""
    digest = blake2b(digest_size=16)
    for path in files:
        try:
            for part in file_samples(path, timed=False):
                digest.update(len(part).to_bytes(8, "little") + part)
        except (OSError, ValueError, LookupError, TypeError) as exc:
            raise ModelFilesError(f"{path} cannot be read any more ({exc}); did it change meanwhile? Load the model again") from exc
    return digest.hexdigest()


def file_samples(path: Path, *, timed: bool) -> Iterator[bytes]:
    """Name, size, with `timed` the time of its last change, and samples of the content: what to hash, part by part.

    Raises OSError for a file that cannot be read, ValueError, LookupError or TypeError for a safetensors file that is none.
    """
    status = path.stat()
    yield path.name.encode("utf-8", "surrogatepass")
    yield status.st_size.to_bytes(8, "little")
    if timed:
        yield str(status.st_mtime_ns).encode()
    with path.open("rb", buffering=0) as file:
        if path.suffix == ".safetensors":
            table = file.read(int.from_bytes(file.read(8), "little"))
            yield table
            places = _tensor_places(table)
        else:
            places = _even_places(status.st_size)
        for start, length in places:
            file.seek(start)
            yield file.read(length)


def _tensor_places(table: bytes) -> Iterator[tuple[int, int]]:
    """(offset, bytes) of a sample at the beginning, middle and end of every tensor."""
    origin = 8 + len(table)
    for name, entry in json.loads(table).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        size = min(_SAMPLE, end - begin)
        for start in sorted({begin, (begin + end - size) // 2, end - size}):
            yield origin + start, size


def _even_places(size: int) -> Iterator[tuple[int, int]]:
    """(offset, bytes) of blocks spread over a file; all of it where it is small."""
    if size <= _BLOCK * _BLOCKS:
        yield 0, size
        return
    for block in range(_BLOCKS):
        yield (size - _BLOCK) * block // (_BLOCKS - 1), _BLOCK
