"""What the command ends with: one code for each kind of error, so that scripts can tell them apart."""

from __future__ import annotations

from collections.abc import Mapping

from .. import errors

__all__ = ["BY_ERROR", "GATE", "INTERRUPTED", "MEANINGS", "OK", "READER_GONE", "SELF_TEST", "UNEXPECTED", "USAGE", "exit_code"]

OK, UNEXPECTED, USAGE, INPUT, CONFIG, EXTRA, MODEL, HUB, BACKEND, SELF_TEST, TRAINING, ENDPOINT, INDEX, GATE = range(14)
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE

BY_ERROR: Mapping[type[errors.AdjudgeError], int] = {
    errors.AdjudgeError: UNEXPECTED,
    errors.ConfigError: CONFIG,
    errors.InputError: INPUT,
    errors.ClosedError: UNEXPECTED,
    errors.CallError: UNEXPECTED,
    errors.DeadlineError: UNEXPECTED,
    errors.AbandonedError: UNEXPECTED,
    errors.MissingExtraError: EXTRA,
    errors.ModelError: MODEL,
    errors.ModelNotFoundError: MODEL,
    errors.ModelFilesError: MODEL,
    errors.NotARerankerError: MODEL,
    errors.UnsafeModelError: MODEL,
    errors.UnsupportedModelError: MODEL,
    errors.TokenizerMismatchError: MODEL,
    errors.TrainingError: TRAINING,
    errors.HubError: HUB,
    errors.EndpointError: ENDPOINT,
    errors.EndpointTimeoutError: ENDPOINT,
    errors.EndpointRefusedError: ENDPOINT,
    errors.BrokenStreamError: ENDPOINT,
    errors.DeclinedError: ENDPOINT,
    errors.SearchIndexError: INDEX,
    errors.IndexNotFoundError: INDEX,
    errors.IndexLockedError: INDEX,
    errors.IndexMismatchError: INDEX,
    errors.IndexDamagedError: INDEX,
    errors.BackendError: BACKEND,
    errors.BackendUnavailableError: BACKEND,
    errors.BackendMemoryError: BACKEND,
    errors.InvalidLogitsError: BACKEND,
}

MEANINGS: Mapping[int, str] = {
    OK: "It worked.",
    UNEXPECTED: "Something unexpected, probably a mistake in adjudge. `adjudge --debug ...` shows the traceback.",
    USAGE: "The command line is wrong: an unknown option, a missing argument.",
    INPUT: "A query, document, pair or input file is wrong, missing or empty.",
    CONFIG: "A setting is out of range, or two settings contradict.",
    EXTRA: "A package of an optional extra is needed; the message names the pip line.",
    MODEL: "The model is not found, is damaged, or is no reranker.",
    HUB: "The model hub could not be reached, or refused.",
    BACKEND: "The backend, device or precision cannot be had here, or memory ran out.",
    SELF_TEST: "`adjudge doctor` computed other scores than the golden ones.",
    TRAINING: "Training cannot go on: the loss is no number, the scores have become one value, or the checkpoint is another run's.",
    ENDPOINT: "The language model that should answer could not be reached, refused, took too long, or broke off.",
    INDEX: "The index is not there, is damaged, is being written to, or was made with another model.",
    GATE: "`adjudge evaluate --fail-under-gain`: reranking gained less than that, or nobody can tell.",
    INTERRUPTED: "Interrupted (Ctrl-C).",
    READER_GONE: "The program that read the output closed it first, as `head` does.",
}


def exit_code(error: errors.AdjudgeError) -> int:
    """The code of an error's class, or of the nearest class above it."""
    return next(BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
