// The page: a form for each pipeline's input, one POST, and its story read from the response as it streams in.
// All text is inserted as text. The reading of the stream is the WHATWG algorithm as far as our own server needs it.

const $ = (id) => document.getElementById(id);
const MARKS = { working: "…", done: "✓", failed: "✗", cancelled: "–", skipped: "–" };
let pipelines = [];
let watching = null;

const chosen = () => pipelines[$("pipeline").selectedIndex] ?? pipelines[0];

async function open() {
  pipelines = await (await fetch("/pipelines")).json();
  $("pipeline").replaceChildren(...pipelines.map(({ title }) => new Option(title)));
  $("pipeline").hidden = document.querySelector("label[for=pipeline]").hidden = pipelines.length < 2;
  $("pipeline").onchange = draw;
  $("ask").onsubmit = (event) => { event.preventDefault(); begin(); };
  $("stop").onclick = () => watching?.abort();
  draw();
}

function draw() {
  const { title, input } = chosen();
  document.title = $("title").textContent = title;
  const fields = Object.entries(input?.properties ?? {}).map(([name, schema]) => {
    const label = document.createElement("label");
    const field = document.createElement("input");
    field.name = name;
    field.required = input.required?.includes(name) ?? false;
    field.dataset.type = typeOf(schema);
    if (field.dataset.type === "number") { field.type = "number"; field.step = "any"; }
    label.append(schema.description ?? schema.title ?? name, field);
    return label;
  });
  $("fields").replaceChildren(...fields);
}

// What to make of a field's text: a number, JSON, or the text itself.
function typeOf(schema) {
  const types = (schema.anyOf ?? [schema]).map(({ type }) => type).filter((type) => type !== "null");
  if (types.some((type) => type === "string")) return "string";
  return types.every((type) => type === "number" || type === "integer") ? "number" : "json";
}

function given() {
  const fields = [...document.querySelectorAll("#fields input")].filter(({ value }) => value !== "");
  return Object.fromEntries(fields.map(({ name, value, dataset }) =>
    [name, dataset.type === "string" ? value : JSON.parse(value)]));
}

async function begin() {
  const { path, input } = chosen();
  watching?.abort();
  const mine = watching = new AbortController();
  $("story").replaceChildren();
  $("problem").hidden = $("end").hidden = true;
  $("stop").disabled = false;
  let ended = false;
  try {
    const response = await fetch(path, {
      method: "POST", signal: mine.signal,
      headers: { "Accept": "text/event-stream", "Content-Type": "application/json" },
      body: input ? JSON.stringify(given()) : undefined,
    });
    if (!response.ok) throw new Error(await reasonIn(response));
    for await (const event of eventsIn(response.body)) {
      tell(event);
      ended ||= ["run.finished", "run.failed", "run.cancelled", "detached"].includes(event.type);
    }
    if (!ended) throw new Error("The stream was cut before the story ended.");
  } catch (error) {
    if (error.name !== "AbortError" && watching === mine) complain(error.message);
  }
  if (watching === mine) $("stop").disabled = true;
}

// Why it was refused. Who stands before the server (a proxy) may have said so in something else than a problem.
async function reasonIn(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
}

async function* eventsIn(body) {
  let buffered = "", data = [], swallowLf = false;
  const text = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await text.read();
    if (done) return;
    let chunk = value;
    if (swallowLf && chunk.startsWith("\n")) chunk = chunk.slice(1);
    swallowLf = chunk.endsWith("\r");
    const lines = (buffered + chunk).split(/\r\n|\n|\r/);
    buffered = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) yield JSON.parse(data.join("\n"));
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
  }
}

function tell(event) {
  const row = event.step === undefined ? null : rowOf(event);
  switch (event.type) {
    case "run.started": $("title").textContent = event.title; if (event.note) aside(event.note); break;
    case "step.started": row.title.textContent = event.title; mark(row, "working"); break;
    case "message": line(row, event.text); break;
    case "token": token(row, event.text); break;
    case "detail": detail(row, event); break;
    case "progress": report(row, event); break;
    case "step.retrying": line(row, `Attempt ${event.attempt} of ${event.of} failed: ${event.reason} Trying again.`); break;
    case "step.skipped": line(row, event.reason); mark(row, "skipped"); break;
    case "step.failed": line(row, event.problem.detail ?? event.problem.title); mark(row, "failed"); break;
    case "step.cancelled": line(row, event.reason); mark(row, "cancelled"); break;
    case "step.finished":
      if (event.text) line(row, event.text);
      row.note.textContent = `${event.seconds.toFixed(1)} s`;
      mark(row, "done");
      break;
    case "run.finished": end(`Done in ${event.seconds.toFixed(1)} s`, event.result); break;
    case "run.failed": end("Failed"); complain(event.problem.detail ?? event.problem.title); break;
    case "run.cancelled": end("Cancelled"); complain(event.reason); break;
    case "detached": aside(`This goes on without you. See ${new URL(event.link, location)} for what becomes of it.`); break;
  }
}

function rowOf({ step }) {
  const found = document.querySelector(`#story > li[data-step="${CSS.escape(step)}"]`);
  if (found) return found.parts;
  const item = document.createElement("li");
  item.dataset.step = step;
  const head = element("div", "head");
  const parts = { item, mark: element("span", "mark"), title: element("span", "title"), note: element("span", "note") };
  parts.title.textContent = step;
  head.append(parts.mark, parts.title, parts.note);
  item.append(head);
  item.parts = parts;
  $("story").append(item);
  return parts;
}

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function mark(row, state) {
  row.mark.textContent = MARKS[state];
  row.item.className = state;
}

function line(row, text) {
  const said = document.createElement("p");
  said.textContent = text;
  row.item.append(said);
}

function token(row, text) {
  const last = row.item.lastElementChild;
  if (last?.className === "tokens") last.textContent += text;
  else {
    const said = element("p", "tokens");
    said.textContent = text;
    row.item.append(said);
  }
}

// What is large comes without its data, which is fetched when it is opened.
function detail(row, { title, data, link }) {
  const folded = document.createElement("details");
  const summary = document.createElement("summary");
  const content = document.createElement("pre");
  summary.textContent = title;
  content.textContent = link ? "…" : JSON.stringify(data, null, 2);
  let heard = !link;
  folded.addEventListener("toggle", async () => {
    if (heard || !folded.open) return;
    heard = true;
    try {
      const response = await fetch(link);
      if (!response.ok) throw new Error(await reasonIn(response));
      content.textContent = JSON.stringify(await response.json(), null, 2);
    } catch (error) {
      heard = false;  // opened again, it is asked for again
      content.textContent = error.message;
    }
  });
  folded.append(summary, content);
  row.item.append(folded);
}

function report(row, { done, of, unit, text, state }) {
  const count = done === undefined ? "" : of === undefined ? `${done}` : `${done} of ${of}`;
  row.note.textContent = [count, unit, text, state].filter(Boolean).join(" ");
}

function aside(text) {
  const item = element("li", "aside");
  item.textContent = text;
  $("story").append(item);
}

function end(heading, result) {
  $("ending").textContent = heading;
  $("result").textContent = result === undefined ? "" : JSON.stringify(result, null, 2);
  $("end").hidden = false;
}

function complain(message) {
  $("problem").textContent = message;
  $("problem").hidden = false;
}

open();
