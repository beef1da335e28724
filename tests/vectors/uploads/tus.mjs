// Another client of tus 1.0, the npm package tus-js-client, for our gateway to meet. Each request is signed, so it comes
// in slices, whose digests are known beforehand.
//   node tus.mjs < {endpoint, file, slice, metadata, keyid, seed, upload?}
// It prints {"url"} once the upload is made, {"sent"} for each slice that was taken, and {"done"}; or {"failed"} with the
// status. With `upload`, the URL of one that broke off, it goes on with that.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import * as tus from "tus-js-client";
import { signed } from "../signatures/signed.mjs";

const order = JSON.parse(readFileSync(0, "utf8"));
const file = readFileSync(order.file);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

async function sign(request) {
  const headers = {};
  const components = ["@method", "@target-uri"];
  if (request.getMethod() === "PATCH") {
    const begin = Number(request.getHeader("Upload-Offset"));
    const digest = createHash("sha256").update(file.subarray(begin, begin + order.slice)).digest("base64");
    headers["Content-Type"] = request.getHeader("Content-Type");
    headers["Content-Digest"] = `sha-256=:${digest}:`;
    request.setHeader("Content-Digest", headers["Content-Digest"]);
    request.setHeader("Upload-Checksum", `sha256 ${digest}`);
    components.push("content-type", "content-digest");
  }
  const created = Math.floor(Date.now() / 1000);
  const fields = await signed(
    { method: request.getMethod(), url: request.getURL(), headers },
    { components, created, expires: created + 60, nonce: randomUUID(), keyid: order.keyid, seed: order.seed },
  );
  for (const name of ["Signature", "Signature-Input"]) request.setHeader(name, fields[name]);
}

const upload = new tus.Upload(file, {
  endpoint: order.endpoint,
  uploadUrl: order.upload ?? null,
  metadata: order.metadata,
  chunkSize: order.slice,
  retryDelays: null,
  onBeforeRequest: sign,
  onUploadUrlAvailable: () => say({ url: upload.url }),
  onChunkComplete: (_, sent) => say({ sent }),
  onSuccess: () => say({ done: true }),
  onError: (error) => say({ failed: error.originalResponse?.getStatus() ?? String(error) }),
});
upload.start();
