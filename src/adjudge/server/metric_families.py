"""The metrics by name, on a registry of their own: several servers in one process must not meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..errors import MissingExtraError
from .model_numbers import EDGES, ModelNumbers

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["Families", "LiveFamilies"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Families:
    """What is counted as it happens."""

    def __init__(self, *, kinds: Iterable[str], reasons: Iterable[str]) -> None:
        """`kinds` of errors and `reasons` for the CPU stand there at 0 from the start: rate() does not see a series that begins at 1.

        Raises MissingExtraError without prometheus-client.
        """
        prometheus = _prometheus()
        self._registry = own = prometheus.CollectorRegistry()
        counter, gauge, histogram = prometheus.Counter, prometheus.Gauge, prometheus.Histogram
        prometheus.ProcessCollector(registry=own)
        asked, of_model = ("dialect", "model"), ("model",)
        self.received = counter("adjudge_requests_received_total", "Requests that could be read.", asked, registry=own)
        self.requests = counter("adjudge_requests_total", "Requests that were answered.", (*asked, "status"), registry=own)
        self.errors = counter("adjudge_errors_total", "Answers that were errors, by kind.", ("kind",), registry=own)
        self.client_gone = counter("adjudge_client_gone_total", "Requests whose client left before the answer.", registry=own)
        self.request_seconds = histogram(
            "adjudge_request_seconds", "From a request's first byte to its answer.", ("dialect",), buckets=_SECONDS, registry=own
        )
        self.stage_seconds = histogram(
            "adjudge_stage_seconds",
            "Time in one stage: body, queue, tokenise, forward, render.",
            ("stage",),
            buckets=_SECONDS,
            registry=own,
        )
        self.documents = counter("adjudge_documents_total", "Documents that were judged.", of_model, registry=own)
        self.refused = counter("adjudge_documents_refused_total", "Documents that hold no text.", ("reason",), registry=own)
        self.pairs = counter("adjudge_pairs_total", "Pairs of query and window.", of_model, registry=own)
        self.computed = counter("adjudge_pairs_computed_total", "Of the pairs, those that went through a model.", of_model, registry=own)
        self.cache_hits = counter(
            "adjudge_cache_hits_total", "Of the pairs, those known from the cache or from the same request.", of_model, registry=own
        )
        self.tokens = counter("adjudge_tokens_total", "Tokens of the pairs, padding not counted.", of_model, registry=own)
        self.truncations = counter("adjudge_truncations_total", "Documents that were cut.", of_model, registry=own)
        self.queue_pairs = gauge("adjudge_queue_pairs", "Pairs accepted and not yet done.", registry=own)
        self.queue_requests = gauge("adjudge_queue_requests", "Requests accepted and not yet done.", registry=own)
        self.batch_fill = histogram(
            "adjudge_batch_fill_ratio", "Tokens of a batch, of those that it might have held.", buckets=_SHARES, registry=own
        )
        self.batch_rows = histogram("adjudge_batch_rows", "Pairs of a batch.", buckets=_ROWS, registry=own)
        self.fallback = counter("adjudge_fallback_total", "Times that a model went to the CPU.", ("reason",), registry=own)
        for family, values in ((self.errors, kinds), (self.fallback, reasons)):
            for value in values:
                family.labels(value)

    def add(self, collector: LiveFamilies) -> None:
        """Ask it too when the metrics are read."""
        self._registry.register(collector)

    def render(self) -> tuple[bytes, str]:
        """Prometheus' text format, and its content type."""
        prometheus = _prometheus()
        return prometheus.generate_latest(self._registry), prometheus.CONTENT_TYPE_LATEST


class LiveFamilies:
    """What is read from the models' numbers at the moment that Prometheus asks."""

    def __init__(self, listed: Callable[[], Iterable[ModelNumbers]]) -> None:
        """`listed`: all models."""
        self._listed = listed

    def collect(self) -> Iterator[Metric]:
        """Prometheus' way to ask a collector."""
        from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("adjudge_build", "The version that runs.", value={"version": __version__})
        info = InfoMetricFamily("adjudge_model", "What is behind a model's name.", labels=["model"])
        scores = HistogramMetricFamily("adjudge_scores", "Scores that are probabilities, of all judged documents.", labels=["model"])
        models = list(self._listed())
        for one in models:
            info.add_metric([one.name], {"source": one.source, "revision": one.revision})
            running = accumulate(one.histogram.tolist())
            steps = [(f"{edge:g}", float(n)) for edge, n in zip(EDGES[1:], running, strict=True)]
            scores.add_metric([one.name], [*steps, ("+Inf", steps[-1][1])], one.score_sum)
        yield info
        yield scores
        yield from _drift(models, GaugeMetricFamily)


def _drift(models: Iterable[ModelNumbers], gauge: Any) -> Iterator[Metric]:
    """Against the references, where there are any."""
    names, windows = ["model", "quantity"], ["model", "quantity", "window"]
    drifting = gauge("adjudge_drifting", "1 where the scores have moved away from the reference.", labels=names)
    distances = {
        "psi": gauge("adjudge_drift_psi", "Population stability index against the reference.", labels=windows),
        "psi_threshold": gauge("adjudge_drift_psi_threshold", "Above it, PSI alarms.", labels=windows),
        "ks": gauge("adjudge_drift_ks", "Kolmogorov-Smirnov distance to the reference.", labels=windows),
        "ks_threshold": gauge("adjudge_drift_ks_threshold", "Above it, KS alarms.", labels=windows),
    }
    unobserved = gauge("adjudge_drift_unobserved", "Queries whose scores are not of the reference's type.", labels=["model"])
    queries = gauge("adjudge_drift_queries", "Queries compared with the reference so far.", labels=["model"])
    for one in models:
        if one.monitor is None:
            continue
        state = one.monitor.state()
        unobserved.add_metric([one.name], one.unobserved)
        queries.add_metric([one.name], state.queries)
        for quantity, found in state.quantities.items():
            drifting.add_metric([one.name, quantity], float(found.drifting))
            for window, comparison in (("short", found.short), ("long", found.long)):
                for name, family in distances.items():
                    family.add_metric([one.name, quantity, window], getattr(comparison, name))
    yield from (drifting, *distances.values(), unobserved, queries)


def _prometheus() -> Any:
    try:
        import prometheus_client
    except ImportError as exc:
        raise MissingExtraError(package="prometheus-client", extra="server", what="counting what the service does") from exc
    return prometheus_client
