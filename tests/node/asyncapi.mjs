// Parses an AsyncAPI document with the official parser: `node asyncapi.mjs FILE`.
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

const parser = new Parser();
parser.registerSchemaParser(dialect);
const { document, diagnostics } = await parser.parse(readFileSync(process.argv[2], "utf8"));
const found = diagnostics.filter(({ severity }) => severity === ERROR || severity === WARNING);
for (const { code, path, message } of found) console.log(`${path.join(".")}: ${message} (${code})`);
if (document === undefined && found.length === 0) console.log("not a document");
process.exitCode = document === undefined || found.length > 0 ? 1 : 0;
