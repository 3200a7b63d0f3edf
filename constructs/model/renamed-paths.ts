import { SpecError } from "./errors";

/**
 * Resolves a spec that the library composed, and reports its violations at the caller's settings.
 *
 * @param paths prefixes of paths in the spec, longer ones first, and the caller's names for them. In remedies, only those with a dot.
 * @throws SpecError with the caller's paths.
 */
export function withRenamedPaths<T>(paths: Readonly<Record<string, string>>, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const renamed = Object.entries(paths);
    const renamePath = (path: string): string => {
      const [from, to] = renamed.find(([beginning]) => path.startsWith(beginning)) ?? ["", ""];
      return `${to}${path.slice(from.length)}`;
    };
    const renameIn = (remedy: string): string =>
      renamed.reduce((text, [from, to]) => (from.includes(".") ? text.replaceAll(from, to) : text), remedy);
    throw new SpecError(error.violations.map((found) => ({ ...found, path: renamePath(found.path), remedy: renameIn(found.remedy) })));
  }
}
