import { client, type Element, xml, type XmppClient } from "@xmpp/client";
import WebSocket from "ws";
import type { Account, Door } from "./fixtures.ts";
import { Inbox } from "./inbox.ts";
import type { Talker } from "./talker.ts";

export { xml };

// @xmpp/client takes the platform's WebSocket, which Node has from version 22.
globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;

/** Somebody at @xmpp/client, over WebSocket. */
export class XmppJs implements Talker {
  readonly stanzas = new Inbox<Element>();
  jid = "";

  private constructor(readonly client: XmppClient) {
    client.on("stanza", (stanza) => this.stanzas.put(stanza as Element));
    client.on("error", () => {}); // it is thrown by what was waited for
  }

  static async signIn(door: Door, account: Account, presence = true): Promise<XmppJs> {
    const { jid } = await door.mint(account);
    const [username, domain] = jid.split("@") as [string, string];
    const it = new XmppJs(
      client({
        service: door.websocket,
        domain,
        // Asked again at every sign-in, since a token is good once.
        credentials: async (authenticate) => {
          const { password } = await door.mint(account);
          await authenticate({ username, password }, "PLAIN");
        },
      }),
    );
    it.jid = String(await it.client.start());
    if (presence) await it.client.send(xml("presence"));
    return it;
  }

  async say(to: string, text: string): Promise<void> {
    await this.client.send(xml("message", { to, type: "chat", id: text }, xml("body", {}, text)));
  }

  async hears(text: string): Promise<string> {
    const message = await this.stanzas.take(`"${text}"`, (s) => s.is("message") && s.getChildText("body") === text);
    return message.attrs.from!;
  }

  /** Loses the connection as a network does, and waits until the library is back. */
  async stumble(): Promise<"resumed" | "online"> {
    const back = new Promise<"resumed" | "online">((resolve) => {
      this.client.streamManagement.once("resumed", () => resolve("resumed"));
      this.client.once("online", () => resolve("online"));
    });
    (this.client.socket!.socket as unknown as WebSocket).terminate();
    return back;
  }

  async end(): Promise<void> {
    await this.client.stop();
  }
}
