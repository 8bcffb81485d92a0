// Plivo's SDK for Node, unchanged, places a call to many destinations at an emulator:
// node plivo_bulk.mjs EMULATOR AUTH_ID TOKEN BRIDGE FROM TO, with TO joined by <. Prints the request ids.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [emulator, authId, token, bridge, from, to] = process.argv.slice(2);

// The SDK has the address of Plivo in its code. Its HTTP library lets us send the requests elsewhere.
const axios = require("axios");
const http = axios.getAdapter("http");
axios.defaults.adapter = (request) =>
  http({ ...request, url: request.url.replace("https://api.plivo.com", emulator) });

const { Client } = require("plivo");
const urlOf = (name) => `${bridge}/plivo/voice/call/${name}#rp=all&rc=5`;

const made = await new Client(authId, token).calls.create(from, to, urlOf("answer"), {
  ringUrl: urlOf("ring"),
  hangupUrl: urlOf("hangup"),
  fallbackUrl: urlOf("fallback"),
  machineDetection: "true",
  machineDetectionUrl: urlOf("machine_detection"),
});
console.log(JSON.stringify(made.requestUuid));
