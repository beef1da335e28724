// Reads a QR code as it stands on a terminal: the npm package jsqr, given a picture of the text.
//   node qr_reader.mjs < what was printed > what it says; exit 1 if there is no code to be seen
// A colour that isn't set is taken as the terminal's: white on black.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const jsQR = createRequire(new URL("../vectors/package.json", import.meta.url))("jsqr");

const SCALE = 4;
const COLOURS = { 30: 0, 37: 255 };
const HALVES = { " ": [0, 0], "▀": [1, 0], "▄": [0, 1], "█": [1, 1] };

const rows = [];
for (const line of readFileSync(0, "utf8").split("\n")) {
  let [ink, paper] = [255, 0];
  const [upper, lower] = [[], []];
  for (const [, colours, glyph] of line.matchAll(/\x1b\[([\d;]*)m|(.)/gsu)) {
    if (colours !== undefined) {
      for (const colour of colours.split(";").map(Number)) {
        if (colour === 0) [ink, paper] = [255, 0];
        else if (colour < 40) ink = COLOURS[colour];
        else paper = COLOURS[colour - 10];
      }
    } else if (HALVES[glyph]) {
      const [top, bottom] = HALVES[glyph];
      upper.push(top ? ink : paper);
      lower.push(bottom ? ink : paper);
    }
  }
  rows.push(upper, lower);
}
const margin = 2; // of the terminal's own black
const width = Math.max(...rows.map((row) => row.length)) + 2 * margin;
const height = rows.length + 2 * margin;
const picture = new Uint8ClampedArray(width * SCALE * height * SCALE * 4);
for (let y = 0; y < height * SCALE; ++y) {
  for (let x = 0; x < width * SCALE; ++x) {
    const grey = rows[Math.floor(y / SCALE) - margin]?.[Math.floor(x / SCALE) - margin] ?? 0;
    picture.set([grey, grey, grey, 255], (y * width * SCALE + x) * 4);
  }
}
const found = jsQR(picture, width * SCALE, height * SCALE, { inversionAttempts: "dontInvert" });
if (!found) process.exit(1);
process.stdout.write(Buffer.from(found.binaryData));
