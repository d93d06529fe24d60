"""`adjudge calibrate`: make a model's scores mean what they say, and find the cut-offs that keep what one wants."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import InputError
from .calibrate_options import (
    BesideOption,
    CandidatesOption,
    DataArgument,
    FolderOption,
    ForceOption,
    PictureOption,
    QueriesOption,
    RelevantFromOption,
    SkipBadRowsOption,
    SplitOption,
)
from .calibrate_target import find_target
from .console import out, write
from .json_text import to_json
from .loading import open_reranker
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    CacheDirOption,
    DeviceOption,
    JsonOption,
    MaxLengthOption,
    ModelOption,
    PrecisionOption,
    ProgressOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    WindowsOption,
    progress_wanted,
)
from .prose import examples, flow
from .writable import check_writable, writing

if TYPE_CHECKING:
    from ..evaluate import LabelledPairs
    from .calibrate_report import Calibrated

__all__ = ["EXAMPLES", "app", "calibrate"]

app = typer.Typer()

logger = logging.getLogger("adjudge.cli")

EXAMPLES = (
    "adjudge calibrate labelled.jsonl",
    "adjudge calibrate labelled.jsonl --out calibrated --picture reliability.png",
    "adjudge calibrate my-beir-set/ --model ./my-model --write",
)

HELP = """
    Fit a model's scores to labelled pairs, so that of the pairs that score 0.8 eight in ten are relevant, and find the cut-offs behind
    the thresholds precision:0.9 and recall:0.9.

    DATA is a JSONL file (or .jsonl.gz) of labelled pairs, {"query", "passage", "label"}, or of groups as adjudge train reads them, or a
    folder in BEIR's layout, where BM25's hits that nobody judged relevant are the counterexamples. docs/calibration.md shows each form.

    Half of the queries are fitted on, the other half are measured on: expected calibration error before and after, a reliability diagram,
    and precision and recall of each cut-off. Where no cut-off separates, it says so. Nothing is written unless --out or --write asks
    for it.
    """

_SHOWN = 10  # bad rows told in one message


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def calibrate(
    context: typer.Context,
    data: DataArgument,
    relevant_from: RelevantFromOption = None,
    queries: QueriesOption = None,
    candidates: CandidatesOption = 20,
    split: SplitOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    folder: FolderOption = None,
    beside: BesideOption = False,
    force: ForceOption = False,
    picture: PictureOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    windows: WindowsOption = True,
    aggregation: AggregationOption = "max",
    model: ModelOption = "embedded",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    max_length: MaxLengthOption = None,
    max_batch_tokens: BatchTokensOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Read, score, fit, measure, show."""
    from ..evaluate import ReadConfig, read_labelled

    hush(quiet)
    config = ReadConfig(relevant_from=relevant_from, queries=queries, candidates=candidates, split=split)
    target = find_target(model, out=folder, beside=beside, force=force, cache_dir=cache_dir)
    if picture is not None:
        from ..evaluate.reliability import check_picture

        check_picture(picture)
        check_writable(picture)
    pairs = _checked(read_labelled(data, config), skip=skip_bad_rows)
    found = _fit(context, pairs, [path.name or str(path) for path in data], bars=progress_wanted(progress, quiet=quiet))
    kept: dict[str, Path] = {}
    try:
        _keep(found, {"target": target, "picture": picture}, kept)
    finally:  # what all pairs were judged for is shown whether or not it could be kept
        _show(found, kept, wanted=target is not None, json=json, quiet=quiet)


def _checked(pairs: LabelledPairs, *, skip: bool) -> LabelledPairs:
    """What would be refused anyway, but only after a model was loaded for nothing."""
    from ..evaluate.calibration import check_labels

    if pairs.bad and not skip:
        count = "one row cannot" if len(pairs.bad) == 1 else f"{len(pairs.bad):,} rows cannot"
        rows = "; ".join(map(str, pairs.bad[:_SHOWN])) + ("; ..." if len(pairs.bad) > _SHOWN else "")
        raise InputError(f"{count} be used; mend them, or leave them out with --skip-bad-rows. {rows}")
    for row in pairs.bad:
        logger.warning("left out %s", row)
    for note in pairs.notes:
        logger.warning("%s", note)
    check_labels([pair.relevant for pair in pairs.pairs], [pair.query for pair in pairs.pairs])
    return pairs


def _fit(context: typer.Context, pairs: LabelledPairs, names: list[str], *, bars: bool) -> Calibrated:
    from ..evaluate import calibrate as fit_and_measure
    from .calibrate_report import Calibrated

    with open_reranker(context.params, progress=bars) as judge:
        logits = judge.score([(pair.query, pair.passage) for pair in pairs.pairs], normalize=False, progress=bars)
        labels, queries = [pair.relevant for pair in pairs.pairs], [pair.query for pair in pairs.pairs]
        report = fit_and_measure(logits, labels, queries, current=judge.model.calibration)
        traits, model = judge.traits, judge.model
        return Calibrated(
            report=report,
            model=model.name,
            revision=model.revision,
            runtime=f"{traits.backend} {traits.device} {traits.precision}",
            calibrated_before=model.calibration.fitted,
            data=tuple(names),
        )


def _keep(found: Calibrated, wanted: Mapping[str, Path | None], kept: dict[str, Path]) -> None:
    """Write each file that is wanted and note it in `kept`. The calibration first: it does not go where the picture fails."""
    for name, write_it in (("target", found.write), ("picture", found.draw)):
        path = wanted[name]
        if path is not None:
            with writing(path):
                write_it(path)
            kept[name] = path


def _show(found: Calibrated, kept: Mapping[str, Path], *, wanted: bool, json: bool, quiet: bool) -> None:
    """`kept`: the files that were written; `wanted`: whether the calibration was to be."""
    target, picture = kept.get("target"), kept.get("picture")
    if json:
        write(to_json(found.fields(target, picture), indent=2))
        return
    from .calibrate_view import show_calibrated

    # Without the last lines where it could not be written: they say how to have it written.
    show_calibrated(out(), found, target, picture, quiet=quiet or (wanted and target is None))
