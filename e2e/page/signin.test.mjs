// What is asked of Converse and of a server while somebody signs in. Run by
// `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners } from "./support.mjs";
import { LoginGuard } from "../../static/js/chat/signin/loginGuard.js";
import { signIn } from "../../static/js/chat/signin/signin.js";

/** A page that signs in, with the settings of nobody. */
function page(connection, given = {}, login = "session") {
  const guard = Object.assign(new LoginGuard({ login }), given, { awaitTurn: () => new Promise(() => {}) });
  let reconnections = 0;
  const { listen, tell } = listeners();
  const nobody = async () => {
    throw new Error("nobody has signed in");
  };
  const settings = { clear: nobody, getModel: nobody };
  const api = { listen, user: { login() {}, settings }, connection: { get: () => connection, isType: () => false, reconnect: () => reconnections++ } };
  signIn({ api, session: { save() {} } }, guard, { login });
  return { tell, api, settings, guard, reconnections: () => reconnections };
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

// Converse would resend twice what is not acknowledged: by the handlers of this stream, and by those of the one before.
test("nobody who listened to a stream that was given up hears the next one", async () => {
  for (const [reconnecting, transport] of [[true, "websocket"], [false, "websocket"], [true, "bosh"]]) {
    const forgets = reconnecting && transport === "websocket"; // a session of BOSH goes on
    const connection = { reconnecting, handlers: ["the old stream's"], addHandlers: [1], removeHandlers: [], timedHandlers: [1], addTimeds: [], removeTimeds: [], _data: ["unsent"] };
    const { api, guard } = page(connection, { worked: true });
    guard.awaitTurn = async () => {};
    api.connection.isType = (type) => type === transport;
    await api.user.login("alice@h");
    assert.deepEqual(connection.handlers, forgets ? [] : ["the old stream's"]);
    assert.deepEqual([connection.addHandlers, connection.timedHandlers, connection._data].flat(), forgets ? [] : [1, 1, "unsent"]);
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

test("who was in the chat goes on with what is open, whatever ends a stream but they themselves", () => {
  globalThis.window = { converse: { env: { Strophe: { Status: {}, ErrorCondition: {} } } } };
  const end = (given, login) => {
    let finished = false;
    const connection = { finishDisconnection: () => (finished = true), debouncedReconnect: { cancel() {} } };
    const { tell, reconnections } = page(connection, given, login);
    tell("connectionInitialized");
    connection.finishDisconnection();
    return { finished, goesOn: reconnections() === 1, reconnecting: connection.reconnecting ?? false };
  };
  const [goesOn, isOver] = [{ finished: false, goesOn: true, reconnecting: true }, { finished: true, goesOn: false, reconnecting: true }];
  assert.deepEqual(end({ worked: true }), goesOn);
  assert.deepEqual(end({ worked: true, refusal: "not-authorized" }), goesOn);
  assert.deepEqual(end({ worked: true, refusal: "temporary-auth-failure" }, "password"), goesOn);
  assert.deepEqual(end({ worked: true, refusal: "not-authorized" }, "password"), isOver);
  assert.deepEqual(end({ worked: true, closed: true }), isOver);
  assert.deepEqual(end({ worked: false }), { ...isOver, reconnecting: false });
});

test("a site that does not prebind closes nothing: the next connection finds what is open", () => {
  const connection = { debouncedReconnect: { cancel() {} } };
  const { tell, guard } = page(connection, { worked: true }, "prebind");
  tell("noResumeableBOSHSession");
  tell("connectionInitialized");
  assert.equal(connection.reconnecting, true);
  assert.equal(guard.worked, true);
});

test("an attempt that waits is not made once a stream works, nor by a connection that was given up", () => {
  const cancelled = [];
  const of = (name) => ({ debouncedReconnect: { cancel: () => cancelled.push(name) } });
  const { tell, api } = page(of("one"), { worked: true });
  tell("connectionInitialized");
  assert.deepEqual(cancelled, []);
  const two = of("two");
  api.connection.get = () => two;
  tell("connectionInitialized");
  assert.deepEqual(cancelled, ["one"]);
  tell("reconnected");
  assert.deepEqual(cancelled, ["one", "two"]);
});
