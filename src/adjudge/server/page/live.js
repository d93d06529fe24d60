// The second view: how the service is doing, asked every two seconds while somebody looks.

import { Fault, ask, faultBox } from "./server.js";
import { count, onLanguage, t } from "./words.js";
import { histogram, percentiles, round, sparkline } from "./charts.js";
import { drift } from "./drift.js";
import { el } from "./dom.js";

const EVERY = 2000;
const KEPT = 60; // polls in the small line: two minutes

/** Fill `place` while `wanted()` and the tab is seen; `trouble` says why there is nothing new. */
export function watchLive(place, trouble, wanted) {
  const past = [];
  let timer = null;
  let shown = null;
  const poll = async () => {
    clearTimeout(timer);
    timer = null;
    if (!wanted() || document.hidden) return;
    try {
      const state = await ask("monitor");
      remember(past, state);
      trouble.replaceChildren();
      draw(place, (shown = state), past);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      trouble.replaceChildren(...(isKept(trouble, error) ? trouble.childNodes : [faultBox(error, poll)]));
    }
    if (timer === null) timer = setTimeout(poll, EVERY);
  };
  for (const event of ["view", "visibilitychange"]) document.addEventListener(event, poll);
  onLanguage(() => shown !== null && draw(place, shown, past));
}

/** The same fault again: its box stays, with whatever is being typed into it. */
const isKept = (trouble, error) => trouble.firstElementChild?.dataset.fault === error.kind;

function remember(past, state) {
  const requests = state.models.reduce((sum, model) => sum + model.requests, 0);
  const before = past.at(-1);
  const passed = before === undefined ? 0 : state.uptime_s - before.uptime;
  const known = passed > 0 && requests >= before.requests; // a server that was started again counts from nought
  past.push({ uptime: state.uptime_s, requests, rate: known ? (requests - before.requests) / passed : null });
  if (past.length > KEPT) past.shift();
}

function draw(place, state, past) {
  place.replaceChildren(overview(state, past), ...state.models.map(model));
}

function overview(state, past) {
  const rate = past.at(-1)?.rate;
  const { pairs, requests, max_pairs: most } = state.queue;
  return el(
    "section",
    { class: "overview", "data-wrong": failed(state).length > 0 || moved(state) > 0 },
    el("p", { class: "word" }, headline(state)),
    el(
      "dl",
      { class: "facts" },
      fact(
        t("rate"),
        rate === null || rate === undefined ? "–" : t("a_second", { n: round(rate) }),
        past.length > 5
          ? sparkline(
              past.map((one) => one.rate),
              KEPT,
            )
          : null,
      ),
      fact(t("queue_requests"), requests.toLocaleString("en")),
      fact(t("queue_pairs"), t("of_most", { n: pairs.toLocaleString("en"), most: most.toLocaleString("en") })),
      fact(t("uptime"), duration(state.uptime_s)),
    ),
  );
}

const called = (states, ...wanted) => Object.keys(states).filter((name) => wanted.includes(states[name]));
const failed = ({ states }) => called(states, "failed");
const moved = ({ models }) => models.filter((one) => one.drift?.drifting).length;

/** What is wrong; where nothing is, no more than is known: scores that are compared with nothing may have moved. */
function headline(state) {
  const loading = called(state.states, "waiting", "loading");
  const sentences = [
    ["overview_failed", failed(state)],
    ["overview_loading", loading],
  ]
    .filter(([, names]) => names.length > 0)
    .map(([key, names]) => count(key, names.length, { names: names.join(t("between")) }));
  if (moved(state) > 0) sentences.push(count("overview_moved", moved(state)));
  if (sentences.length > 0) return sentences.join(" ");
  const compared = state.models.some((one) => one.drift && Object.keys(one.drift.quantities).length > 0);
  return t(compared ? "overview_still" : "overview_answer");
}

function model(one) {
  return el(
    "section",
    { class: "model" },
    el(
      "header",
      {},
      el("h2", {}, one.name),
      el("p", { class: "under" }, [count("n_requests", one.requests), count("n_pairs", one.pairs)].join(" · ")),
    ),
    el(
      "div",
      { class: "panels" },
      el("section", {}, el("h3", {}, t("scores")), histogram(one.score_histogram)),
      el(
        "section",
        {},
        el("h3", {}, t("latency")),
        percentiles(one.latency_ms),
        one.latency_ms?.n ? el("p", { class: "under" }, count("latency_of", one.latency_ms.n)) : null,
      ),
      drift(one.drift),
    ),
  );
}

function fact(name, value, drawing = null) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, drawing));
}

function duration(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return t("days", { days, hours });
  if (hours > 0) return t("hours", { hours, minutes });
  return minutes > 0 ? t("minutes", { minutes, seconds: Math.floor(seconds % 60) }) : t("seconds", { seconds: Math.floor(seconds) });
}
