// Another implementation of HTTP Message Signatures, the npm package http-message-signatures, for our own to meet.
//   node peer.mjs sign      < {method, url, headers, components, created, expires, nonce, keyid, seed}   > headers
//   node peer.mjs verify    < {method, url, headers, public_key}                                         > true | false
// Times are seconds; seed and public key are base64 of 32 bytes.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { httpbis } from "http-message-signatures";
import { signed } from "./signed.mjs";

// The DER that stands before the 32 bytes of an Ed25519 key (RFC 8410).
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const der = (prefix, base64) => Buffer.concat([prefix, Buffer.from(base64, "base64")]);

const order = JSON.parse(readFileSync(0, "utf8"));
const request = { method: order.method, url: order.url, headers: order.headers };

async function verified() {
  const key = createPublicKey({ key: der(SPKI, order.public_key), format: "der", type: "spki" });
  const verifier = { verify: async (data, signature) => verify(null, data, key, signature) };
  return httpbis.verifyMessage(
    {
      keyLookup: async () => verifier,
      all: true,
      requiredParams: ["created", "expires", "nonce", "keyid", "tag"],
      requiredFields: ["@method", "@target-uri"],
    },
    request,
  );
}

const result = process.argv[2] === "sign" ? await signed(request, order) : await verified();
process.stdout.write(JSON.stringify(result));
