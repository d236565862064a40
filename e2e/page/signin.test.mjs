// What is asked of Converse and of a server while somebody signs in. Run by
// `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners } from "./support.mjs";
import { signIn } from "../../static/js/chat/signin.js";

/** A page that signs in, with the settings of nobody. */
function page(connection) {
  const { listen, tell } = listeners();
  const nobody = async () => {
    throw new Error("nobody has signed in");
  };
  const settings = { clear: nobody, getModel: nobody };
  const api = { listen, user: { login() {}, settings }, connection: { get: () => connection, isType: () => false } };
  signIn({ api, session: { save() {} } }, { config: { login: "session" } }, { login: "session" });
  return { tell, settings };
}

/** A session (RFC 3921 §3) as a server offers it. */
const offer = (optional) => ({ localName: "session", getElementsByTagName: (name) => (name === "optional" && optional ? [{}] : []) });

test("a session that is optional is not asked for", () => {
  for (const [features, asks] of [[[offer(true)], false], [[offer(false)], true], [[], true]]) {
    const connection = { do_session: true, features: { children: features } };
    page(connection).tell("beforeResourceBinding");
    assert.equal(connection.do_session, asks);
  }
});

test("settings that are not there are cleared without an error", async () => {
  await page({}).settings.clear();
});

test("settings that are not there are waited for: they are the next person's", async () => {
  const { settings, tell } = page({});
  const found = settings.getModel();
  await new Promise((resolve) => setImmediate(resolve));
  settings.getModel = async () => "the next person's";
  tell("setUserJID");
  assert.equal(await found, "the next person's");
});
