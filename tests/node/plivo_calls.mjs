// Plivo's SDK for Node, unchanged, with an emulator as its Plivo: node plivo_calls.mjs URL AUTH_ID TOKEN
// Prints what the SDK returned, as one JSON object.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [emulator, authId, token] = process.argv.slice(2);
const [from, to, hooks] = ["14155550100", "14155550123", "https://hooks.example.com"];

// The SDK has the address of Plivo in its code. Its HTTP library lets us send the requests elsewhere.
const axios = require("axios");
const http = axios.getAdapter("http");
axios.defaults.adapter = (request) =>
  http({ ...request, url: request.url.replace("https://api.plivo.com", emulator) });

const { Client } = require("plivo");
const client = new Client(authId, token);

async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function readError(act) {
  try {
    await act();
    return "none";
  } catch (error) {
    return error.message;
  }
}

const isTalking = async (uuid) =>
  (await client.calls.getLiveCall(uuid)).callStatus === "in-progress";
const hasEnded = async () => (await client.calls.listLiveCalls()).length === 0;

const made = await client.calls.create(from, to, `${hooks}/answer`, { answerMethod: "GET" });
const uuid = made.requestUuid;
await until(() => isTalking(uuid));
const live = await client.calls.listLiveCalls();
const recorded = await client.calls.record(uuid, { timeLimit: 30 });
const spoken = await client.calls.speakText(uuid, "Hello");
const digits = await client.calls.sendDigits(uuid, "12");
const moved = await client.calls.transfer(uuid, { legs: "aleg", alegUrl: `${hooks}/menu` });
await until(hasEnded);
const record = await client.calls.get(uuid);

const other = await client.calls.create(from, to, `${hooks}/answer`);
await until(() => isTalking(other.requestUuid));
await client.calls.hangup(other.requestUuid);
await until(hasEnded);
const listed = await client.calls.list({ limit: 1, fromNumber: from, bill_duration__gte: 0 });

console.log(
  JSON.stringify({
    made: made.message,
    live: live.map((call) => call.id === uuid || call.callUuid === uuid),
    recorded: recorded.message,
    spoken: spoken.message,
    digits: digits.message,
    moved: moved.message,
    record: [record.callUuid === uuid, record.hangupCauseCode, record.callDirection],
    listed: listed.map((call) => [call.callUuid === other.requestUuid, call.hangupSource]),
    total: listed.meta.totalCount,
    applications: (await client.applications.list()).map((one) => one.appName),
    missing: await readError(() => client.calls.get("00000000-0000-4000-8000-000000000000")),
    invalid: await readError(() =>
      client.calls.create(from, to, `${hooks}/answer`, { timeLimit: 0 }),
    ),
    stranger: await readError(() => new Client(authId, "x").calls.create(from, to, hooks)),
  }),
);
