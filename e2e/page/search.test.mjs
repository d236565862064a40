// Where one searches. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

/** @type {any} */
const page = Object.assign(new EventTarget(), { body: { dataset: {} }, activeElement: null });
globalThis.document = page;
globalThis.window = {};
globalThis.Option = /** @type {any} */ (class {
  constructor(label, value, _byDefault = false, chosen = false) {
    Object.assign(this, { label, value, chosen });
  }
});
const { Search } = await import("../../static/js/chat/search/search.js");

/** A list to choose from, as browsers have it. */
class Select {
  options = [new Option("Everywhere", "")];
  #chosen = this.options[0];
  get value() {
    return this.#chosen?.value ?? "";
  }
  set value(value) {
    this.#chosen = this.options.find((option) => option.value === value);
  }
  get selectedOptions() {
    return this.#chosen ? [this.#chosen] : [];
  }
  add(option) {
    this.options.push(option);
    if (option.chosen) this.#chosen = option;
  }
  replaceChildren(...options) {
    this.options = options;
    if (!options.includes(this.#chosen)) this.#chosen = options[0];
  }
}

function search(...listed) {
  const where = new Select();
  const found = Object.assign(Object.create(Search.prototype), { config: { search: true }, filters: { elements: { namedItem: () => where } }, listed: () => listed });
  return { found, listed, where, labels: () => where.options.map(({ label }) => label) };
}

const bob = { jid: "bob@h", name: "Bob", room: false, last: { at: "2026-11-30" } };
const garden = { jid: "garden@rooms.h", name: "Garden", room: true };

test("where one can search stays as it is while somebody chooses, and is as the list is then", () => {
  const { found, listed, where, labels } = search(bob);
  found.fillWhere();
  where.value = "bob@h";
  page.activeElement = where;
  listed.unshift(garden);
  found.fillWhere();
  assert.deepEqual([labels(), where.value], [["Everywhere", "Bob"], "bob@h"]);
  page.activeElement = null;
  found.fillWhere();
  assert.deepEqual([labels(), where.value], [["Everywhere", "# Garden", "Bob"], "bob@h"]);
});

test("who is not listed can be searched, and is chosen once", () => {
  const { found, where, labels } = search(bob);
  for (let i = 0; i < 2; i++) {
    found.narrowTo("dave@h", "Dave");
    found.fillWhere();
    assert.deepEqual([labels(), where.value], [["Everywhere", "Bob", "Dave"], "dave@h"]);
  }
  found.narrowTo("", "");
  found.fillWhere();
  assert.deepEqual([labels(), where.value], [["Everywhere", "Bob"], ""]);
});

test("the site is asked whom one may mean once nothing more is typed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  t.mock.method(globalThis, "fetch", async (address) => (asked.push(String(address)), Response.json({ conversations: [] })));
  const { found } = search(bob);
  const told = [];
  Object.assign(found, { config: { search: true, jid: "alice@h", name: "Alice", roomsDomain: "rooms.h" }, asked: new AbortController(), options: { wait() {} }, tell: (text) => told.push(text), failed: (cause) => told.push(cause) });
  for (const text of ["from:z", "from:zo", "from:zoe"]) {
    found.field = { value: text };
    found.search(300);
    t.mock.timers.tick(200);
  }
  assert.deepEqual(asked, []);
  t.mock.timers.tick(100);
  await settle();
  assert.deepEqual(asked, ["/xmpp/find?q=zoe"]);
  assert.deepEqual(told, ["Nobody is called “zoe”."]);
});

test("where what was found is not enough to scroll, older messages are to be asked for", () => {
  const { found } = search();
  const onward = { hidden: true, textContent: "" };
  Object.assign(found, { config: { search: true }, field: { value: "tree" }, status: {}, onward });
  for (const [options, scrollHeight, answer, said, offered] of /** @type {[number, number, any, string, boolean][]} */ ([
    [0, 0, { next: "1" }, "Nothing found so far.", true],
    [2, 400, { next: "1" }, "2 found.", true],
    [20, 1200, { next: "1" }, "20 found. More come as you scroll.", false],
    [20, 1200, { next: "1", late: true }, "20 found. There was no time to look at everything.", true],
    [2, 400, {}, "2 found.", false],
    [0, 0, {}, "Nothing found. Try whole words.", false],
  ])) {
    Object.assign(found, { options: { all: () => Array(options) }, results: { scrollHeight, clientHeight: Math.min(scrollHeight, 700) } });
    found.counted(answer);
    assert.deepEqual([found.status.textContent, !onward.hidden], [said, offered], said);
  }
});
