/** Scalars of a list in which none comes twice. */
import type { JsonValue } from '../../../src/json/value.ts';
import { refused } from './choices.ts';
import type { Language, Languages } from './languages.ts';
import { type Bounds, leadsToNumber, someNumbers } from './numbers.ts';

/** Values of one kind that are compared by their text. */
type Scalar =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'string'; readonly language: Language; readonly isNamed: boolean }
  | { readonly kind: 'number'; readonly bounds: Bounds };

/** Scalars that may still come. */
export interface Distinct {
  readonly forms: readonly Scalar[];
  /** Number of them, at most `most`. */
  count(most: number): number;
  without(written: JsonValue): Distinct;
}

const isScalar = (form: Scalar | { readonly kind: 'array' | 'object' }): form is Scalar =>
  form.kind === 'string' ||
  form.kind === 'number' ||
  (form.kind === 'value' && (typeof form.value !== 'object' || form.value === null));

/** Scalars of some forms. Throws a UserError where all of them are lists or objects. */
export function distinct(
  forms: readonly (Scalar | { readonly kind: 'array' | 'object' })[],
  languages: Languages,
): Distinct {
  const scalars = forms.filter(isScalar);
  if (scalars.length === 0 && forms.length > 0) throw refused('uniqueItems of lists or objects');
  return of(
    scalars.map((form) =>
      form.kind === 'number'
        ? { ...form, bounds: { ...form.bounds, without: form.bounds.without ?? [] } }
        : form,
    ),
    languages,
  );
}

function of(scalars: readonly Scalar[], languages: Languages): Distinct {
  const forms = scalars.filter(
    (form) =>
      form.kind === 'value' ||
      (form.kind === 'string' ? languages.isLive(form.language) : leadsToNumber('', form.bounds)),
  );
  const some = (form: Scalar, most: number): readonly JsonValue[] => {
    if (form.kind === 'value') return [form.value];
    return form.kind === 'string' ? languages.texts(form.language, most) : someNumbers(form.bounds, most);
  };
  return {
    forms,
    count: (most) =>
      Math.min(
        most,
        new Set(forms.flatMap((form) => some(form, most)).map((value) => JSON.stringify(value))).size,
      ),
    without: (written) =>
      of(
        forms.flatMap((form): readonly Scalar[] => {
          if (form.kind === 'value')
            return JSON.stringify(form.value) === JSON.stringify(written) ? [] : [form];
          if (form.kind === 'string' && typeof written === 'string') {
            const others = languages.not(languages.literal(written));
            return [{ ...form, language: languages.and(form.language, others) }];
          }
          if (form.kind !== 'number' || typeof written !== 'number') return [form];
          const without = [...new Set([...(form.bounds.without ?? []), written])];
          return [{ ...form, bounds: { ...form.bounds, without } }];
        }),
        languages,
      ),
  };
}
