// A file of the reader's own, as documents.

import { firstColumn, readDocuments, writeDocuments } from "./documents.js";

const PLAIN = { form: "auto" };

/** {text, form, query} for the two fields. Raises NotJson for a .json or .jsonl file that holds something else. */
export async function readFile(file) {
  const text = decode(new Uint8Array(await file.arrayBuffer())).replace(/\r\n?/g, "\n");
  const ending = file.name.toLowerCase().split(".").pop();
  if (ending === "csv" || ending === "tsv") return writeDocuments(firstColumn(text, ending === "tsv" ? "\t" : ","));
  if (ending !== "json" && ending !== "jsonl" && ending !== "ndjson") return { ...PLAIN, text };
  const { documents, query } = readDocuments(text, "json");
  return { ...writeDocuments(documents), query };
}

/** UTF-8, or UTF-16 where a byte order mark says so. */
function decode(bytes) {
  const [first, second] = bytes;
  const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return new TextDecoder(wide ? (first === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(bytes);
}
