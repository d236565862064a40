import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "./fixtures.ts";

/** A terminal with a program in it, kept by tmux, which a test types into and looks at. */
export class Terminal {
  private readonly socket = `foyer-${randomUUID()}`;
  private readonly home = mkdtempSync(join(tmpdir(), "foyer-terminal-"));
  private over = false;

  constructor(command: string) {
    const env = { PATH: process.env.PATH, HOME: this.home, LANG: "C.UTF-8", TERM: "xterm-256color" };
    this.tmux(["new-session", "-d", "-x", "160", "-y", "50", command], env);
  }

  /** Types a line and presses Enter. */
  type(line: string): void {
    this.tmux(["send-keys", "-l", line]);
    this.tmux(["send-keys", "Enter"]);
  }

  /** Waits until the screen shows it. */
  async sees(text: string | RegExp): Promise<void> {
    const matcher = typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text);
    await expect.poll(() => this.tmux(["capture-pane", "-p", "-J"])).toEqual(matcher);
  }

  async end(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.tmux(["kill-server"]);
    rmSync(this.home, { recursive: true, force: true });
  }

  private tmux(args: string[], env = process.env as Record<string, string | undefined>): string {
    return execFileSync("tmux", ["-L", this.socket, "-f", "/dev/null", ...args], { env, encoding: "utf8" });
  }
}
