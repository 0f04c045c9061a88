// @ts-check
// A plugin for typedoc. The `kind` of a discriminated union says nothing that its type does not, so it needs no sentence
// in the source; here it gets one, and every other declaration must bring its own.
import { Comment, Converter, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const property of context.project.getReflectionsByKind(ReflectionKind.Property)) {
      if (property.name === 'kind')
        property.comment ??= new Comment([{ kind: 'text', text: 'Tells the members of the union apart.' }]);
    }
  });
}
