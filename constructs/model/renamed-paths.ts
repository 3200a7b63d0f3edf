import { SpecError } from "./errors";

/**
 * Resolves a spec that a part of the library composed, and reports its violations where the caller wrote the settings.
 *
 * @param paths beginnings of paths in the spec, longer ones first, and what the caller knows them as. In remedies, those with a dot.
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
