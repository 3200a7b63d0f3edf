import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Credential } from "../../../constructs/provisioning/credential";
import { moto } from "../tools";

/** A resource that CloudFormation made, with everything in it resolved. */
export interface Made {
  readonly stack: string;
  readonly id: string;
  readonly physicalId: string;
  readonly type: string;
  /** Whether it is of a type that moto does not have, and so was only noted. */
  readonly noted: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** An instance that RDS is about to start. */
export interface NewInstance extends Credential {
  readonly host: string;
}

/** Where an instance's PostgreSQL really listens, and the certificate authority that signed for its endpoint's name. */
export interface Started {
  readonly port: number;
  readonly ca: string;
}

type Message =
  | { readonly port: number }
  | { readonly resource: Made }
  | { readonly log: string }
  | { readonly instance: NewInstance }
  | { readonly answer: unknown }
  | { readonly problem: string };

export const REGION = "eu-central-1";
/** moto's. */
export const ACCOUNT = "123456789012";

const CREDENTIALS = { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: "double", AWS_SECRET_ACCESS_KEY: "double" };

/** The double of AWS: a process, which server.py describes. */
export class AwsDouble {
  /** In the order in which they were made. */
  readonly made: Made[] = [];
  /** What functions printed. */
  readonly logs: string[] = [];
  private asked: { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void } | null = null;

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly startInstance: (instance: NewInstance) => Promise<Started>,
  ) {}

  static async start(
    startInstance: (instance: NewInstance) => Promise<Started>,
  ): Promise<{ readonly aws: AwsDouble; readonly port: number }> {
    const env = { ...CREDENTIALS, PATH: process.env.PATH, NODE: process.execPath };
    // Detached, because Ctrl-C at the terminal is for us: it ends when its input does.
    const child = spawn(moto(), [join(__dirname, "server.py")], { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const aws = new AwsDouble(child, startInstance);
    const said: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    child.stdin.on("error", () => undefined);
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const message = JSON.parse(line) as Message;
        if ("port" in message) resolve(message.port);
        else aws.hear(message);
      });
      child.once("close", () => {
        const error = new Error(`moto has ended: ${said.join("").slice(-2000)}`);
        reject(error);
        aws.asked?.reject(error);
      });
    });
    return { aws, port };
  }

  /** Process variables by which whoever means AWS means this. */
  static variables(port: number): Readonly<Record<string, string>> {
    return {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      // moto takes a template's address for one of its own only where it says localhost.
      AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION: `http://localhost:${port}`,
    };
  }

  /** Calls an operation, as boto3 names both. One at a time. */
  async ask<T>(service: string, operation: string, input: object = {}): Promise<T> {
    const answer = new Promise<unknown>((resolve, reject) => {
      this.asked = { resolve, reject };
    });
    this.tell({ call: { service, operation, input } });
    return (await answer) as T;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "close");
    this.child.stdin.end();
    await ended;
  }

  private hear(message: Exclude<Message, { readonly port: number }>): void {
    if ("resource" in message) this.made.push(message.resource);
    else if ("log" in message) this.logs.push(message.log);
    else if ("answer" in message) this.asked?.resolve(message.answer);
    else if ("problem" in message) this.asked?.reject(new Error(message.problem));
    else {
      void this.startInstance(message.instance).then(
        (server) => this.tell({ server }),
        (error: unknown) => this.tell({ server: { problem: String(error) } }),
      );
    }
  }

  private tell(message: object): void {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
