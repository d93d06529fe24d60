// What the page says, in English; words_zh.js has the same in Chinese. Texts that stand in index.html are English there.

import { remember, remembered } from "./dom.js";
import { ZH } from "./words_zh.js";

export const EN = {
  // form
  n_documents: "{n} documents",
  n_documents_one: "1 document",
  as_lines: "one a line",
  as_paragraphs: "empty lines between",
  as_json: "JSON",
  no_query: "Type a question first.",
  no_documents: "There are no documents yet: paste some, open a file, or try a demo case.",
  not_json: "This is not the JSON it should be: {detail}",
  not_read: "The file cannot be read: {detail}",
  state_waiting: "waiting",
  state_loading: "loading",
  state_failed: "failed",
  theme_system: "System theme",
  theme_light: "Light theme",
  theme_dark: "Dark theme",
  copied: "Copied.",
  not_copied: "Copying is not allowed here. The text is selected: press Ctrl+C.",
  // ranking
  score: "judge",
  similarity: "vectors",
  order: "Order of",
  order_vectors: "Vectors",
  order_given: "As given",
  order_judge: "Judge",
  kept: "kept",
  dropped_top: "dropped: behind the best {n} that were asked for (top_n={n})",
  dropped_below: "dropped: below {cut}, where the threshold “{rule}” cuts",
  dropped_by: "dropped: {rule}",
  document: "document {n}",
  answers: "answers",
  tempts: "does not answer",
  up: "up {n} places",
  up_one: "up 1 place",
  down: "down {n} places",
  down_one: "down 1 place",
  stayed: "same place",
  logit: "logit {value}",
  tokens: "{n} tokens",
  windows: "best of {n} windows",
  unread: "cut: {n} tokens not read",
  unread_one: "cut: 1 token not read",
  passage_title: "the passage that decided the score",
  sentence_title: "the sentence that carried it: without it the logit falls by {effect}",
  fold: "Show less",
  unfold: "Show the whole document",
  not_shown: "{n} more are not shown.",
  show_all: "Show all {n}",
  spread_similarities: "Similarities lie between {low} and {high}.",
  spread_scores: "Scores lie between {low} and {high}.",
  // summary
  judged_by: "Judged by {model}",
  score_type_calibrated: "scores are calibrated probabilities",
  score_type_sigmoid: "scores are sigmoids, not calibrated",
  score_type_softmax: "scores are softmax shares",
  score_type_logit: "scores are raw logits",
  spoken_judged: "{n} documents judged in {ms} milliseconds.",
  spoken_judged_one: "1 document judged in {ms} milliseconds.",
  spoken_first: "First: document {n}, score {score}; it stood at {before} before.",
  spoken_none: "None was kept.",
  spoken_dropped: "{n} dropped.",
  spoken_dropped_one: "1 dropped.",
  spoken_refused: "{n} not judged.",
  spoken_refused_one: "1 not judged.",
  both_right: "Both put an answer first.",
  judge_right: "The judge puts an answer first; the vectors fell for the trap.",
  vectors_right: "The vectors put an answer first; the judge is wrong here.",
  both_wrong: "Both are wrong here: what stands first does not answer.",
  trap: "Trap: {trap}",
  timings: "Timings",
  queue: "queue",
  tokenise: "tokenise",
  forward: "forward",
  rest: "the rest",
  vectors_and_rest: "vectors, the rest",
  n_pairs: "{n} pairs",
  n_pairs_one: "1 pair",
  n_tokens: "{n} tokens",
  n_tokens_one: "1 token",
  n_batches: "{n} batches",
  n_batches_one: "1 batch",
  n_known: "{n} known from before",
  refused: "{n} documents were not judged",
  refused_one: "1 document was not judged",
  reason_empty: "holds no text.",
  reason_not_text: "is no text.",
  reason_bad_mapping: "is an object without a text.",
  detail_not_text: "It is {found}.",
  detail_bad_mapping: "Its keys: {found}.",
  warnings: "Warnings",
  // faults
  fault_unreachable: "The server does not answer. Is `adjudge serve` still running?",
  fault_no_json: "What came back is not from adjudge. Something between this page and the server answers in its place.",
  fault_bad_request: "The server could not read the request.",
  fault_unauthorized: "This server wants an API key.",
  fault_not_found: "The server does not know what was asked for.",
  fault_method_not_allowed: "The server does not take this kind of request here.",
  fault_too_large: "That is more than the server takes in one request. Send fewer or shorter documents.",
  fault_invalid: "One of the settings is not right.",
  fault_overloaded: "The server has all it can do. Try again in {seconds} s.",
  fault_client_gone: "The request was given up before its answer came.",
  fault_backend: "The model failed on this request. The server goes on; its log has the details.",
  fault_not_ready: "The models are still being loaded, or the server is going down. Try again in a moment.",
  fault_timeout: "The deadline passed before all documents were judged. Send fewer, or allow the server more time.",
  fault_other: "The server answered with status {status}.",
  fault_field: "The field is “{param}”.",
  request_id: "Request {id}",
  key: "API key",
  use_key: "Use it",
  key_kept: "Kept until this tab is closed, and sent to this server only.",
  // live
  overview_answer: "All models answer.",
  overview_still: "All models answer, and the scores have not moved.",
  overview_failed: "{n} models could not be loaded: {names}; the server's log says why.",
  overview_failed_one: "The model {names} could not be loaded; the server's log says why.",
  overview_loading: "{n} models are still being loaded: {names}.",
  overview_loading_one: "The model {names} is still being loaded.",
  between: ", ",
  overview_moved: "The scores of {n} models have moved.",
  overview_moved_one: "The scores of 1 model have moved.",
  rate: "requests now",
  a_second: "{n} a second",
  uptime: "running for",
  queue_pairs: "pairs accepted",
  queue_requests: "requests under way",
  of_most: "{n} of {most}",
  days: "{days} d {hours} h",
  hours: "{hours} h {minutes} min",
  minutes: "{minutes} min {seconds} s",
  seconds: "{seconds} s",
  n_requests: "{n} requests",
  n_requests_one: "1 request",
  scores: "Scores",
  latency: "Latency",
  p50: "half within",
  p95: "95 % within",
  p99: "99 % within",
  latency_of: "of the last {n} requests",
  latency_of_one: "of 1 request",
  no_latency: "No request yet.",
  no_scores: "No scores yet.",
  bin: "{low} to {high}: {n}",
  histogram_label: "{n} scores; {share} % at {middle} or above.",
  drift: "Drift",
  no_baseline: "There is no baseline to compare with. Make one from queries of your own, and give it to the server:",
  drift_still: "The scores look as they did when the baseline was taken.",
  drift_moved: "The scores have moved away from the baseline: other queries, other documents, or another model.",
  drift_waiting: "Too early to say: {n} of {needed} queries so far.",
  drift_since: "Since {time}.",
  unobserved: "{n} queries could not be compared with the baseline.",
  unobserved_one: "1 query could not be compared with the baseline.",
  drift_how:
    "PSI sums up how much of the scores lies elsewhere than before, KS is the widest distance between the two curves; above its limit, look.",
  quantity: "of",
  median: "median",
  psi: "PSI",
  ks: "KS",
  limit: "alarm above {limit}",
  median_of: "{now}, was {before}",
  quantity_score: "all scores",
  quantity_top_score: "best score of a query",
  quantity_spread: "spread within a query",
};

