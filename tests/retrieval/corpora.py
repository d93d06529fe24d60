"""A small labelled corpus with metadata, in five languages, for tests of first stages."""

from __future__ import annotations

from adjudge.types import Document

__all__ = ["ANSWERS", "CORPUS", "QRELS", "QUERIES"]

_ROWS = (
    ("panda-en", "en", 2021, "Giant pandas eat almost nothing but bamboo: leaves, shoots and stems, up to 38 kilograms a day."),
    ("panda-zh", "zh", 2019, "大熊猫的食物几乎全是竹子，每天要吃十二到三十八公斤。"),
    ("panda-es", "es", 2022, "Los pandas gigantes comen casi exclusivamente bambú, aunque a veces comen peces o roedores."),
    ("panda-ru", "ru", 2018, "Большая панда питается почти исключительно бамбуком."),
    ("panda-fr", "fr", 2020, "Le panda géant mange surtout du bambou, parfois des œufs."),
    ("caffeine-en", "en", 2020, "The half-life of caffeine is about five hours, so a cup at noon is still felt in the evening."),
    ("melatonin-zh", "zh", 2023, "褪黑素可以帮助入睡，但它不能替代规律的作息。"),
    ("phone-en", "en", 2023, "Apple introduced the iPhone 15 Pro Max with a titanium frame and a new telephoto camera."),
    ("apple-zh", "zh", 2017, "红富士苹果口感脆甜，每斤五元，产地山东烟台。"),
    ("bread-en", "en", 2016, "Bread is baked from flour, water, salt and yeast."),
    ("red-panda-en", "en", 2022, "A red panda is not a bear; it eats bamboo too, and fruit, and sleeps through most of the day in a tree."),
    ("glacier-fr", "fr", 2024, "Le glacier a reculé de trois cents mètres depuis mille neuf cent quatre-vingts."),
    ("metro-ru", "ru", 2024, "Метро открывается в половине шестого утра и закрывается в час ночи."),
    ("recycling-es", "es", 2021, "El vidrio se deposita en el contenedor verde y el papel en el azul."),
)
CORPUS = tuple(Document(text, name, {"lang": lang, "year": year}) for name, lang, year, text in _ROWS)
QUERIES = {
    "q-panda": "What do giant pandas eat?",
    "q-metro": "Когда открывается метро?",
    "q-glass": "¿En qué contenedor se deposita el vidrio?",
    "q-caffeine": "half-life of caffeine",
    "q-zh": "熊猫吃什么",
}
QRELS = {
    "q-panda": {"panda-en": 2, "panda-zh": 1, "panda-es": 1, "panda-ru": 1, "panda-fr": 1, "red-panda-en": 0},
    "q-metro": {"metro-ru": 1},
    "q-glass": {"recycling-es": 1},
    "q-caffeine": {"caffeine-en": 1},
    "q-zh": {"panda-zh": 2, "panda-en": 1},
}
ANSWERS = {"q-panda": "panda-en", "q-metro": "metro-ru", "q-glass": "recycling-es", "q-caffeine": "caffeine-en", "q-zh": "panda-zh"}
