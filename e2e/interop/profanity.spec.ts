import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Port, test } from "./native.ts";
import { Terminal } from "./terminal.ts";
import { XmppJs, xml } from "./xmppjs.ts";

function installed(...programs: string[]): boolean {
  try {
    for (const program of programs) execFileSync("which", [program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test.skip(!installed("profanity", "tmux"), "profanity or tmux is not installed");

/** Signs alice in, at a terminal that has never seen her. */
async function signIn(port: Port, password: string): Promise<Terminal> {
  const terminal = new Terminal("profanity");
  await terminal.sees("Type '/help'");
  terminal.type("/mam on");
  await terminal.sees(/Message Archive Management.*enabled/i);
  // Nobody vouches for the certificate of this test; slixmpp's tests check it.
  terminal.type(`/connect alice@localhost server ${port.host} port ${port.port} tls trust`);
  await terminal.sees("Enter password");
  terminal.type(password);
  await terminal.sees("logged in successfully");
  return terminal;
}

test("profanity, a terminal client: sign in, contacts, chat, room, upload, history", async ({ door, port, ending }) => {
  const password = await port.appPassword("alice");
  const bob = ending(await XmppJs.signIn(door, "bob"));
  const alice = ending(await signIn(port, password));
  await alice.sees(/Online[\s\S]*Bob Baker[\s\S]*Away[\s\S]*Offline[\s\S]*Carol Costa/);

  alice.type("/msg bob@localhost hello from a terminal");
  const address = await bob.hears("hello from a terminal");
  expect(address).toMatch(/^alice@localhost\/profanity/);
  await bob.say(address, "hello from elsewhere");
  await alice.sees("hello from elsewhere");

  const file = join(tmpdir(), `note-${process.pid}.txt`);
  writeFileSync(file, "a note");
  alice.type(`/sendfile ${file}`);
  const shared = await bob.stanzas.take("the file's address", (s) => s.getChildText("body")?.includes("/upload/") ?? false);
  const answer = await fetch(shared.getChildText("body")!);
  expect(await answer.text()).toBe("a note");
  rmSync(file);

  const room = "terminal@conference.localhost";
  alice.type(`/join ${room} nick Al`);
  await alice.sees("Room locked");
  alice.type("/room accept");
  await alice.sees("Room unlocked");
  await bob.client.send(xml("presence", { to: `${room}/Bo` }, xml("x", { xmlns: "http://jabber.org/protocol/muc" })));
  await alice.sees(/Participants[\s\S]*Bo\s/);
  alice.type("hello, room");
  expect(await bob.hears("hello, room")).toBe(`${room}/Al`);
  await bob.client.send(xml("message", { to: room, type: "groupchat" }, xml("body", {}, "hello, terminal")));
  await alice.sees("Bo: hello, terminal");

  await alice.end();
  const again = ending(await signIn(port, password));
  again.type("/disco info localhost");
  await again.sees("urn:xmpp:mam:2"); // it knows by now that there is an archive to ask
  again.type("/msg bob@localhost");
  await again.sees(/hello from a terminal[\s\S]*hello from elsewhere/);
});
