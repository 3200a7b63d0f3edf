import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

/** A name that nobody else has, which both certificates carry. */
export const NAME = "db.example";
const PORT = 5432;

/** A server of the pair; also the third byte of its network. */
const SIDES = { primary: 1, standby: 2 } as const;
export type Side = keyof typeof SIDES;

/** Nobody has it: frames to it arrive nowhere, and no error comes back. */
const NOBODY = "02:00:00:00:00:99";

/** Listens at a host and port, and passes bytes on to a socket's file. */
const RELAY = `
const net = require("node:net");
const [host, port, path] = process.argv.slice(1);
net.createServer((near) => {
  const far = net.connect(path);
  const end = () => { near.destroy(); far.destroy(); };
  for (const each of [near, far]) each.on("error", end).on("close", end);
  near.pipe(far).pipe(near);
}).listen({ host, port: Number(port) }, () => console.log("listening"));
`;

/** Why this machine has no networks for a proof; null if it has. */
function noNetworks(): string | null {
  const name = `pp${process.pid}try`;
  const { status, stderr, error } = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (error !== undefined) return "there is no program ip";
  if (status !== 0) return stderr.trim().split("\n")[0] ?? "no network namespaces";
  spawnSync("ip", ["netns", "del", name]);
  return null;
}

/** What lies between clients and servers. */
export interface Between {
  /** What it can lose: packets, or the bytes in them; the system still acknowledges the packets then. */
  readonly loses: "packets" | "bytes";
  /** The server, for everything that connects. */
  readonly name: string;
  readonly port: number;
  /** The beginning of a command that runs among the clients. */
  readonly inside: readonly [string, ...string[]];
  /** Lets the name lead to a server. */
  point(side: Side): void;
  /** Loses everything between the clients and a server, in both directions. */
  cut(side: Side): void;
  remove(): void;
}

/** A proxy on this machine, where there are no networks to take apart. */
export class Passage implements Between {
  readonly loses = "bytes";
  readonly name = "localhost";
  readonly inside = ["env"] as const;
  readonly #server = createServer((near) => this.#pass(near));
  readonly #pairs: { readonly side: Side; readonly near: Socket; readonly far: Socket }[] = [];
  #side: Side = "primary";
  #lost: Side | null = null;

  private constructor(private readonly sockets: Readonly<Record<Side, string>>) {}

  static async open(sockets: Readonly<Record<Side, string>>): Promise<Passage> {
    const passage = new Passage(sockets);
    passage.#server.listen(0, "127.0.0.1");
    await once(passage.#server, "listening");
    return passage;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  point(side: Side): void {
    this.#side = side;
  }

  cut(lost: Side): void {
    this.#lost = lost;
    for (const { side, near, far } of this.#pairs) if (side === lost) for (const each of [near, far]) each.unpipe().pause();
  }

  remove(): void {
    this.#server.close();
    for (const { near, far } of this.#pairs) for (const each of [near, far]) each.destroy();
  }

  #pass(near: Socket): void {
    const side = this.#side;
    const far = connect(this.sockets[side]);
    this.#pairs.push({ side, near, far });
    const end = () => {
      if (side !== this.#lost) for (const each of [near, far]) each.destroy();
    };
    for (const each of [near, far]) each.on("error", end).on("close", end);
    if (side !== this.#lost) near.pipe(far).pipe(near);
  }
}

/** A network of the clients, and one for each server: packets between them can get lost without a word, as when a zone fails. */
export class Network implements Between {
  readonly loses = "packets";
  readonly name = NAME;
  readonly port = PORT;
  readonly #relays: ChildProcess[] = [];

  private constructor(private readonly prefix: string) {}

  /** @param sockets files that the servers listen at. */
  static async open(sockets: Readonly<Record<Side, string>>): Promise<Network> {
    const network = new Network(`pp${process.pid}`);
    process.once("exit", () => network.remove());
    network.#ip("netns", "add", network.#clients);
    network.#ip("-n", network.#clients, "link", "set", "lo", "up");
    mkdirSync(network.#etc, { recursive: true });
    for (const [side, socket] of Object.entries(sockets)) await network.#connect(side as Side, socket);
    network.point("primary");
    return network;
  }

  get inside(): readonly [string, ...string[]] {
    return ["ip", "netns", "exec", this.#clients];
  }

  /** In place, because programs that run have the file mounted. */
  point(side: Side): void {
    writeFileSync(join(this.#etc, "hosts"), `127.0.0.1 localhost\n${addressOf(side)} ${NAME}\n`);
  }

  cut(side: Side): void {
    this.#neighbour(this.#clients, `to${side}`, addressOf(side), NOBODY);
    this.#neighbour(this.#server(side), "eth", addressOf(side, 1), NOBODY);
  }

  remove(): void {
    for (const relay of this.#relays) relay.kill();
    for (const each of [this.#clients, ...Object.keys(SIDES).map((side) => this.#server(side as Side))])
      spawnSync("ip", ["netns", "del", each]);
    rmSync(this.#etc, { recursive: true, force: true });
  }

  get #clients(): string {
    return `${this.prefix}clients`;
  }

  get #etc(): string {
    return join("/etc/netns", this.#clients);
  }

  readonly #server = (side: Side): string => `${this.prefix}${side}`;

  async #connect(side: Side, socket: string): Promise<void> {
    const [clients, server, link] = [this.#clients, this.#server(side), `to${side}`];
    this.#ip("netns", "add", server);
    this.#ip("-n", clients, "link", "add", "name", link, "type", "veth", "peer", "name", "eth", "netns", server);
    for (const [namespace, device, host] of [
      [clients, link, 1],
      [server, "eth", 2],
    ] as const) {
      this.#ip("-n", namespace, "addr", "add", `${addressOf(side, host)}/30`, "dev", device);
      this.#ip("-n", namespace, "link", "set", device, "up");
    }
    const relay = spawn("ip", ["netns", "exec", server, process.execPath, "-e", RELAY, addressOf(side), String(PORT), socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#relays.push(relay);
    await once(relay.stdout, "data");
  }

  /** For good: a router goes on to know the way to a server that is gone. */
  #neighbour(namespace: string, device: string, address: string, hardware: string): void {
    this.#ip("-n", namespace, "neigh", "replace", address, "lladdr", hardware, "nud", "permanent", "dev", device);
  }

  #ip(...args: readonly string[]): void {
    const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  }
}

const addressOf = (side: Side, host = 2): string => `10.213.${SIDES[side]}.${host}`;

/** The best that this machine has. @returns also why it is not packets that get lost, or null. */
export async function openBetween(sockets: Readonly<Record<Side, string>>): Promise<readonly [Between, string | null]> {
  const reason = noNetworks();
  return [reason === null ? await Network.open(sockets) : await Passage.open(sockets), reason];
}
