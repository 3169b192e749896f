/**
 * Sim-RL whose form is stricter: every call has to satisfy its tool's JSON Schema, types and required arguments included, as a program
 * that is called would demand it. A call that does not earns -1, like an argument that the tool does not have.
 *
 * Data sets are not always right: a tool whose schema a call of the label itself breaks is not checked, and the scorer's `problems` say so.
 */
import { checkCall, isObjectCall, type ToolEntry } from '../chat/tools.ts';
import { JsonSchema } from '../json/schema.ts';
import { type CallCheck, PreparedTask, type Reward } from './reward.ts';
import { similarityScore, type SimRlDetail } from './simrl.ts';

export const simrlStrict: Reward<SimRlDetail> = {
  name: 'simrl_strict',
  description: "simrl, with -1 also for arguments that break their tool's JSON Schema",
  prepare(task) {
    /** Schemas of tools, each read when it is first called; undefined for a tool that is not checked. */
    const schemas = new Map<ToolEntry, JsonSchema | undefined>();
    const check: CallCheck = (call, table) => {
      const valid = checkCall(call, table);
      const tool = 'kind' in valid ? undefined : table.find(valid.name);
      if ('kind' in valid || tool === undefined) return valid;
      if (!schemas.has(tool)) schemas.set(tool, JsonSchema.ofParameters(tool.parameters));
      const schema = schemas.get(tool);
      if (schema === undefined) return valid;
      const fault = isObjectCall(valid) ? schema.fault(valid.arguments) : 'They are no object.';
      if (fault === undefined) return valid;
      const message = `The arguments of ${valid.name} are not what its schema asks for. ${fault}`;
      return { kind: 'malformed', fault: 'schema_violation', message };
    };
    const prepared = new PreparedTask(task, check);
    const { label, table, problems } = prepared;
    const exempted = (label.kind === 'calls' ? label.calls : []).flatMap((call) => {
      const [checked, tool] = [check(call, table), table.find(call.name)];
      if (!('kind' in checked) || checked.fault !== 'schema_violation' || tool === undefined) return [];
      schemas.set(tool, undefined);
      return [`${checked.message} It is a call of the label, so ${call.name} is not checked.`];
    });
    return { problems: [...problems, ...exempted], score: similarityScore(prepared) };
  },
};
