// The ranking, and how it moves: from the order of the vectors to the judge's, and back when asked.

import { calm, el } from "./dom.js";
import { row } from "./row.js";
import { Slopes } from "./slopes.js";
import { textOf } from "./documents.js";
import { t } from "./words.js";

const FIRST = 60; // rows that are drawn at once; the others when asked for
const PAUSE = 650; // milliseconds for which the vectors' order stands before it moves
const TRAVEL = 720;
const EASE = "cubic-bezier(.3, .9, .25, 1)";

/**
 * Every judged document, best first, kept and dropped, with its place before and after: {entries, by}.
 * `by` says what the order before was: "vectors", or "given" where the server has no similarities.
 */
export function entriesOf(response, documents, answers = new Map()) {
  const judged = [...response.ranked_results, ...response.dropped];
  const by = judged.length > 0 && judged.every((result) => typeof result.similarity === "number") ? "vectors" : "given";
  const before = [...judged].sort((a, b) => (by === "vectors" ? b.similarity - a.similarity : 0) || a.index - b.index);
  const places = new Map(before.map((result, i) => [result.index, i + 1]));
  const entries = judged.map((result, i) => {
    const text = textOf(documents[result.index]);
    return {
      ...result,
      text,
      similarity: result.similarity ?? null,
      id: result.id ?? documents[result.index]?.id,
      after: i + 1,
      before: places.get(result.index),
      answers: answers.get(text),
    };
  });
  return { entries, by };
}

/** The rows of one ranking, in either order. */
export class RankingList {
  constructor(entries, by) {
    this.by = by;
    this.order = "judge";
    this.list = el("ol", { class: "rows", "data-order": "judge" });
    this.more = el("p", { class: "more" });
    this.slopes = new Slopes();
    this.element = el("div", { class: "rows-frame" }, this.slopes.element, this.list, this.more);
    this.entries = entries;
    this.#draw(FIRST);
    for (const kind of ["pointerover", "focusin"]) this.list.addEventListener(kind, (event) => this.#light(event.target));
    this.list.addEventListener("pointerleave", () => this.#light(null));
    new ResizeObserver(() => this.slopes.draw(this.#arranged())).observe(this.list);
  }

  /** Show the order before, then let it move to the judge's. Resolves when all stand still. */
  async reveal(signal) {
    if (calm()) return;
    this.#place("before");
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (!signal.aborted && this.element.isConnected) await this.show("judge");
  }

  /** Arrange by `order`, "before" or "judge", each row travelling from where it was (FLIP: first, last, invert, play). */
  async show(order) {
    if (order === this.order) return;
    const rows = [...this.rows.values()];
    const from = new Map(rows.map((item) => [item, item.getBoundingClientRect().top]));
    this.#place(order);
    if (calm()) return;
    const moves = rows.flatMap((item) => travel(item, from.get(item) - item.getBoundingClientRect().top));
    this.list.dataset.moving = "";
    await Promise.allSettled(moves.map((move) => move.finished));
    delete this.list.dataset.moving;
  }

  #draw(most) {
    this.rows = new Map(this.entries.slice(0, most).map((entry) => [entry, row(entry)]));
    this.more.replaceChildren();
    const left = this.entries.length - this.rows.size;
    if (left > 0) {
      const button = el("button", { type: "button", class: "quiet" }, t("show_all", { n: this.entries.length }));
      button.addEventListener("click", () => this.#draw(this.entries.length));
      this.more.append(t("not_shown", { n: left }), " ", button);
    }
    this.#place(this.order);
  }

  #arranged() {
    const place = this.order === "judge" ? "after" : "before";
    return [...this.rows].sort(([a], [b]) => a[place] - b[place]).map(([entry, item]) => ({ entry, item, place: entry[place] }));
  }

  #place(order) {
    this.order = order;
    this.list.dataset.order = order;
    const items = [];
    let rule;
    for (const { entry, item, place } of this.#arranged()) {
      item.querySelector(".place").textContent = String(place);
      if (order === "judge" && entry.rule !== rule) items.push(cutLine(entry.rule));
      rule = entry.rule;
      items.push(item);
    }
    this.list.replaceChildren(...items);
    this.slopes.draw(this.#arranged());
    this.element.dispatchEvent(new CustomEvent("order", { detail: order }));
  }

  #light(target) {
    const index = target?.closest(".row")?.dataset.index;
    this.element.dispatchEvent(new CustomEvent("light", { bubbles: true, detail: index === undefined ? null : Number(index) }));
    this.slopes.light(index);
  }
}

/** What the rule under which rows were dropped means, with its cut-off where it has one. */
export function ruleInWords(rule) {
  const top = /^top_n=(\d+)$/.exec(rule);
  if (top) return t("dropped_top", { n: top[1] });
  const cut = cutOff(rule);
  return cut === null ? t("dropped_by", { rule }) : t("dropped_below", { rule: rule.replace(/ \(cut-off .*\)$/, ""), cut });
}

/** The score below which a rule dropped, as the server wrote it, or null. */
export function cutOff(rule) {
  return /\(cut-off (-?[\d.]+)\)$/.exec(rule)?.[1] ?? null;
}

const cutLine = (rule) => el("li", { class: "cut" }, el("span", {}, rule === undefined ? t("kept") : ruleInWords(rule)));

function travel(item, way) {
  if (Math.abs(way) < 1) return [];
  item.classList.toggle("rising", way > 0);
  const move = item.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: TRAVEL, easing: EASE });
  return [move];
}
