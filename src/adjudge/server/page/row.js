// One judged document: its figures, where it came from, its text.

import { textWithPassage } from "./passage.js";
import { el, style } from "./dom.js";
import { count, t } from "./words.js";

/** A list item for `entry` of ranking.js. Both figures stand in it; the order that is shown decides which one is large. */
export function row(entry) {
  const item = el("li", { class: "row", "data-index": entry.index, "data-kept": entry.rule === undefined });
  if (entry.answers !== undefined) item.dataset.answers = entry.answers;
  item.append(
    figures(entry),
    el("div", { class: "said" }, origin(entry), textWithPassage(entry.text, entry.passage ?? null, strongest(entry)), account(entry)),
  );
  return item;
}

/** A number between 0 and 1 with three decimals; what is not 0 or 1 is not called so. */
export function shown(value) {
  if (value > 0 && value < 0.0005) return "<0.001";
  if (value < 1 && value >= 0.9995) return ">0.999";
  return value.toFixed(3).replace("-", "−");
}

function figures(entry) {
  const parts = [figure("score", entry.score, t("score"))];
  if (entry.similarity !== null) parts.push(figure("similarity", entry.similarity, t("similarity")));
  return el("div", { class: "figures" }, parts);
}

function figure(kind, value, name) {
  const text = shown(value);
  const whole = text.startsWith("0.") ? [el("span", { class: "nought" }, "0"), text.slice(1)] : [text];
  const bar = style(el("span", { class: "bar", "aria-hidden": "true" }), "--fill", Math.min(1, Math.max(0, value)));
  return el("p", { class: `figure ${kind}` }, el("span", { class: "number", "data-long": text.length > 5 }, whole), el("span", { class: "name" }, name), bar);
}

/** "document 3 · vectors 4 → judge 1", and whether a person says that it answers. */
function origin(entry) {
  const moved = entry.before - entry.after;
  const way = moved > 0 ? count("up", moved) : moved < 0 ? count("down", -moved) : t("stayed");
  const sign = moved > 0 ? "▲" : "▼";
  return el(
    "p",
    { class: "origin" },
    el("span", { class: "place" }, String(entry.after)),
    entry.answers === undefined ? null : el("span", { class: "judged" }, t(entry.answers ? "answers" : "tempts")),
    el(
      "span",
      { class: "moved", "data-way": Math.sign(moved) },
      moved === 0 ? way : [el("span", { "aria-hidden": "true" }, `${sign} ${Math.abs(moved)}`), el("span", { class: "unseen" }, way)],
    ),
    el("span", {}, entry.id ?? t("document", { n: entry.index + 1 })),
  );
}

/** Small print: what was read of it. */
function account(entry) {
  const parts = [t("logit", { value: entry.logit.toFixed(2).replace("-", "−") })];
  if (entry.tokens !== undefined) parts.push(t("tokens", { n: entry.tokens }));
  if (entry.windows > 1) parts.push(t("windows", { n: entry.windows }));
  if (entry.truncated) parts.push(count("unread", entry.tokens_unseen));
  for (const [name, value] of Object.entries(entry.aspects ?? {})) parts.push(`${name} ${shown(value)}`);
  return el("p", { class: "account" }, parts.join(" · "));
}

/** The sentence whose absence costs most, where the answer explains itself. */
function strongest(entry) {
  const sentences = entry.explanation?.sentences ?? [];
  const best = sentences.reduce((a, b) => (a === null || b.effect > a.effect ? b : a), null);
  return best !== null && best.effect > 0 ? best : null;
}
