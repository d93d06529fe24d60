// A request as it would be written elsewhere. Keys never stand in it.

const INLINE = 100_000; // bytes: longer arguments are refused by some systems

/**
 * Every way to write it, by name. Each takes {body, url, key, source}: the request as an object, where it goes, whether a key is
 * needed, and where its model can be loaded from; and gives the text.
 */
export const TONGUES = { curl, Python: python, httpx };

function curl({ body, url, key }) {
  const json = JSON.stringify(body);
  const head = ["curl", quoted(url), "-H 'Content-Type: application/json'"];
  if (key) head.push('-H "Authorization: Bearer $ADJUDGE_API_KEY"');
  const start = `${head[0]} ${head[1]} \\\n  ${head.slice(2).join(" \\\n  ")} \\\n  `;
  if (new TextEncoder().encode(json).length < INLINE) return `${start}-d ${quoted(json)}\n`;
  return `${start}--data-binary @- <<'JSON'\n${json}\nJSON\n`;
}

function python({ body, source }) {
  const { query, documents, top_n: topN, threshold, aggregation, explain } = body;
  const options = [];
  if (topN !== undefined) options.push(`top_n=${topN}`);
  if (threshold !== undefined) options.push(`threshold=${literal(threshold)}`);
  if (aggregation !== undefined) options.push(`windows=WindowConfig(aggregation=${literal(aggregation)})`);
  const names = aggregation === undefined ? "Reranker" : "Reranker, WindowConfig";
  return [
    `from adjudge import ${names}`,
    "",
    `query = ${literal(query)}`,
    `documents = ${literal(documents)}`,
    "",
    `with Reranker(${source === "embedded" ? "" : literal(source)}) as judge:`,
    `    ranking = judge.rank(${["query", "documents", ...options].join(", ")})`,
    "    for result in ranking:",
    '        print(f"{result.score:.3f}", result.passage.text)',
    ...(explain ? [`    for position in range(min(${explain}, len(ranking))):`, "        print(ranking.explain(position).strongest)"] : []),
    "",
  ].join("\n");
}

function httpx({ body, url, key }) {
  const headers = key ? ', headers={"Authorization": f"Bearer {os.environ[\'ADJUDGE_API_KEY\']}"}' : "";
  return [
    ...(key ? ["import os", ""] : []),
    "import httpx",
    "",
    `request = ${literal(body)}`,
    `response = httpx.post(${literal(url)}, json=request${headers}, timeout=60)`,
    "response.raise_for_status()",
    'for result in response.json()["ranked_results"]:',
    '    print(f"{result[\'score\']:.3f}", result["passage"]["text"])',
    "",
  ].join("\n");
}

/** `value` for a POSIX shell. */
const quoted = (value) => `'${value.replaceAll("'", "'\\''")}'`;

/** `value` as a Python literal: JSON but for three words, lists and the outer object a line each. */
function literal(value, indent = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const parts = Array.isArray(value)
    ? value.map((part) => literal(part, inner))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${literal(part, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return parts.length === 0 ? open + close : `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}
