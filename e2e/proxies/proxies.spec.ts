// What the site needs of the proxy in front of it. Each runs from the file that
// deploy/ has for it, with only the names, ports and paths changed.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Response } from "@playwright/test";
import { SaxesParser } from "saxes";
import { BOSHSession, type Post } from "./bosh.ts";
import { askOver, type Client } from "./client.ts";
import { expect, type Finding, test, wrongPasswords } from "./fixtures.ts";

const largest = 25_000_000; // UPLOAD_MAX_SIZE

/** Posts to the BOSH endpoint over HTTP/1.1. */
const postTo = (client: Client): Post => (body) => client.ask("/http-bind", { method: "POST", body, headers: { "content-type": "text/xml" } });

test("people sign in, chat over WebSocket and BOSH, and send the largest file", async ({ visit, front }, info) => {
  const alice = await visit("alice");
  const bob = await visit("bob");
  await bob.context.routeWebSocket(/\/xmpp-websocket/, (socket) => socket.close({ code: 1006 }));
  await alice.signIn();
  await bob.signIn();
  const protocol = await alice.page.evaluate(() => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).nextHopProtocol);
  expect(protocol, "of pages").toBe("h2");
  for (const cookie of await alice.context.cookies()) {
    expect(cookie, "a cookie of the site").toMatchObject({ secure: true, httpOnly: true, sameSite: "Lax", name: expect.stringMatching(/^__Host-/) });
  }

  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("through the proxy");
  await bob.hears("through the proxy");
  await bob.say("and back");
  await alice.hears("and back");

  const file = info.outputPath("large.bin");
  writeFileSync(file, randomBytes(largest));
  await alice.page.locator("#chat input[type=file]").setInputFiles(file);
  await alice.page.getByTitle("Send the message").click();
  const link = bob.page.locator('#chat .chat-msg a[href$="/large.bin"]').first();
  await expect(link).toBeVisible();
  const address = (await link.getAttribute("href"))!;
  const got = await bob.page.evaluate(async (url) => (await (await fetch(url)).arrayBuffer()).byteLength, address);
  expect(got).toBe(largest);

  // The addresses of files are secrets; a log is no place for them.
  const [, secret] = new URL(address).pathname.match(/^\/upload\/([^/]+)/)!;
  for (const log of front.proxy.logs()) expect(log).not.toContain(secret);
});

test("plain http leads to https", async ({ front }) => {
  const response = await fetch(`${front.proxy.plainURL}/people?q=a`, { redirect: "manual" });
  expect([301, 302, 308]).toContain(response.status);
  expect(new URL(response.headers.get("location")!)).toMatchObject({ protocol: "https:", hostname: "localhost", pathname: "/people", search: "?q=a" });
});

test("pages and scripts come compressed", async ({ client }) => {
  const page = await client.ask("/", { headers: { "accept-encoding": "gzip, deflate, br" } });
  expect(page.status).toBe(200);
  expect(page.headers["content-encoding"]).toMatch(/gzip|br/);
  const plain = await client.ask("/");
  expect(plain.headers["content-encoding"]).toBeUndefined();
  const script = plain.text.match(/src="(\/static\/[^"]+converse\.min\.js|\/static\/[^"]+(?:visitor|member)\.js)"/)![1]!;
  const packed = await client.ask(script, { headers: { "accept-encoding": "gzip, deflate, br" } });
  expect(packed.headers["content-encoding"]).toMatch(/gzip|br/);
  expect(packed.headers["cache-control"]).toContain("immutable");
});

// only what the proxy itself adds to X-Forwarded-For counts.
test("a forged X-Forwarded-For counts for nothing", async ({ client }) => {
  const guess = async (from: string, forged: string) => {
    const page = await client.ask("/signin", { from });
    const [, csrf] = page.text.match(/name="csrf" value="([^"]+)"/)!;
    const cookie = page.headers["set-cookie"]!.map((each: string) => each.split(";")[0]!).join("; ");
    const body = new URLSearchParams({ csrf: csrf!, username: `nobody${forged.at(-1)}`, password: "guess" }).toString();
    const headers = { cookie, "content-type": "application/x-www-form-urlencoded", "x-forwarded-for": forged };
    return (await client.ask("/signin", { method: "POST", from, headers, body })).status;
  };
  for (let i = 0; i < wrongPasswords; i++) expect(await guess("127.0.0.2", `192.0.2.${i}`)).not.toBe(429);
  expect(await guess("127.0.0.2", "192.0.2.9"), "the same client, under another name").toBe(429);
  expect(await guess("127.0.0.3", "127.0.0.2"), "another client").not.toBe(429);
});

// even where the site itself would tell, as it does in development.
test("metrics cannot be reached from outside", async ({ client, front }) => {
  const direct = await fetch(`http://127.0.0.1:${front.port}/metrics`);
  expect(await direct.text()).toContain("foyer_");
  for (const path of ["/metrics", "/metrics/", "/METRICS", "/%6detrics", "//metrics", "/./metrics", "/x/../metrics", "/metrics?x", "/metrics;x"]) {
    const answer = await client.ask(path);
    expect([301, 400, 403, 404], path).toContain(answer.status);
    expect(answer.text, path).not.toContain("foyer_");
  }
});

