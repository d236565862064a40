// In mode `session` no credential ever reaches the page: nothing that a script
// could read there is of any use without the cookie, which it cannot read.

import { type BrowserContext, expect as is } from "@playwright/test";
import { WebSocket } from "ws";
import { expect, password, type Person, type Site, test } from "./support/test.ts";

test.use({ serviceWorkers: "allow" });

/** Everything that a script in the page could come by. */
class Reachable {
  private readonly pending: Promise<void>[] = [];
  readonly texts: string[] = [];

  constructor(context: BrowserContext) {
    context.on("response", (response) => {
      if (response.status() >= 300 && response.status() < 400) return; // has no body
      this.pending.push(response.text().then((text) => void this.texts.push(text), () => undefined));
    });
    context.on("page", (page) => {
      page.on("websocket", (socket) => {
        for (const event of ["framesent", "framereceived"] as const) {
          socket.on(event as "framesent", ({ payload }) => void this.texts.push(String(payload)));
        }
      });
    });
  }

  async all(person: Person): Promise<string> {
    await Promise.all(this.pending);
    return [...this.texts, await fromThePage(person)].join("\n");
  }
}

/** The document, the storages and the cookies that scripts see. */
function fromThePage(person: Person): Promise<string> {
  return person.page.evaluate(async () => {
    const rows: unknown[] = [document.documentElement.outerHTML, document.cookie, { ...localStorage }, { ...sessionStorage }];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve) => {
        const open = indexedDB.open(name!);
        open.onsuccess = () => resolve(open.result);
      });
      for (const store of db.objectStoreNames) {
        const read = db.transaction(store).objectStore(store).getAll();
        rows.push(await new Promise((resolve) => (read.onsuccess = () => resolve(read.result))));
      }
      db.close();
    }
    return JSON.stringify(rows);
  });
}

for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`session over ${transport}`, () => {
    test.use({ login: "session", transport });

    test("nothing in the page is a credential, and what it does know is refused without the cookie", async ({ visit, site }) => {
      const alice = await visit("alice");
      const reachable = new Reachable(alice.context);
      const page = await alice.context.newPage(); // one whose frames are seen from the start
      const seen = alice.at(page);
      await seen.signIn();
      await seen.talkTo("bob");
      await seen.say("hello");
      await page.reload();
      await seen.enterChat();
      await expect(seen.message("hello")).toBeVisible();

      const cookie = (await alice.context.cookies()).find((c) => c.name === "foyer");
      is(cookie, "the session's cookie").toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
      const text = await reachable.all(seen);
      expect(text).toContain("hello"); // the net does catch what goes by
      expect(text).not.toContain(cookie!.value);
      expect(text.replaceAll(/Development only; the password is <code>[^<]*<\/code>|data-fill-password="[^"]*"/g, "")).not.toContain(password);
      expect(text).not.toMatch(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/); // a JWT
      expect(text).not.toMatch(/mechanism=["'](PLAIN|SCRAM|OAUTHBEARER|X-OAUTH2)/);
      for (const path of ["/xmpp/credentials", "/xmpp/prebind"]) {
        const response = await alice.context.request.get(site.url + path, { headers: { Accept: "application/json" } });
        expect(response.status(), `${path} in mode session`).toBe(404);
      }

      const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
      if (transport === "bosh") {
        const { sid, rid } = boshSession(kept);
        const body = `<body xmlns="http://jabber.org/protocol/httpbind" sid="${sid}" rid="${rid}"/>`;
        const answer = await fetch(`${site.url}/http-bind`, { method: "POST", body, headers: { Origin: site.url } });
        expect(await answer.text()).toContain('condition="item-not-found"');
      } else {
        const id = kept.match(/\\?"smacks_stream_id\\*":\\*"([^"\\]+)/)![1]!;
        const answers = await talk(site, [
          `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`,
          `<resume xmlns="urn:xmpp:sm:3" h="0" previd="${id}"/>`,
        ]);
        expect(answers).toContain("features");
        expect(answers).not.toContain("EXTERNAL");
        expect(answers).not.toContain("<resumed");
      }
      await seen.say("still here");
    });
  });
}

/** The session that Strophe keeps for a reload. */
function boshSession(kept: string): { sid: string; rid: number } {
  const raw = (JSON.parse(kept) as Record<string, string>)["strophe-bosh-session"]!;
  return JSON.parse(raw) as { sid: string; rid: number };
}

/** Somebody without a cookie, as a page of the site: says each line once the server has answered the one before. */
async function talk(site: Site, lines: string[]): Promise<string> {
  const socket = new WebSocket(`${site.url.replace("http", "ws")}/xmpp-websocket`, "xmpp", { origin: site.url });
  const answers: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const next = () => socket.send(lines.shift()!);
    socket.on("open", next);
    socket.on("close", () => resolve());
    socket.on("error", reject);
    socket.on("message", (data) => {
      answers.push(String(data));
      if (!/^<(stream:)?features|<failed|<resumed|error/.test(String(data))) return;
      if (lines.length > 0) next();
      else resolve();
    });
  });
  socket.close();
  return answers.join("\n");
}
