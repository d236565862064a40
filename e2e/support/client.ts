import { expect } from "@playwright/test";
import { WebSocket } from "ws";
import { names, password, type User } from "./person.ts";
import type { Site } from "./site.ts";

const MUC = "http://jabber.org/protocol/muc";

/** Somebody who is signed in and has no browser: all they do is to ask the site, and to say and hear something, which costs next to nothing. */
export class Client {
  /** What they heard, from the first to the last. */
  readonly heard: string[] = [];
  private socket!: WebSocket;
  private readonly listeners = new Set<(stanza: string) => void>();
  private said = 0;

  private constructor(
    readonly user: User,
    private readonly site: Site,
    private readonly cookie: string,
  ) {}

  /** Signs in to the site by its form, and to the chat by whatever its pages would use. */
  static async signIn(site: Site, user: User): Promise<Client> {
    const page = await fetch(`${site.url}/signin`);
    const [, csrf] = (await page.text()).match(/name="csrf" value="([^"]+)"/)!;
    const body = new URLSearchParams({ csrf: csrf!, username: user, password, next: "/" });
    const answer = await fetch(`${site.url}/signin`, { method: "POST", body, redirect: "manual", headers: { Cookie: cookies(page) } });
    expect(answer.status).toBe(303);
    const client = new Client(user, site, cookies(answer));
    await client.connect();
    return client;
  }

  /** Asks the site for something, as a script of its pages does. */
  ask(path: string, json?: object): Promise<Response> {
    const headers = { Cookie: this.cookie, "Content-Type": "application/json" };
    return fetch(this.site.url + path, json ? { method: "POST", headers, body: JSON.stringify(json) } : { headers });
  }

  /** Says something to somebody, or in a room that they entered; resolves once the site has it. */
  async say(text: string, to: User | `${string}@${string}` = "alice"): Promise<void> {
    const [jid, type] = to.includes("@") ? [to, "groupchat"] : [`${to}@localhost`, "chat"];
    this.socket.send(`<message xmlns="jabber:client" type="${type}" to="${jid}" id="${this.user}-${++this.said}"><body>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</body></message>`);
    await this.request(`<iq xmlns="jabber:client" type="get" id="taken-${this.said}" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>`, new RegExp(`id="taken-${this.said}"`));
  }

  /** Makes a room for everybody, and enters it; its address. */
  async makeRoom(name: string): Promise<`${string}@${string}`> {
    const { jid } = (await (await this.ask("/xmpp/rooms", { name })).json()) as { jid: `${string}@${string}` };
    await this.enter(jid);
    return jid;
  }

  async enter(room: `${string}@${string}`, name: string = names[this.user]): Promise<void> {
    await this.request(`<presence xmlns="jabber:client" to="${room}/${name}"><x xmlns="${MUC}"><history maxstanzas="0"/></x></presence>`, /code="110"/);
  }

  /** Leaves the chat, and stays signed in to the site. */
  leave(): void {
    this.socket.close();
  }

  private async connect(): Promise<void> {
    this.socket = new WebSocket(`${this.site.url.replace("http", "ws")}/xmpp-websocket`, "xmpp", { origin: this.site.url, headers: { Cookie: this.cookie } });
    this.socket.on("message", (data) => {
      const stanza = String(data);
      const [, text] = stanza.match(/^<message .*<body>([^<]*)<\/body>/) ?? [];
      if (text !== undefined) this.heard.push(text);
      for (const listener of this.listeners) listener(stanza);
    });
    await new Promise((resolve, reject) => this.socket.once("open", resolve).once("error", reject));
    const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`;
    const features = await this.request(open, /features/);
    const credentials = await this.ask("/xmpp/credentials");
    const secret = credentials.ok ? ((await credentials.json()) as { password: string }).password : password;
    const [mechanism, initial] = features.includes("EXTERNAL") ? ["EXTERNAL", `${this.user}@localhost`] : ["PLAIN", `\0${this.user}\0${secret}`];
    await this.request(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="${mechanism}">${Buffer.from(initial!).toString("base64")}</auth>`, /<success/);
    await this.request(open, /features/);
    await this.request(`<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, /id="bind"/);
    this.socket.send(`<presence xmlns="jabber:client"/>`);
  }

  /** Sends something, and resolves with the answer. */
  private request(stanza: string, answer: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const listener = (said: string) => {
        if (!answer.test(said)) return;
        this.listeners.delete(listener);
        this.socket.off("close", ended);
        resolve(said);
      };
      const ended = () => reject(new Error(`the stream ended before it said ${answer}`));
      this.socket.once("close", ended);
      this.listeners.add(listener);
      this.socket.send(stanza);
    });
  }
}

const cookies = (answer: Response) => answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
