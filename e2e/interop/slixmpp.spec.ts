import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "./native.ts";

const script = fileURLToPath(new URL("slixmpp_client.py", import.meta.url));
const python = "/usr/bin/python3"; // Debian's, which python3-slixmpp is for

function installed(): boolean {
  try {
    execFileSync(python, ["-c", "import slixmpp, aiohttp"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const cases = {
  test_mechanisms: "signs in by every SCRAM and PLAIN",
  test_as_it_comes: "signs in as it comes, with a channel binding that TLS 1.3 has not",
  test_wrong_password: "is told that a password is wrong",
  test_roster_and_chat: "has the members as contacts, and talks",
  test_history: "reads the archive page by page",
  test_carbons: "gets carbons",
  test_services: "asks for services, vCards and the block list",
  test_upload: "uploads a file",
  test_room: "talks in a room",
};

test.skip(!installed(), "python3-slixmpp or python3-aiohttp is not installed");

for (const [name, does] of Object.entries(cases)) {
  test(`slixmpp ${does}`, async ({ port }) => {
    const passwords = { alice: await port.appPassword("alice"), bob: await port.appPassword("bob") };
    const env = {
      PATH: process.env.PATH,
      FOYER_HOST: port.host,
      FOYER_PORT: port.port,
      FOYER_CERTIFICATE: port.certificate,
      FOYER_PASSWORDS: JSON.stringify(passwords),
    };
    await new Promise<void>((resolve, reject) => {
      execFile(python, [script, "-k", name], { env, timeout: 170_000 }, (error, out, err) => (error ? reject(new Error(out + err)) : resolve()));
    });
  });
}
