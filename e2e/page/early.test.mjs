// A stream that begins before Converse is there. Run by `node --test e2e/page`; it needs no
// browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

/** A WebSocket in the test's hands. */
class Socket {
  static OPEN = 1;
  static made = [];
  readyState = 0;
  sent = [];
  constructor() {
    Socket.made.push(this);
  }
  send(frame) {
    this.sent.push(frame);
  }
  close() {
    this.readyState = 3;
    this.onclose?.({});
  }
  opens() {
    this.readyState = 1;
    this.onopen();
  }
  says(data) {
    this.onmessage({ data });
  }
}

/** Connects as Strophe does: a stream is opened, and each frame is answered when it is heard. */
class Websocket {
  heard = [];
  _connect() {
    this.socket = new Socket();
  }
  _closeSocket() {}
  _onOpen() {
    this.socket.send("<open/>");
  }
  _onInitialMessage({ data }) {
    this.heard.push(data);
    if (data.includes("EXTERNAL")) this.socket.send("<auth>YWxpY2U=</auth>");
    if (data === "<success/>") this.socket.send("<open/>");
    if (data === "<stream:features><bind/></stream:features>") this.socket.send("<iq/>");
  }
  _onClose() {
    this.heard.push("closed");
  }
}

async function begin() {
  Socket.made = [];
  Object.assign(globalThis, { WebSocket: Socket, location: { origin: "http://localhost" }, sessionStorage: { getItem: () => null } });
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  class Fresh extends Websocket {} // the patch is for a first attempt
  Fresh.prototype._connect = Websocket.prototype._connect;
  globalThis.window = { converse: { env: { Strophe: { Websocket: Fresh } } } };
  const { beginStream, joinStream } = await import("../../static/js/chat/connection/early.js");
  const early = beginStream({ login: "session", websocketURL: "/xmpp-websocket", domain: "localhost", jid: "alice@localhost" });
  return { early, join: () => joinStream(early), strophe: new Fresh(), socket: Socket.made[0] };
}

const names = (frames) => frames.map((frame) => /^<([\w:]+)/.exec(frame)[1]);

test("Strophe goes on with the stream that has begun, and says nothing twice", async () => {
  const { join, strophe, socket } = await begin();
  socket.opens();
  socket.says("<open/>");
  socket.says("<stream:features><mechanism>EXTERNAL</mechanism></stream:features>");
  socket.says("<success/>");
  socket.says("<open/>");
  socket.says("<stream:features><bind/></stream:features>");
  assert.deepEqual(names(socket.sent), ["open", "auth", "open"]);
  join();
  strophe._connect();
  await settle();
  assert.equal(Socket.made.length, 1);
  assert.deepEqual(names(socket.sent), ["open", "auth", "open", "iq"]);
  assert.deepEqual(names(strophe.heard), ["open", "stream:features", "success", "open", "stream:features"]);
  strophe._connect(); // the next attempt is Strophe's own
  assert.equal(Socket.made.length, 2);
});

test("a stream that is over by then is not taken", async () => {
  const { early, join, strophe } = await begin();
  early.close();
  join();
  strophe._connect();
  assert.equal(Socket.made.length, 2);
  assert.deepEqual(strophe.heard, []);
});
