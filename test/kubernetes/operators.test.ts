import { describe, expect, it } from "vitest";
import { EXTERNAL_SECRETS, RELOADER } from "../../constructs/kubernetes/operators";

describe("operators", () => {
  it("have names that no other release of a cluster has by chance, and that Kubernetes takes", () => {
    for (const { release, namespace } of [EXTERNAL_SECRETS, RELOADER]) {
      // Helm: 53 letters.
      expect(release).toMatch(/^platform-postgres-[a-z-]{1,35}$/);
      expect(namespace).toBe(release);
    }
  });
});
