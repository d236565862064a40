import { expect } from "@playwright/test";
import { WebSocket } from "ws";
import { names, password, type User } from "./person.ts";
import type { Site } from "./site.ts";
import { Visitor } from "./visitor.ts";

const MUC = "http://jabber.org/protocol/muc";

/** Somebody who is signed in and has no browser: all they do is to ask the site, and to say and hear something, which costs next to nothing. */
export class Client {
  /** What they heard, from the first to the last. */
  readonly heard: string[] = [];
  private socket!: WebSocket;
  private readonly listeners = new Set<(stanza: string) => void>();
  private said = 0;
  /** The last message of each conversation, by the id that one's account gives it. */
  private readonly last = new Map<string, string>();

  private constructor(
    readonly user: User,
    private readonly site: Site,
    private readonly visitor: Visitor,
  ) {}

  /** Signs in to the site by its form, and to the chat by whatever its pages would use. */
  static async signIn(site: Site, user: User): Promise<Client> {
    const client = new Client(user, site, await Visitor.arrive(site, user));
    await client.connect();
    return client;
  }

  /** Asks the site for something, as a script of its pages does. */
  ask(path: string, json?: object): Promise<Response> {
    return this.visitor.ask(path, json);
  }

  /** Says something to somebody, in a room that they entered, or in private to somebody there; resolves once the site has it. */
  say(text: string, to: User | `${string}@${string}` = "alice"): Promise<void> {
    return this.send(to, `<body>${escaped(text)}</body>`);
  }

  /** Answers what they said last, with its words before the answer, as for clients that know of no answers (XEP-0461 §3.1). */
  answer(quoted: string, text: string, to: User | `${string}@${string}` = "alice"): Promise<void> {
    const quote = `> ${quoted}\n`;
    const fallback = `<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="${quote.length}"/></fallback>`;
    return this.send(to, `<body>${escaped(quote + text)}</body><reply xmlns="urn:xmpp:reply:0" id="${this.user}-${this.said}"/>${fallback}`);
  }

  /** Says in other words (XEP-0308) what they said, which is the nth that they sent, with edits and deletions. */
  edit(nth: number, text: string, to: User | `${string}@${string}` = "alice"): Promise<void> {
    return this.send(to, `<body>${escaped(text)}</body><replace xmlns="urn:xmpp:message-correct:0" id="${this.user}-${nth}"/>`);
  }

  /** Takes back what they said to somebody (XEP-0424). */
  delete(nth: number, to: User = "alice"): Promise<void> {
    const fallback = `<body>/me retracted a message</body><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/>`;
    return this.send(to, `<retract xmlns="urn:xmpp:message-retract:1" id="${this.user}-${nth}"/>${fallback}`);
  }

  /** Tells their other devices that they read the conversation with somebody, up to what they heard last (XEP-0490). */
  async read(user: User): Promise<void> {
    const id = this.last.get(`${user}@localhost`);
    const displayed = `<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" by="${this.user}@localhost" id="${id}"/></displayed>`;
    const publish = `<publish node="urn:xmpp:mds:displayed:0"><item id="${user}@localhost">${displayed}</item></publish>`;
    const answer = await this.request(`<iq xmlns="jabber:client" type="set" id="read-${id}"><pubsub xmlns="http://jabber.org/protocol/pubsub">${publish}</pubsub></iq>`, new RegExp(`id="read-${id}"`));
    expect(answer).toMatch(/^<iq [^>]*type="result"/);
  }

  private async send(to: User | `${string}@${string}`, content: string): Promise<void> {
    const jid = to.includes("@") ? to : `${to}@localhost`;
    const type = jid === to && !to.includes("/") ? "groupchat" : "chat"; // XEP-0045 §7.5
    this.socket.send(`<message xmlns="jabber:client" type="${type}" to="${jid}" id="${this.user}-${++this.said}">${content}</message>`);
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

  /** Enters the chat; also once more, after they left. */
  async connect(): Promise<void> {
    this.socket = new WebSocket(`${this.site.url.replace("http", "ws")}/xmpp-websocket`, "xmpp", { origin: this.site.url, headers: { Cookie: this.visitor.cookie } });
    this.socket.on("message", (data) => {
      const stanza = String(data);
      const [, text] = stanza.match(/^<message .*<body>([^<]*)<\/body>/) ?? [];
      if (text !== undefined) this.heard.push(text);
      const [, by] = stanza.match(/^<message [^>]*\bfrom="([^"/]+)/) ?? [];
      const [, id] = stanza.match(/<stanza-id [^>]*\bid="([^"]+)"/) ?? [];
      if (by && id) this.last.set(by, id);
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
    await this.request(`<iq xmlns="jabber:client" type="get" id="there"><ping xmlns="urn:xmpp:ping"/></iq>`, /id="there"/); // what is said from now on, they hear
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

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
