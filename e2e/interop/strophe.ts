import { $build, $msg, $pres, Strophe } from "strophe.js";
import XMLHttpRequest from "xhr2";
import type { Account, Door } from "./fixtures.ts";
import { Inbox } from "./inbox.ts";
import type { Talker } from "./talker.ts";

export { $build, Strophe };

// Over BOSH Strophe takes what the browser's XMLHttpRequest has parsed. Node has
// no such thing; xhr2 is one without a parser.
globalThis.XMLHttpRequest = class extends XMLHttpRequest {
  override get responseXML(): Document | null {
    return this.readyState === this.DONE && this.responseText ? new DOMParser().parseFromString(this.responseText, "text/xml") : null;
  }
};

Strophe.setLogLevel(Strophe.LogLevel.ERROR);

type Connection = InstanceType<typeof Strophe.Connection>;
export type StropheTransport = "websocket" | "bosh";

/** Somebody at strophe.js, over either transport. */
export class StropheJs implements Talker {
  readonly stanzas = new Inbox<Element>();
  private readonly statuses = new Inbox<number>();

  private constructor(readonly connection: Connection) {
    connection.addHandler((stanza: Element) => {
      this.stanzas.put(stanza);
      return true;
    }, "", "");
  }

  static async signIn(door: Door, account: Account, transport: StropheTransport): Promise<StropheJs> {
    const { jid, password } = await door.mint(account);
    const it = new StropheJs(new Strophe.Connection(door[transport], { enableStreamManagement: transport === "websocket" }));
    it.connection.connect(jid, password, (status: number) => it.statuses.put(status), 60);
    const connected = await it.statuses.take("the connection", (s) => s === Strophe.Status.CONNECTED || s === Strophe.Status.DISCONNECTED);
    if (connected !== Strophe.Status.CONNECTED) throw new Error(`strophe.js was disconnected at sign-in over ${transport}`);
    it.connection.send($pres());
    return it;
  }

  get jid(): string {
    return this.connection.jid;
  }

  async say(to: string, text: string): Promise<void> {
    this.connection.send($msg({ to, type: "chat", id: text }).c("body").t(text));
  }

  async hears(text: string): Promise<string> {
    const message = await this.stanzas.take(`"${text}"`, (s) => s.tagName === "message" && childText(s, "body") === text);
    return message.getAttribute("from")!;
  }

  /** The answer to an IQ; an error is thrown. */
  ask(iq: { type: "get" | "set"; to?: string }, name: string, attrs: Record<string, string>): Promise<Element> {
    const request = $build("iq", { ...iq, id: this.connection.getUniqueId() }).c(name, attrs);
    return new Promise((resolve, reject) => {
      this.connection.sendIQ(request.tree(), resolve, (error: Element | null) => reject(new Error(Strophe.serialize(error!) ?? "timeout")));
    });
  }

  async end(): Promise<void> {
    if (!this.connection.connected) return;
    this.connection.flush();
    this.connection.disconnect("the test is over");
    await this.statuses.take("the end", (s) => s === Strophe.Status.DISCONNECTED);
  }
}

function childText(element: Element, name: string): string | undefined {
  return element.getElementsByTagName(name)[0]?.textContent ?? undefined;
}
