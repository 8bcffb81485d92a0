// Compiles JSON Schemas with ajv as a consumer would, its defaults untouched: `node ajv.mjs FOLDER`.
// Each schema is tried on its examples, which stand in `examples/` beside it. Prints every fault and
// every warning of ajv's, a line each; exits 1 if there is any.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import addFormats from "ajv-formats";
import Ajv2020 from "ajv/dist/2020.js";

const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const root = process.argv[2];
const faults = [];
let compiled = 0;
let valid = 0;

for (const name of readdirSync(root, { recursive: true })) {
  const file = join(root, name);
  if (!name.endsWith(".json") || read(file).$schema === undefined) continue;
  const note = (...words) => faults.push(`${name}: ${words.join(" ")}`);
  // ajv prints its warnings with the console of its logger, and that is the only way to have them.
  const ajv = new Ajv2020({ logger: { log: note, warn: note, error: note } });
  addFormats(ajv);
  try {
    const validate = ajv.compile(read(file));
    compiled += 1;
    const examples = join(dirname(file), "examples");
    for (const example of existsSync(examples) ? readdirSync(examples) : []) {
      if (validate(read(join(examples, example)))) valid += 1;
      else note(example, ajv.errorsText(validate.errors));
    }
  } catch (error) {
    note(error.message);
  }
}

for (const fault of faults) console.log(fault);
console.log(JSON.stringify({ compiled, valid }));
process.exitCode = faults.length > 0 ? 1 : 0;
