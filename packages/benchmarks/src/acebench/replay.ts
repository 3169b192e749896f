/**
 * The official answers as replies. Not all of them pass their own checker, so no model can be expected to score 100%: the share
 * that does is the ceiling that a score is to be read against.
 */
import { isDict, isList, type PyValue } from '../../../../src/json/python.ts';
import { pyRepr, pyStr } from '../../../../src/json/repr.ts';
import { REPEAT } from './check.ts';
import type { Entry } from './dataset.ts';

/** The reply of a model that knows the official answer. */
export function officialReply({ category, golds }: Entry): string {
  const [gold = null] = golds;
  if (category.kind === 'normal') return `[${callsOf(gold).join(', ')}]`;
  if (!isDict(gold)) return pyStr(gold);
  const parts = [...gold].map(([name, items]) => sentence(category.name, name, items));
  return `[${parts.map((part) => `"${part}"`).join(', ')}]`;
}

function callsOf(gold: PyValue): string[] {
  if (!isDict(gold)) return [];
  return [...gold].map(([name, given]) => {
    const parts = isDict(given) ? [...given].map(([key, value]) => `${key}=${pyRepr(value)}`) : [];
    return `${name.replace(REPEAT, '')}(${parts.join(', ')})`;
  });
}

function sentence(kind: string, name: string, items: PyValue): string {
  const list = (isList(items) ? items : []).map(pyStr).join(', ');
  return kind === 'incomplete'
    ? `Missing necessary parameters (${list}) for the api (${name})`
    : `There is incorrect value (${list}) for the parameters (${name}) in the conversation history.`;
}
