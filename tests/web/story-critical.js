// @ts-check
// What the page says that the whole had to wait for: a program that is given the events of a story in each line of its
// standard input, and answers with the paths.

import { createInterface } from "node:readline";

import { Story } from "../../narrate/web/story.js";

for await (const line of createInterface(process.stdin)) {
  const story = new Story();
  for (const event of JSON.parse(line)) story.take(event, event.t);
  console.log(JSON.stringify([...story.critical()]));
}
