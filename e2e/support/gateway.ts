import { type End, Program } from "./process.ts";
import { binary } from "./site.ts";

/** The gateway by itself (foyer gateway), at a port of loopback. */
export class Gateway {
  private program!: Program;

  constructor(
    private readonly port: number,
    private readonly settings: Record<string, string>,
  ) {}

  get lines(): string[] {
    return this.program.lines;
  }

  async start(): Promise<void> {
    this.program = new Program(binary, ["gateway"], { APP_ENV: "development", ADDR: `localhost:${this.port}`, ...this.settings });
    await this.program.says(/^The gateway is at /);
  }

  /** Stops it in order (SIGTERM); the promise says how it ended. */
  stop(): Promise<End> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }
}
