"""A language is what the data says; otherwise only the script is told."""

from __future__ import annotations

import pytest

from adjudge.evaluate.script import language_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("What do pandas eat?", "Latin script"),
        ("Что едят панды?", "Cyrillic script"),
        ("熊猫吃什么？", "Chinese script"),
        ("パンダは何を食べますか", "Japanese script"),
        ("漢字が多い日本語", "Japanese script"),
        ("판다는 무엇을 먹나요", "Korean script"),
        ("ماذا تأكل الباندا؟", "Arabic script"),
        ("iPhone 手机 多少 钱 一台", "Chinese script"),
        ("12 + 30 = ?", "no script"),
        ("", "no script"),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert language_of(None, text) == script
    assert language_of(" ", text) == script
    assert language_of(" en ", text) == "en"
