// What `narrate.d.ts` declares is what `narrate.js` is, and what a page has to fetch for it is little.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import ts from "typescript";

import * as narrate from "../../narrate/web/narrate.js";
import { eventShapes } from "./declared.js";

const source = readFileSync(new URL("../../narrate/web/narrate.js", import.meta.url));

test("each name that can be had is declared, and each that is declared can be had", () => {
  const path = fileURLToPath(new URL("../../narrate/web/narrate.d.ts", import.meta.url));
  const program = ts.createProgram([path], { lib: ["lib.es2024.d.ts", "lib.dom.d.ts"], types: [] });
  const module = program.getTypeChecker().getSymbolAtLocation(program.getSourceFile(path));
  const declared = program.getTypeChecker().getExportsOfModule(module);

  const values = declared.filter(({ flags }) => flags & ts.SymbolFlags.Value).map(({ name }) => name);

  assert.deepEqual(values.sort(), Object.keys(narrate).sort());
});

test("each type of event is declared once", () => {
  const types = eventShapes().map(({ type }) => type);

  assert.equal(new Set(types).size, types.length);
  assert.ok(types.includes("run.started"));
});

test("it is one file, of less than 6 kB as it is served", () => {
  assert.doesNotMatch(source.toString(), /^\s*(import|export .* from)\b/m);
  assert.doesNotMatch(source.toString(), /\bimport\(/);
  assert.ok(gzipSync(source).length < 6000, `${gzipSync(source).length} bytes`);
});
