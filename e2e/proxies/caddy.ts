import { readFileSync } from "node:fs";
import type { SetUp } from "./setUp.ts";

export const caddy: SetUp = {
  program: "caddy",
  shipped: "caddy/Caddyfile",
  names: ({ site, certificate }) => [
    ["127.0.0.1:3000", `127.0.0.1:${site}`],
    // In place of the certificate that Caddy gets for a public name.
    ["chat.example.org {", `localhost {\n\ttls ${certificate.cert} ${certificate.key}`],
  ],
  timeout: (seconds) => ["response_header_timeout 75s", `response_header_timeout ${seconds}s`],
  main: ({ dir, http, https }, shipped) => `{
      admin off
      default_bind 127.0.0.1
      http_port ${http}
      https_port ${https}
      storage file_system ${dir}
      grace_period 1s
    }
    ${readFileSync(shipped, "utf8")}
  `,
  args: (main) => ["run", "--adapter", "caddyfile", "--config", main],
  ready: /serving initial configuration/,
};
