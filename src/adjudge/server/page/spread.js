// Where the figures lie between 0 and 1: similarities above, scores below, a line for each document, and the cut.

import { el, style, svg } from "./dom.js";
import { cutOff } from "./ranking.js";
import { t } from "./words.js";

const WIDE = 1000,
  TOP = 6,
  BOTTOM = 58,
  HIGH = 64;

/** A figure of `entries`, and light(index) to set one of them apart. */
export function spread(entries) {
  const lines = new Map(entries.map((entry) => [entry.index, line(entry)]));
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...lines.values());
  const cut = entries.map((entry) => entry.rule && cutOff(entry.rule)).find((value) => value !== null && value !== undefined) ?? null;
  const similar = entries.some((entry) => entry.similarity !== null);
  const element = el(
    "figure",
    { class: "spread" },
    el("div", { class: "lanes" }, similar ? el("span", {}, t("similarity")) : null, el("span", { class: "score" }, t("score"))),
    el(
      "div",
      { class: "field" },
      drawing,
      cut === null ? null : style(el("span", { class: "cut-off" }, cut), "--at", place(Number(cut)) / WIDE),
    ),
    el("div", { class: "scale", "aria-hidden": "true" }, ...["0", "0.25", "0.5", "0.75", "1"].map((text) => el("span", {}, text))),
    el("figcaption", { class: "unseen" }, caption(entries, similar)),
  );
  const light = (index) => {
    for (const [key, group] of lines) group.classList.toggle("lit", key === index);
  };
  return { element, light };
}

const place = (value) => Math.min(1, Math.max(0, value)) * WIDE;

function line(entry) {
  const to = place(entry.score),
    from = entry.similarity === null ? to : place(entry.similarity);
  return svg(
    "g",
    { "data-kept": entry.rule === undefined },
    entry.similarity === null ? null : svg("path", { class: "between", d: `M${from} ${TOP + 8} L${to} ${BOTTOM - 12}` }),
    entry.similarity === null ? null : svg("path", { class: "similarity", d: `M${from} ${TOP - 4} V${TOP + 8}` }),
    svg("path", { class: "score", d: `M${to} ${BOTTOM - 12} V${BOTTOM + 4}` }),
  );
}

function caption(entries, similar) {
  const range = (values) => ({ low: Math.min(...values).toFixed(3), high: Math.max(...values).toFixed(3) });
  const scores = t("spread_scores", range(entries.map((entry) => entry.score)));
  if (!similar) return scores;
  const known = entries.map((entry) => entry.similarity).filter((value) => value !== null);
  return `${t("spread_similarities", range(known))} ${scores}`;
}
