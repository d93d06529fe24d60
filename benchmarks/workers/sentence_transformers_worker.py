"""sentence-transformers' CrossEncoder with its own defaults (batches of 32), on each of its backends.

options: {"backend": "torch"|"onnx"|"openvino", "dtype": "float32"|"bfloat16"|"float16"   (torch),
          "quantised": true   (onnx: dynamic int8, "avx512_vnni"; openvino: static int8 by NNCF), both by its own export helpers,
          "precision_hint": "f32"|"bf16"   (openvino; without it the runtime decides), "batch_size": n}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder

from .protocol import Job, serve, versions

_FILES = {
    ("onnx", False): "onnx/model.onnx",
    ("onnx", True): "onnx/model_qint8_avx512_vnni.onnx",
    ("openvino", False): "openvino/openvino_model.xml",
    ("openvino", True): "openvino/openvino_model_qint8_quantized.xml",
}
_PACKAGES = {
    "torch": ("sentence-transformers", "torch", "transformers"),
    "onnx": ("sentence-transformers", "torch", "transformers", "optimum-onnx", "onnxruntime"),
    "openvino": ("sentence-transformers", "torch", "transformers", "optimum-intel", "openvino", "nncf"),
}


class SentenceTransformers:
    """`CrossEncoder.predict` without the sigmoid."""

    encoder: CrossEncoder
    predict_options: dict[str, int]

    def prepare(self, job: Job) -> None:
        """Export the model to ONNX or OpenVINO, and quantise it, as its documentation says. Kept, so done once."""
        backend, quantised = job["options"]["backend"], job["options"].get("quantised", False)
        folder = Path(job["exports"])
        if backend == "torch" or (folder / _FILES[backend, quantised]).is_file():
            return
        if not (folder / _FILES[backend, False]).is_file():
            CrossEncoder(job["model"], backend=backend, model_kwargs={"export": True}, device="cpu").save_pretrained(str(folder))
        if quantised:
            _quantise(backend, folder, Path(job["calibration"]))

    def load(self, job: Job) -> dict[str, str]:
        """Load and say what runs."""
        torch.set_num_threads(job["threads"])
        options = job["options"]
        backend = options["backend"]
        self.predict_options = {"batch_size": options["batch_size"]} if "batch_size" in options else {}
        folder = job["model"] if backend == "torch" else job["exports"]
        arguments = {"max_length": job["max_length"], "device": job["device"], "model_kwargs": _model_arguments(job)}
        self.encoder = CrossEncoder(folder, backend=backend, **arguments)
        return {**versions(*_PACKAGES[backend]), "precision": self._precision(options)}

    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Logits."""
        scores = self.encoder.predict(pairs, activation_fn=torch.nn.Identity(), **self.predict_options)
        return [float(score) for score in scores]

    def _precision(self, options: dict[str, Any]) -> str:
        weights = "int8, " if options.get("quantised", False) else ""
        if options["backend"] == "openvino":
            model: Any = self.encoder.model  # compiled on first use; asked for here so that load() pays for it
            model.compile()
            return weights + str(model.request.get_property("INFERENCE_PRECISION_HINT").to_string())
        return weights + ("f32" if options["backend"] == "onnx" else str(self.encoder.model.dtype))


def _model_arguments(job: Job) -> dict[str, Any]:
    options, threads = job["options"], job["threads"]
    backend = options["backend"]
    if backend == "torch":
        return {"torch_dtype": options["dtype"]}
    arguments: dict[str, Any] = {"file_name": _FILES[backend, options.get("quantised", False)]}
    if backend == "onnx":
        import onnxruntime

        arguments["session_options"] = onnxruntime.SessionOptions()
        arguments["session_options"].intra_op_num_threads = threads
        arguments["provider"] = "CPUExecutionProvider"
        return arguments
    arguments["ov_config"] = {"INFERENCE_NUM_THREADS": str(threads)}
    if "precision_hint" in options:
        arguments["ov_config"]["INFERENCE_PRECISION_HINT"] = options["precision_hint"]
    return arguments


def _quantise(backend: str, folder: Path, calibration: Path) -> None:
    encoder = CrossEncoder(str(folder), backend=backend, model_kwargs={"file_name": _FILES[backend, False]}, device="cpu")
    if backend == "onnx":
        from sentence_transformers import export_dynamic_quantized_onnx_model

        export_dynamic_quantized_onnx_model(encoder, "avx512_vnni", str(folder))
        return
    from sentence_transformers import export_static_quantized_openvino_model

    export_static_quantized_openvino_model(
        encoder, None, str(folder), dataset_name=str(calibration), dataset_config_name="default", dataset_split="train", column_name="text"
    )


if __name__ == "__main__":
    serve(SentenceTransformers)
