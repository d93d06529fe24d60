"""How files are found, read and cut: settings, checked when they are built."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ConfigError

__all__ = ["MIB", "ReadConfig", "SplitConfig", "WalkConfig"]

MIB = 1 << 20
LEAST_TOKENS, MOST_TOKENS = 8, 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkConfig:
    """Which files below a folder are taken. A file that is named itself always is."""

    hidden: bool = False  # also names that begin with a dot
    ignore_files: bool = True  # leave out what .gitignore and .ignore say
    follow_links: bool = False  # follow symbolic links; each folder and file is taken once, so loops end

    def __post_init__(self) -> None:
        for name in ("hidden", "ignore_files", "follow_links"):
            _truth(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """How a file is read."""

    text_field: str | None = None  # of jsonl and csv; None: the first of text, passage, content, body, document that a row has, else all
    title_field: str | None = None  # stands above the row's text as a heading; None: "title"
    max_bytes: int = 64 * MIB  # a larger file is skipped, of jsonl and csv a larger row

    def __post_init__(self) -> None:
        for name in ("text_field", "title_field"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigError(f"{name} must be the name of a field, or None, not {value!r}")
        _whole("max_bytes", self.max_bytes, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How a text is cut into passages."""

    max_tokens: int = 256  # a passage at most
    min_tokens: int = 32  # a section with less is joined with the next one, where that is not of a higher level; 0: never

    def __post_init__(self) -> None:
        _whole("max_tokens", self.max_tokens, least=LEAST_TOKENS)
        _whole("min_tokens", self.min_tokens, least=0)
        if self.max_tokens > MOST_TOKENS:
            raise ConfigError(f"max_tokens must be at most {MOST_TOKENS:,}, not {self.max_tokens:,}")
        if self.min_tokens > self.max_tokens:
            raise ConfigError(f"min_tokens={self.min_tokens} is more than max_tokens={self.max_tokens}; no passage could be both")


def _truth(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, not {value!r}")


def _whole(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of {least} or more, not {value!r}")
