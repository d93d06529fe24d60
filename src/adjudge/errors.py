"""Every error adjudge raises, as one tree.

AdjudgeError
├── ConfigError                   a setting is wrong or two settings contradict (also ValueError)
├── InputError                    a query, document or pair is not what it must be (also ValueError)
├── ClosedError                   the reranker was used after close()
├── CallError                     work that was accepted, and then not done
│   ├── DeadlineError             its deadline passed before it was done (also TimeoutError)
│   └── AbandonedError            whoever asked has left
├── MissingExtraError             a part that is not installed is needed (also ImportError)
├── ModelError
│   ├── ModelNotFoundError        no such folder, hub id, revision or file
│   ├── ModelFilesError           a file is missing, truncated or unreadable
│   ├── NotARerankerError         the checkpoint cannot judge pairs: no head, wrong head, an embedder
│   ├── UnsafeModelError          loading it would run code: pickle weights, remote code
│   ├── UnsupportedModelError     a reranker, but of a family that the chosen backend cannot run
│   └── TokenizerMismatchError    the tokenizer does not fit the model's vocabulary
├── TrainingError                 training cannot go on: the loss is no number, a checkpoint of another run
├── HubError                      the hub could not be reached or refused
├── EndpointError                 the language model that should answer gave no answer, or half of one
│   ├── EndpointTimeoutError      it kept silent too long (also TimeoutError)
│   ├── EndpointRefusedError      its server said no: a wrong key, no such model, too many requests
│   ├── BrokenStreamError         its answer broke off, or is not of the protocol
│   └── DeclinedError             the model itself would not answer
├── SearchIndexError              an index of passages cannot be used
│   ├── IndexNotFoundError        there is none, or its first build has not ended
│   ├── IndexLockedError          another process is writing to it
│   ├── IndexMismatchError        it was made with another model, or cut in another way
│   └── IndexDamagedError         a file of it is missing, cut short or unreadable
└── BackendError
    ├── BackendUnavailableError   the named backend, device or precision cannot be had here
    ├── BackendMemoryError        out of memory, also with the smallest batch
    └── InvalidLogitsError        the model said NaN or infinity

Messages say what happened, with which values, and what to do.
"""

from __future__ import annotations

__all__ = [
    "AbandonedError",
    "AdjudgeError",
    "BackendError",
    "BackendMemoryError",
    "BackendUnavailableError",
    "BrokenStreamError",
    "CallError",
    "ClosedError",
    "ConfigError",
    "DeadlineError",
    "DeclinedError",
    "EndpointError",
    "EndpointRefusedError",
    "EndpointTimeoutError",
    "HubError",
    "IndexDamagedError",
    "IndexLockedError",
    "IndexMismatchError",
    "IndexNotFoundError",
    "InputError",
    "InvalidLogitsError",
    "MissingExtraError",
    "ModelError",
    "ModelFilesError",
    "ModelNotFoundError",
    "NotARerankerError",
    "SearchIndexError",
    "TokenizerMismatchError",
    "TrainingError",
    "UnsafeModelError",
    "UnsupportedModelError",
]


class AdjudgeError(Exception):
    """The root: catch this to catch everything adjudge raises on purpose."""


class ConfigError(AdjudgeError, ValueError):
    """A setting is out of range, of the wrong type, or contradicts another."""


class InputError(AdjudgeError, ValueError):
    """A query, document or pair is not text, or not of the right shape."""


class ClosedError(AdjudgeError):
    """The reranker was used after close()."""


class CallError(AdjudgeError):
    """Work was accepted and then not done, for a reason that lies with the caller."""


class DeadlineError(CallError, TimeoutError):
    """The deadline passed before the work was done."""


class AbandonedError(CallError):
    """Whoever asked has left, so the work was dropped."""


class MissingExtraError(AdjudgeError, ImportError):
    """A package of an optional extra is needed and not installed."""

    def __init__(self, *, package: str, extra: str, what: str) -> None:
        """Name the `package` that lacks, the `extra` that brings it and `what` asked for it."""
        super().__init__(f'{what} needs the package {package!r}, which is not installed. Install it with: pip install "adjudge[{extra}]"')
        self.package = package
        self.extra = extra


class ModelError(AdjudgeError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError):
    """No such folder, hub id, revision or file."""


class ModelFilesError(ModelError):
    """A file of the model is missing, truncated or unreadable."""


class NotARerankerError(ModelError):
    """The checkpoint holds no usable relevance head, so its scores would be noise."""


class UnsafeModelError(ModelError):
    """Loading the model would run code from its folder."""


class UnsupportedModelError(ModelError):
    """The model's family cannot be run by the chosen backend."""


class TokenizerMismatchError(ModelError):
    """The tokenizer makes ids that the model's vocabulary does not hold."""


class TrainingError(AdjudgeError):
    """Training cannot go on."""


class HubError(AdjudgeError):
    """The model hub could not be reached, or refused."""


class EndpointError(AdjudgeError):
    """The endpoint of a language model could not be reached, or failed. What had come of the answer by then is in `partial`."""

    def __init__(self, message: str, *, partial: str = "") -> None:
        """`partial`: the beginning of the answer, as far as it came."""
        super().__init__(message)
        self.partial = partial


class EndpointTimeoutError(EndpointError, TimeoutError):
    """The endpoint sent nothing for longer than was allowed."""


class EndpointRefusedError(EndpointError):
    """The endpoint answered with an error status."""


class BrokenStreamError(EndpointError):
    """The answer ended before its end, or is not what the protocol says."""


class DeclinedError(EndpointError):
    """The language model refused to answer, or a filter of its server did."""


class SearchIndexError(AdjudgeError):
    """An index of passages cannot be used."""


class IndexNotFoundError(SearchIndexError):
    """There is no index at this place, or its first build has not ended."""


class IndexLockedError(SearchIndexError):
    """Another process, or another part of this one, is writing to the index."""


class IndexMismatchError(SearchIndexError):
    """The index was made with another bi-encoder, or its passages were cut by other settings."""


class IndexDamagedError(SearchIndexError):
    """A file of the index is missing, shorter than it was, or cannot be read."""


class BackendError(AdjudgeError):
    """The backend failed."""


class BackendUnavailableError(BackendError):
    """The named backend, device or precision cannot be had on this machine."""


class BackendMemoryError(BackendError):
    """Memory ran out, also with the smallest batch."""


class InvalidLogitsError(BackendError):
    """The model returned NaN or infinity."""
