"""Score two pairs: python examples/test.py"""

from adjudge import Reranker

QUESTION = "苹果公司最新发布的手机有哪些功能？"  # What can Apple's newest phone do?
PAIRS = [
    (QUESTION, "Apple发布了iPhone 15 Pro Max，搭载A17芯片，支持USB-C接口。"),  # the phone
    (QUESTION, "今天我去超市买了红富士苹果，很甜。"),  # the fruit
]

with Reranker() as judge:
    for (_, passage), score in zip(PAIRS, judge.score(PAIRS), strict=True):
        print(f"{score:.3f}  {passage}")
