import { describe, expect, it } from "vitest";
import { emptyWith, refusal, resolveHere } from "../fixtures/specs";

const resolve = (change: object) => resolveHere(emptyWith(change));
const refused = (change: object): string => refusal(emptyWith(change));
const existing = (host: string, port?: number) => ({
  existing: { host, ...(port === undefined ? {} : { port }), ca: "ca.pem", masterSecret: "m.json" },
});

describe("labels that this project sets", () => {
  it("are accepted where they say the same", () => {
    expect(resolve({ owner: "ml", labels: { environment: "production", owner: "ml", stage: "x" } }).name).toBe("production");
    expect(resolve({ labels: { owner: "ml" } }).spec.labels).toEqual({ owner: "ml" });
  });

  it.each([
    [
      { labels: { environment: "prod" } },
      'labels.environment: is set by this project, from the environment\'s name, got "prod"; remove it, or rename it [labels-of-this-project]',
    ],
    [
      { owner: "data", labels: { owner: "ml" } },
      'labels.owner: is set by this project, from owner, got "ml"; remove it, or change owner [labels-of-this-project]',
    ],
  ])("are refused where they would override: %j", (change, message) => {
    expect(refused(change)).toBe(`invalid spec:\n  - ${message}`);
  });
});

describe("an existing server", () => {
  it("can have several instances on several ports", () => {
    const instances = { one: existing("db.example"), two: existing("db.example", 5433) };
    expect(Object.keys(resolve({ instances }).instances)).toEqual(["one", "two"]);
  });

  it.each(["db.example", "DB.Example", "db.example."])("is one instance, also as %s", (host) => {
    expect(refused({ instances: { one: existing("db.example"), two: existing(host, 5432) } })).toBe(
      `invalid spec:\n  - instances.two.existing.host: is already the server of instance one, so its connections would be counted twice, got "${host}"; move its platforms to one, and remove two [existing-server-once]`,
    );
  });
});
