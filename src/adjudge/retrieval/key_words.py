"""Words that questions are made of in Chinese, English, Spanish, French and Russian, folded: small letters, no accents."""

from __future__ import annotations

import re

__all__ = ["ASKS_DATE", "ASKS_NAME", "ASKS_NUMBER", "STOPS", "STOP_CHARACTERS", "STOP_PAIRS"]

_ENGLISH = """
a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its me my no not of on
or our she should so than that the their them then there these they this those to was we were what when where which who whom whose why
will with would you your"""
_SPANISH = """
a al como con cual cuales cuando cuanta cuantas cuanto cuantos de del desde donde e el ella ellos en entre era eran es esa ese eso esta
este esto fue fueron ha han hay la las le les lo los mas muy ni o para pero por porque que quien quienes se segun ser si sin sobre su
sus tambien te tu u un una unas uno unos y ya"""
_FRENCH = """
a au aux avec c ce ces cet cette combien comment d dans de des doit du elle elles en est et etait ete etre eu il ils j je l la laquelle
le lequel les leur leurs m ma mais mon n ne nous on ont ou par pas peut plus pour pourquoi qu quand que quel quelle quelles quels qui
quoi s sa sans se ses si sont sous suis sur t tous tout un une vos votre vous y"""
_RUSSIAN = """
а без бы был была были было быть в вас весь во вот все всех вы где да для до его ее если есть еще же за и из или им их к как какая какие
какое какои каком какую когда которая которои которые которыи которых кто ли мне можно мои мы на над не него нет ни но о об он она они
от по под почему при с сколько со так также там то тот ту тут ты у уже чего чем что чтобы эта эти это этои этом этот я"""
STOPS = frozenset(f"{_ENGLISH} {_SPANISH} {_FRENCH} {_RUSSIAN}".split())
"""Function words: each language asks by them, none of them tells what is asked."""

_CHINESE = """
一个 一個 个人 为什 为何 么是 么時 么样 什么 什麼 以及 何时 何時 可以 哪个 哪些 哪個 哪儿 哪裡 哪里 因为 因為 多少 如何 怎么 怎样 怎麼
所以 时候 是什 是否 是哪 是多 是谁 時候 有什 有哪 為什 為何 甚么 甚麼 的是 請問 请问 这个 這個 那个 那個 麼是 麼時 麼樣"""
STOP_PAIRS = frozenset(_CHINESE.split())
STOP_CHARACTERS = frozenset("的了是吗呢嘛吧着在和与與及其之于於被把將将也都就而且或哪谁誰什么麼怎几幾嗎")
"""A pair with one of these is half a word at best."""

ASKS_NUMBER = re.compile(
    r"\b(how (many|much|long|old|far|tall|high|often|large|big|deep|fast|heavy)|(what|which) (percent(age)?|number|share|age|price|size)"
    r"|cuant[oa]s?|que (edad|porcentaje|numero|altura|cantidad)|combien|quel(le)? (age|pourcentage|nombre|montant|taille|part)"
    r"|сколько|как (часто|долго|далеко|много)|как(ов|ова|ово|ои|ая|ое) (возраст|процент|количество|число|высота|длина|доля|сумма))\b"
    r"|多少|[几幾][个個年天次人岁歲种種名位]|多[大高长長久远遠重快深宽寬]|百分之|第[几幾]"
)
ASKS_DATE = re.compile(
    r"\b(when|(what|which) (year|date|day|month|century|decade)|cuando|en que (ano|fecha|mes|siglo)|que (dia|ano|fecha)"
    r"|quand|quelle (annee|date)|quel (jour|mois|siecle)|когда|в как(ом|ои) (году|веке|месяце|день)|какого числа)\b"
    r"|何时|何時|什么时候|什麼時候|哪一?[年天]|[几幾][月号號]|日期|年份"
)
ASKS_NAME = re.compile(
    r"\b(who|whom|whose|what is the name|quien(es)?|como se llama|кто|кого|кем|кому|чеи|чья|как (зовут|называ\w+))\b"
    r"|^\W*qui\b|\b(de|a|par|avec|pour|chez) qui\b|comment s.appel|谁|誰|哪位|何人|叫什[么麼]|名字"
)
