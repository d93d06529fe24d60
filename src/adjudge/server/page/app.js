// The page: its two views, its settings, and one request at a time.

import { Fault, ask, faultBox } from "./server.js";
import { RankingList, entriesOf } from "./ranking.js";
import { at, calm, el, remember } from "./dom.js";
import { fill, offerModels, readRequest, setUpBench } from "./bench.js";
import { heading, refusals, spoken, timings, verdict, warnings } from "./summary.js";
import { language, onLanguage, setLanguage, t } from "./words.js";
import { setUpCode, showCode } from "./copy.js";
import { spread } from "./spread.js";
import { watchLive } from "./live.js";

const SOON = 2000; // milliseconds between looks at models that are still being loaded

let cases = [];
let info = null; // GET /info
let running = null; // the AbortController of the request under way
let last = null; // {request, response} that is shown

async function judge() {
  const request = readRequest();
  if (request === null) return;
  running?.abort();
  const mine = new AbortController();
  running = mine;
  busy(true);
  at("fault").replaceChildren();
  showCode(request, sourceOf(request));
  try {
    const response = await ask("rerank", { body: JSON.stringify(request), signal: mine.signal });
    last = { request, response };
    await show(mine.signal);
  } catch (error) {
    if (error.name !== "AbortError") complain(error, judge);
  } finally {
    if (running === mine) busy(false);
  }
}

/** Draw the last answer; with `signal`, let it move first. */
async function show(signal = null) {
  const { request, response } = last;
  const shownCase = cases.find((one) => one.query === request.query);
  const { entries, by } = entriesOf(response, request.documents, answersOf(shownCase));
  const list = new RankingList(entries, by);
  const figure = entries.length > 0 ? spread(entries) : null;
  const parts = [
    heading(request, response),
    warnings(response.warnings),
    verdict(entries, shownCase?.trap),
    figure?.element,
    entries.length > 0 ? orders(list) : null,
    list.element,
    refusals(response.refused),
    timings(response),
  ];
  list.element.addEventListener("light", (event) => figure?.light(event.detail));
  at("result").replaceChildren(...parts.filter(Boolean));
  at("result").hidden = false;
  at("opening").hidden = true;
  if (signal === null) return;
  at("said").textContent = spoken(entries, response);
  busy(false);
  const top = at("ruling").getBoundingClientRect().top;
  if (top > innerHeight * 0.6 || top < -innerHeight * 0.6) at("ruling").scrollIntoView({ behavior: calm() ? "auto" : "smooth" });
  await list.reveal(signal);
}

/** Two radio buttons: the order of the rows. */
function orders(list) {
  const names = { before: t(list.by === "vectors" ? "order_vectors" : "order_given"), judge: t("order_judge") };
  const choices = Object.entries(names).map(([order, name]) => {
    const input = el("input", { type: "radio", name: "order", value: order, checked: order === "judge" });
    input.addEventListener("change", () => list.show(order));
    list.element.addEventListener("order", ({ detail }) => (input.checked = detail === order));
    return el("label", {}, input, el("span", {}, name));
  });
  return el("fieldset", { class: "orders" }, el("legend", {}, t("order")), el("div", { class: "segments" }, choices));
}

const answersOf = (one) => new Map((one?.documents ?? []).map(({ text, answers }) => [text, answers]));

function complain(error, again) {
  if (!(error instanceof Fault)) throw error;
  at("fault").replaceChildren(
    faultBox(error, () => {
      at("fault").replaceChildren();
      again();
    }),
  );
  at("fault").scrollIntoView({ block: "nearest" });
}

function busy(now) {
  at("bench").toggleAttribute("data-busy", now);
  at("run").disabled = now;
  at("stop").hidden = !now;
  at("ruling").setAttribute("aria-busy", String(now));
}

function offerCases() {
  at("cases").replaceChildren(
    ...cases.map((one) => {
      const button = el(
        "button",
        { type: "button", "data-case": one.id },
        el("span", { class: "question", lang: one.lang, dir: "auto" }, one.query),
        one.gloss ? el("span", { class: "under" }, one.gloss) : null,
        el("span", { class: "under" }, t("trap", { trap: one.trap })),
      );
      button.addEventListener("click", () => {
        fill({ query: one.query, documents: one.documents.map(({ text }) => text) });
        judge();
      });
      return el("li", {}, button);
    }),
  );
}

function showCases() {
  at("opening").hidden = false;
  at("result").hidden = true;
  at("cases").querySelector("button")?.focus();
}

/** Which of the two views the address asks for. */
function showView() {
  const live = location.hash === "#live";
  at("live-view").hidden = !live;
  at("judge-view").hidden = live;
  for (const link of document.querySelectorAll(".top nav a")) {
    if ((link.hash === "#live") === live) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new Event("view"));
}

/** System, light, dark, and round again. */
function nextTheme() {
  const order = [undefined, "light", "dark"];
  const next = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
  if (next === undefined) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  remember("theme", next ?? null);
  sayTheme();
}

const sayTheme = () => (at("theme").textContent = t(`theme_${document.documentElement.dataset.theme ?? "system"}`));

async function loadInfo() {
  info = await ask("info");
  offerModels(info);
  const loading = info.models.some(({ state }) => state === "waiting" || state === "loading");
  if (loading) setTimeout(() => loadInfo().catch((error) => complain(error, loadInfo)), SOON);
  const usual = info.models.find((model) => model.name === info.default_model);
  const runs = [usual.backend, usual.device, usual.precision].filter(Boolean).join(" ");
  at("serving").textContent = [usual.name, runs, `adjudge ${info.version}`].filter(Boolean).join(" · ");
}

/** Where the model that a request names comes from, for those who load it themselves. */
function sourceOf(request) {
  const found = info?.models.find((model) => model.name === (request.model ?? info.default_model));
  return found?.model ?? request.model ?? "embedded";
}

async function loadCases() {
  ({ cases } = await ask("page/cases.json"));
  offerCases();
}

function start() {
  setUpBench(judge);
  setUpCode();
  watchLive(at("models"), at("live-fault"), () => !at("live-view").hidden);
  at("stop").addEventListener("click", () => running?.abort());
  at("show-cases").addEventListener("click", showCases);
  at("theme").addEventListener("click", nextTheme);
  at("language").addEventListener("click", () => setLanguage(language() === "en" ? "zh" : "en"));
  onLanguage(() => {
    sayTheme();
    offerCases();
    if (last !== null && !at("result").hidden) show();
  });
  addEventListener("hashchange", showView);
  sayTheme();
  showView();
  const load = () => Promise.all([loadInfo(), loadCases()]).catch((error) => complain(error, load));
  load();
}

setLanguage(language());
start();
