import { randomUUID } from "node:crypto";
import type { Person, User } from "./person.ts";

/**
 * Sends stanzas by a stream of its own, as another client of the person would,
 * and returns when the server has taken them all in.
 */
export async function send(person: Person, stanzas: string[]): Promise<void> {
  await person.page.evaluate(stream, { jid: `${person.user}@localhost`, stanzas });
}

/** What is said to somebody, as a stanza. */
export const toPerson = (user: User, text: string): string => `<message xmlns="jabber:client" to="${user}@localhost" type="chat" id="${randomUUID()}"><body>${text}</body></message>`;

/** Runs in the page: signs in by the site's cookie (RFC 7395, SASL EXTERNAL), whichever quotes the server writes. */
async function stream({ jid, stanzas }: { jid: string; stanzas: string[] }): Promise<void> {
  const socket = new WebSocket(`ws://${location.host}/xmpp-websocket`, "xmpp");
  const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`;
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      socket.onmessage = ({ data }) => pattern.test(String(data)) && resolve();
      socket.onclose = () => reject(new Error(`the stream ended before it said ${pattern}`));
    });
  await new Promise((resolve) => (socket.onopen = resolve));
  const steps: [RegExp, string][] = [
    [/features/, open],
    [/<success/, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">${btoa(jid)}</auth>`],
    [/features/, open],
    [/ id=["']bind/, `<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`],
    // All at once: many are said in the same millisecond.
    [/ id=["']taken/, [...stanzas, `<iq xmlns="jabber:client" type="get" id="taken" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>`].join("\n")],
  ];
  for (const [answer, frames] of steps) {
    const answered = said(answer);
    for (const frame of frames.split("\n")) socket.send(frame);
    await answered;
  }
  socket.onclose = null;
  socket.close();
}
