"""reference.json: what a reference is kept as, and read from again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any, cast, get_args

from ..errors import ConfigError, InputError
from ..types import ScoreType
from .quantities import QUANTITIES, Quantity, quantity_scale
from .reference import LEAST_QUERIES, Origin, QuantityReference, Reference
from .scales import CELLS
from .sketch import ScoreSketch

__all__ = ["load_reference", "write_reference"]

_FORMAT, _VERSION = "adjudge-reference", 1
_LARGEST = 2**22  # bytes; a real one has some ten thousand
_AGAIN = "make it again with `adjudge monitor baseline`"


def write_reference(path: Path, reference: Reference) -> None:
    """Write the file whole or not at all. Its folder is made where it is missing."""
    origin = reference.origin
    stored = {
        "format": _FORMAT,
        "version": _VERSION,
        "model": origin.model,
        "revision": origin.revision,
        "score_type": origin.score_type,
        "runtime": origin.runtime,
        "data": list(origin.data),
        "created": origin.created,
        "queries": reference.queries,
        "quantities": {name: _fields(one) for name, one in reference.quantities.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    fresh.write_text(json.dumps(stored, ensure_ascii=True) + "\n", encoding="ascii")  # a file's name may hold half a character
    fresh.replace(path)


def load_reference(path: str | Path) -> Reference:
    """A reference that was written before. Raises InputError, with the file's name, for anything else."""
    stored = _read(Path(path))
    try:
        return _parse(stored)
    except (InputError, ConfigError) as exc:
        raise InputError(f"{path} is not a reference that can be used: {exc}; {_AGAIN}") from exc


def _read(path: Path) -> object:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is far too large to be a reference; {_AGAIN}")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InputError(f"the reference {path} cannot be read: {exc.strerror or exc}; {_AGAIN}") from exc
    except (ValueError, RecursionError) as exc:  # no JSON, no UTF-8, NUL in the name
        raise InputError(f"{path} is not a reference: it is not JSON that can be read ({exc}); {_AGAIN}") from exc


def _parse(stored: object) -> Reference:
    if not isinstance(stored, Mapping) or stored.get("format") != _FORMAT:
        raise InputError(f'it does not say "format": "{_FORMAT}"')
    if stored.get("version") != _VERSION:
        raise InputError(f"its version is {shown(stored.get('version'))}, and this adjudge reads version {_VERSION}")
    score_type = cast("ScoreType", stored.get("score_type"))
    if score_type not in get_args(ScoreType):
        raise InputError(f"score_type must be one of {', '.join(get_args(ScoreType))}, not {shown(score_type)}")
    data = stored.get("data", [])
    if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
        raise InputError("data must be a list of names")
    origin = Origin(
        model=_text(stored, "model"),
        revision=_text(stored, "revision"),
        score_type=score_type,
        data=tuple(data),
        runtime=_text(stored, "runtime"),
        created=_whole(stored, "created", least=0),
    )
    return Reference(origin=origin, queries=_whole(stored, "queries", least=LEAST_QUERIES), quantities=_quantities(stored, score_type))


def _quantities(stored: Mapping[str, Any], score_type: ScoreType) -> Mapping[Quantity, QuantityReference]:
    held = stored.get("quantities")
    if not isinstance(held, Mapping) or not {"score", "top_score"} <= set(held) <= set(QUANTITIES):
        raise InputError(f"quantities must hold score and top_score, and nothing but {', '.join(QUANTITIES)}")
    return {cast("Quantity", name): _quantity(name, one, score_type) for name, one in held.items()}


def _quantity(name: Quantity, stored: object, score_type: ScoreType) -> QuantityReference:
    if not isinstance(stored, Mapping):
        raise InputError(f"{name} must be an object, not {type(stored).__name__}")
    sketch = ScoreSketch.from_fields(stored)
    if sketch.scale != quantity_scale(name, score_type) or sketch.n == 0:
        raise InputError(f"{name} must hold counts on the {quantity_scale(name, score_type)} scale")
    borders = stored.get("borders")
    if not isinstance(borders, list) or not all(type(border) is int for border in borders):
        raise InputError(f"{name}: borders must be a list of cells")
    if any(low >= high for low, high in zip([-1, *borders], [*borders, CELLS - 1], strict=True)):
        raise InputError(f"{name}: borders must rise from cell to cell")
    alike = stored.get("within_query")
    if not isinstance(alike, list) or len(alike) != len(borders):
        raise InputError(f"{name}: within_query must be a list of {len(borders)} numbers")
    return QuantityReference(
        sketch=sketch,
        borders=tuple(borders),
        group_size=_number(stored.get("group_size"), f"{name}: group_size", least=1.0, most=1e9),
        within_query=tuple(_number(one, f"{name}: within_query", least=0.0, most=1.0) for one in alike),
        within_query_ks=_number(stored.get("within_query_ks"), f"{name}: within_query_ks", least=0.0, most=1.0),
    )


def _fields(one: QuantityReference) -> dict[str, Any]:
    return {
        **one.sketch.fields(),
        "borders": list(one.borders),
        "group_size": one.group_size,
        "within_query": list(one.within_query),
        "within_query_ks": one.within_query_ks,
    }


def _text(stored: Mapping[str, Any], name: str) -> str:
    value = stored.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, not {shown(value)}")
    return value


def _whole(stored: Mapping[str, Any], name: str, *, least: int) -> int:
    value = stored.get(name)
    if type(value) is not int or not least <= value < 2**53:
        raise InputError(f"{name} must be a whole number of {least} or more, not {shown(value)}")
    return value


def _number(value: object, name: str, *, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:  # NaN fails the comparison
        raise InputError(f"{name} must be a number from {least:g} to {most:g}, not {shown(value)}")
    return float(value)
