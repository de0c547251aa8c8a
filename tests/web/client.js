// Reads a run of a server as a page would, and says what it hears, a line of JSON each; `cancel` cancels at a message.

import { argv } from "node:process";

import { narrate } from "../../narrate/web/narrate.js";

const [, , url, input, cancel] = argv;
const say = (told) => console.log(JSON.stringify(told));

const run = narrate(url, JSON.parse(input), { onconnection: ({ state }) => say({ connection: state }) });
const result = run.result().catch(({ name, problem }) => ({ name, problem }));
for await (const event of run) {
  say({ event });
  if (cancel && event.type === "message") say({ state: await run.cancel() });
}
say({ run: run.id, url: run.url, last: run.last, result: await result });
