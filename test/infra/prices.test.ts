import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { pricesOfOffer } from "../../infra/cost/aws-price-list";
import { updatePrices } from "../../infra/cost/fetch-prices";
import { pricesOfSkus } from "../../infra/cost/google-price-list";
import { type ListedPrice, PRICES_FILE, readPrices } from "../../infra/cost/prices";

/**
 * A few products and SKUs, with what must not be taken for them. The shapes are those of `client/apiExample` in github.com/bytebase/dbcost
 * (recorded in 2022) and of `internal/cost/cmd/testdata` in github.com/mooncitizen/togen (2026).
 */
const fixture = (name: string) => JSON.parse(readFileSync(join(__dirname, "..", "fixtures", "price-lists", `${name}.json`), "utf8"));
const OFFERS = fixture("aws-offers") as Readonly<Record<string, unknown>>;
const SKUS = fixture("google-skus") as Readonly<Record<string, readonly unknown[]>>;

const keys = (prices: readonly ListedPrice[]) =>
  prices.map(({ part, standby, item, unit, usd }) => [part, ...(standby ? ["standby"] : []), item, unit, usd].join(" "));

describe("price lists of the vendors", () => {
  it("finds classes, disks and backups in AWS's offer of RDS, and no other engine's, nor clusters", () => {
    const prices = pricesOfOffer(OFFERS.AmazonRDS, "eu-central-1", "https://example.org/rds");
    expect(keys(prices)).toEqual([
      "instance db.t4g.medium hour 0.074",
      "instance standby db.t4g.medium hour 0.149",
      "storage gp3 GiB-month 0.137",
      "storage standby gp3 GiB-month 0.274",
      "backup each GiB-month 0.103",
    ]);
    expect(prices[0]).toMatchObject({ cloud: "aws", region: "eu-central-1", source: "https://example.org/rds", date: "2026-11-20" });
    expect(pricesOfOffer(OFFERS.AmazonRDS, "eu-west-1", "https://example.org/rds")).toEqual([]);
  });

  it("finds secrets, keys and endpoints in AWS's other offers", () => {
    const found = ["AWSSecretsManager", "awskms", "AmazonVPC"].flatMap((offer) =>
      pricesOfOffer(OFFERS[offer], "eu-central-1", "https://a.b/c"),
    );
    expect(keys(found)).toEqual(["secret each month 0.4", "key each month 1", "endpoint each hour 0.012"]);
  });

  it("finds PostgreSQL's prices of a region in Google's catalog, page by page, and no commitments, trials or fixed sizes", () => {
    const prices = pricesOfSkus(SKUS["9662-B51E-5089"] ?? [], "europe-west4", "https://example.org/sql");
    expect(keys(prices)).toEqual([
      "vcpu ENTERPRISE hour 0.0454",
      "vcpu standby ENTERPRISE hour 0.0909",
      "vcpu ENTERPRISE_PLUS N2 hour 1.0591",
      "memory ENTERPRISE N4 GiB-hour 0.0081",
    ]);
    expect(prices[0]).toMatchObject({ cloud: "gcp", region: "europe-west4", date: "2026-11-18" });
    expect(keys(pricesOfSkus(SKUS["EE82-7A5E-871C"] ?? [], "europe-west4", "https://a.b/c"))).toEqual(["secret each month 0.06"]);
  });

  it("rejects anything else", () => {
    expect(() => pricesOfOffer({ message: "Forbidden" }, "eu-central-1", "")).toThrow("not an offer file of AWS");
    expect(() => pricesOfSkus([{ error: {} }], "europe-west4", "")).toThrow("not an answer of the Cloud Billing Catalog");
  });
});

