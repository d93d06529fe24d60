// The panel that shows a request as code, and copies it.

import { at, el } from "./dom.js";
import { TONGUES } from "./snippets.js";
import { address, hasKey } from "./server.js";
import { onLanguage, t } from "./words.js";

let request = null;
let source = "";
let tongue = "curl";

/** Show the panel for this request; `model` is where its model comes from. */
export function showCode(body, model) {
  request = body;
  source = model;
  at("code").hidden = false;
  draw();
}

/** Wire the panel; once. */
export function setUpCode() {
  for (const name of Object.keys(TONGUES)) {
    const button = el("button", { type: "button", "data-tongue": name }, name);
    button.addEventListener("click", () => {
      tongue = name;
      draw();
    });
    at("tongues").append(button);
  }
  at("copy").addEventListener("click", copy);
  onLanguage(() => (at("copied").textContent = ""));
}

function draw() {
  for (const button of at("tongues").children) button.setAttribute("aria-pressed", String(button.dataset.tongue === tongue));
  at("snippet").textContent = TONGUES[tongue]({ body: request, url: address("rerank"), key: hasKey(), source });
  at("copied").textContent = "";
}

async function copy() {
  const text = at("snippet").textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = selectAndCopy(); // plain http of another machine has no clipboard
  }
  at("copied").textContent = t(done ? "copied" : "not_copied");
}

function selectAndCopy() {
  const range = document.createRange();
  range.selectNodeContents(at("snippet"));
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  const done = document.execCommand("copy");
  if (done) selection.removeAllRanges(); // where it failed, what is selected can be copied by hand
  return done;
}
