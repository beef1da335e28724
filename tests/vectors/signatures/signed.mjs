// The fields that sign a request, by the npm package http-message-signatures.
import { createPrivateKey, sign } from "node:crypto";
import { httpbis } from "http-message-signatures";

// The DER that stands before the 32 bytes of an Ed25519 key (RFC 8410).
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * All header fields of `request` ({method, url, headers}) once it is signed as `order` says: {components, created,
 * expires, nonce, keyid, seed}; times are seconds, the seed is base64 of 32 bytes.
 */
export async function signed(request, order) {
  const der = Buffer.concat([PKCS8, Buffer.from(order.seed, "base64")]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { headers } = await httpbis.signMessage(
    {
      name: "letterbox",
      key: { id: order.keyid, sign: async (data) => sign(null, data, key) },
      fields: order.components,
      params: ["created", "expires", "nonce", "keyid", "tag"],
      paramValues: {
        created: new Date(order.created * 1000),
        expires: new Date(order.expires * 1000),
        nonce: order.nonce,
        tag: "letterbox",
      },
    },
    request,
  );
  return headers;
}
