"""The keyword trap, with timings: what vectors say, what the judge says. python examples/test2.py"""

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder

CASES = {
    "苹果公司最新发布的手机有哪些功能？": [
        "Apple发布了iPhone 15 Pro Max，搭载A17芯片，支持USB-C接口。",
        "今天我去超市买了红富士苹果，很甜。",
    ],
    "如何缓解咖啡因引起的失眠？": [
        "咖啡因是一种中枢神经兴奋剂，半衰期约5小时。",
        "褪黑素是调节睡眠的重要激素，常用于治疗短期失眠。",
        "绿茶含有少量咖啡因，但富含L-茶氨酸，可缓解兴奋作用。",
    ],
    "特斯拉FSD V12.5版本是否支持无图导航？": [
        "FSD V12.5采用端到端神经网络，取消高精地图依赖，实现纯视觉无图导航。",
        "特斯拉于2023年发布FSD Beta版，需配合高精地图使用。",
    ],
}

with Reranker() as judge, Embedder() as embedder:
    for query, passages in CASES.items():
        similarities = embedder.embed(passages, kind="document") @ embedder.embed([query], kind="query")[0]
        ranking = judge.rank(query, passages)
        print(f"\n{query}\n  similarity  score")
        for result in ranking:
            print(f"       {similarities[result.index]:.3f}  {result.score:.3f}  {result.document.text}")
        t = ranking.timings
        print(f"  tokenise {t.tokenise_ms:.1f} ms, forward {t.forward_ms:.1f} ms, total {t.total_ms:.1f} ms")
    print(f"\nload: judge {judge.load_ms:.0f} ms, bi-encoder {embedder.load_ms:.0f} ms")
