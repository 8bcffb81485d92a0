// What Plivo's SDK for Node says of V3 signatures: one JSON line a question on standard input, and one
// line each as the answer: true, false, or the error that the SDK throws.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { validateV3Signature } = createRequire(import.meta.url)("plivo");

for await (const line of createInterface({ input: process.stdin })) {
  const { url, nonce, token, signature, body } = JSON.parse(line);
  try {
    const holds = validateV3Signature("POST", url, nonce, token, signature, JSON.parse(body));
    console.log(String(holds));
  } catch (error) {
    console.log(error.name);
  }
}
