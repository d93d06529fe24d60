// The form: a question, documents, options; and the request that they make.

import { NotJson, readDocuments, writeDocuments } from "./documents.js";
import { at } from "./dom.js";
import { readFile } from "./files.js";
import { count, onLanguage, t } from "./words.js";

let defaultModel = "";

/** Wire the fields; `submit` is called when the reader wants a ranking. */
export function setUpBench(submit) {
  at("bench").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  at("bench").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    submit();
  });
  for (const id of ["documents", "form"]) at(id).addEventListener("input", countDocuments);
  at("query").addEventListener("input", () => complain("query", null));
  at("threshold").addEventListener("change", () => (at("own-threshold").hidden = at("threshold").value !== "own"));
  at("file").addEventListener("change", () => open(at("file").files[0]));
  at("drop").addEventListener("dragover", (event) => event.preventDefault());
  at("drop").addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (file === undefined) return; // dragged text goes where it was dropped
    event.preventDefault();
    open(file);
  });
  onLanguage(countDocuments);
}

/** The models of GET /info to choose from; the field is of use from two on. */
export function offerModels({ models, default_model: usual }) {
  const chosen = at("model").value || usual;
  defaultModel = usual;
  at("model").replaceChildren(
    ...models.map(({ name, state }) => {
      const label = state === "ready" ? name : `${name} (${t(`state_${state}`)})`;
      return new Option(label, name, name === usual, name === chosen);
    }),
  );
  at("model").disabled = models.length < 2;
}

/** Fill the fields. */
export function fill({ query, documents }) {
  at("query").value = query;
  put(writeDocuments(documents));
  complain("query", null);
}

/** The request, or null where a field is wrong: it then says so and has the focus. */
export function readRequest() {
  const query = at("query").value.trim();
  const given = read();
  complain("query", query === "" ? t("no_query") : null);
  if (given !== null && given.documents.length === 0) complain("documents", t("no_documents"));
  if (query === "") return refuse("query");
  if (given === null || given.documents.length === 0) return refuse("documents");
  return { query, documents: given.documents, ...options(), return_similarity: true };
}

function options() {
  const found = {};
  if (at("model").value !== defaultModel) found.model = at("model").value;
  if (at("top-n").value !== "") found.top_n = Number(at("top-n").value);
  const threshold = (at("threshold").value === "own" ? at("own") : at("threshold")).value.trim();
  if (threshold !== "") found.threshold = isNumber(threshold) ? Number(threshold) : threshold;
  if (at("aggregation").value !== "") found.aggregation = at("aggregation").value;
  if (at("explain").checked) found.explain = 3;
  return found;
}

/** Whether JSON can say it as a number; of anything else the server tells whether it is a threshold. */
const isNumber = (text) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));

/** What the field holds, or null where it is not the JSON that it should be. */
function read() {
  try {
    const found = readDocuments(at("documents").value, at("form").value);
    complain("documents", null);
    return found;
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    complain("documents", t("not_json", { detail: error.message }));
    return null;
  }
}

function countDocuments() {
  const found = read();
  const known = found === null || at("documents").value.trim() === "" ? "" : count("n_documents", found.documents.length);
  at("count").textContent = known && at("form").value === "auto" ? `${known} (${t(`as_${found.form}`)})` : known;
}

async function open(file) {
  if (file === undefined) return;
  try {
    const found = await readFile(file);
    put(found);
    if (found.query !== undefined) at("query").value = found.query;
  } catch (error) {
    complain("documents", t(error instanceof NotJson ? "not_json" : "not_read", { detail: error.message }));
  }
  at("file").value = ""; // so that the same file can be opened again
}

function put({ form, text }) {
  at("form").value = form;
  at("documents").value = text;
  countDocuments();
}

function complain(id, sentence) {
  at(`${id}-fault`).textContent = sentence ?? "";
  at(`${id}-fault`).hidden = sentence === null;
  if (sentence === null) at(id).removeAttribute("aria-invalid");
  else at(id).setAttribute("aria-invalid", "true");
}

function refuse(id) {
  at(id).focus();
  return null;
}
