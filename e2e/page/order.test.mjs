// The order of messages. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";
import { keepOrder } from "../../static/js/chat/history/order.js";

test("messages of one millisecond stand in the archive's order", () => {
  class Box {
    getMessagesCollection() {
      return new Model();
    }
  }
  keepOrder({ exports: { ChatBox: Box, MUC: class extends Box {} } }, { key: () => "stanza_id" });
  const { comparator } = new Box().getMessagesCollection();
  const message = (name, time, id) => new Model({ name, time, stanza_id: id });
  const id = (n) => `0190a5b0-0000-7000-8000-00000000000${n}`; // ids of this site count up
  const said = [message("third", 5, id(3)), message("first", 4, id(9)), message("second", 5, id(2)), message("fourth", 6, id(1))];
  assert.deepEqual(said.sort(comparator).map((each) => each.get("name")), ["first", "second", "third", "fourth"]);
  const unknown = [message("one", 5, undefined), message("two", 5, id(1)), message("three", 5, "another server's")];
  assert.deepEqual(unknown.sort(comparator).map((each) => each.get("name")), ["one", "two", "three"]); // as they came
});

test("times that an earlier release kept are put right in the browser's store", () => {
  class Box extends Model {
    getMessagesCollection() {
      return new Model();
    }
  }
  keepOrder({ exports: { ChatBox: Box, MUC: class extends Box {} } }, { key: () => "stanza_id" });
  const [kept, said] = ["2026-01-02T05:05:00.000Z", "2026-01-02T05:00:00.000Z"];
  const id = `${Date.parse(said).toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-")}-7000-8000-000000000000`;
  const box = new Box({ seen_until: kept });
  const messages = box.getMessagesCollection();
  const read = messages.parse([{ time: kept, stanza_id: id, sender: "them" }, { time: said, sender: "them" }]);
  const saved = [];
  messages.models = read.map((attributes) => Object.assign(new Model(attributes), { save: ({ time }) => saved.push(time) }));
  messages.trigger("sync", new Model()); // one that came first was saved
  assert.deepEqual(saved, []);
  messages.trigger("sync", messages);
  messages.trigger("sync", messages);
  assert.deepEqual([read.map(({ time }) => time), saved, box.get("seen_until")], [[said, said], [said, said], said]);
});
