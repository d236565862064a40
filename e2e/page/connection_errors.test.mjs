// Requests that fail. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failOnce } from "../../static/js/chat/connection/connectionErrors.js";

/** What asks as Converse does: it says no itself where it is told to, and again where nobody hears it. */
function asking(answer) {
  const unheard = [];
  const api = {
    async sendIQ(stanza, timeout, reject = true) {
      if (reject && answer === null) unheard.push(stanza);
      if (reject) throw answer;
      return answer;
    },
  };
  failOnce({ api });
  return { api, unheard };
}

const iq = (type) => ({ getAttribute: () => type });

test("a request that is not answered fails once, where it is waited for", async () => {
  const { api, unheard } = asking(null);
  await assert.rejects(api.sendIQ("a question"), (cause) => cause === null);
  assert.deepEqual(unheard, []);
  assert.equal(await api.sendIQ("a question", 1000, false), null);
});

test("an error is thrown, unless the caller wants to see it; an answer is not", async () => {
  const error = iq("error");
  await assert.rejects(asking(error).api.sendIQ("a question"), (cause) => cause === error);
  assert.equal(await asking(error).api.sendIQ("a question", 1000, false), error);
  const result = iq("result");
  assert.equal(await asking(result).api.sendIQ("a question"), result);
});
