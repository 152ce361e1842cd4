// The vectors in another language: every number is read, and a textbook loss is held against the plain cases.
//
//     node conformance/reader/read.mjs [vectors.json]

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const data = process.argv[2] ?? new URL("../xentropy_conformance/data/vectors.json", import.meta.url);

// "-0x1.8p+1" is -1.5 * 2^1. Thirteen hexadecimal digits and a power of two: every step is exact.
function number(text) {
  if (typeof text !== "string") return Number(text);
  if (text === "nan") return NaN;
  if (text.endsWith("inf")) return text === "inf" ? Infinity : -Infinity;
  const [, sign, whole, digits = "", exponent] = /^(-?)0x([01])(?:\.([0-9a-f]+))?p([+-]\d+)$/.exec(text);
  let mantissa = parseInt(whole + digits, 16);
  let power = Number(exponent) - 4 * digits.length;
  for (; power < -1022; power += 52) mantissa *= 2 ** -52; // subnormal numbers in steps that have no rounding
  return (sign ? -1 : 1) * mantissa * 2 ** power;
}

// Puts numbers in the place of their texts, and yields every list of them in the order of the file.
function* read(block) {
  for (const [key, x] of Object.entries(block)) {
    if (key === "data" || key === "scale") yield (block[key] = x.map(number));
    else if (x !== null && typeof x === "object") yield* read(x);
  }
}

function bytes(list) {
  const view = new DataView(new ArrayBuffer(8 * list.length));
  list.forEach((x, i) => view.setFloat64(8 * i, x, true));
  return new Uint8Array(view.buffer);
}

// log(sum exp(x_j)) - x_label. Without its maximum the sum keeps what is small next to 1.
function crossEntropy(row, label) {
  const top = row.indexOf(Math.max(...row));
  const rest = row.reduce((sum, x, j) => (j === top ? sum : sum + Math.exp(x - row[top])), 0);
  return Math.log1p(rest) - (row[label] - row[top]);
}

function plain({ function: name, rule, inputs, options }) {
  return (
    name === "cross_entropy" &&
    rule === "accuracy" &&
    JSON.stringify(options) === '{"axis":-1,"reduction":"none"}' &&
    Object.keys(inputs).join() === "logits,labels" &&
    inputs.labels.dtype === "int64"
  );
}

function wrong({ inputs: { logits, labels }, expected: { value } }) {
  const classes = logits.shape[1];
  return value.data.some((truth, i) => {
    const loss = crossEntropy(logits.data.slice(i * classes, (i + 1) * classes), labels.data[i]);
    return Math.abs(loss - truth) > 4 * 2 ** -52 * value.scale[i];
  });
}

const { cases } = JSON.parse(readFileSync(data, "utf8"));
const hash = createHash("sha256");
for (const one of cases) for (const list of read(one)) hash.update(bytes(list));
const tried = cases.filter(plain);
const faults = tried.filter(wrong).length;
console.log(`${cases.length} cases of the bits ${hash.digest("hex")}; ${tried.length} of them plain, ${faults} wrong`);
process.exit(faults > 0 || tried.length === 0 ? 1 : 0);
