/**
 * Prints hangups and message states, each once, with kafkajs and the schema pack's types.
 *
 *   make -C ../.. schema-pack
 *   npm install && npm run build
 *   node build/consume.js localhost:9092 [--records N] plivo.voice.call.hangup.v1 ...
 */
import { Kafka, logLevel } from "kafkajs";
import type { PlivoEvent } from "../../dist/schema-pack/typescript/index";

const IDS_MAX = 100_000;
const seen = new Set<string>(); // the ids, the oldest first

function isNew(id: string): boolean {
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > IDS_MAX) seen.delete(seen.values().next().value!);
  return true;
}

function show(event: PlivoEvent): void {
  switch (event.type) {
    case "com.plivo.voice.call.hangup.v1":
      // Narrowed: data is a hangup's. A field may be absent, or null where it could not be read.
      console.log(`hangup ${event.data.call_uuid}: ${event.data.duration_s ?? "?"} s`);
      break;
    case "com.plivo.messaging.message.status.v1":
      console.log(`message ${event.data.message_uuid}: ${event.data.status ?? "?"}`);
      break;
    default:
      console.log(`other ${event.type}`); // types that are newer than this program come here too
  }
}

async function main([servers, ...rest]: string[]): Promise<void> {
  const bounded = rest[0] === "--records";
  const recordsMax = bounded ? Number(rest[1]) : Infinity;
  const topics = bounded ? rest.slice(2) : rest;
  const kafka = new Kafka({ brokers: servers!.split(","), logLevel: logLevel.WARN });
  // A short session: a crashed consumer's partitions go to another soon.
  const consumer = kafka.consumer({
    groupId: "typescript-example",
    sessionTimeout: 6_000,
    heartbeatInterval: 2_000,
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await new Promise<void>((done, failed) => {
    let records = 0;
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
    consumer
      .run({
        eachMessage: async ({ message }) => {
          const id = message.headers?.["ce_id"]?.toString();
          if (id !== undefined && message.value !== null && isNew(id)) {
            show(JSON.parse(message.value.toString()) as PlivoEvent);
          }
          records += 1;
          if (records >= recordsMax) done();
        },
      })
      .catch(failed);
  });
  await consumer.disconnect();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
