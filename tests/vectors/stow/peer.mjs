// A DICOMweb client that knows nothing of ours, the npm package dicomweb-client, for the gateway to meet.
//   node peer.mjs < {url, ca, certificate, key, calls: [[method, options], …]} > [{value} | {status, answer}, …]
// `ca`, `certificate` and `key` are files' names, and so is each of `datasets` in options. A call comes to what its promise is
// fulfilled with, or to status and answer of the error that it is rejected with.
import { readFileSync } from "node:fs";
import https from "node:https";
import { api } from "dicomweb-client";

const order = JSON.parse(readFileSync(0, "utf8"));
const agent = new https.Agent({
  ca: readFileSync(order.ca),
  cert: readFileSync(order.certificate),
  key: readFileSync(order.key),
});

// The package is made for browsers. This is as much of their XMLHttpRequest as it uses, with the machine's certificate.
globalThis.XMLHttpRequest = class {
  #options = { agent, headers: {} };
  #answered = {};
  responseType = "";
  readyState = 1;
  status = 0;
  response = null;

  open(method, url) {
    this.#options.method = method.toUpperCase();
    this.url = url;
  }
  setRequestHeader(name, value) {
    this.#options.headers[name] = value;
  }
  getResponseHeader(name) {
    return this.#answered[name.toLowerCase()] ?? null;
  }
  getAllResponseHeaders() {
    return Object.entries(this.#answered).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  }
  send(body) {
    const request = https.request(this.url, this.#options, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => this.#finish(answer, Buffer.concat(pieces)));
    });
    request.on("error", (error) => {
      console.error(error);
      process.exit(1);
    });
    request.end(body && Buffer.from(body));
  }
  #finish(answer, content) {
    this.#answered = answer.headers;
    this.status = answer.statusCode;
    this.response = this.responseType === "json" ? JSON.parse(content) : content.toString();
    this.readyState = 4;
    this.onreadystatechange();
  }
};

const client = new api.DICOMwebClient({ url: order.url, verbose: false });
const results = [];
for (const [method, { datasets, ...options }] of order.calls) {
  if (datasets) options.datasets = datasets.map((file) => readFileSync(file));
  try {
    results.push({ value: await client[method](options) });
  } catch (error) {
    if (error.status === undefined) throw error;
    results.push({ status: error.status, answer: error.response });
  }
}
process.stdout.write(JSON.stringify(results));
