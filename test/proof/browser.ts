import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { MissingTool } from "./tools";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** The name of a Chromium that is on PATH. @throws MissingTool */
export function findBrowser(): string {
  const found = NAMES.find((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0);
  if (found === undefined) throw new MissingTool(`there is none of ${NAMES.join(", ")} on PATH; on Debian, run apt-get install chromium`);
  return found;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

type Parameters = Readonly<Record<string, unknown>>;

/** A page in a real browser, by its DevTools protocol over two pipes. */
export class Browser {
  private readonly home = mkdtempSync(join(tmpdir(), "platform-postgres-browser-"));
  private readonly process: ChildProcess;
  private readonly pending = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  private readonly listeners = new Set<(message: Message) => void>();
  private last = 0;
  private session: string | undefined;

  constructor(program: string) {
    // Root, as in containers, has no sandbox; the pages are our own.
    const isRoot = process.getuid?.() === 0;
    const options = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run"];
    const args = [...options, `--user-data-dir=${this.home}`, ...(isRoot ? ["--no-sandbox"] : []), "about:blank"];
    this.process = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.process.on("exit", () => this.fail(new Error(`${program} has ended`)));
    this.process.on("error", (error) => this.fail(error));
    let rest = "";
    const output = this.process.stdio[4] as Readable;
    output.setEncoding("utf8");
    output.on("data", (chunk: string) => {
      const messages = `${rest}${chunk}`.split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.receive(JSON.parse(message) as Message);
    });
    (this.process.stdio[3] as Writable).on("error", () => undefined);
  }

  private fail(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }

  private receive(message: Message): void {
    const waiting = this.pending.get(message.id ?? -1);
    if (waiting === undefined) for (const listener of this.listeners) listener(message);
    else if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(message.error.message));
    this.pending.delete(message.id ?? -1);
  }

  private send<T>(method: string, params: Parameters = {}): Promise<T> {
    const id = ++this.last;
    const { session: sessionId } = this;
    return new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: (result) => resolve(result as T), reject });
      (this.process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async start(): Promise<void> {
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
    this.session = (await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await this.send(`${domain}.enable`);
  }

  /** Opens a file, or an address. @returns what it loads besides, and what its console says. */
  async open(file: string, width: number, scheme: "light" | "dark"): Promise<{ loads: readonly string[]; console: readonly string[] }> {
    const loads: string[] = [];
    const said: string[] = [];
    const url = file.startsWith("http:") ? file : `file://${file}`;
    await this.send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    let loaded: () => void = () => undefined;
    const isLoaded = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    const listener = ({ method, params = {} }: Message) => {
      if (method === "Page.loadEventFired") loaded();
      if (method === "Network.requestWillBeSent") {
        const { request } = params as { request: { url: string } };
        if (request.url !== url && !request.url.startsWith("data:")) loads.push(request.url);
      }
      if (method === "Log.entryAdded") said.push((params as { entry: { text: string } }).entry.text);
      if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") said.push(JSON.stringify(params));
    };
    this.listeners.add(listener);
    const { errorText } = await this.send<{ errorText?: string }>("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await isLoaded;
    await this.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)))");
    this.listeners.delete(listener);
    return { loads, console: said };
  }

  /** The value of an expression, in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    interface Evaluated {
      readonly result: { readonly value: T };
      readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
    }
    const { result, exceptionDetails } = await this.send<Evaluated>("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? "the page has thrown");
    return result.value;
  }

  /** Writes the page as a picture, down to a height: Chromium pictures no page of many screens. */
  async screenshot(file: string, highest = 8_000): Promise<void> {
    const { cssContentSize } = await this.send<{ cssContentSize: { width: number; height: number } }>("Page.getLayoutMetrics");
    const clip = { x: 0, y: 0, width: cssContentSize.width, height: Math.min(cssContentSize.height, highest), scale: 1 };
    const { data } = await this.send<{ data: string }>("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, clip });
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null && this.process.pid !== undefined) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.session = undefined;
      // By its own command, it ends its children first, which write into its directory.
      await this.send("Browser.close").catch(() => this.process.kill());
      await ended;
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
