// Text in, documents out, and back. A document is a string, or an object with "text" and whatever stands beside it.

/** What is wrong with a text that should be JSON; `detail` is the parser's own word. */
export class NotJson extends Error {}

/** The documents in `text`, and how they were told apart: {form, documents, query}. Only form "json" can raise NotJson. */
export function readDocuments(text, form = "auto") {
  if (form === "json") return json(text);
  if (form === "lines") return { form, documents: lines(text) };
  if (form === "paragraphs") return { form, documents: paragraphs(text) };
  if (/^\s*[[{]/.test(text)) {
    try {
      return json(text);
    } catch (error) {
      if (!(error instanceof NotJson)) throw error; // a passage may begin with a bracket
    }
  }
  return readDocuments(text, /\S[^\S\n]*\n[^\S\n]*\n\s*\S/.test(text) ? "paragraphs" : "lines");
}

/** `documents` as {form, text}, in the plainest form that gives exactly them back when it is read. */
export function writeDocuments(documents) {
  const texts = documents.every((document) => typeof document === "string");
  for (const [form, glue] of [
    ["lines", "\n"],
    ["paragraphs", "\n\n"],
  ]) {
    const text = texts ? documents.join(glue) : "";
    if (texts && same(readDocuments(text, form).documents, documents)) return { form, text };
  }
  return { form: "json", text: JSON.stringify(documents, null, 2) };
}

/** The text that is judged of a document, "" where it holds none. */
export function textOf(document) {
  const text = document !== null && typeof document === "object" ? document.text : document;
  return typeof text === "string" ? text : "";
}

/** The first column of a CSV file (RFC 4180), without a header that only names it. */
export function firstColumn(text, comma = ",") {
  const cells = [];
  let cell = "",
    column = 0,
    quoted = false;
  const end = () => {
    if (column === 0) cells.push(cell);
    cell = "";
  };
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = false;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === comma) (end(), (column += 1));
    else if (sign === "\n") (end(), (column = 0));
    else if (sign !== "\r") cell += sign;
  }
  if (cell !== "" || column > 0) end();
  const header = /^(text|texts|document|documents|passage|passages|content|body)$/i.test((cells[0] ?? "").trim());
  return cells.slice(header ? 1 : 0).filter((value) => value.trim() !== "");
}

const lines = (text) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
const paragraphs = (text) =>
  text
    .split(/\n[^\S\n]*(?:\n[^\S\n]*)+/)
    .map((part) => part.trim())
    .filter(Boolean);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function json(text) {
  if (text.trim() === "") return { form: "json", documents: [] };
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const rows = jsonLines(text);
    if (rows === null) throw new NotJson(error.message);
    return { form: "json", documents: rows };
  }
  if (Array.isArray(value)) return { form: "json", documents: value };
  const listed = value?.documents ?? value?.texts ?? value?.passages;
  if (Array.isArray(listed)) return { form: "json", documents: listed, query: typeof value.query === "string" ? value.query : undefined };
  return { form: "json", documents: [value] };
}

/** One JSON value a line, or null where a line holds none. */
function jsonLines(text) {
  try {
    return lines(text).map((line) => JSON.parse(line));
  } catch {
    return null;
  }
}
