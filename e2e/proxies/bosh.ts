import { randomInt } from "node:crypto";

/** What comes back for a body; over any kind of connection. */
export type Post = (body: string) => Promise<{ status: number; text: string }>;

const httpbind = `xmlns="http://jabber.org/protocol/httpbind"`;

/** A BOSH session (XEP-0124) that nobody has signed in to yet. */
export class BOSHSession {
  private constructor(
    private readonly post: Post,
    private readonly sid: string,
    private rid: number,
  ) {}

  /** Opens one whose polls wait for so many seconds. */
  static async open(post: Post, wait: number): Promise<BOSHSession> {
    const rid = randomInt(1_000_000);
    const { status, text } = await post(
      `<body ${httpbind} rid="${rid}" to="localhost" wait="${wait}" hold="1" ver="1.6" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"/>`,
    );
    const sid = text.match(/ sid=['"]([^'"]+)/)?.[1];
    if (!sid) throw new Error(`no BOSH session: ${status} ${text}`);
    return new BOSHSession(post, sid, rid);
  }

  /** Sends stanzas, or nothing: that is a poll, which waits until there is something to say. */
  send(stanzas = "", attributes = ""): ReturnType<Post> {
    return this.post(`<body ${httpbind} rid="${++this.rid}" sid="${this.sid}" ${attributes}>${stanzas}</body>`);
  }
}
