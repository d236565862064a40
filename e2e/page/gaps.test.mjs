// What is asked of the archive, and what is missing of it. Run by `node --test e2e/page`; it
// needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { rememberGaps, withoutHoles } from "../../static/js/chat/history/gaps.js";

/** A conversation as Converse keeps it. */
class Chat extends Model {
  constructor(attributes, messages = []) {
    super(attributes);
    const models = messages.map((each) => new Model(each));
    this.messages = {
      models,
      filter: (matches) => models.filter(matches),
      findWhere: (wanted) => models.find(({ attributes: has }) => Object.entries(wanted).every(([name, value]) => has[name] === value)),
      add: (message) => models.push(message),
    };
  }

  isEntered() {
    return this.get("entered");
  }

  isChatMessage(message) {
    return Boolean(message.get("sender"));
  }
}

/** A page with one conversation, and the archive's answers in the test's hands. */
function page(chat, answer = () => ({ messages: [], complete: true })) {
  const asked = [];
  const fetched = [];
  const sent = [];
  globalThis.window = { converse: { env: { stx: String.raw, u: { getUniqueId: () => "id" }, utils: { mam: { fetchArchivedMessages: async (room, options) => fetched.push(options) } } } } };
  const { listen, tell } = listeners();
  const query = async (options) => (asked.push(options), answer(options));
  const api = { listen, archive: { query }, sendIQ: (iq) => sent.push(iq) };
  class MAMPlaceholderMessage extends Model {}
  rememberGaps({ api, exports: { MAMPlaceholderMessage, ChatBox: Chat, MUC: class extends Chat {} }, state: { chatboxes: { models: [chat], get: () => chat } } }, { key: () => KEY });
  return { api, asked, fetched, sent, tell };
}

const jid = "bob@localhost";
const KEY = "stanza_id alice@localhost";
const at = (time) => `2026-01-01T${time}Z`;

test("on each stream copies of what one says elsewhere are asked for at once", () => {
  const { sent, tell } = page(new Chat({ jid }));
  for (const stream of ["connected", "reconnected"]) {
    tell(stream);
    assert.match(sent.pop(), /<enable xmlns="urn:xmpp:carbons:2"\/>/);
  }
});

test("after a loss the archive is asked from the last message before it", async () => {
  const chat = new Chat({ jid }, [{ sender: "them", time: at("10:00:00") }, { sender: "me", time: at("10:05:00") }]);
  const { api, asked, tell } = page(chat);
  tell("will-reconnect");
  chat.messages.add(new Model({ sender: "them", time: at("10:10:00") })); // the next stream's
  const rsm = { before: "" };
  await api.archive.query({ mam: { with: jid }, rsm: { after: "id-1" } }); // whether something is unread: no answer to that
  await api.archive.query({ mam: { with: jid, start: at("10:10:00") }, rsm });
  await api.archive.query({ mam: { with: jid, start: at("10:10:00") }, rsm });
  assert.deepEqual(asked.map(({ mam }) => mam.start), [undefined, at("10:00:00"), at("10:10:00")]);
});

test("a gap in the history is there on the next page", async () => {
  const chat = new Chat({ jid });
  const oldest = { getElementsByTagName: () => [{ getAttribute: () => at("12:00:00") }] };
  const { api, tell } = page(chat, () => ({ messages: [oldest], complete: false, rsm: { result: { first: "id-51" } } }));
  await api.archive.query({ mam: { with: jid, start: at("10:00:00") }, rsm: { before: "" } });
  tell("afterMessagesFetched", chat);
  tell("afterMessagesFetched", chat); // once
  assert.deepEqual(
    chat.messages.models.map(({ attributes }) => attributes),
    [{ before: "id-51", start: at("10:00:00"), time: "2026-01-01T11:59:59.999Z", template_hook: "getMessageTemplate" }],
  );
});

