/** The languages of the functions: what their documents' types are in Python, and how their literals are read. */
import type { PyValue } from '../../../../../src/json/python.ts';
import type { AstError } from './errors.ts';
import { readJava } from './java.ts';
import { readJavaScript } from './javascript.ts';
import type { PyType } from './types.ts';

/** A value of a language whose calls are written with every argument as text. */
export interface Literals {
  /** The value that `text` writes, for a type of a document; text that is no such literal stays text. */
  read(text: string, type: string, items: string | undefined): PyValue;
  /** The error of an argument that is no text. */
  readonly notText: AstError;
}

export interface Language {
  readonly types: ReadonlyMap<string, PyType>;
  /** Types whose items are checked too. */
  readonly nested: ReadonlySet<string>;
  /** Absent where arguments are plain JSON. */
  readonly literals?: Literals;
  /** Tells whether an int passes for a float. */
  readonly intIsFloat: boolean;
}

const python: Language = {
  types: new Map<string, PyType>([
    ['string', 'str'],
    ['integer', 'int'],
    ['float', 'float'],
    ['boolean', 'bool'],
    ['array', 'list'],
    ['tuple', 'list'],
    ['dict', 'dict'],
    ['any', 'str'],
  ]),
  nested: new Set(['array', 'tuple']),
  intIsFloat: true,
};

const java: Language = {
  types: new Map<string, PyType>([
    ['byte', 'int'],
    ['short', 'int'],
    ['integer', 'int'],
    ['long', 'int'],
    ['float', 'float'],
    ['double', 'float'],
    ['boolean', 'bool'],
    ['char', 'str'],
    ['String', 'str'],
    ['any', 'str'],
    ['Array', 'list'],
    ['ArrayList', 'list'],
    ['HashMap', 'dict'],
  ]),
  nested: new Set(['Array', 'ArrayList']),
  literals: { read: readJava, notText: 'type_error:java' },
  intIsFloat: false,
};

const javascript: Language = {
  types: new Map<string, PyType>([
    ['String', 'str'],
    ['integer', 'int'],
    ['Bigint', 'int'],
    ['float', 'float'],
    ['Boolean', 'bool'],
    ['any', 'str'],
    ['array', 'list'],
    ['dict', 'dict'],
  ]),
  nested: new Set(['array']),
  literals: { read: readJavaScript, notText: 'type_error:js' },
  intIsFloat: false,
};

export const LANGUAGES = { python, java, javascript };
export type LanguageName = keyof typeof LANGUAGES;
