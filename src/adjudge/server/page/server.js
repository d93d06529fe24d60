// The service behind the page: one function to ask it, and what went wrong in words.

import { el, remember, remembered } from "./dom.js";
import { t } from "./words.js";

const KEY = "key";
const session = () => sessionStorage; // an API key is gone when the tab is closed
const UNREACHABLE = "unreachable";

/** What the service, or the way to it, has against a request. */
export class Fault extends Error {
  constructor(kind, { status = 0, message = "", param = null, retryAfter = null, requestId = null } = {}) {
    super(message);
    Object.assign(this, { kind, status, param, retryAfter, requestId });
  }
}

/** The address of `path` of this service, also behind a proxy that serves it below a prefix. */
export const address = (path) => new URL(path, document.baseURI).href;

/** The answer's JSON. Raises Fault; an aborted request raises AbortError as fetch does. */
export async function ask(path, { body, signal } = {}) {
  const headers = { accept: "application/json" };
  const key = remembered(KEY, session);
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(address(path), { method: body === undefined ? "GET" : "POST", headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(UNREACHABLE, { message: error.message });
  }
  if (!response.ok) throw await faultOf(response);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("no_json", { status: response.status, message: error.message });
  }
}

/** A box that says what happened and what to do; `again` is called when a key was given. */
export function faultBox(fault, again) {
  const known = `fault_${fault.kind}`;
  const sentence = t(known, { seconds: fault.retryAfter ?? 1, status: fault.status });
  const box = el(
    "section",
    { class: "notice", "data-kind": "fault", "data-fault": fault.kind },
    el("p", {}, el("strong", {}, sentence === known ? t("fault_other", { status: fault.status }) : sentence)),
    fault.message && fault.kind !== UNREACHABLE ? el("p", {}, fault.message) : null,
    fault.param ? el("p", { class: "under" }, t("fault_field", { param: fault.param })) : null,
    fault.requestId ? el("p", { class: "under" }, t("request_id", { id: fault.requestId })) : null,
  );
  if (fault.status === 401 || fault.status === 403) box.append(keyField(again));
  return box;
}

/** Whether a key is kept for this tab. */
export const hasKey = () => Boolean(remembered(KEY, session));

async function faultOf(response) {
  const error = await response.json().then(
    (body) => body?.error ?? body,
    () => ({}),
  );
  const message = typeof error === "string" ? error : (error?.message ?? "");
  const wait = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new Fault(error?.kind ?? usual(response.status), {
    status: response.status,
    message: String(message),
    param: error?.param ?? null,
    retryAfter: Number.isNaN(wait) ? null : wait,
    requestId: error?.request_id ?? response.headers.get("x-request-id"),
  });
}

/** The kind of a fault that does not say it, as where a proxy answers instead of the service. */
function usual(status) {
  const kinds = {
    400: "bad_request",
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found",
    413: "too_large",
    422: "invalid",
    429: "overloaded",
    503: "not_ready",
    504: "timeout",
  };
  return kinds[status] ?? "other";
}

function keyField(again) {
  const input = el("input", { type: "password", id: "key", pattern: "[!-~]+", autocomplete: "off", spellcheck: "false", required: true });
  const form = el(
    "form",
    { class: "key" },
    el("label", { for: "key" }, t("key")),
    input,
    el("button", { type: "submit" }, t("use_key")),
    el("p", { class: "under" }, t("key_kept")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    remember(KEY, input.value.trim() || null, session);
    again();
  });
  return form;
}
