"""Words before a full stop that does not end a sentence, and words that begin one."""

from __future__ import annotations

__all__ = ["AMBIGUOUS", "BEFORE_NUMBERS", "NEVER_LAST", "OFTEN_LAST", "STARTERS"]


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


# Abbreviations are written without their last stop and in small letters; capitals mean that only the capital form counts.

NEVER_LAST = _words(
    "dr mr mrs ms messrs prof mt gen col sgt capt lt cmdr rev hon gov sen rep pp cf vs viz ca approx e.g i.e al",  # English
    "p.ej sra sres srta dña ud uds vd vds avda ctra aprox ing lic excmo sto sta ee fdo dpto",  # Spanish
    "p.ex M MM mme mmes mlle mlles mgr ste av apr env éd bd",  # French
    "т.е т.к т.н т.ч см ср ул просп проф акад тов гр пос обл напр ред изд",  # Russian
)
"""Something always follows: a name, an example."""

BEFORE_NUMBERS = _words(
    "no nos nr p n art arts sec ch chap cap vol fig figs eq para max min núm núms pág págs tel tél",
    "jan feb mar jun jul aug sep sept oct nov dec",
    "ст п пп кв оф ок мин макс рис табл стр гл тел",
)
"""Abbreviations where a number follows; words of their own, or ends of sentences, otherwise."""

OFTEN_LAST = _words("etc a.m p.m т.д т.п")
"""These end a sentence whenever the next word could begin one."""

AMBIGUOUS = _words("jr sr st inc ltd co corp uu г гг в вв им пр тыс млн млрд руб н.э")
"""These end a sentence only before a word that is known to begin sentences; so do initials (J. R. R.) and acronyms (U.S.)."""

STARTERS = _words(
    "The He She It They We I You In On At For From This That These Those There Then When While If After Before As To A An But",  # English
    "And However His Her Its Their Our My Although Because Since Today What Why How Who No",
    "El La Los Las Él Ella Ellos Un Una En Este Esta Estos Estas Eso Por Para Se Pero Es Son Su Sus Como Cuando Si Aunque",  # Spanish
    "Según También Hay Con",
    "Le Les Il Elle Ils Elles Une Ce Cette Ces Cet Dans Mais On Nous Vous Pour Je Sa Ses Leur Leurs Selon Depuis Après Avant",  # French
    "Lorsque Quand Ainsi",
    "В На Он Она Оно Они Это Этот Эта Эти Но И Мы Я Вы По Как Если Однако Его Её Их Для С Также При Из После Когда Так Там",  # Russian
    "Тогда Затем",
)
"""Words that begin sentences and seldom anything else that has a capital."""