// cookies of the domain's other programs.
test("a header full of cookies is the site's to answer", async ({ client }) => {
  const cookie = Array.from({ length: 8 }, (_, i) => `other${i}=${"x".repeat(3900)}`).join("; ");
  const answer = await client.ask("/xmpp/me", { headers: { cookie } });
  expect([answer.status, answer.headers["content-type"]]).toEqual([401, "application/json"]);
});

test("addresses come as they were written", async ({ client, front }) => {
  for (const path of ["/upload/secret/a%20b%2Fc%3F.png", "/rooms/a%2Fb%25", "/people?q=%2B%26", "/static/x/../y", "/xmpp/me"]) {
    const direct = await fetch(`http://127.0.0.1:${front.port}${path}`, { redirect: "manual" });
    const answer = await client.ask(path);
    expect([answer.status, answer.headers.location], path).toEqual([direct.status, direct.headers.get("location") ?? undefined]);
  }
});

// Apache has threads for them, of which Debian's own settings allow 150.
test("hundreds chat at once, and pages are served beside them", async ({ client }) => {
  await Promise.all(Array.from({ length: 200 }, () => client.webSocket()));
  const answered: string[] = [];
  const connections = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const connection = await client.http2();
      const bosh = await BOSHSession.open((body) => askOver(connection, "/http-bind", body), 25);
      const note = (outcome: unknown) => void answered.push(outcome instanceof Error ? String(outcome) : JSON.stringify(outcome));
      void bosh.send().then(note, note);
      return connection;
    }),
  );
  const pages = await Promise.all(connections.slice(0, 5).map((connection) => askOver(connection, "/signin")));
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(answered, "polls that did not wait").toEqual([]);
});

/** Whether an answer is what Strophe reads it as: a body of BOSH, in XML. */
function isBody(text: string): boolean {
  const parser = new SaxesParser({ xmlns: true });
  let root: string | undefined;
  parser.on("opentag", ({ uri, local }) => (root ??= `${uri} ${local}`));
  try {
    parser.write(text).close();
  } catch {
    return false;
  }
  return root === "http://jabber.org/protocol/httpbind body";
}

/** Opens a BOSH session through a proxy, and polls once; nobody has anything to say. */
async function poll(client: Client, wait: number): Promise<{ status: number; isBody: boolean; seconds: number }> {
  const bosh = await BOSHSession.open(postTo(client), wait);
  const start = performance.now();
  const { status, text } = await bosh.send();
  return { status, isBody: isBody(text), seconds: Math.round((performance.now() - start) / 1000) };
}

// B-60: the failure of Converse's guide, an error page of the proxy where XML is awaited.
test("a time-out below the wait makes a poll fail; ours is above it", async ({ impatient }) => {
  const [bad, good] = await Promise.all([impatient(1), impatient(4)]);
  const [failed, answered] = await Promise.all([poll(bad, 3), poll(good, 3)]);
  expect(failed.isBody).toBe(false);
  expect([502, 504]).toContain(failed.status);
  expect(answered).toMatchObject({ status: 200, isBody: true });
  expect(answered.seconds, "it was held").toBeGreaterThanOrEqual(3);
});

// The test's own requests come from the proxy's machine, so that whom the site believes cannot be told; and the limit of wrong
// passwords may have been met by the test above, which guesses them at the same site.
const untold = ["client addresses", "limits"];
const healthy = (found: Record<string, Finding>) =>
  expect(Object.values(found).filter(({ state, check }) => state !== "ok" && !untold.includes(check))).toEqual([]);

test("foyer doctor finds nothing to mend", async ({ doctor }) => {
  const found = await doctor(["--quick"]);
  healthy(found);
  expect(Object.keys(found)).toEqual(expect.arrayContaining(["certificate", "site", "host-meta", "WebSocket", "BOSH", "uploads", "metrics", "cookies"]));
});

test("foyer doctor waits for a minute", { tag: "@interop" }, async ({ doctor }) => {
  test.setTimeout(240_000);
  const found = await doctor();
  healthy(found);
  expect(found.BOSH!.text).toMatch(/a poll waited for (59|1m)/);
});

test("foyer doctor names what to change where the proxy does not wait", { tag: "@interop" }, async ({ doctor, impatient, kind }) => {
  const { proxy } = await impatient(10);
  const { BOSH } = await doctor([], proxy);
  expect(BOSH).toMatchObject({ state: "fail", text: expect.stringMatching(/the proxy gave up a poll after (10|11)s, with 50[24]/) });
  const directives = { nginx: "proxy_read_timeout 75s; in foyer.conf", apache: "timeout=75 of ProxyPass in foyer.conf", caddy: "response_header_timeout 75s in the Caddyfile" };
  expect(BOSH!.mend).toContain(directives[kind]);
});

test("a page that polls for a minute meets no error", { tag: "@interop" }, async ({ visit }) => {
  test.setTimeout(240_000);
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await bob.context.routeWebSocket(/\/xmpp-websocket/, (socket) => socket.close({ code: 1006 }));
  await alice.signIn();
  await bob.signIn();
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  const whole = (response: Response) => response.url().endsWith("/http-bind") && response.request().timing().responseStart > 58_000; // ms
  await bob.page.waitForResponse(whole, { timeout: 200_000 });
  await alice.say("a minute later");
  await bob.hears("a minute later");
});
