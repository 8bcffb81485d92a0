// What Plivo's SDK for Node says of V2 and V3 signatures: one JSON line a question on standard input, and
// one line each as the answer: true or false.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { validateSignature, validateV3Signature } = createRequire(import.meta.url)("plivo");

for await (const line of createInterface({ input: process.stdin })) {
  const { scheme, method, url, nonce, signature, token, parameters } = JSON.parse(line);
  const holds =
    scheme === "v3"
      ? validateV3Signature(method, url, nonce, token, signature, parameters)
      : validateSignature(url, nonce, signature, token);
  console.log(String(holds));
}
