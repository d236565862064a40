import { type Agent, createClient } from "stanza";
import type { ReceivedMessage } from "stanza/protocol/index.js";
import type { Account, Door } from "./fixtures.ts";
import { Inbox } from "./inbox.ts";
import type { Talker } from "./talker.ts";

/** Somebody at stanza, over WebSocket. */
export class Stanza implements Talker {
  readonly messages = new Inbox<ReceivedMessage>();

  private constructor(readonly agent: Agent) {
    agent.on("message", (message) => this.messages.put(message));
  }

  static async signIn(door: Door, account: Account): Promise<Stanza> {
    const { jid, password } = await door.mint(account);
    const it = new Stanza(
      createClient({ jid, password, transports: { websocket: door.websocket, bosh: false }, autoReconnect: false }),
    );
    const started = it.waitFor("session:started", "disconnected");
    it.agent.connect();
    if ((await started) !== "session:started") throw new Error("stanza was disconnected at sign-in");
    it.agent.sendPresence();
    return it;
  }

  get jid(): string {
    return this.agent.jid;
  }

  async say(to: string, text: string): Promise<void> {
    this.agent.sendMessage({ to, type: "chat", id: text, body: text });
  }

  async hears(text: string): Promise<string> {
    return (await this.messages.take(`"${text}"`, (m) => m.body === text)).from;
  }

  /** Waits for the first of these events. */
  waitFor<E extends string>(...events: E[]): Promise<E> {
    return new Promise((resolve) => {
      for (const event of events) this.agent.once(event as never, (() => resolve(event)) as never);
    });
  }

  async end(): Promise<void> {
    if (!this.agent.sessionStarted) return;
    const ended = this.waitFor("disconnected");
    this.agent.disconnect();
    await ended;
  }
}
