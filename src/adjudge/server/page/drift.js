// Whether the scores still look as they did when the baseline was taken, in plain words.

import { el } from "./dom.js";
import { gauge, round } from "./charts.js";
import { count, language, t } from "./words.js";

/** A section for the `drift` of one model, null where the server compares with no baseline. */
export function drift(state) {
  const title = el("h3", {}, t("drift"));
  if (state === null || state === undefined) {
    return el(
      "section",
      { class: "drift" },
      title,
      el("p", {}, t("no_baseline")),
      el("p", {}, el("code", {}, "adjudge monitor baseline DATA --out baseline.json")),
      el("p", {}, el("code", {}, "adjudge serve --baseline baseline.json")),
    );
  }
  const quantities = Object.entries(state.quantities);
  const word = state.drifting ? "drift_moved" : quantities.length > 0 ? "drift_still" : "drift_waiting";
  return el(
    "section",
    { class: "drift", "data-drifting": state.drifting },
    title,
    el("p", { class: "word" }, t(word, { n: state.queries, needed: state.windows.short })),
    quantities.length > 0 ? table(quantities) : null,
    state.differences.length > 0
      ? el(
          "ul",
          { class: "notice" },
          state.differences.map((sentence) => el("li", {}, sentence)),
        )
      : null,
    state.unobserved > 0 ? el("p", { class: "under" }, count("unobserved", state.unobserved)) : null,
    el(
      "p",
      { class: "under" },
      state.since === null ? null : `${t("drift_since", { time: new Date(state.since * 1000).toLocaleString(language()) })} `,
      t("drift_how"),
    ),
  );
}

function table(quantities) {
  const head = ["quantity", "median", "psi", "ks"].map((name) => el("th", { scope: "col" }, t(name)));
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, head)),
    el(
      "tbody",
      {},
      quantities.map(([name, found]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, t(`quantity_${name}`)),
          el("td", {}, t("median_of", { now: round(found.median), before: round(found.reference_median) })),
          distance(found.psi, found.psi_threshold),
          distance(found.ks, found.ks_threshold),
        ),
      ),
    ),
  );
}

function distance(value, limit) {
  return el(
    "td",
    { class: "distance", "data-over": value > limit },
    el(
      "span",
      {},
      el("span", { class: "number" }, value.toFixed(2)),
      " ",
      el("span", { class: "under" }, t("limit", { limit: limit.toFixed(2) })),
    ),
    gauge(value, limit),
  );
}
