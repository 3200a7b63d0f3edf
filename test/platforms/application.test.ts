import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { resolveUnknown } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { ENDINGS } from "../../constructs/platforms/application/addresses";
import { platforms } from "../../constructs/platforms/registry";

const page = readFileSync(join(__dirname, "..", "..", "docs", "application.md"), "utf8");

/** The first cells of the table below a heading. */
function documented(heading: string): readonly string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| (`.+?`) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

function wiringOf(databases: object) {
  const spec = { name: "test", instances: { main: {} }, platforms: { app: { platform: "application", databases } } };
  const environment = resolveUnknown(spec, { target: local, platforms });
  const wired = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null })).app;
  if (wired === undefined) throw new TypeError("app was not wired");
  return wired.wiring;
}

describe("an application's page", () => {
  const keys = documented("The Secret");

  it("documents every key of the Secret, and no other", () => {
    expect(keys.length).toBeGreaterThan(9);
    expect([...keys].sort()).toEqual(Object.keys(wiringOf({}).secret).sort());
  });

  it("documents the keys of a further database: those of the main one with its key in front", () => {
    const { secret } = wiringOf({ main: {}, events: {} });
    expect(Object.keys(secret).sort()).toEqual([...keys, ...ENDINGS.map((ending) => `events-${ending}`)].sort());
  });

  it("documents every variable of a process", () => {
    const variables = Object.keys(wiringOf({ main: {}, events: {} }).variables);
    expect([...documented("How a Deployment reads it")].sort()).toEqual(variables.sort());
  });
});