describe("updatePrices", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const copy = (): string => {
    const file = join(mkdtempSync(join(tmpdir(), "prices-")), "prices.json");
    copyFileSync(PRICES_FILE, file);
    return file;
  };
  const update = (server: string, file: string, googleKey: string | null) =>
    updatePrices({
      servers: { aws: server, google: server },
      regions: { aws: ["eu-central-1"], gcp: ["europe-west4"] },
      googleKey,
      file,
      doing: () => undefined,
    });

  it("writes what the lists say now, and keeps the rest with its older date", async () => {
    const requests: string[] = [];
    const server = await serve((request, response) => {
      const url = new URL(request.url ?? "", "http://localhost");
      requests.push(`${url.pathname} ${request.headers["x-goog-api-key"] ?? ""}`.trim());
      const [, , , , offer = ""] = url.pathname.split("/");
      const [, service = ""] = /services\/([^/]+)\/skus$/.exec(url.pathname) ?? [];
      const page = url.searchParams.get("pageToken") === "page two" ? 1 : 0;
      response.end(JSON.stringify(service === "" ? OFFERS[offer] : SKUS[service]?.[page]));
    });
    const file = copy();
    const before = readPrices(file);
    expect((await update(server, file, "a-key")).read).toBe(13);
    const after = readPrices(file);
    const frankfurt = { cloud: "aws", region: "eu-central-1", standby: false, item: "each" } as const;
    expect(after.find({ ...frankfurt, part: "endpoint" })).toMatchObject({ usd: 0.012, date: "2026-11-20" });
    expect(after.find({ ...frankfurt, part: "instance", item: "db.t4g.medium" })?.source).toBe(
      `${server}/offers/v1.0/aws/AmazonRDS/current/eu-central-1/index.json`,
    );
    const m7g = { ...frankfurt, part: "instance", item: "db.m7g.xlarge" } as const;
    expect(after.find(m7g)).toEqual(before.find(m7g));
    expect(requests).toEqual([
      ...["AmazonRDS", "AWSSecretsManager", "awskms", "AmazonVPC"].map(
        (offer) => `/offers/v1.0/aws/${offer}/current/eu-central-1/index.json`,
      ),
      "/v1/services/9662-B51E-5089/skus a-key",
      "/v1/services/9662-B51E-5089/skus a-key",
      "/v1/services/EE82-7A5E-871C/skus a-key",
    ]);
    expect(readFileSync(file, "utf8")).not.toContain("a-key");
  });

  it("writes nothing and says so in a sentence if a list cannot be read, even the last one", async () => {
    const closed = await serve(() => undefined);
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    const file = copy();
    const address = `${closed}/offers/v1.0/aws/AmazonRDS/current/eu-central-1/index.json`;
    await expect(update(closed, file, null)).rejects.toThrow(
      `cannot read ${address}: connect ECONNREFUSED ${closed.replace("http://", "")}; no price was changed; run this where the address can be reached`,
    );
    const forbidding = await serve((request, response) => {
      const [, , , , offer = ""] = (request.url ?? "").split("/");
      if (request.url?.startsWith("/v1/")) response.writeHead(403);
      response.end(JSON.stringify(OFFERS[offer] ?? {}));
    });
    const failure = await update(forbidding, file, "a-key").catch((error: Error) => error);
    expect(failure).toMatchObject({
      name: "UserError",
      message: expect.stringMatching(/skus\?.*: the server answered 403; no price was changed/),
    });
    expect(String(failure)).not.toContain("a-key");
    expect(readFileSync(file, "utf8")).toBe(readFileSync(PRICES_FILE, "utf8"));
  });

  it("leaves Google's prices as they are without a key", async () => {
    const server = await serve((request, response) => response.end(JSON.stringify(OFFERS[(request.url ?? "").split("/")[4] ?? ""] ?? {})));
    expect((await update(server, copy(), null)).read).toBe(8);
  });
});

describe("npm run prices", () => {
  const run = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", "tsx/cjs", "infra/commands/prices.ts", ...args], {
      cwd: join(__dirname, "..", ".."),
      encoding: "utf8",
      env: { ...process.env, GOOGLE_CLOUD_API_KEY: "", NO_COLOR: "1", FORCE_COLOR: undefined },
    });
    return [status, stdout, stderr];
  };

  it("rejects a region that is not the cloud's, before anything is read", () => {
    const message = "✖ europe-west4, ../x: not a region of aws; name one such as eu-central-1 or europe-west4\n";
    expect(run("--cloud", "aws", "eu-west-1", "europe-west4", "../x")).toEqual([1, "", message]);
  });

  it("needs a key for Google's prices alone", () => {
    const message = "✖ GOOGLE_CLOUD_API_KEY is not set; to read Google's prices, set it to an API key for the Cloud Billing API\n";
    expect(run("--cloud", "gcp")).toEqual([1, "", message]);
  });
});
