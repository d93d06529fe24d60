"""`adjudge models`: which rerankers there are, what they are, and how they come to this machine."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import SourceConfig
from ..errors import HubError, ModelError, ModelNotFoundError
from . import console
from .json_text import to_json
from .options import CacheDirOption, JsonOption, ProgressOption, QuietOption, RevisionOption, TrustOption, progress_wanted
from .prose import examples, flow

if TYPE_CHECKING:
    from ..models.catalogue import KnownModel
    from ..models.facts import ModelFacts
    from .models_table import Row

__all__ = ["EXAMPLES", "app", "list_models", "pull", "show"]

EXAMPLES = (
    "adjudge models list --cached",
    "adjudge models show embedded",
    "adjudge models pull BAAI/bge-reranker-v2-m3",
)

app = typer.Typer(name="models", help="Known rerankers, and those on this machine.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="embedded (the shipped one), a hub id, or a folder.")]

LIST_HELP = """
    List known rerankers, and others that are in the hub's cache.

    Any other sequence classifier works as well: give its hub id or its folder. Nothing is asked over the network.

    Prints a table in a terminal; in a pipe one line for each model: id, family, licence, languages, tokens of a pair, millions of
    parameters, backends that run it, and where it is (shipped, cached or -), with tabs between.
    """

SHOW_HELP = """
    Show what a model is: the shipped one, a folder, a hub model in the cache, or one of the list.

    Nothing is downloaded and nothing is asked over the network.
    """

PULL_HELP = """
    Download a hub model into the cache, and check that it is a reranker that adjudge can run.

    What was interrupted goes on where it was. HF_TOKEN, HF_ENDPOINT (a mirror), HF_HOME and HF_HUB_OFFLINE are honoured.

    In a pipe the model's folder is printed, so that another command can use it.
    """


@app.command("list", help=flow(LIST_HELP), epilog=examples(EXAMPLES[:1]))
def list_models(
    cached: Annotated[bool, typer.Option("--cached", metavar="", help="Only what is on this machine.")] = False,
    json: JsonOption = False,
    cache_dir: CacheDirOption = None,
) -> None:
    """Show the catalogue."""
    from ..models.catalogue import catalogue
    from ..models.hub_cache import cached_models, is_cached
    from .models_table import known_row, show_list, tab_line

    source = SourceConfig(cache_dir=cache_dir)
    rows = _rows_of(["embedded"], source)
    rows += [known_row(model, where="cached" if is_cached(model.id, source) else "") for model in catalogue()]
    listed = {row.id.lower() for row in rows}
    rows += _rows_of([repo_id for repo_id in cached_models(source) if repo_id.lower() not in listed], source)
    shown = [row for row in rows if row.where or not cached]
    if json:
        console.write(to_json([asdict(row) for row in shown], indent=2))
    elif console.interactive():
        show_list(console.out(), shown)
    else:
        for row in shown:
            console.write(tab_line(row))


@app.command("show", help=flow(SHOW_HELP), epilog=examples(EXAMPLES[1:2]))
def show(name: NameArgument, json: JsonOption = False, revision: RevisionOption = None, cache_dir: CacheDirOption = None) -> None:
    """Show the facts of one model."""
    from ..models.catalogue import find_known
    from .models_table import fact_lines, show_facts

    known = find_known(name)
    facts = _local_facts(name, SourceConfig(revision=revision, cache_dir=cache_dir, local_files_only=True), known)
    if json:
        found = {"known": None if known is None else asdict(known), "local": None if facts is None else asdict(facts)}
        console.write(to_json(found, indent=2))
    elif console.interactive():
        show_facts(console.out(), known, facts)
    else:
        for label, text in fact_lines(known, facts):
            console.write(f"{label}\t{text}")


@app.command("pull", help=flow(PULL_HELP), epilog=examples(EXAMPLES[2:]))
def pull(
    name: NameArgument,
    json: JsonOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Fetch, check, say where it is."""
    from ..engine.tokenise import Tokeniser
    from ..models.catalogue import find_known
    from ..models.facts import describe
    from ..models.load import load_model
    from .models_table import show_facts

    bars = progress_wanted(progress, quiet=quiet)
    source = SourceConfig(revision=revision, cache_dir=cache_dir, trust_remote_code=trust_remote_code, progress=bars)
    model = load_model(name, source)
    Tokeniser(model)  # checks that the tokenizer can be read and fits the vocabulary
    facts = describe(model)
    if json:
        console.write(to_json(asdict(facts), indent=2))
    elif console.interactive():
        show_facts(console.out(), find_known(name), facts)
    else:
        console.write(str(facts.folder))


def _local_facts(name: str, source: SourceConfig, known: KnownModel | None) -> ModelFacts | None:
    """Of what is on this machine; None where the list knows the model and the cache does not have it."""
    from ..models.facts import describe
    from ..models.hub_errors import meant
    from ..models.load import load_model

    try:
        return describe(load_model(name, source))
    except HubError as exc:
        if known is not None:
            return None
        raise ModelNotFoundError(
            f"{name} is neither on the list nor on this machine.{meant(name)} If it is on the hub, fetch it: adjudge models pull {name}"
        ) from exc


def _rows_of(names: list[str], source: SourceConfig) -> list[Row]:
    """Of models on this machine. A damaged one in the cache is left out; `show` says what is wrong with it."""
    from ..models.facts import describe
    from ..models.load import load_model
    from .models_table import local_row

    rows = []
    for name in names:
        try:
            rows.append(local_row(describe(load_model(name, replace(source, local_files_only=True)))))
        except ModelError:
            continue
    return rows
