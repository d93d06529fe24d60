// Beside the rows: a line for each document, from its place before to its place after.

import { svg } from "./dom.js";

const LEFT = 7,
  RIGHT = 49,
  WIDTH = 56;
const MIDDLE = 27; // of a row's first line, from the row's top

/** The drawing; it is decoration for the eye, the same is said in words in each row. */
export class Slopes {
  constructor() {
    this.element = svg("svg", { class: "slopes", "aria-hidden": "true", width: WIDTH });
    this.lines = new Map();
  }

  /** Draw for rows as they stand: [{entry, item}] from top to bottom. */
  draw(arranged) {
    const heights = arranged.map(({ item }) => item.offsetTop + MIDDLE);
    const before = arranged.map(({ entry }) => entry).sort((a, b) => a.before - b.before);
    const slot = new Map(before.map((entry, i) => [entry, i]));
    const last = arranged.at(-1)?.item;
    this.element.setAttribute("height", last === undefined ? 0 : last.offsetTop + last.offsetHeight);
    this.lines = new Map(arranged.map(({ entry }, i) => [String(entry.index), line(entry, heights[slot.get(entry)], heights[i])]));
    this.element.replaceChildren(...this.lines.values());
  }

  /** Set one document's line apart; undefined for none. */
  light(index) {
    for (const [key, group] of this.lines) group.classList.toggle("lit", key === index);
  }
}

function line(entry, from, to) {
  const bend = (LEFT + RIGHT) / 2;
  return svg(
    "g",
    { "data-way": Math.sign(entry.before - entry.after), "data-kept": entry.rule === undefined },
    svg("path", { d: `M${LEFT} ${from} C${bend} ${from} ${bend} ${to} ${RIGHT} ${to}` }),
    svg("circle", { cx: LEFT, cy: from, r: 2.5 }),
    svg("circle", { cx: RIGHT, cy: to, r: 3.5 }),
  );
}
