// Above and below the rows: the question, who judged, how long it took, what was refused, what the server had to say.

import { el, style } from "./dom.js";
import { shown } from "./row.js";
import { count, t } from "./words.js";

const LONG = 160; // characters: a longer question is set smaller
const STAGES = [
  ["queue", "queue_ms"],
  ["tokenise", "tokenise_ms"],
  ["forward", "forward_ms"],
];

/** Heading: the question, large, and what answered it. */
export function heading(request, response) {
  const model = [response.model, response.revision && `(${response.revision.slice(0, 12)})`].filter(Boolean).join(" ");
  return el(
    "header",
    { class: "asked" },
    el("h1", { dir: "auto", "data-long": request.query.length > LONG }, request.query),
    el("p", { class: "under" }, t("judged_by", { model }), " · ", t(`score_type_${response.score_type}`)),
  );
}

/** One sentence for those who listen. */
export function spoken(entries, response) {
  const best = entries.find((entry) => entry.rule === undefined);
  const first =
    best === undefined ? t("spoken_none") : t("spoken_first", { n: best.index + 1, score: shown(best.score), before: best.before });
  const parts = [count("spoken_judged", entries.length, { ms: milliseconds(response.timings.total_ms) }), first];
  if (response.dropped.length > 0) parts.push(count("spoken_dropped", response.dropped.length));
  if (response.refused.length > 0) parts.push(count("spoken_refused", response.refused.length));
  return parts.join(" ");
}

/** Of a demo case: which of the two put an answer first. Says so as well where it was the vectors alone. */
export function verdict(entries, trap) {
  if (!entries.every((entry) => entry.answers !== undefined)) return null;
  const first = (place) => entries.find((entry) => entry[place] === 1)?.answers === true;
  const [vectors, judge] = [first("before"), first("after")];
  const word = vectors ? (judge ? "both_right" : "vectors_right") : judge ? "judge_right" : "both_wrong";
  return el(
    "p",
    { class: "verdict", "data-right": judge },
    el("strong", {}, t(word)),
    " ",
    trap ? el("span", { class: "under" }, t("trap", { trap })) : null,
  );
}

/** Total time as a figure, and its stages as parts of one bar. */
export function timings(response) {
  const { timings: times, usage = {} } = response;
  const parts = STAGES.map(([name, key]) => ({ name, ms: times[key] ?? 0 }));
  const rest = Math.max(0, times.total_ms - parts.reduce((sum, part) => sum + part.ms, 0));
  const compared = [...response.ranked_results, ...response.dropped].some((result) => typeof result.similarity === "number");
  parts.push({ name: "rest", ms: rest, word: compared ? "vectors_and_rest" : "rest" });
  const bar = el(
    "div",
    { class: "stages", "aria-hidden": "true" },
    parts.map(({ name, ms }) => style(el("span", { class: name }), "--share", ms)),
  );
  const terms = parts.map(({ name, ms, word = name }) =>
    el("div", { class: name }, el("dt", {}, t(word)), el("dd", {}, `${milliseconds(ms)} ms`)),
  );
  const work = [
    count("n_pairs", usage.pairs ?? 0),
    count("n_tokens", usage.tokens ?? 0),
    (usage.computed ?? usage.pairs) < usage.pairs ? t("n_known", { n: usage.pairs - usage.computed }) : null,
    usage.batches === undefined ? null : count("n_batches", usage.batches),
  ]
    .filter(Boolean)
    .join(" · ");
  return el(
    "section",
    { class: "timings", "aria-label": t("timings") },
    el("p", { class: "total" }, el("span", { class: "number" }, milliseconds(times.total_ms)), " ms"),
    el("div", {}, bar, el("dl", {}, terms), el("p", { class: "under" }, work)),
  );
}

/** Documents that were not judged, each with its reason; null where there are none. */
export function refusals(refused) {
  if (refused.length === 0) return null;
  return el(
    "section",
    { class: "refused" },
    el("h2", {}, count("refused", refused.length)),
    el(
      "ul",
      {},
      refused.map((one) =>
        el(
          "li",
          { "data-index": one.index },
          el("strong", {}, t("document", { n: one.index + 1 })),
          " ",
          el("span", { class: "reason" }, t(`reason_${one.reason}`)),
          detail(one),
        ),
      ),
    ),
  );
}

/** What the server's message adds to the reason; null where it says the same again. */
function detail({ reason, message }) {
  const [, found] = /^document \d+ (?:is no text|has no key "text") but (?!no keys$)(.+)$/s.exec(message) ?? [];
  return found === undefined ? null : [" ", el("span", { class: "under" }, t(`detail_${reason}`, { found }))];
}

/** What the server had to say; null where it had nothing. */
export function warnings(sentences) {
  if (sentences.length === 0) return null;
  return el(
    "section",
    { class: "notice", "data-kind": "warning", "aria-label": t("warnings") },
    el(
      "ul",
      {},
      sentences.map((sentence) => el("li", {}, sentence)),
    ),
  );
}

/** Milliseconds as a person reads them: one decimal below ten. */
export function milliseconds(value) {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}
