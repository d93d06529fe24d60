"""From a name to a Model that is known to be a reranker, or a typed error that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..config import SourceConfig
from ..errors import ModelFilesError
from .calibration import load_calibration, read_calibration
from .checks import check_body, check_head, refuse_remote_code
from .exported import exported_files
from .files import CONFIG, MANIFEST, Found, find_model, plain_names, read_json, weight_files
from .heads import OWN_SETTINGS
from .model import Model, NamedWeights
from .naming import body_prefixes, canonical_names, head_names
from .reader import Reader
from .spec import Family, ModelSpec, parse_spec
from .tokenizer_files import feeds_types, find_tokenizer
from .weights import Weights

__all__ = ["load_body", "load_encoder", "load_found", "load_model"]


def load_model(name: str | Path, source: SourceConfig | None = None) -> Model:
    """Find, read and check a reranker. Reads headers only; tensors stay on disk.

    Raises ModelError in one of its kinds where it is none, HubError where it cannot be fetched.
    """
    source = SourceConfig() if source is None else source
    model = load_found(find_model(name, source), trust_remote_code=source.trust_remote_code)
    return model if source.calibration is None else replace(model, calibration=load_calibration(source.calibration))


def load_found(found: Found, *, trust_remote_code: bool = False) -> Model:
    """Read and check the reranker of a folder that is known already."""
    if (found.folder / MANIFEST).is_file():
        return _load_own(found, role="judge")
    config = read_json(found.folder / CONFIG)
    refuse_remote_code(config, found.name, trusted=trust_remote_code)
    weights = Weights(weight_files(found.folder))
    # The model's own code may compute anything under a familiar model_type, so only transformers, which runs that code, may have it.
    spec = parse_spec(config, family=Family.OTHER if config.get("auto_map") else None)
    model = _assemble(found, spec, weights, config)
    check_body(model)
    check_head(model, config)
    return replace(model, trust_remote_code=trust_remote_code)


def load_encoder(name: str | Path = "embedded", source: SourceConfig | None = None) -> Model:
    """Find, read and check the bi-encoder of an adjudge folder (its manifest names it)."""
    found = find_model(name, SourceConfig() if source is None else source)
    if not (found.folder / MANIFEST).is_file():
        raise ModelFilesError(f"{found.folder} has no {MANIFEST}, so it holds no bi-encoder that adjudge can run; use 'embedded'")
    return _load_own(found, role="encoder")


def load_body(found: Found, head: Mapping[str, Any]) -> Model:
    """Read and check the encoder of a transformers folder under a head in adjudge's own form; the checkpoint's own is not looked at."""
    config = read_json(found.folder / CONFIG)
    refuse_remote_code(config, found.name, trusted=False)
    config[OWN_SETTINGS] = {"head": head}
    model = _assemble(found, parse_spec(config), Weights(weight_files(found.folder)), config)
    check_body(model)
    return model


def _load_own(found: Found, *, role: str) -> Model:
    path = found.folder / MANIFEST
    part = Reader(Reader(read_json(path), file=str(path)).mapping(role), file=f"{path}: {role}")
    files = part.strings("weights")
    if not files:
        raise ModelFilesError(f"{path} describes no {role}; this folder cannot be used as one")
    if not plain_names(files):
        raise ModelFilesError(f"{path}: {role}.weights must name safetensors files of the same folder, not {files}")
    prompts = part.mapping("prompts")
    if not all(isinstance(text, str) for text in prompts.values()):
        raise ModelFilesError(f"{path}: {role}.prompts must be strings, not {dict(prompts)}")
    config = read_json(found.folder / CONFIG)
    own = Reader(config).mapping(OWN_SETTINGS)
    config[OWN_SETTINGS] = {**own, "head": part.mapping("head")}
    spec = parse_spec(config)
    model = _assemble(found, spec, Weights([found.folder / f for f in files]), config)
    check_body(model)
    check_head(model, config)
    return replace(model, prompts=dict(prompts))


def _assemble(found: Found, spec: ModelSpec, weights: Weights, config: Mapping[str, Any]) -> Model:
    return Model(
        name=found.name,
        revision=found.revision,
        folder=found.folder,
        spec=spec,
        weights=weights,
        named=_named(weights, spec),
        tokenizer_file=find_tokenizer(found.folder, spec.family),
        max_length=_max_length(spec, found.folder),
        stored_precision=_stored_precision(weights, found.folder),
        calibration=read_calibration(found.folder),
        config=config,
        token_types=feeds_types(found.folder),
    )


def _stored_precision(weights: Weights, folder: Path) -> str:
    """Of the tensors, or of the exported file that stands in for them."""
    return weights.precision() if weights.names() else next(iter(exported_files(folder)), weights.precision())


def _named(weights: Weights, spec: ModelSpec) -> NamedWeights:
    if not spec.native:
        return NamedWeights(weights, {})
    names: dict[str, str] = {}
    for prefix in body_prefixes(spec.family):
        names = canonical_names(spec, prefix)
        if names["word_embeddings"] + ".weight" in weights:
            break
    return NamedWeights(weights, names | head_names(spec))


def _max_length(spec: ModelSpec, folder: Path) -> int:
    """The smaller of what the positions allow and what the tokenizer's config says (which may be a huge "no limit")."""
    path = folder / "tokenizer_config.json"
    limit = read_json(path).get("model_max_length") if path.is_file() else None
    if isinstance(limit, int | float) and 8 <= limit < spec.max_length:
        return int(limit)
    return spec.max_length
