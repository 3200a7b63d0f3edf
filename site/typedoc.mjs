// A plugin of TypeDoc: names each module as users import it.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { Converter, ReflectionKind } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  const { names, root } = JSON.parse(readFileSync(process.env.PLATFORM_POSTGRES_MODULES, "utf8"));
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return;
    const file = context.getSymbolFromReflection?.(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    const name = file === undefined ? undefined : names[relative(root, file)];
    if (name !== undefined) reflection.name = name;
  });
}
