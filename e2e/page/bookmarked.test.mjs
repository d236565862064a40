// Rooms that are bookmarked. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { awaitBookmarks, joinBookmarkedHidden } from "../../static/js/chat/room/bookmarked.js";

/** What Converse has: it opens a room when nothing else is open. */
function page(respected) {
  const [entered, opened] = [[], []];
  const create = async (jid, attributes) => (entered.push({ jid, ...attributes }), { maybeShow: () => opened.push(jid) });
  const api = { rooms: { create }, settings: { get: () => respected } };
  class Bookmarks {
    async openBookmarkedRoom(bookmark) {
      if (respected && bookmark.get("autojoin")) (await create(bookmark.get("jid"), {})).maybeShow();
      return bookmark;
    }
  }
  joinBookmarkedHidden(/** @type {any} */ ({ api, exports: { Bookmarks } }));
  return { entered, opened, bookmarks: new Bookmarks() };
}

test("a bookmarked room is entered, and does not open", async () => {
  const garden = new Model({ jid: "garden@rooms.localhost", autojoin: true, nick: "Alice" });
  const { entered, opened, bookmarks } = page(true);
  assert.equal(await bookmarks.openBookmarkedRoom(garden), garden);
  assert.deepEqual(entered, [{ jid: "garden@rooms.localhost", nick: "Alice", password: undefined }]);
  assert.deepEqual(opened, []);
});

test("a room that is not to be entered is not", async () => {
  for (const [respected, autojoin] of [[true, false], [false, true]]) {
    const { entered, bookmarks } = page(respected);
    await bookmarks.openBookmarkedRoom(new Model({ jid: "garden@rooms.localhost", autojoin }));
    assert.deepEqual(entered, []);
  }
});

test("what is told of bookmarks after a session has ended waits for those of the next", async () => {
  const promises = { bookmarksInitialized: Promise.resolve() };
  const api = { ...listeners(), promises: { add: (name) => (promises[name] = new Promise(() => {})) } };
  awaitBookmarks(/** @type {any} */ ({ api }));
  const told = [];
  const tell = (what) => void promises.bookmarksInitialized.then(() => told.push(what));
  tell("first");
  await settle();
  api.tell("clearSession");
  tell("second");
  await settle();
  assert.deepEqual(told, ["first"]);
});
