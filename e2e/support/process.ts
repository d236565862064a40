import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a process ended: its exit status, or the signal that ended it. */
export type End = { code: number | null; signal: NodeJS.Signals | null };

/** A program under test: what it said, and how it ended. */
export class Program {
  readonly lines: string[] = [];
  readonly ended: Promise<End>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<(line: string) => void>();

  /** It runs in the directory, if there is one, and leaves there what it leaves. */
  constructor(path: string, args: string[], env: Record<string, string>, directory?: string) {
    this.child = spawn(path, args, { cwd: directory, env: { ...inherited(), ...env }, stdio: ["pipe", "pipe", "pipe"] });
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) => resolve({ code, signal }));
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        for (const tell of this.waiting) tell(line);
      });
    }
  }

  /** Resolves with the first line that matches, said already or still to come. */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    for (const line of this.lines) {
      const match = line.match(pattern);
      if (match) return match;
    }
    let tell!: (line: string) => void;
    const said = new Promise<RegExpMatchArray>((resolve) => {
      tell = (line) => {
        const match = line.match(pattern);
        if (match) resolve(match);
      };
      this.waiting.add(tell);
    });
    const over = this.ended.then((end) => {
      throw new Error(`ended (${end.code ?? end.signal}) before it said ${pattern}:\n${this.lines.join("\n")}`);
    });
    return Promise.race([said, over]).finally(() => this.waiting.delete(tell));
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends a program that ends with its input. */
  closeInput(): void {
    this.child.stdin!.end();
  }
}

/**
 * The environment without the settings of a site that somebody works on. A program
 * with the race detector sleeps for a second before it ends, unless told otherwise.
 */
function inherited(): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "USER", "LANG", "GORACE"];
  const env = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]!]] : [])));
  return { GORACE: "atexit_sleep_ms=50", ...env };
}
