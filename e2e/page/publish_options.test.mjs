// What is kept with the account. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { retryWithoutOption } from "../../static/js/chat/connection/publishOptions.js";

const refusal = (text) => ({ querySelector: () => text && { textContent: text } });

/** Publishes, to a server that refuses some options, as it says. Returns what it was asked. */
async function publish(refuse, options) {
  const asked = [];
  const api = {
    pubsub: {
      async publish(...request) {
        asked.push(request);
        const cause = refuse(request[3] ?? {});
        if (cause !== undefined) throw cause;
      },
    },
  };
  retryWithoutOption({ api });
  await api.pubsub.publish(null, "a node", "an item", options, false);
  return asked.map(([, , , options]) => options);
}

test("options that a server does not know are left out, one after the other", async () => {
  const known = ["persist_items", "access_model"];
  const refuse = (options) => Object.keys(options).flatMap((name) => (known.includes(name) ? [] : [refusal(`Unknown field 'pubsub#${name}' of type 'x'`)]))[0];
  const options = { persist_items: "true", max_items: "max", send_last_published_item: "never", access_model: "whitelist" };
  assert.deepEqual(await publish(refuse, options), [
    options,
    { persist_items: "true", send_last_published_item: "never", access_model: "whitelist" },
    { persist_items: "true", access_model: "whitelist" },
  ]);
});

test("any other refusal is one, and who may see it is never left out", async () => {
  for (const cause of [refusal("Node is full"), refusal(""), refusal("Unknown field 'pubsub#access_model'"), refusal("Unknown field 'pubsub#other'"), null, new Error("no stream")]) {
    await assert.rejects(publish(() => cause, { max_items: "max", access_model: "whitelist" }), (thrown) => thrown === cause);
  }
  assert.deepEqual(await publish(() => undefined, undefined), [undefined]);
});
