"""Encoders read token by token: the shipped bi-encoder, and folders with bge-m3's heads for sparse weights and late interaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..config import SourceConfig
from ..errors import ModelFilesError, ModelNotFoundError, UnsafeModelError, UnsupportedModelError
from .files import EMBEDDED, INDEX, MANIFEST, PICKLES, SINGLE, Found, find_model
from .heads import EmbeddingHead, TokenHead
from .load import load_body, load_encoder
from .model import Model
from .weights import Weights

__all__ = ["COLBERT", "SPARSE", "Projection", "TokenModel", "load_token_model"]

SPARSE, COLBERT = "sparse_linear", "colbert_linear"
"""The names that bge-m3 gives its heads: a weight for each token, and a vector for each token. Chen et al., 2024, arXiv 2402.03216."""


@dataclass(frozen=True, slots=True)
class Projection:
    """x @ weight.T + bias, in float32."""

    weight: NDArray[np.float32]  # (outputs, hidden size)
    bias: NDArray[np.float32]  # (outputs,)

    def __call__(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """(tokens, hidden size) -> (tokens, outputs)."""
        return states @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenModel:
    """An encoder that gives its last hidden states, and what is made of them."""

    model: Model  # with a TokenHead
    pool: Literal["first", "mean"]  # how one vector is made of a text's states
    sparse: Projection | None = None  # (1, hidden size)
    colbert: Projection | None = None
    m3: bool = False  # bge-m3's rules: every token but the first has a vector, and no special token a weight


def load_token_model(name: str | Path, source: SourceConfig | None = None) -> TokenModel:
    """The bi-encoder of "embedded" or of a folder in adjudge's own form; or a bge-m3 folder with its heads as safetensors.

    Raises UnsafeModelError for heads that are still pickled (it says how to convert them), ModelError in its other kinds for what is no
    such model.
    """
    source = SourceConfig() if source is None else source
    if str(name) != EMBEDDED and not Path(name).expanduser().is_dir():
        raise ModelNotFoundError(
            f"there is no folder {str(name)!r}; give 'embedded' or a folder on this machine (for bge-m3: download it and convert its "
            "pickles once, as docs/recall.md shows)"
        )
    found = find_model(name, source)
    if (found.folder / MANIFEST).is_file():
        model = load_encoder(name, source)
        head = model.spec.head
        return TokenModel(model=_token_by_token(model), pool=head.pool if isinstance(head, EmbeddingHead) else "mean")
    return _load_m3(found)


def _load_m3(found: Found) -> TokenModel:
    heads = {stem: found.folder / f"{stem}.safetensors" for stem in (SPARSE, COLBERT)}
    _refuse_pickles(found.folder)
    if not any(path.is_file() for path in heads.values()):
        raise UnsupportedModelError(
            f"{found.folder} holds neither {SPARSE}.safetensors nor {COLBERT}.safetensors, nor adjudge's own manifest {MANIFEST}, "
            "so nothing says what its token vectors mean; use 'embedded', or bge-m3"
        )
    model = load_body(found, {"kind": "embedding", "pool": "first"})
    if not model.spec.native or model.exported_only:
        raise UnsupportedModelError(f"{found.name} is a {model.spec.model_type} without an encoder that adjudge computes; use bge-m3")
    size = model.spec.hidden_size
    sparse, colbert = (_projection(path, size) if path.is_file() else None for path in heads.values())
    if sparse is not None and len(sparse.weight) != 1:
        raise ModelFilesError(f"{heads[SPARSE]} gives {len(sparse.weight)} numbers a token; a sparse head gives one")
    return TokenModel(model=_token_by_token(model), pool="first", sparse=sparse, colbert=colbert, m3=True)


def _token_by_token(model: Model) -> Model:
    return replace(model, spec=replace(model.spec, head=TokenHead(outputs=model.spec.hidden_size)))


def _refuse_pickles(folder: Path) -> None:
    pickled = [
        f"{stem}.pt" for stem in (SPARSE, COLBERT) if (folder / f"{stem}.pt").is_file() and not (folder / f"{stem}.safetensors").is_file()
    ]
    if not (folder / SINGLE).is_file() and not (folder / INDEX).is_file():
        pickled += sorted(path.name for path in folder.glob(PICKLES[0]))
    if pickled:
        raise UnsafeModelError(
            f"{folder} holds {', '.join(pickled)} only as pickle, which can run code when it is read. Convert once: read each with "
            "torch.load(path, weights_only=True), which reads tensors and nothing else, and write it with safetensors.torch.save_file as "
            f"{SPARSE}.safetensors, {COLBERT}.safetensors and {SINGLE} into the same folder; docs/recall.md has the lines to copy"
        )


def _projection(path: Path, size: int) -> Projection:
    weights = Weights([path])
    for name in ("weight", "bias"):
        if name not in weights:
            raise ModelFilesError(f"{path} has no tensor {name!r}; it must hold the weight and the bias of one linear layer")
    weight, bias = weights.array("weight"), weights.array("bias")
    if weight.ndim != 2 or weight.shape[1] != size or bias.shape != weight.shape[:1]:
        raise ModelFilesError(
            f"{path}: shapes {weight.shape} and {bias.shape} do not fit an encoder of {size} units; is it another model's?"
        )
    return Projection(np.ascontiguousarray(weight), np.ascontiguousarray(bias))
