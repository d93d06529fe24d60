"""Templates of instructions: str.format with braces where the texts go, as the originals have them. None may lose a text."""

from __future__ import annotations

from ..errors import ConfigError

__all__ = ["check_pair_template", "check_text_template"]

_TEXT = "<the text that is judged>"
_INSTRUCTION = "<the instruction before it>"


def check_text_template(name: str, template: object) -> None:
    """Raise ConfigError unless a text that is put in comes out whole, and once."""
    _check(name, template, (_TEXT,), "give it one {}, as in 'query: {}'")


def check_pair_template(name: str, template: object) -> None:
    """Raise ConfigError unless an instruction and a text that are put in come out whole, and the text once."""
    _check(name, template, (_INSTRUCTION, _TEXT), "give it two {}, for the instruction and for the text, as in '{}{}'")


def _check(name: str, template: object, texts: tuple[str, ...], advice: str) -> None:
    wanted = f"it must be a template in which the text comes out exactly once; {advice}"
    if not isinstance(template, str):
        raise ConfigError(f"{name}={template!r} is no text: {wanted}")
    try:
        filled = template.format(*texts)
    except (LookupError, ValueError, AttributeError, TypeError) as exc:
        raise ConfigError(f"{name}={template!r} cannot be filled in ({type(exc).__name__}: {exc}): {wanted}") from exc
    if filled.count(_TEXT) != 1 or not all(text in filled for text in texts):
        raise ConfigError(f"{name}={template!r} loses or repeats what is put in: {wanted}")
