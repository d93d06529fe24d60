"""A few sentences in several languages: tokenizers are trained on them and pairs are made of them."""

from __future__ import annotations

__all__ = ["DOCUMENTS", "LONG", "PAIRS", "QUERIES"]

QUERIES = (
    "What do giant pandas eat?",
    "熊猫吃什么？",
    "¿Qué comen los pandas gigantes?",
    "如何缓解咖啡因引起的失眠？",
    "Which phones did Apple announce?",
    "Что едят большие панды?",
)
DOCUMENTS = (
    "Giant pandas eat almost nothing but bamboo: leaves, shoots and stems, up to 38 kilograms a day.",
    "大熊猫的食物几乎全是竹子，每天要吃十二到三十八公斤。",
    "Los pandas gigantes se alimentan casi exclusivamente de bambú, aunque a veces comen peces o roedores.",
    "Большая панда питается почти исключительно бамбуком.",
    "Le panda géant mange surtout du bambou, parfois des œufs.",
    "The half-life of caffeine is about five hours, so a cup at noon is still felt in the evening.",
    "褪黑素可以帮助入睡，但它不能替代规律的作息。",
    "绿茶含有L-茶氨酸，可以缓和咖啡因的刺激作用。",
    "Apple introduced the iPhone 15 Pro Max with a titanium frame and a new telephoto camera.",
    "红富士苹果口感脆甜，每斤五元，产地山东烟台。",
    "Bread is baked from flour, water, salt and yeast.",
    "No.",
    "🐼🐼🐼",
    "A red panda is not a bear; it eats bamboo too, and fruit, and sleeps through most of the day in a tree.",
)
LONG = " ".join(DOCUMENTS)
"""Longer than a tiny model's room."""

PAIRS = tuple((query, document) for query in QUERIES for document in DOCUMENTS)
