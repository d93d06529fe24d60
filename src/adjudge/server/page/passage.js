// A document with the passage that decided its score: marked, and folded where it is long.

import { el } from "./dom.js";
import { t } from "./words.js";

const AROUND = 220; // characters kept on either side of a passage in a folded document
const FOLD = 900; // longer documents are folded
const FOLD_UNREAD = 360; // so are those of which no passage is known: they were dropped

/** Offsets of the service count characters as Python does; those of JavaScript count code units, two for an emoji. */
export function codeUnits(text, offset) {
  if (!/[\ud800-\udfff]/.test(text)) return offset;
  let units = 0,
    characters = 0;
  for (const character of text) {
    if (characters === offset) break;
    units += character.length;
    characters += 1;
  }
  return units;
}

/** A paragraph with `text`; `passage` is {start, end} or null, `sentence` the one that carried it, or null. */
export function textWithPassage(text, passage, sentence = null) {
  const [start, end] = passage ? [codeUnits(text, passage.start), codeUnits(text, passage.end)] : [0, 0];
  const whole = passage === null || text.slice(start, end).trim() === text.trim();
  const paragraph = el("p", { class: "text", dir: "auto" });
  const most = passage === null ? FOLD_UNREAD : FOLD;
  const told = sentence === null ? 0 : codeUnits(text, sentence.end) + AROUND; // it is never folded away
  const draw = (folded) => {
    const from = folded && !whole ? wordEdge(text, Math.max(0, start - AROUND)) : 0;
    const shown = Math.max(whole ? most : Math.min(end, start + most) + AROUND, told);
    const to = folded ? wordEdge(text, Math.min(text.length, shown)) : text.length;
    const marked = carried(text, whole ? 0 : start, whole ? to : Math.min(end, to), sentence);
    const around = whole
      ? marked
      : [text.slice(from, start), el("mark", { title: t("passage_title") }, marked), text.slice(Math.min(end, to), to)];
    paragraph.replaceChildren(from > 0 ? "… " : "", ...around, to < text.length ? " …" : "");
    if (text.length > most)
      paragraph.append(
        " ",
        fold(folded, () => draw(!folded)),
      );
  };
  draw(text.length > most);
  return paragraph;
}

function fold(folded, turn) {
  const button = el("button", { type: "button", class: "quiet", "aria-expanded": String(!folded) }, t(folded ? "unfold" : "fold"));
  button.addEventListener("click", () => {
    const paragraph = button.parentElement;
    turn();
    paragraph.querySelector("button").focus();
  });
  return button;
}

/** text[start:end] in pieces, the sentence that carried it set apart. */
function carried(text, start, end, sentence) {
  if (sentence === null) return [text.slice(start, end)];
  const from = Math.max(start, codeUnits(text, sentence.start)),
    to = Math.min(end, codeUnits(text, sentence.end));
  if (from >= to) return [text.slice(start, end)];
  const title = t("sentence_title", { effect: sentence.effect.toFixed(2) });
  return [text.slice(start, from), el("strong", { class: "carried", title }, text.slice(from, to)), text.slice(to, end)];
}

/** The nearest space before `at`, not far away; text without spaces is cut where it is, never inside a character. */
function wordEdge(text, at) {
  if (at <= 0 || at >= text.length) return at;
  const space = text.lastIndexOf(" ", at);
  const edge = at - space < 40 && space > 0 ? space : at;
  return /[\udc00-\udfff]/.test(text[edge]) ? edge - 1 : edge;
}
