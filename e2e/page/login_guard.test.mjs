// How the page comes back to the chat after the server was lost, with the clock, chance and
// the site in the test's hands. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LoginGuard } from "../../static/js/chat/signin/loginGuard.js";
import { transport } from "../../static/js/chat/connection/transport.js";
import { onClock, pass, settle } from "./support.mjs";

const config = { user: "alice", meURL: "/xmpp/me", credentialsURL: "/xmpp/credentials", login: "token", trusted: true };
const settings = { get: () => undefined }; // BOSH: there is no WebSocket to look at
const api = { settings, connection: { get: () => null, authenticated: () => false } };

/** A page that has had a stream, and says nothing. */
function page() {
  const guard = new LoginGuard(config);
  guard.worked = true;
  guard.away = () => {};
  return guard;
}

/** What the site answers, and when it was asked: milliseconds after the clock began. */
function site(t, answer) {
  const asked = [];
  t.mock.method(globalThis, "fetch", async () => {
    asked.push(Date.now());
    return answer();
  });
  return asked;
}

const said = (status, body = {}) => () => ({ status, ok: status === 200, json: async () => body });

// Converse would come back after three seconds, and so would everybody else's: a server that
// has just restarted meets them one after the other instead (B-61).
test("a thousand pages that lose their streams together do not come back together", async (t) => {
  onClock(t);
  const pages = 1000;
  let n = 0;
  t.mock.method(Math, "random", () => n++ / pages); // each page its own chance, all of them even
  const asked = site(t, said(200, { user: "alice" }));
  for (let i = 0; i < pages; i++) void page().awaitTurn(api, false);
  await pass(t, 2000, 10);
  assert.equal(asked.length, pages, "all came back");
  const [first, last] = [Math.min(...asked), Math.max(...asked)];
  assert.ok(first >= 350 && last <= 1060, `between ${first} and ${last} ms`);
  const tenths = Array(10).fill(0);
  for (const at of asked) tenths[Math.min(9, Math.floor(((at - first) / (last - first + 1)) * 10))]++;
  assert.ok(Math.max(...tenths) <= pages / 10 + 20, `in tenths of the time: ${tenths}`);
});

// While the server stays away, each attempt waits longer, up to three quarters of a minute.
test("attempts become rarer while the site is away", async (t) => {
  onClock(t);
  t.mock.method(Math, "random", () => 0.5); // the middle of each wait
  const asked = site(t, said(503));
  void page().awaitTurn(api, false);
  await pass(t, 120_000);
  const waits = asked.map((at, i) => at - (asked[i - 1] ?? 0));
  assert.deepEqual(waits, [700, 1400, 2800, 5600, 11_200, 22_400, 30_000, 30_000]);
});

// Somebody who asks for it, or whose network is back, does not wait.
test("what people ask for is tried at once", async (t) => {
  onClock(t);
  const asked = site(t, said(200, { user: "alice" }));
  let passed = 0;
  void page().awaitTurn(api, true).then(() => passed++);
  await settle();
  assert.equal(passed, 1);
  const guard = page();
  void guard.awaitTurn(api, false).then(() => passed++);
  await settle();
  assert.equal(passed, 1);
  guard.retryNow();
  await settle();
  assert.equal(passed, 2);
  assert.deepEqual(asked, [0]);
});

// Converse asks for a token every two seconds for ever (converse.js #3575); here it is asked for
// as seldom as anything else, and not any more once nobody is signed in.
test("the fetch of a token is held back, and stops", async (t) => {
  onClock(t);
  t.mock.method(Math, "random", () => 0.5);
  let status = 503;
  const asked = site(t, () => said(status)());
  const guard = page();
  let told = "";
  guard.signedOut = () => ((told = "signed out"), new Promise(() => {}));
  let given = null;
  void guard.credentials(api).then((credentials) => (given = credentials));
  await pass(t, 60_000);
  assert.deepEqual(asked, [0, 700, 2100, 4900, 10_500, 21_700, 44_100]);
  status = 401;
  await pass(t, 300_000);
  assert.equal(asked.length, 8);
  assert.equal(told, "signed out");
  assert.equal(given, null);
});

test("a token that comes late is taken", async (t) => {
  onClock(t);
  t.mock.method(Math, "random", () => 0.5);
  const answers = [said(503), said(200, { jid: "alice@example.org", password: "token" })];
  site(t, () => answers.shift()());
  let given = null;
  void page().credentials(api).then((credentials) => (given = credentials));
  await pass(t, 1000);
  assert.deepEqual(given, { jid: "alice@example.org", password: "token" });
});

// As over a network that one has left: nothing comes, and nothing says so.
test("an answer that never comes is given up, and asked for again", async (t) => {
  onClock(t);
  t.mock.method(Math, "random", () => 0.5);
  t.mock.method(AbortSignal, "timeout", (ms) => {
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(new Error("it took too long")), ms);
    return giveUp.signal;
  });
  const asked = [];
  t.mock.method(globalThis, "fetch", (_, { signal }) => {
    asked.push(Date.now());
    if (asked.length > 1) return Promise.resolve(said(200, { user: "alice" })());
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  let passed = 0;
  void page().awaitTurn(api, false).then(() => passed++);
  await pass(t, 30_000);
  assert.deepEqual(asked, [700, 22_100]);
  assert.equal(passed, 1);
});

// A socket that the site closes before the stream begins goes unnoticed by Converse: as it does when somebody ends
// all their other sessions while a page comes back.
for (const [what, answers, ends, readyState = 3] of /** @type {const} */ ([
  ["it is closed, and nobody is signed in any more", [said(401)], { told: "signed out", attempts: 0, websocket: "/ws" }],
  ["it is closed, and the site is away for a while", [said(503), said(503), said(200, { user: "alice" })], { told: "", attempts: 1, websocket: "/ws" }],
  ["it is closed, and the site is there", [said(200, { user: "alice" })], { told: "", attempts: 1, websocket: undefined }],
  ["it is open, and the site is away: nothing is said of it yet", [said(503)], { told: "", attempts: 0, websocket: "/ws" }, 1],
])) {
  test(`a socket without a word: ${what}`, async (t) => {
    onClock(t);
    t.mock.method(Math, "random", () => 0.5);
    globalThis.WebSocket = /** @type {any} */ ({ OPEN: 1 });
    globalThis.sessionStorage = /** @type {any} */ ({ setItem() {} });
    let [told, attempts] = ["", 0];
    site(t, () => (answers.length > 1 ? answers.shift() : answers[0])());
    transport.connected(); // as a page that has had a stream
    const guard = page();
    guard.signedOut = () => (guard.close(), (told = "signed out"), new Promise(() => {}));
    const set = { websocket_url: "/ws", bosh_service_url: "/http-bind" };
    const closed = { settings: { get: (name) => set[name], set: (name, value) => (set[name] = value) }, user: {}, connection: { get: () => ({ _proto: { socket: { readyState } }, setProtocol() {} }), authenticated: () => attempts > 0 } };
    closed.user.login = async () => {
      await guard.awaitTurn(closed, false);
      attempts++;
    };
    guard.watch(closed);
    await pass(t, 60_000);
    assert.deepEqual({ told, attempts, websocket: set.websocket_url }, ends);
  });
}
