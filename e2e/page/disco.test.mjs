// What a room can do, as the page learns it, with its server's answers in the test's
// hands. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { askRoomsInTurn } from "../../static/js/chat/connection/disco.js";

/** A room of Converse's, whose server answers when the test says so. */
function converse() {
  const questions = [];
  class MUC {
    refreshDiscoInfo() {
      return new Promise((resolve, reject) => questions.push({ resolve, reject }));
    }
  }
  const listeners = {};
  const api = { listen: { on: (name, listener) => (listeners[name] = listener) } };
  askRoomsInTurn({ api, exports: { MUC } });
  return { room: new MUC(), other: new MUC(), questions, lose: () => listeners.disconnected() };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a room is asked once more after the answer, however many changes came meanwhile", async () => {
  const { room, other, questions } = converse();
  const answers = [];
  room.refreshDiscoInfo().then((answer) => answers.push(answer));
  for (let i = 0; i < 3; i++) room.refreshDiscoInfo().then((answer) => answers.push(answer));
  assert.equal(questions.length, 1);
  void other.refreshDiscoInfo();
  assert.equal(questions.length, 2); // another room waits for nobody

  questions[0].resolve("before the changes");
  await settle();
  assert.deepEqual(answers, ["before the changes"]);
  assert.equal(questions.length, 3);
  questions[2].resolve("after them");
  await settle();
  assert.deepEqual(answers, ["before the changes", "after them", "after them", "after them"]);

  void room.refreshDiscoInfo();
  assert.equal(questions.length, 4);
});

test("a question that failed keeps no other from being asked", async () => {
  const { room, questions } = converse();
  const first = room.refreshDiscoInfo();
  void room.refreshDiscoInfo();
  questions[0].reject(new Error("no answer"));
  await assert.rejects(first);
  await settle();
  assert.equal(questions.length, 2);
});

test("with a new stream nothing waits for an answer to the stream before", () => {
  const { room, questions, lose } = converse();
  void room.refreshDiscoInfo();
  lose();
  void room.refreshDiscoInfo();
  assert.equal(questions.length, 2);
});
