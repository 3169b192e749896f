/** Makes a tool definition of a function: which of its names it goes by is drawn anew for each tool set. */
import type { Rng } from '../../../src/base/rng.ts';
import { required } from '../../../src/base/errors.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { FunctionSpec, Kind } from './spec.ts';

/** A function under the names that one tool set gives it. */
export interface DrawnFunction {
  readonly spec: FunctionSpec;
  readonly tool: Tool;
  /** The drawn name of each parameter, by its key, in the schema's order. */
  readonly argumentNames: ReadonlyMap<string, string>;
}

function schemaOf(kind: Kind): JsonObject {
  if (kind.type === 'number') return { type: 'integer' };
  return kind.type === 'choice' ? { type: 'string', enum: kind.values } : { type: 'string' };
}

export function drawFunction(rng: Rng, spec: FunctionSpec): DrawnFunction {
  const argumentNames = new Map(spec.params.map((param) => [param.key, rng.pick(param.names)]));
  const nameOf = (key: string): string => required(argumentNames.get(key), `parameter ${key}`);
  const tool: Tool = {
    name: rng.pick(spec.names),
    description: rng.pick(spec.descriptions),
    parameters: {
      type: 'object',
      properties: Object.fromEntries(spec.params.map((param) => [nameOf(param.key), schemaOf(param.kind)])),
      required: spec.params.filter((param) => param.required).map((param) => nameOf(param.key)),
    },
  };
  return { spec, tool, argumentNames };
}
