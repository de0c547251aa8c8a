// What Mermaid itself reads in flowcharts. Run, it takes a JSON list of them from its input and prints what is in each.

import { readFileSync } from "node:fs";

import DOMPurify from "dompurify";

// Mermaid cleans labels by a library that needs a browser's document. What it reads does not depend on that.
DOMPurify.addHook = () => {};
DOMPurify.sanitize = (text) => text;
const { default: mermaid } = await import("mermaid");

/** A label as it will be shown: Mermaid puts these signs around the number of a character until it draws. */
const shown = (label) => label.replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(code));

async function read(flowchart) {
  await mermaid.parse(flowchart); // which is when Mermaid gets to know its kinds of diagrams
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(flowchart);
  const subgraphs = db.getSubGraphs().map(({ id, title, nodes }) => ({ id, title: shown(title), nodes }));
  const within = new Set(subgraphs.map(({ id }) => id));
  return {
    nodes: [...db.getVertices().values()].filter(({ id }) => !within.has(id)).map(({ id, text }) => [id, shown(text)]),
    arrows: db.getEdges().map(({ start, end }) => [start, end]),
    subgraphs,
  };
}

const told = [];
for (const flowchart of JSON.parse(readFileSync(0, "utf8"))) told.push(await read(flowchart));
console.log(JSON.stringify(told));
