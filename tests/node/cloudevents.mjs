// Reads records with both bindings of the CloudEvents SDK: `node cloudevents.mjs FILE`, a JSON array of
// {headers, key, value}. Prints an array of what the bindings made of each record.

import { readFileSync } from "node:fs";
import { HTTP, Kafka } from "cloudevents";

const read = (binding, message) => {
  try {
    return binding.toEvent(message);
  } catch (error) {
    return { refused: error.message };
  }
};

const records = JSON.parse(readFileSync(process.argv[2], "utf8"));
const found = records.map(({ headers, key, value }) => ({
  kafka: read(Kafka, { headers, key, value }),
  http: read(HTTP, { headers, body: value }),
}));
console.log(JSON.stringify(found));
