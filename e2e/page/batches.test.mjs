// What is written into the browser's store within a moment. Run by `node --test e2e/page`; it
// needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { writeWhole } from "../../static/js/chat/connection/batches.js";

/** A store of the browser, as Converse makes one, and the batches that came there. */
function store(fails) {
  const batches = [];
  const setItems = async (items) => {
    batches.push(items);
    if (fails) throw new Error("the disk is full");
  };
  const kept = (key) => batches.findLast((batch) => key in batch)?.[key] ?? null;
  const made = { setItems, getItem: async (key) => kept(key), getItems: async (keys) => Object.fromEntries(keys.map((key) => [key, kept(key)])), debouncedSetItems: undefined };
  writeWhole(made);
  return { made, batches };
}

test("what is written twice is kept as it was the second time", async () => {
  const { made, batches } = store();
  const first = made.debouncedSetItems?.({ message: { reactions: { alice: ["👍", "❤️"], bob: ["👍"] } }, list: ["message"] });
  const second = made.debouncedSetItems?.({ message: { reactions: { alice: ["❤️"] } } });
  await Promise.all([first, second]);
  assert.deepEqual(batches, [{ message: { reactions: { alice: ["❤️"] } }, list: ["message"] }]);
});

test("a page that goes away writes all that waits, whoever else began to write", async () => {
  const { made, batches } = store();
  const waits = made.debouncedSetItems({ one: 1 });
  made.debouncedSetItems = () => assert.fail("a second batch");
  made.debouncedSetItems({ two: 2 });
  made.debouncedSetItems.flush();
  assert.deepEqual(batches, [{ one: 1, two: 2 }]);
  await waits;
  made.debouncedSetItems.flush(); // nothing waits
  await made.debouncedSetItems({ three: 3 });
  assert.deepEqual(batches, [{ one: 1, two: 2 }, { three: 3 }]);
});

test("who waits hears that nothing could be written", async () => {
  const { made } = store(true);
  await assert.rejects(made.debouncedSetItems({ one: 1 }), /the disk is full/);
  await assert.rejects(made.debouncedSetItems({ two: 2 }), /the disk is full/);
});

test("many writes are one batch, as long as none waits too long for the others", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const { made, batches } = store();
  const pass = (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  for (let n = 0; now < 1500; n++) {
    void made.debouncedSetItems({ [n]: n });
    pass(10);
  }
  assert.deepEqual(batches.map((batch) => Object.keys(batch).length), [100]); // of a second
  pass(50);
  assert.deepEqual(batches.map((batch) => Object.keys(batch).length), [100, 50]);
});

test("what waits is written before it is read, and nothing else is", async () => {
  const { made, batches } = store();
  void made.debouncedSetItems({ list: ["one"], one: 1 });
  assert.equal(await made.getItem("another"), null);
  assert.deepEqual(batches, []);
  assert.deepEqual(await made.getItem("list"), ["one"]);
  assert.deepEqual(await made.getItems(["one", "another"]), { one: 1, another: null });
  void made.debouncedSetItems({ one: 2 });
  assert.deepEqual(await made.getItems(["another", "one"]), { another: null, one: 2 });
  assert.equal(batches.length, 2);
});
