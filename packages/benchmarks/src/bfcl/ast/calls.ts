/**
 * Calls against the accepted answers: BFCL's comparison of syntax trees, which runs nothing. An answer names, for each
 * parameter, the list of values that are accepted; "" in the list means that the parameter may be left out.
 */
import { UserError } from '../../../../../src/base/errors.ts';
import { pyIncludes } from '../../../../../src/json/equals.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../../src/json/python.ts';
import { pyRepr } from '../../../../../src/json/repr.ts';
import type { AstError } from './errors.ts';
import { LANGUAGES, type Language, type LanguageName } from './languages.ts';
import { checkType, type PyType } from './types.ts';
import { checkDict, checkDictList, checkList, checkString, isOptional } from './values.ts';

/** A call as a model wrote it; the name is any JSON value. */
export interface ModelCall {
  readonly name: PyValue;
  readonly arguments: PyDict;
}

/** One check. */
export interface AstCase {
  /** Documents of the functions: {name, parameters: {properties, required}}. */
  readonly functions: readonly PyDict[];
  /** One dict a call that is expected: {name: {parameter: [accepted values]}}. */
  readonly answers: readonly PyDict[];
  readonly language: LanguageName;
  /** Tells whether models were shown the functions' names with underscores for dots. */
  readonly areDotsUnderscores?: boolean;
}

/** Number and order of the calls that are expected. */
export type CallPattern = 'simple' | 'multiple' | 'parallel';

/**
 * The calls in decoded output, a list of dicts of one name and its arguments each; undefined where it is anything else.
 */
export function callsOf(decoded: PyValue): readonly ModelCall[] | undefined {
  if (!isList(decoded)) return undefined;
  const calls: ModelCall[] = [];
  for (const item of decoded) {
    const [entry, ...more] = isDict(item) ? item : [];
    if (entry === undefined || more.length > 0 || !isDict(entry[1])) return undefined;
    calls.push({ name: entry[0], arguments: entry[1] });
  }
  return calls;
}

/** The first error of `calls`, or undefined where they are right. */
export function checkCalls(
  pattern: CallPattern,
  task: AstCase,
  calls: readonly ModelCall[],
): AstError | undefined {
  switch (pattern) {
    case 'simple':
      return checkSimple(task, calls);
    case 'multiple':
      return checkMultiple(task, calls);
    case 'parallel':
      return checkParallel(task, calls);
    default:
      return pattern satisfies never;
  }
}

/** The answer's function is not looked up: the entry has one document. */
function checkSimple(task: AstCase, calls: readonly ModelCall[]): AstError | undefined {
  const [call, ...more] = calls;
  if (call === undefined || more.length > 0) return 'simple_function_checker:wrong_count';
  return checkCall(task, task.functions[0], call, task.answers[0]);
}

function checkMultiple(task: AstCase, calls: readonly ModelCall[]): AstError | undefined {
  const [call] = calls;
  const [answer] = task.answers;
  if (calls.length !== task.answers.length || call === undefined)
    return 'multiple_function_checker:wrong_count';
  return checkCall(task, documentOf(task, answer), call, answer);
}

/** Each answer takes the first call left that passes; no other assignment is tried. */
function checkParallel(task: AstCase, calls: readonly ModelCall[]): AstError | undefined {
  if (calls.length !== task.answers.length) return 'parallel_function_checker_no_order:wrong_count';
  const left = [...calls];
  for (const answer of task.answers) {
    const document = documentOf(task, answer);
    const match = left.findIndex((call) => checkCall(task, document, call, answer) === undefined);
    if (match < 0) return 'parallel_function_checker_no_order:cannot_find_match';
    left.splice(match, 1);
  }
  return undefined;
}

/** The first document with the name of the answer. */
function documentOf({ functions }: AstCase, answer: PyDict | undefined): PyDict | undefined {
  const name = answer?.keys().next().value;
  return functions.find((document) => document.get('name') === name);
}

const NONE: PyDict = new Map();

function dictAt(of: PyDict | undefined, key: string): PyDict {
  const value = of?.get(key);
  return isDict(value) ? value : NONE;
}

/** One call against one answer, whose own name plays no part. */
function checkCall(
  { language, areDotsUnderscores = false }: AstCase,
  document: PyDict | undefined,
  call: ModelCall,
  answer: PyDict | undefined,
): AstError | undefined {
  const first = answer?.values().next().value;
  const accepted = isDict(first) ? first : NONE;
  const parameters = dictAt(document, 'parameters');
  const properties = dictAt(parameters, 'properties');
  const written = document?.get('name');
  const wanted = areDotsUnderscores && typeof written === 'string' ? written.replaceAll('.', '_') : written;
  if (wanted === undefined || call.name !== wanted) return 'simple_function_checker:wrong_func_name';
  const needed = parameters.get('required');
  for (const name of isList(needed) ? needed : []) {
    if (typeof name === 'string' && !call.arguments.has(name))
      return 'simple_function_checker:missing_required';
  }
  for (const [name, value] of call.arguments) {
    const choices = accepted.get(name);
    if (!properties.has(name) || !isList(choices)) return 'simple_function_checker:unexpected_param';
    const error = checkArgument(value, dictAt(properties, name), choices, language);
    if (error !== undefined) return error;
  }
  for (const [name, choices] of accepted) {
    if (!call.arguments.has(name) && !isOptional(choices)) return 'simple_function_checker:missing_optional';
  }
  return undefined;
}

function checkArgument(
  written: PyValue,
  property: PyDict,
  accepted: readonly PyValue[],
  languageName: LanguageName,
): AstError | undefined {
  const language = LANGUAGES[languageName];
  const { type, pyType, items, pyItems } = typesOf(property, language, languageName);
  let value = written;
  if (language.literals !== undefined) {
    if (typeof written !== 'string') return language.literals.notText;
    value = language.literals.read(written, type, items);
  }
  if (language.intIsFloat && type === 'float' && typeof value === 'bigint') value = Number(value);
  const check = checkType(value, accepted, pyType, pyItems);
  if (!check.ok) return check.error;
  if (!check.isVariable) {
    if (isDict(value)) return checkDict(value, accepted);
    if (isList(value))
      return pyItems === 'dict' ? checkDictList(value, accepted) : checkList(value, accepted);
    if (typeof value === 'string') return checkString(value, accepted);
  }
  return pyIncludes(accepted, value) ? undefined : 'value_error:others';
}

interface ArgumentTypes {
  /** As the document has them. */
  readonly type: string;
  readonly items: string | undefined;
  /** Their type in Python. */
  readonly pyType: PyType;
  readonly pyItems: PyType | undefined;
}

function typesOf(property: PyDict, language: Language, name: LanguageName): ArgumentTypes {
  const known = (type: PyValue | undefined): [string, PyType] => {
    const pyType = typeof type === 'string' ? language.types.get(type) : undefined;
    if (typeof type === 'string' && pyType !== undefined) return [type, pyType];
    throw new UserError(
      'BFCL_TYPE',
      `A parameter of a ${name} function has the type ${pyRepr(type ?? null)}; there are ${[...language.types.keys()].join(', ')}.`,
    );
  };
  const [type, pyType] = known(property.get('type'));
  const itemType = language.nested.has(type) ? dictAt(property, 'items').get('type') : undefined;
  if (itemType === undefined) return { type, pyType, items: undefined, pyItems: undefined };
  const [items, pyItems] = known(itemType);
  return { type, pyType, items, pyItems };
}
