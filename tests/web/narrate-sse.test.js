// The Server-Sent Events decoder, held to the vectors that the server's own decoder is held to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Decoder } from "../../narrate/web/narrate.js";

const VECTORS = JSON.parse(readFileSync(new URL("../vectors/sse.json", import.meta.url), "utf8")).cases;

const bytes = (text) => new TextEncoder().encode(text);
const streamOf = ({ text, base64 }) => (base64 ? new Uint8Array(Buffer.from(base64, "base64")) : bytes(text));
const cut = (stream, places) => [0, ...places].map((from, i) => stream.subarray(from, places[i] ?? stream.length));

function outcome(chunks, resumes) {
  const decoder = new Decoder(resumes);
  const events = chunks.flatMap((chunk) => decoder.feed(chunk));
  return { events, last_event_id: decoder.lastEventId, retry: decoder.retry ?? null };
}

// The same numbers in every run, so that a cut that fails is found again (mulberry32).
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = dice(4);
const randomPlace = (stream) => Math.floor(random() * (stream.length + 1));
const randomCuts = (stream) =>
  Array.from({ length: Math.ceil(random() * 12) }, () => randomPlace(stream)).sort((a, b) => a - b);

for (const vector of VECTORS) {
  const stream = streamOf(vector);
  const { resumes, events, last_event_id, retry } = vector;
  const expected = { events, last_event_id, retry };

  test(`heard whole and byte by byte: ${vector.name}`, () => {
    assert.deepEqual(outcome([stream], resumes), expected);
    assert.deepEqual(outcome(cut(stream, [...stream.keys()].slice(1)), resumes), expected);
  });

  test(`heard the same however it is cut: ${vector.name}`, () => {
    // Of a stream that is very long, the cuts near its ends and some between are all that differ.
    const step = Math.ceil(stream.length / 2000);
    const places = [...Array(stream.length + 1).keys()].filter((place) => place % step === 0 || place < 100);
    for (const place of places) assert.deepEqual(outcome(cut(stream, [place]), resumes), expected, `cut at ${place}`);
    for (const cuts of Array.from({ length: 200 }, () => randomCuts(stream)))
      assert.deepEqual(outcome(cut(stream, cuts), resumes), expected, `cut at ${cuts}`);
  });
}

test("an event is heard with the chunk that ends it", () => {
  const decoder = new Decoder();

  const each = ["data: a\n", "\ndata: b", "\n\n"].map((chunk) => decoder.feed(bytes(chunk)).map(({ data }) => data));

  assert.deepEqual(each, [[], ["a"], ["b"]]);
});

test("a CR at a chunk's end is not held back", () => {
  const decoder = new Decoder();

  const each = ["data: a\r\n\r", "\ndata: b\r\r"].map((chunk) => decoder.feed(bytes(chunk)).map(({ data }) => data));

  assert.deepEqual(each, [["a"], ["b"]]);
});

test("an empty chunk between CR and LF changes nothing", () => {
  const chunks = ["data: a\r", "", "\ndata: b\r", "", "\n\r\n"].map(bytes);

  assert.deepEqual(outcome(chunks).events, [{ data: "a\nb", event: "message", id: "" }]);
});

test("an id counts only when its block ends", () => {
  const decoder = new Decoder();

  decoder.feed(bytes("id: 1\ndata: a\n"));
  assert.equal(decoder.lastEventId, "");
  decoder.feed(bytes("\n"));
  assert.equal(decoder.lastEventId, "1");
});

test("retry holds as soon as its line ends", () => {
  const decoder = new Decoder();

  decoder.feed(bytes("retry: 5"));
  assert.equal(decoder.retry, undefined);
  decoder.feed(bytes("0\n"));
  assert.equal(decoder.retry, 50);
});

test("a line of a million bytes may come byte by byte", () => {
  // No clock is read here. A decoder that copies or searches again what it holds would not come back.
  const decoder = new Decoder();
  const piece = bytes("x");

  decoder.feed(bytes("data:"));
  for (let i = 0; i < 1_000_000; i++) decoder.feed(piece);

  assert.equal(decoder.feed(bytes("\n\n"))[0].data.length, 1_000_000);
});

test("an event of many lines is heard whole", () => {
  const decoder = new Decoder();
  const line = bytes("data: x\n");

  for (let i = 0; i < 200_000; i++) decoder.feed(line);

  assert.equal(decoder.feed(bytes("\n"))[0].data, Array(200_000).fill("x").join("\n"));
});
