"""Write golden.json: what the shipped weights say of a few pairs, computed by transformers in float32, not by adjudge.

    python -m recipes.embedded.golden PAIRS.json [FOLDER]

PAIRS.json is a list of {"query", "passage"} (an earlier golden.json will do). `adjudge doctor` and the tests compare with the
result, so it must come from code that shares nothing with the backends. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

FOLDER = Path(__file__).resolve().parents[2] / "src" / "adjudge" / "models" / "embedded"


def read(folder: Path, *names: str) -> dict[str, torch.Tensor]:
    """Tensors of the named files in float32, int8 rows multiplied out."""
    raw = {name: tensor for file in names for name, tensor in load_file(folder / file).items()}
    dense = {}
    for name, tensor in raw.items():
        if name.endswith(".scale"):
            continue
        scale = raw.get(name + ".scale")
        wide = tensor.astype(np.float32) * (1.0 if scale is None else scale[:, None])
        dense[name] = torch.from_numpy(wide.astype(np.float32))
    return dense


def body(folder: Path, tensors: dict[str, torch.Tensor]) -> BertModel:
    """The encoder, without a pooler."""
    config = BertConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")), attn_implementation="eager")
    model = BertModel(config, add_pooling_layer=False).eval()
    model.load_state_dict({n: t for n, t in tensors.items() if not n.startswith(("head.", "aspects."))}, strict=True)
    return model


def hidden(model: BertModel, ids: list[int]) -> torch.Tensor:
    """Last hidden states, (tokens, size)."""
    return model(input_ids=torch.tensor([ids])).last_hidden_state[0]


def logit(h: torch.Tensor, segments: list[int | None], head: dict[str, torch.Tensor]) -> float:
    """The match head, as models/heads.py states it."""
    query = h[[i for i, s in enumerate(segments) if s == 0]]
    document = h[[i for i, s in enumerate(segments) if s == 1]]
    cosine = torch.nn.functional.cosine_similarity(query.mean(0), document.mean(0), dim=0)
    unit = torch.nn.functional.normalize
    best = (unit(query, dim=1) @ unit(document, dim=1).T).max(dim=1).values.mean()
    pooled = head["head.pooled.weight"][0] @ h.mean(0) + head["head.pooled.bias"][0]
    return float(pooled + head["head.cosine"][0] * cosine + head["head.max_similarity"][0] * best + head["head.offset"][0])


@torch.inference_mode()
def main() -> None:
    """Read pairs, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(arguments.folder / "tokenizer.json"))
    judge_tensors = read(arguments.folder, "embeddings.safetensors", "judge.safetensors")
    judge = body(arguments.folder, judge_tensors)
    encoder = body(arguments.folder, read(arguments.folder, "embeddings.safetensors", "encoder.safetensors"))
    rows = []
    for pair in json.loads(arguments.pairs.read_text(encoding="utf-8")):
        encoding = tokenizer.encode(pair["query"], pair["passage"])
        vectors = [hidden(encoder, tokenizer.encode(t).ids).mean(0) for t in (f"query: {pair['query']}", f"passage: {pair['passage']}")]
        rows.append(
            {
                "query": pair["query"],
                "passage": pair["passage"],
                "tokens": len(encoding.ids),
                "logit": round(logit(hidden(judge, encoding.ids), encoding.sequence_ids, judge_tensors), 5),
                "cosine": round(float(torch.nn.functional.cosine_similarity(vectors[0], vectors[1], dim=0)), 5),
            }
        )
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    (arguments.folder / "golden.json").write_text(text, encoding="utf-8")
    print(f"{arguments.folder / 'golden.json'}: {len(rows)} pairs")


if __name__ == "__main__":
    main()
