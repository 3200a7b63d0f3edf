import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(__dirname, "..");
const PAGES = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md"))
  .map((file) => join("docs", file));

/** Blocks of pages that name the example that they show in their first line. */
const SHOWN = PAGES.flatMap((page) =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```(?:ts|yaml)\n(?:\/\/|#) (examples\/\S+)\n([\s\S]*?)^```$/gm)].map(
    ([, file = "", text = ""]) => ({ page, file, text }),
  ),
);

describe("examples that pages show", () => {
  it.each(SHOWN)("$page shows $file as it is", ({ file, text }) => {
    expect(text).toBe(readFileSync(join(ROOT, file), "utf8"));
  });

  it("are all programs and files for GitOps", () => {
    const shown = new Set(SHOWN.map(({ file }) => file));
    const files = ["aws-app", "gcp-program", "wire-existing", "gitops"].flatMap((folder) =>
      readdirSync(join(ROOT, "examples", folder)).map((file) => join("examples", folder, file)),
    );
    expect(files.filter((file) => !shown.has(file))).toEqual([]);
  });
});