test("a gap that was fetched is no gap any more", async () => {
  const chat = new Chat({ jid, gaps: [{ before: "id-51", start: at("10:00:00") }] });
  const { api } = page(chat);
  await api.archive.query({ mam: { with: jid, start: at("10:00:00") }, rsm: { before: "id-51" } });
  assert.deepEqual(chat.get("gaps"), []);
});

test("a room that is still entered is asked for what came last", () => {
  const messages = [{ sender: "them", time: at("10:00:00"), is_archived: true }];
  for (const [attributes, asks] of [[{ type: "chatroom", entered: true }, 1], [{ type: "chatroom", entered: false }, 0], [{ type: "chatbox" }, 0]]) {
    const room = new Chat({ jid, ...attributes }, messages);
    const { tell, fetched } = page(room);
    tell("afterMessagesFetched", room);
    assert.deepEqual(fetched, asks ? [{ mam: { start: at("10:00:00") }, rsm: { before: "" } }] : []);
  }
});

test("a gap whose messages were asked for on a stream that is lost can be asked for on the next", () => {
  const chat = new Chat({ jid }, [{ before: "id-51", fetching: true }, { sender: "them", time: at("10:00:00") }]);
  const { tell } = page(chat);
  const [gap] = chat.messages.models;
  tell("will-reconnect");
  gap.set("fetching", true); // on a stream that does not answer, and counts as connected until there is another
  tell("reconnected");
  assert.equal(gap.get("fetching"), false);
});

test("the archive is asked from the last message on of which it is known when it was said", async () => {
  const id = "019b7d1a-5000-7000-8000-000000000000"; // of this site's archive
  const said = [
    { time: at("10:00:00"), is_archived: true },
    { time: at("10:01:00"), [KEY]: "another-server-s", timed: true },
    { time: at("10:02:00"), [KEY]: id },
    { time: at("11:00:00"), [KEY]: "another-server-s" }, // by a browser's clock
    { sender: "me", time: at("11:01:00") },
    { sender: undefined, time: at("11:02:00"), is_archived: true }, // nobody's
  ].map((each) => ({ sender: "them", ...each }));
  for (const [length, start, asked] of [[6, "10:02:00", "10:02:00"], [2, "10:01:00", "10:00:00"], [1, "10:00:00", "09:59:00"]]) {
    const chat = new Chat({ jid }, said.slice(0, length));
    const { api, asked: queries } = page(chat);
    assert.equal(chat.getMostRecentMessage().get("time"), at(start));
    await api.archive.query({ mam: { with: jid, start: at(start) }, rsm: { before: "" } });
    assert.equal(Date.parse(queries[0].mam.start), Date.parse(at(asked)), "another server's clock may differ");
    await api.archive.query({ mam: { with: jid, start: at(start) }, rsm: { before: "id-51" } });
    assert.equal(queries[1].mam.start, at(start), "of a gap");
  }
  assert.equal(new Chat({ jid }, said.slice(4)).getMostRecentMessage(), undefined);
});

test("where the store has a hole, the archive is asked from the message before it, until it has told", async () => {
  const chat = new Chat({ jid }, ["10:00:00", "10:10:00"].map((time) => ({ sender: "them", time: at(time), is_archived: true })));
  const { api } = page(chat);
  const [before, after] = chat.messages.models;
  assert.equal(chat.getMostRecentMessage(), after);
  const stored = [{ time: at("10:00:00") }, null, { time: at("10:10:00") }];
  assert.deepEqual(withoutHoles(chat, stored), [stored[0], stored[2]]);
  assert.equal(chat.getMostRecentMessage(), before);
  const ask = (start) => api.archive.query({ mam: { with: jid, start }, rsm: { before: "" } });
  await ask(at("10:10:00"));
  assert.equal(chat.getMostRecentMessage(), before, "what was asked for came later");
  await ask(at("10:00:00"));
  assert.equal(chat.getMostRecentMessage(), after);
  assert.deepEqual(withoutHoles(chat, [null, stored[2]]), [stored[2]]);
  assert.equal(chat.getMostRecentMessage(), undefined, "all is asked for");
});
