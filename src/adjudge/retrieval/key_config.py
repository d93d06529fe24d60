"""Settings of KeyPassages, checked when they are built."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError

__all__ = ["KeyPassageConfig"]

LEAST_TOKENS, MOST_TOKENS = 8, 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPassageConfig:
    """How a document is reduced."""

    max_tokens: int = 256  # of the whole selection, separators included
    separator: str = " … "  # stands between two passages that do not touch in the document
    diversity: float = 0.3  # 0: repetition costs nothing; 1: a unit that says nothing new is worth nothing
    least_matched: float = 0.0  # where no document's passages say this share of the question, all are kept whole; 0: never
    vectors: bool = False  # also compare by the bi-encoder: slower, and finds answers in another language than the question
    remembered: int = 16_384  # vectors kept for the next question on the same documents (1.5 KiB each); 0: none

    def __post_init__(self) -> None:
        tokens = self.max_tokens
        if isinstance(tokens, bool) or not isinstance(tokens, int) or not LEAST_TOKENS <= tokens <= MOST_TOKENS:
            raise ConfigError(f"max_tokens must be a whole number from {LEAST_TOKENS} to {MOST_TOKENS:,}, not {tokens!r}")
        if not isinstance(self.separator, str) or not self.separator:
            raise ConfigError(f"separator must be a string of at least one character, such as ' … ', not {self.separator!r}")
        for name, share in (("diversity", self.diversity), ("least_matched", self.least_matched)):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:  # NaN fails the comparison
                raise ConfigError(f"{name} must be a number from 0 to 1, not {share!r}")
        if not isinstance(self.vectors, bool):
            raise ConfigError(f"vectors must be True or False, not {self.vectors!r}")
        if isinstance(self.remembered, bool) or not isinstance(self.remembered, int) or self.remembered < 0:
            raise ConfigError(f"remembered must be a whole number of 0 or more, not {self.remembered!r}")
        if self.vectors and self.least_matched > 0:
            raise ConfigError("least_matched asks for common words, which vectors are there to do without; use one of the two")
