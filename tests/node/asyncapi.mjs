// Parses an AsyncAPI document with the official parser: `node asyncapi.mjs FILE`. The parser reads the
// files that the document references. Then every example is validated by the schemas of its message.
// Prints every error and warning, a line each; exits 1 if there is any.

import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import addFormats from "ajv-formats";
import Ajv2020 from "ajv/dist/2020.js";

// The parser knows draft 7 alone, and passes over schemas in other dialects. It asks a schema parser for
// the schema only, not for its faults, so these are thrown.
const dialect = {
  getMimeTypes: () => ["application/schema+json;version=draft-2020-12"],
  validate: () => [],
  parse: ({ data, path }) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    if (ajv.validateSchema(data)) return data;
    const faults = ajv.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
    throw new Error(`${path.join(".")}: ${faults.join("; ")}`);
  },
};

const ERROR = 0;
const WARNING = 1;

const file = process.argv[2];
const parser = new Parser();
parser.registerSchemaParser(dialect);
const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"), { source: file });
const found = diagnostics
  .filter(({ severity }) => severity === ERROR || severity === WARNING)
  .map(({ code, path, message }) => `${path.join(".")}: ${message} (${code})`);
if (document === undefined && found.length === 0) found.push("not a document");

for (const message of document?.allMessages().all() ?? []) {
  const validators = ["headers", "payload"].map((part) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    return [part, ajv.compile(message[part]().json().schema)];
  });
  for (const example of message.examples().all()) {
    for (const [part, validate] of validators) {
      if (validate(example[part]())) continue;
      const [{ instancePath, message: why }] = validate.errors;
      found.push(`${message.name()}: ${example.name()}: ${part}${instancePath}: ${why}`);
    }
  }
}

for (const fault of found) console.log(fault);
process.exitCode = found.length > 0 ? 1 : 0;
