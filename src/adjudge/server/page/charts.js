// Small drawings for the second view. Each has its numbers in words beside it, so none is the only bearer of a fact.

import { el, style, svg } from "./dom.js";
import { t } from "./words.js";

/** Bars of a histogram: `edges` has one more than `counts`. */
export function histogram({ edges, counts }) {
  const most = Math.max(1, ...counts),
    all = counts.reduce((sum, n) => sum + n, 0);
  const low = edges[0],
    wide = edges.at(-1) - low || 1;
  const bars = counts.map((n, i) => {
    const bar = el("span", {
      class: "column",
      title: t("bin", { low: round(edges[i]), high: round(edges[i + 1]), n: n.toLocaleString("en") }),
    });
    style(bar, "--from", (edges[i] - low) / wide);
    style(bar, "--wide", (edges[i + 1] - edges[i]) / wide);
    return style(bar, "--high", n / most);
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => el("span", {}, round(low + share * wide)));
  const label =
    all === 0
      ? t("no_scores")
      : t("histogram_label", {
          n: all.toLocaleString("en"),
          share: Math.round((100 * above(edges, counts, low + wide / 2)) / all),
          middle: round(low + wide / 2),
        });
  return el(
    "figure",
    { class: "histogram" },
    el("div", { class: "columns", role: "img", "aria-label": label }, bars),
    el("div", { class: "scale", "aria-hidden": "true" }, ticks),
    el("figcaption", { class: "under" }, label),
  );
}

/** A line through the last values, oldest first; null where a value is not known. */
export function sparkline(values, most) {
  const known = values.map((value, i) => [i, value]).filter(([, value]) => value !== null);
  const top = Math.max(...known.map(([, value]) => value), 1e-9);
  const points = known.map(([i, value]) => `${((i + most - values.length) / (most - 1)) * 100},${29 - (27 * value) / top}`).join(" ");
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polyline", { points }),
  );
}

/** Percentiles on one line from 0 to the largest. */
export function percentiles(latency) {
  const names = ["p50", "p95", "p99"].filter((name) => typeof latency?.[name] === "number");
  if (names.length === 0) return el("p", { class: "under" }, t("no_latency"));
  const most = Math.max(...names.map((name) => latency[name]), 1e-9);
  return el(
    "dl",
    { class: "percentiles" },
    names.map((name) =>
      style(
        el(
          "div",
          {},
          el("dt", {}, t(name)),
          el("dd", {}, `${round(latency[name])} ms`),
          el("span", { class: "bar", "aria-hidden": "true" }),
        ),
        "--fill",
        latency[name] / most,
      ),
    ),
  );
}

/** A value against the limit beyond which it alarms; the mark stands at three quarters. */
export function gauge(value, limit) {
  const bar = el("span", { class: "gauge", "aria-hidden": "true", "data-over": value > limit });
  return style(bar, "--fill", Math.min(1, (value / limit) * 0.75));
}

/** Three significant digits, no more decimals than it takes. */
export function round(value) {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

function above(edges, counts, middle) {
  return counts.reduce((sum, n, i) => sum + (edges[i] >= middle - 1e-9 ? n : 0), 0);
}
