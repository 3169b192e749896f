/**
 * Sim-RL whose form is stricter: every call has to satisfy its tool's JSON Schema, types and required arguments included, as a program
 * that is called would demand it. A call that does not earns -1, like an argument that the tool does not have.
 *
 * Data sets are not always right: a tool whose schema a call of the label itself breaks is not checked, and the scorer's `problems` say so.
 */
import type { WrittenCall } from '../chat/formats/format.ts';
import type { GoldCall } from '../chat/generation.ts';
import { checkCall, isObjectCall, type ToolEntry, type ToolTable } from '../chat/tools.ts';
import { JsonSchema } from '../json/schema.ts';
import { type CheckedCall, PreparedTask, type Reward } from './reward.ts';
import { similarityScore, type SimRlDetail } from './simrl.ts';

/** Checks calls against the schemas of their tools, each read when it is first called. */
class SchemaChecker {
  readonly #schemas = new Map<ToolEntry, JsonSchema | undefined>();

  check(call: WrittenCall, table: ToolTable): CheckedCall {
    const valid = checkCall(call, table);
    const tool = 'kind' in valid ? undefined : table.find(valid.name);
    if ('kind' in valid || tool === undefined) return valid;
    if (!this.#schemas.has(tool)) this.#schemas.set(tool, JsonSchema.ofParameters(tool.parameters));
    const schema = this.#schemas.get(tool);
    if (schema === undefined) return valid;
    const fault = isObjectCall(valid) ? schema.fault(valid.arguments) : 'They are no object.';
    if (fault === undefined) return valid;
    const message = `The arguments of ${valid.name} are not what its schema asks for. ${fault}`;
    return { kind: 'malformed', fault: 'schema_violation', message };
  }

  /** No longer checks the tools whose schemas these calls break, and says which. */
  exempt(calls: readonly GoldCall[], table: ToolTable): readonly string[] {
    const problems: string[] = [];
    for (const call of calls) {
      const [checked, tool] = [this.check(call, table), table.find(call.name)];
      if (!('kind' in checked) || checked.fault !== 'schema_violation' || tool === undefined) continue;
      this.#schemas.set(tool, undefined);
      problems.push(`${checked.message} It is a call of the label, so ${call.name} is not checked.`);
    }
    return problems;
  }
}

/** Sim-RL with schemas; what that means is said at the head of this file. */
export const simrlStrict: Reward<SimRlDetail> = {
  name: 'simrl_strict',
  description: "simrl, with -1 also for arguments that break their tool's JSON Schema",
  prepare(task) {
    const checker = new SchemaChecker();
    const prepared = new PreparedTask(task, (call, table) => checker.check(call, table));
    const { label, table } = prepared;
    const exempted = checker.exempt(label.kind === 'calls' ? label.calls : [], table);
    return { problems: [...prepared.problems, ...exempted], score: similarityScore(prepared) };
  },
};
