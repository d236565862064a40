import { expect, test } from "./fixtures.ts";
import { Visitor } from "../support/visitor.ts";

// What pages do with rooms of another server, by forms alone: who may see one, invite to
// it and delete it, the server says.

test("a room by invitation, from its making to its end, with the site restarted in between", { tag: "@once" }, async ({ site }) => {
  const alice = await Visitor.arrive(site, "alice");
  const bob = await Visitor.arrive(site, "bob");
  expect(await alice.submit("/", "/rooms", { name: "Den", about: "quiet", who: "invited" })).toBe(303);
  const rooms = await alice.get("/rooms");
  const listed = rooms.body.match(/href="\/rooms\/(den-[a-z0-9]+)"/);
  expect(listed, `the room is listed on a page of status ${rooms.status}: ${rooms.body.match(/<main[\s\S]*<\/main>/)?.[0]}`).not.toBeNull();
  const page = `/rooms/${listed![1]}`;

  await test.step("nobody else knows of it", async () => {
    expect((await bob.get("/rooms")).body).not.toContain(page);
    expect((await bob.get(page)).status).toBe(404);
    expect(await bob.submit("/rooms", `${page}/invite`, { user: "carol" })).toBe(403);
    expect(await bob.submit("/rooms", `${page}/delete`, {})).toBe(404);
  });

  // The server has to find its way back to the site (Prosody's first question fails).
  expect(await site.stop()).toEqual({ code: 0, signal: null });
  await site.start();

  await test.step("who is invited sees it, and may not delete it", async () => {
    expect(await alice.submit(page, `${page}/invite`, { user: "bob" })).toBe(303);
    const { status, body } = await bob.get(page);
    expect([status, body.includes("Delete this room")]).toEqual([200, false]);
    expect((await bob.get("/rooms")).body).toContain(page);
    expect(await bob.submit(page, `${page}/delete`, {})).toBe(404);
    expect((await alice.get(page)).body).toContain("Delete this room");
  });

  await test.step("its owner ends it", async () => {
    expect(await alice.submit(page, `${page}/delete`, {})).toBe(303);
    expect((await alice.get(page)).status).toBe(404);
    expect((await alice.get("/rooms")).body).not.toContain(page);
    expect((await bob.get("/rooms")).body).not.toContain(page);
  });
});