const WORDS = { en: EN, zh: ZH };
const ATTRIBUTES = ["placeholder", "aria-label"];
const english = new WeakMap(); // what stood in index.html, by element
const listeners = [];
let chosen = remembered("language") === "zh" ? "zh" : "en";

/** "en" or "zh". */
export const language = () => chosen;

/** The words for `key`, with {names} filled in; the key itself where there are none. */
export function t(key, values = {}) {
  return (WORDS[chosen][key] ?? EN[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The words for a number of things: "1 document", "2 documents". */
export function count(key, n, values = {}) {
  return t(n === 1 && `${key}_one` in WORDS[chosen] ? `${key}_one` : key, { n: n.toLocaleString("en"), ...values });
}

/** Call `listener` whenever the language changes, with what it should say anew. */
export const onLanguage = (listener) => listeners.push(listener);

/** Turn the page to "en" or "zh". */
export function setLanguage(wanted) {
  chosen = wanted;
  remember("language", wanted);
  document.documentElement.lang = wanted;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = said(element, "t", element.textContent);
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[data-t-${name}]`))
      element.setAttribute(name, said(element, name, element.getAttribute(name)));
  }
  const other = document.getElementById("language");
  [other.textContent, other.lang] = wanted === "en" ? ["中文", "zh"] : ["English", "en"];
  for (const listener of listeners) listener();
}

function said(element, name, now) {
  if (!english.has(element)) english.set(element, {});
  const kept = english.get(element);
  kept[name] ??= now;
  const key = element.getAttribute(name === "t" ? "data-t" : `data-t-${name}`);
  return chosen === "en" ? kept[name] : (ZH[key] ?? kept[name]);
}
