// How soon the page is back when its network is, and how soon it gives a WebSocket up
// that says nothing: on a clock of the test's own. Run by `node --test e2e/page`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { followNetwork } from "../../static/js/chat/connection/connectivity.js";
import { LoginGuard } from "../../static/js/chat/signin/loginGuard.js";
import { transport } from "../../static/js/chat/connection/transport.js";
import { listeners, onClock, pass } from "./support.mjs";

const config = { user: "alice", jid: "alice@example.org", meURL: "/xmpp/me", credentialsURL: "/xmpp/credentials", login: "session", trusted: true };

/** A page on the test's clock, whose window takes events. */
function withWindow(t) {
  onClock(t);
  globalThis.WebSocket ??= { OPEN: 1 };
  globalThis.window = new EventTarget();
  window.converse = { env: { stx: String.raw, u: { getUniqueId: () => "ping" } } };
  t.mock.method(globalThis, "fetch", async () => ({ status: 200, ok: true, json: async () => ({ user: "alice" }) }));
  t.mock.method(Math, "random", () => 0.999); // the longest of each wait
}

/** A page that has had a stream, on which the server says nothing any more. */
function page(t) {
  const guard = new LoginGuard(config);
  guard.worked = true;
  const said = [];
  guard.away = () => said.push(navigator.onLine ? "reconnecting" : "offline");
  guard.watch = () => {};
  let alive = true; // as Converse sees it
  const back = [];
  const asked = [];
  const again = () => {
    asked.push(Date.now());
    alive = false;
    void guard.awaitTurn(api, false).then(() => back.push(Date.now()));
  };
  const connection = { reconnecting: false, debouncedReconnect: { flush: again } };
  const { listen, tell } = listeners();
  const api = {
    listen,
    settings: { get: () => undefined },
    sendIQ: () => new Promise(() => {}),
    connection: { get: () => connection, connected: () => alive, authenticated: () => alive, reconnect: again },
  };
  followNetwork({ api, session: { get: () => "example.org" } }, guard);
  const network = (there) => {
    navigator.onLine = there;
    window.dispatchEvent(new Event(there ? "online" : "offline"));
  };
  const reconnected = () => {
    alive = true;
    tell("reconnected");
  };
  return { guard, said, asked, back, network, connection, again, reconnected };
}

test("X-36: that there is no network is said at once, and a stream that went dead is replaced within two seconds of the next", async (t) => {
  withWindow(t);
  const { said, back, network } = page(t);
  network(false);
  assert.deepEqual(said, ["offline"]);
  await pass(t, 30_000, 1000);
  const there = Date.now();
  network(true);
  await pass(t, 2000);
  assert.equal(back.length, 1, "an attempt was made");
  assert.ok(back[0] - there <= 2000, `after ${back[0] - there} ms`);
});

test("X-36: so is one that was lost meanwhile, however long the page waits by then", async (t) => {
  withWindow(t);
  const { back, network, again } = page(t);
  network(false);
  again(); // Converse has noticed
  await pass(t, 300_000, 1000);
  assert.deepEqual(back, [], "nothing is tried without a network");
  const there = Date.now();
  network(true);
  await pass(t, 2000);
  assert.ok(back.length > 0 && back[0] - there <= 2000, `after ${back[0] - there} ms`);
});

test("X-36: and one for which Converse is waiting", async (t) => {
  withWindow(t);
  const { back, network, connection } = page(t);
  network(false);
  await pass(t, 30_000, 1000);
  connection.reconnecting = true;
  const there = Date.now();
  network(true);
  await pass(t, 2000);
  assert.ok(back.length > 0 && back[0] - there <= 2000, `after ${back[0] - there} ms`);
});

test("a new stream is not given up for an answer that the one before it owes", async (t) => {
  withWindow(t);
  const { asked, network, reconnected } = page(t);
  network(true); // from one network to another
  await pass(t, 600);
  network(true);
  await pass(t, 500);
  assert.equal(asked.length, 1, "the first question found that the stream is dead");
  reconnected();
  await pass(t, 3000);
  assert.equal(asked.length, 1);
});

for (const login of ["session", "token", "signed", "password", "typed"]) {
  test(`X-42: a WebSocket that opens and says nothing is given up for BOSH within five seconds, with ${login}`, async (t) => {
    withWindow(t);
    const fell = [];
    t.mock.method(transport, "fallBack", () => fell.push(Date.now()));
    const guard = new LoginGuard({ ...config, login });
    guard.handleGiveUp = async () => {};
    const api = {
      settings: { get: () => "wss://example.org/xmpp-websocket" },
      user: { login: async () => {} },
      connection: { get: () => ({ _proto: { socket: { readyState: WebSocket.OPEN } } }), authenticated: () => false },
    };
    void guard.awaitTurn(api, true); // as when somebody has typed a password; the others begin so by themselves
    await pass(t, 6000);
    assert.equal(fell.length, 1);
    assert.ok(fell[0] <= 5000, `after ${fell[0]} ms`);
  });
}
