// Writes each vector of the npm package cctv-age into a file of its own.
//   node extract.mjs DIRECTORY
// Without the package it writes nothing and says so; the tests that need the vectors then fail.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [directory] = process.argv.slice(2);
let vectors;
try {
  vectors = await import("cctv-age");
} catch {
  console.error("The CCTV age vectors are missing: run `npm ci` in tests/vectors.");
  process.exit(0);
}
mkdirSync(directory, { recursive: true });
for (const [name, bytes] of Object.entries(vectors)) writeFileSync(join(directory, name), bytes);
