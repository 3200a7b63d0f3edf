import { describe, expect, it } from "vitest";
import development from "../../fixtures/environments/development";
import production from "../../fixtures/environments/production";
import { resolveGcp } from "../../fixtures/gcp";
import { masked, registerEnvironment } from "../../fixtures/registrations";

describe("what an environment registers", () => {
  it.each([
    ["development", development],
    ["production", production],
  ])("for %s is this", async (_name, spec) => {
    const { resources, outputs } = await registerEnvironment(resolveGcp(spec));
    const shown = resources.map(({ type, name: own, inputs, secrets, protect, retainOnDelete, ignoreChanges }) => ({
      [`${type} ${own}`]: {
        ...inputs,
        ...(secrets.length > 0 ? { "(secret)": secrets } : {}),
        ...(protect ? { "(protected)": true } : {}),
        ...(retainOnDelete ? { "(retained)": true } : {}),
        ...(ignoreChanges.length > 0 ? { "(ignored)": ignoreChanges } : {}),
      },
    }));
    expect(masked([...shown, { outputs }])).toMatchSnapshot();
  });

  it("is the same however often it is asked, and whatever was asked before", async () => {
    const [first, second] = await Promise.all([registerEnvironment(resolveGcp(development)), registerEnvironment(resolveGcp(development))]);
    expect(first.resources.length).toBeGreaterThan(40);
    expect(second).toEqual(first);
    await registerEnvironment(resolveGcp(production));
    expect(await registerEnvironment(resolveGcp(development))).toEqual(first);
  });
});
